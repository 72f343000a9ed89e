"""What the composition root makes itself."""

from healthdesk.daemon.build import Randomness


def test_random_bytes_are_of_the_length_asked_for_and_never_given_out_twice():
    randomness = Randomness()
    given = [randomness(5) for _ in range(5000)]
    assert {len(piece) for piece in given} == {5}
    assert len(set(given)) == len(given)
    assert len(randomness(100_000)) == 100_000
