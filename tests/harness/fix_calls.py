"""Methods of the client about fixes, as in `client_calls`."""

from datetime import UTC, datetime

from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import Fix, FixGiven, FixPreview, FixResend
from healthdesk.domain.states import Environment, MappingVerb
from tests.harness import wire

STEP = MappingStep(do=MappingVerb.DEFAULT, path="risk_level", value="unknown")
SENT = {"do": "default", "path": "risk_level", "value": "unknown"}


def preview(**more):
    """Return a preview."""
    fields = {
        "before": "{}",
        "after": '{\n  "risk_level": "unknown"\n}',
        "difference": ["~ riskLevel → risk_level", "+x"],
        "version": "v1",
    }
    return FixPreview(**fields | more)


def fix(**more):
    """Return a fix."""
    made = {"id": "fix_1", "at": datetime(2024, 11, 22, 13, tzinfo=UTC), "made_by": "bob", "mapping": [STEP]}
    return Fix(**made | more)


FIX_CALLS = {
    "fix preview": (
        lambda c: c.record_fix_preview("rec_1", FixGiven(mapping=[STEP])),
        "POST /v1/records/rec_1/fix/preview",
        preview(),
        {"mapping": [SENT]},
    ),
    "fix": (
        lambda c: c.record_fix("rec_1", FixResend(mapping=[STEP], resend=False)),
        "POST /v1/records/rec_1/fix",
        wire.record_detail(),
        {"mapping": [SENT], "resend": False},
    ),
    "unfix": (
        lambda c: c.record_unfix("rec_1"),
        "POST /v1/records/rec_1/unfix",
        wire.record_detail(),
        None,
    ),
    "fixes": (
        lambda c: c.record_fixes("rec_1"),
        "GET /v1/records/rec_1/fixes",
        [fix().model_dump(mode="json")],
        None,
    ),
    "fix preview of a problem": (
        lambda c: c.problem_fix_preview("prb_1", FixGiven(mapping=[STEP])),
        "POST /v1/problems/prb_1/fix/preview",
        preview(total=127, tried=100, changes=99),
        {"mapping": [SENT]},
    ),
    "mapping save": (
        lambda c: c.integration_mapping_save("int_1", Environment.PRODUCTION, [STEP]),
        "POST /v1/integrations/int_1/mapping",
        wire.integration(),
        {"environment": "production", "mapping": [SENT], "headers": {}},
    ),
}
