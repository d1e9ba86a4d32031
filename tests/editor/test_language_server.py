"""Manifests in the real yaml-language-server, which serves VS Code, Neovim, Helix and others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from runner.manifest.codes import Code
from runner.manifest.example import write_example
from runner.manifest.findings import from_complaint
from runner.manifest.schema.check import SchemaCheck
from runner.manifest.schema.operations import operation_schema
from runner.manifest.templates.template import is_template
from runner.manifest.text.source import Document, read
from runner.schema_files import load_schema, operation_names
from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.manifest.inputs import Pointer
    from runner.manifest.schema.explain import Complaint
    from tests.editor.language_server import LanguageServer, Message

EXAMPLES = REPOSITORY / "tests" / "examples"
SHIPPED = sorted((REPOSITORY / "manifests").glob("*.yaml"))
STRICT: Final = SchemaCheck(load_schema("manifest"))
HEAD: Final = "version: 1\nname: spring\n"
JOB: Final = f"{HEAD}jobs:\n  a:\n    uses: digital-human/avatar\n"
WITH: Final = f"{JOB}    with:\n      avatar_url: https://cdn.example.com/a.png\n"
RENAMED: Final = f"{HEAD}providers: {{kling-eu: {{type: kling}}}}\njobs:\n  a:\n    uses: kling-eu/avatar\n    with:\n"


def _addresses(folder: str) -> dict[str, str]:
    return {path.as_uri(): _text(path) for path in sorted((EXAMPLES / folder).glob("*/manifest.yaml"))}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _said(found: list[Message]) -> list[str]:
    return [f"{it['range']['start']['line'] + 1}: {it['message']}" for it in found]


def test_nothing_is_red_in_manifests_that_hold(editor: LanguageServer, tmp_path: Path) -> None:
    """The valid examples, those that are shipped (by their own editor line) and the one that `init` writes."""
    written = write_example(tmp_path / "new").manifest
    documents = _addresses("valid") | {path.as_uri(): _text(path) for path in (*SHIPPED, written)}
    found = editor.diagnostics(documents)
    assert {address: _said(it) for address, it in found.items() if it} == {}


@pytest.mark.parametrize("who", ["init", *(path.name for path in SHIPPED)])
def test_editor_lines_name_a_schema_that_is_there(tmp_path: Path, who: str) -> None:
    """The first two lines name the same file, once for language servers and once for JetBrains IDEs."""
    manifest = write_example(tmp_path).manifest if who == "init" else REPOSITORY / "manifests" / who
    servers, jetbrains, *_ = _text(manifest).splitlines()
    name = servers.removeprefix("# yaml-language-server: $schema=")
    assert jetbrains == f"# $schema: {name}"
    assert json.loads((manifest.parent / name).read_text(encoding="utf-8"))["title"] == "Callsheet manifest"


def test_what_a_schema_can_see_is_red_in_the_editor_already(editor: LanguageServer) -> None:
    """Every mistake of the invalid examples in a key, a word, a type or a form is shown, on the line where `validate` finds it."""
    missed = []
    for address, found in editor.diagnostics(_addresses("invalid")).items():
        path = Path(address.removeprefix("file://"))
        red = {it["range"]["start"]["line"] + 1 for it in found}
        missed += [
            f"{path.parent.name}:{min(lines)}: {message} (red: {sorted(red)})"
            for lines, message in _seen_by_the_strict_schemas(path)
            if not lines & red
        ]
    assert missed == []


def _seen_by_the_strict_schemas(path: Path) -> Iterator[tuple[set[int], str]]:
    """What the strict schemas refuse in a manifest as it is written, apart from templates, with the lines that may be red for it.

    An empty document has no place that could be red, and a file that is not even YAML is another matter.
    """
    document = read(path)
    if not isinstance(document, Document) or document.value is None:
        return
    for complaint in STRICT.complaints(document.value):
        yield _place(document, (), complaint)
    jobs = document.value.get("jobs") if isinstance(document.value, dict) else None
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(job, dict) and job.get("uses") in operation_names() and isinstance(job.get("with"), dict):
            for complaint in operation_schema(job["uses"]).check.complaints(job["with"]):
                if not _is_template(_value_at(job["with"], complaint.at)):
                    yield _place(document, ("jobs", name, "with"), complaint)


def _place(document: Document, root: Pointer, complaint: Complaint) -> tuple[set[int], str]:
    lines = {from_complaint(complaint, document, root).span.line}
    if complaint.code == Code.EXACTLY_ONE:
        # The server shows what concerns several keys at the beginning of their mapping.
        lines.add(document.span((*root, *complaint.at[:-1])).line)
    return lines, complaint.message


def _value_at(value: Any, at: Pointer) -> Any:
    """The value, or None where an unknown key leads nowhere."""
    for step in at:
        parts: Mapping[str | int, Any] = dict(enumerate(value)) if isinstance(value, list) else value
        value = parts.get(step)
    return value


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and is_template(value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{HEAD}jbos: {{}}\n", 3, "jbos"),
        (f"{JOB}    wiht: {{}}\n", 6, "wiht"),
        (f"{JOB}    with:\n      avatr_url: https://x.example.com/a\n", 7, "avatr_url"),
        (f"{WITH}      use_voice: {{language: cn}}\n", 8, '"zh", "en"'),
        (f"{WITH}      audio_url: ftp://x\n", 8, "must be an http or https address, or hold a template"),
        (f"{WITH}      no_watermark: yes\n", 8, "must be true or false, or a template"),
        (f"{WITH}    verify: frames\n", 8, '"container"'),
        (f"{HEAD}budget: {{max: 25, currency: USD}}\n", 3, "string"),
        (f"{HEAD}budget: {{currency: USD}}\n", 3, 'Missing property "max"'),
        (f"{HEAD}jobs:\n  a: {{uses: digital-human/avatar}}\n", 4, 'Missing property "with"'),
        (f"{HEAD}jobs:\n  a:\n    uses: digital-human/avater\n", 5, '"digital-human/avatar"'),
        (f"{RENAMED}      imag: https://x.example.com/a.png\n", 8, "imag"),
        (f"{HEAD}providers: {{digital-human: {{credential: {{env: sk-12}}}}}}\n", 3, "never the secret itself"),
    ],
)
def test_a_mistake_is_red_on_its_line(
    editor: LanguageServer, request: pytest.FixtureRequest, text: str, line: int, words: str
) -> None:
    """A misspelt key, a wrong word, a wrong type, a missing key: each where it stands, in words that help."""
    address = f"file:///{request.node.name.encode().hex()}.yaml"
    found = _said(editor.diagnostics({address: text})[address])
    assert [it for it in found if it.startswith(f"{line}: ") and words in it], found


@pytest.mark.parametrize(
    "text",
    [
        f"{RENAMED}      {{image: https://x.example.com/a.png, sound_file: {{file: a.mp3}}}}\n",
        f"{RENAMED}      {{image: '{{{{ vars.x }}}}', audio_id: '1', mode: \"{{{{ 'pro' if vars.good else 'std' }}}}\"}}\n",
        f"{HEAD}providers: {{digital-human: {{type: kling}}}}\n{JOB.removeprefix(HEAD)}    with: {{image: '{{{{ vars.x }}}}', audio_id: '1'}}\n",
        f"{JOB}    with: {{avatar_url: '{{# later #}}', create_voice: '{{{{ vars.voice }}}}', no_watermark: '{{{{ vars.w }}}}'}}\n",
        f"{HEAD}jobs: {{a: {{uses: someones/dance, with: {{anything: 1}}}}}}\nproviders: {{someones: {{type: elsewhere}}}}\n",
    ],
    ids=[
        "other account",
        "its templates",
        "a provider's name for another type",
        "templates for anything",
        "third party",
    ],
)
def test_nothing_is_red_without_need(editor: LanguageServer, request: pytest.FixtureRequest, text: str) -> None:
    """What a schema cannot know it does not complain about: types of accounts, rendered values, other people's providers."""
    address = f"file:///{request.node.name.encode().hex()}.yaml"
    assert _said(editor.diagnostics({address: text})[address]) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}vars|: {{a: 1}}\n", "`-V name=value` on the command line"),
        (f"{HEAD}defaults:\n  ver|ify: frame\n", "* `container`: The file is also parsed"),
        (
            f"{HEAD}providers:\n  digital-human:\n    limits:\n      down|loads: 2\n",
            "A whole number from 1 to 1000. Default: `4`.",
        ),
        (f"{WITH.replace('avatar_url', 'avatar|_url')}", "a picture or a video that shows a face"),
        (f"{WITH}      create_voice:\n        lang|uage: en\n", "* `zh`: Chinese"),
        (f"{WITH}      no_water|mark: '{{{{ vars.w }}}}'\n", "True or false. Default: `false`."),
        (f"{RENAMED}      image: https://x.example.com/a.png\n      mod|e: pro\n", "* `pro`: Professional"),
    ],
)
def test_hover_teaches(editor: LanguageServer, request: pytest.FixtureRequest, text: str, words: str) -> None:
    """Over a key stands what it does, what it may be, and what each of its words means."""
    assert words in editor.hover(f"file:///{request.node.name.encode().hex()}.yaml", text)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", {"version": "manifest language", "jobs": "The jobs by name", "budget": "How much may be spent"}),
        (f"{HEAD}jobs:\n  |", {"one job": "its name is its id", "jobs from a CSV file": "One job for each row"}),
        (f"{HEAD}providers:\n  |", {"account of a provider": "where its credential is found"}),
        (f"{HEAD}jobs:\n  a:\n    |", {"uses": "Which account does what", "foreach": "One job for each row"}),
        (f"{HEAD}jobs:\n  a:\n    uses: |", {"digital-human/avatar": "A talking avatar", "kling/avatar": "Kling"}),
        (f"{JOB}    |", {"with": "The operation's inputs", "matrix": "Every combination"}),
        (f"{JOB}    foreach:\n      |", {"rows of a CSV file": "names the columns", "key": "part of the id"}),
        (f"{JOB}    verify: |", {"container": "The file is also parsed", "frame": "A picture", "none": "digest only"}),
        (f"{WITH}      |", {"audio_url": "a recording", "create_voice": "Copy the voice", "use_voice": "Say a text"}),
        (f"{WITH}      use_voice:\n        language: |", {"zh": "Chinese", "en": "English"}),
        (
            f"{RENAMED}      image: https://x.example.com/a.png\n      |",
            {"sound_file": "The recording", "mode": "care"},
        ),
        (f"{HEAD}prices:\n  |", {"digital-human/avatar": "What is done by whom"}),
        (f"{HEAD}budget:\n  per: |", {"campaign": "this state has ever spent", "day": "UTC day"}),
    ],
)
def test_completion_offers_keys_and_words_with_their_meaning(
    editor: LanguageServer, request: pytest.FixtureRequest, text: str, offered: dict[str, str]
) -> None:
    """Keys, words and whole pieces are offered once each, and say what they are for."""
    found = editor.completion(f"file:///{request.node.name.encode().hex()}.yaml", text)
    assert offered.keys() <= found.keys()
    for label, words in offered.items():
        assert words in str(found[label].get("documentation")), label


def test_pieces_of_text_hold_as_they_are_inserted(editor: LanguageServer) -> None:
    """A job, a block of rows, a matrix: inserted with the values that they propose, they are a manifest without an error."""
    place = f"{HEAD}jobs:\n  |"
    pieces = [it for it in editor.completion("file:///pieces.yaml", place).values() if it["label"] != "job"]
    texts = {f"file:///piece-{number}.yaml": _filled_in(place, it["insertText"]) for number, it in enumerate(pieces)}
    assert len(texts) == 3
    assert {address: _said(it) for address, it in editor.diagnostics(texts).items() if it} == {}


def _filled_in(text: str, snippet: str) -> str:
    """A document in which a snippet was inserted and every proposed value taken, indented as an editor does."""
    plain = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", snippet)
    before, _, after = text.partition("|")
    indent = " " * (len(before) - before.rfind("\n") - 1)
    return before + plain.replace("\n", f"\n{indent}") + after + "\n"
