"""What changed between two jobs of one id, found in the inputs behind their fingerprints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from runner.core.changes import Asked, Change, ChangeKind, changes
from runner.core.diagnostics import Span
from runner.core.references import OutputRef, marker
from runner.core.spec import FileInput, JobSpec, Verify

OPERATION = "kling/avatar"
VOICE = marker(OutputRef("anna-voice", "audio_id"))
SPEC = JobSpec(
    id="a",
    name="a",
    uses=OPERATION,
    operation=OPERATION,
    inputs={},
    fingerprint="now",
    tags=(),
    output="a",
    verify=Verify.FRAME,
    needs=(),
    source=Span("m.yaml", 1),
)


def found(before: Any, after: Any, inputs: Any = None, **facts: Any) -> list[Change]:
    """What changed from one content to another; the inputs are those of now, where they differ from the content."""
    spec = replace(SPEC, content=json.dumps(after).encode(), inputs=after if inputs is None else inputs, **facts)
    return list(changes(spec, Asked(OPERATION, json.dumps(before))))


def told(before: Any, after: Any, inputs: Any = None, **facts: Any) -> list[tuple[str, str]]:
    """The same as (path, kind) or (name, kind)."""
    return [(change.name or change.path, change.kind.value) for change in found(before, after, inputs, **facts)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"text": "a"}, {"text": "a"}, []),
        ({"text": "a"}, {"text": "b"}, [("text", "changed")]),
        ({"text": "a"}, {}, [("text", "removed")]),
        ({}, {"text": "a"}, [("text", "added")]),
        ({"voice": {"text": "a", "id": 1}}, {"voice": {"text": "b", "id": 1}}, [("voice.text", "changed")]),
        ({"scenes": [{"t": 1}, {"t": 2}]}, {"scenes": [{"t": 1}, {"t": 3}]}, [("scenes[1].t", "changed")]),
        ({"scenes": [1, 2]}, {"scenes": [1, 2, 3]}, [("scenes", "changed")]),
        ({"voice": "a"}, {"voice": {"text": "a"}}, [("voice", "changed")]),
        ({"flag": 1}, {"flag": True}, [("flag", "changed")]),
        ({"flag": None}, {"flag": 1}, [("flag", "changed")]),
        ({"b": 1, "c": 1}, {"a": 1, "c": 2}, [("a", "added"), ("b", "removed"), ("c", "changed")]),
    ],
    ids=str,
)
def test_fields(before: Any, after: Any, expected: list[tuple[str, str]]) -> None:
    """Every difference once, at the innermost place that it can be told at, in the order of names."""
    assert told(before, after) == expected


def voice(fingerprint: str, output: str = "audio_id") -> dict[str, str]:
    """An output of another job, as the content has it."""
    return {"job": fingerprint, "output": output}


@pytest.mark.parametrize(
    ("before", "after", "written", "expected"),
    [
        (voice("f1"), voice("f2"), VOICE, [("anna-voice", "need")]),
        (voice("f1"), voice("f1"), VOICE, []),
        (voice("f1", "voice_id"), voice("f2"), VOICE, [("id", "changed")]),
        ("constant", voice("f2"), VOICE, [("id", "changed")]),
        (voice("f1"), "constant", "constant", [("id", "changed")]),
        ({"text": ["x", voice("f1")]}, {"text": ["x", voice("f2")]}, f"x{VOICE}", [("anna-voice", "need")]),
        ({"text": ["x", voice("f1")]}, {"text": ["y", voice("f2")]}, f"y{VOICE}", [("id", "changed")]),
    ],
    ids=str,
)
def test_outputs_of_other_jobs(before: Any, after: Any, written: Any, expected: list[tuple[str, str]]) -> None:
    """A needed job that changed itself is told by its id; anything else about the reference is a change of the field."""
    assert told({"id": before}, {"id": after}, {"id": written}) == expected


def test_files() -> None:
    """Other bytes of a file are told by the path as written; an address in the place of a file is a change of the field."""
    file = FileInput(at=("image",), written="assets/anna.png", path="/x/anna.png", sha256="d2", size_bytes=3)
    inputs = {"image": {"file": "assets/anna.png"}}
    now = {"image": {"sha256": "d2"}}
    assert told({"image": {"sha256": "d1"}}, now, inputs, files=(file,)) == [("assets/anna.png", "file")]
    assert told({"image": "https://x/a.png"}, now, inputs, files=(file,)) == [("image", "changed")]


def test_another_operation_is_all_there_is_to_say() -> None:
    """The inputs of another API are not compared; an unknown past gives nothing."""
    spec = replace(SPEC, content=b'{"text":"a"}', inputs={"text": "a"})
    (change,) = changes(spec, Asked("video/generate", '{"text":"b"}'))
    assert (change.kind, change.path) == (ChangeKind.OPERATION, "")
    assert (change.before, change.after) == ("video/generate", OPERATION)
    assert not list(changes(spec, Asked(OPERATION, None)))


def test_values_are_kept_only_where_a_line_can_show_them() -> None:
    """Text and numbers, no objects and no references."""
    (text,) = found({"text": "a"}, {"text": "b"})
    (tree,) = found({"text": "a"}, {"text": [1]})
    assert (text.before, text.after) == ("a", "b")
    assert (tree.before, tree.after) == ("a", None)
