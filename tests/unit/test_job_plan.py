"""What was confirmed of a plan covers a few more of the same, and nothing else."""

import pytest
from tests.harness.job_calls import job_plan

from healthdesk.api.resends import ResendGroup

MISSING = ResendGroup(status=422, error_kind="missing_field", error="risk_level is required", count=131)
ELSEWHERE = ResendGroup(status=401, error_kind="auth", error="token expired", count=1)


@pytest.mark.parametrize(
    ("now", "beyond"),
    [
        ({}, False),
        ({"total": 12}, False),
        ({"total": 144}, False),
        ({"total": 145}, True),
        ({"sources": {"heart-health": 130}}, False),
        ({"sources": {"heart-health": 130, "sleep": 0, "diabetes-risk": 1}}, True),
        ({"environments": ["CRM endpoint · production", "Partner · production"]}, True),
        ({"groups": [MISSING.model_copy(update={"error": "zip is required", "count": 140})]}, False),
        ({"groups": [MISSING, ELSEWHERE]}, True),
        ({"groups": [MISSING.model_copy(update={"problem_id": "prb_2"})]}, True),
        ({"groups": []}, False),
    ],
)
def test_what_goes_beyond_a_plan(now, beyond):
    confirmed = job_plan(total=131, groups=[MISSING])
    assert job_plan(**{"total": 131, "groups": [MISSING], **now}).goes_beyond(confirmed) is beyond


@pytest.mark.parametrize(("total", "beyond"), [(4, False), (5, True)])
def test_of_a_small_plan_a_few_more_are_no_matter(total, beyond):
    assert job_plan(total=total).goes_beyond(job_plan(total=1)) is beyond
