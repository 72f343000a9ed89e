"""The client's calls about lookups and receipt secrets: the call, what it asks, an answer, and the body it sends."""

from pydantic import SecretStr

from healthdesk.api.flow import LookedUp
from healthdesk.api.keys import ReceiptSecretCreate
from tests.harness import wire

OUTCOME_CALLS = {
    "look up": (
        lambda c: c.record_look_up("rec_1"),
        "POST /v1/records/rec_1/look-up",
        LookedUp(found=True, sentence="The endpoint has it: it was asked and answered 200.", status=200),
        None,
    ),
    "receipt secrets": (
        lambda c: c.integration_receipt_secrets("int_1"),
        "GET /v1/integrations/int_1/receipt-secrets",
        [],
        None,
    ),
    "receipt secret": (
        lambda c: c.integration_receipt_secret_create(
            "int_1", ReceiptSecretCreate(overlap_s=60, secret=SecretStr("theirs"))
        ),
        "POST /v1/integrations/int_1/receipt-secrets",
        wire.new_secret(),
        {"overlap_s": 60, "secret": "theirs"},
    ),
}
