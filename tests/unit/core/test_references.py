"""References to outputs that do not exist yet."""

import pytest

from runner.core.references import BrokenReference, OutputRef, find, marker, replaced, resolve

VOICE = OutputRef("anna-voice", "audio_id")


def test_a_string_that_is_one_reference_takes_the_value_with_its_type() -> None:
    """A number stays a number; inside text it becomes text."""
    inputs = {"id": marker(VOICE), "text": f"<{marker(VOICE)}>", "list": [marker(VOICE), 1, None]}
    assert list(find(inputs)) == [VOICE, VOICE, VOICE]
    assert resolve(inputs, lambda _: 7) == {"id": 7, "text": "<7>", "list": [7, 1, None]}


@pytest.mark.parametrize(
    "change", [str.upper, lambda text: text[:-1], lambda text: text[1:], lambda text: text.replace("audio", "video")]
)
def test_a_damaged_reference_is_found(change: object) -> None:
    """Nothing half-resolved is ever sent."""
    assert callable(change)
    with pytest.raises(BrokenReference):
        list(find(change(marker(VOICE))))


def test_only_text_with_markers_is_replaced() -> None:
    """Whatever holds a marker, or the rest of one, is asked about once; all else stays, and the value given is not changed."""
    mark = marker(VOICE)
    value = {"a": [f"<{mark}>", "plain", 1, None], mark: (mark[:-1], mark[1:])}
    asked: list[str] = []

    def by(text: str) -> int:
        asked.append(text)
        return len(asked)

    assert replaced(value, by) == {"a": [1, "plain", 1, None], mark: [2, 3]}
    assert asked == [f"<{mark}>", mark[:-1], mark[1:]]
    assert value["a"] == [f"<{mark}>", "plain", 1, None]
