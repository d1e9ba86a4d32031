"""References to outputs that do not exist yet."""

import pytest

from runner.core.references import BrokenReference, OutputRef, find, marker, resolve

VOICE = OutputRef("anna-voice", "audio_id")


def test_a_string_that_is_one_reference_takes_the_value_with_its_type() -> None:
    """A number stays a number; inside text it becomes text."""
    inputs = {"id": marker(VOICE), "text": f"<{marker(VOICE)}>", "list": [marker(VOICE), 1, None]}
    assert list(find(inputs)) == [VOICE, VOICE, VOICE]
    assert resolve(inputs, lambda _: 7) == {"id": 7, "text": "<7>", "list": [7, 1, None]}


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text[1:], lambda text: text.replace("audio", "video")]
)
def test_a_reference_that_a_filter_changed_is_found(change: object) -> None:
    """Nothing half-resolved is ever sent."""
    assert callable(change)
    with pytest.raises(BrokenReference):
        list(find(change(marker(VOICE))))
