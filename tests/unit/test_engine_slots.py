"""How much an environment may take on."""

from healthdesk.engine.slots import Bucket, Lane


def test_lane_claims_ahead_so_that_no_slot_waits_for_a_commit():
    lane = Lane(concurrency=4)
    assert lane.wants(0.0, ahead=True) == 8
    assert lane.wants(0.0, ahead=False) == 4


def test_lane_wants_nothing_until_woken_once_a_claim_came_back_short():
    lane = Lane(concurrency=4)
    lane.asking()
    lane.took(8, 3)
    assert lane.wants(0.0, ahead=True) == 0
    lane.dirty = True
    assert lane.wants(0.0, ahead=True) == 5


def test_wake_up_between_asking_and_answer_is_not_lost():
    lane = Lane(concurrency=4)
    lane.asking()
    lane.dirty = True  # a record was accepted after the claim looked, before its answer came
    lane.took(8, 0)
    assert lane.wants(0.0, ahead=True) == 8


def test_full_answer_means_that_there_may_be_more():
    lane = Lane(concurrency=2)
    lane.asking()
    lane.took(4, 4)
    assert lane.dirty
    assert lane.wants(0.0, ahead=True) == 0
    lane.done()
    assert lane.wants(0.0, ahead=True) == 1


def test_rate_bounds_what_is_claimed_over_any_span():
    lane = Lane(concurrency=100, bucket=Bucket(rate_per_s=10.0, tokens=10.0))
    taken, now = 0, 0.0
    while now < 5.0:
        wanted = lane.wants(now, ahead=True)
        lane.asking()
        lane.took(wanted, wanted)
        for _ in range(wanted):
            lane.done()
        taken += wanted
        now += 0.01
    assert 50 <= taken <= 60


def test_slow_rate_waits_for_its_first_token_and_says_how_long():
    bucket = Bucket(rate_per_s=0.5)
    assert bucket.available(0.0) == 1
    bucket.take(1)
    assert bucket.available(1.0) == 0
    assert bucket.wait_s() == 1.0
    assert bucket.available(2.0) == 1
