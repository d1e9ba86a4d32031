"""Our own id of an attempt."""

from runner.core.identity import external_id


def test_the_id_is_the_same_for_the_same_attempt_and_differs_otherwise() -> None:
    """Each of the four facts counts, and their borders do."""
    ids = {
        external_id("m", "a", "f", 1),
        external_id("n", "a", "f", 1),
        external_id("m", "b", "f", 1),
        external_id("m", "a", "g", 1),
        external_id("m", "a", "f", 2),
        external_id("ma", "", "f", 1),
    }
    assert len(ids) == 6
    assert external_id("m", "a", "f", 1) in ids
    assert all(len(name) == 43 and name.startswith("cs-") for name in ids)
