"""Findings as text: for people, for grep, for programmes, for GitHub."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from typing import TYPE_CHECKING, Any, Literal

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from runner.core.collected import Found, NotKept
from runner.core.diagnostics import Diagnostic, Label, Severity, Span
from runner.manifest.printing.formats import render, summary
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "campaigns/spring.yaml"


def finding(
    line: int,
    column: int,
    width: int = 1,
    *,
    message: str = "wrong",
    hint: str | None = None,
    severity: Severity = Severity.ERROR,
    file: str = FILE,
    labels: tuple[Label, ...] = (),
    job: str | None = None,
    notes: tuple[str, ...] = (),
) -> Diagnostic:
    """A finding of which the test names what matters."""
    return Diagnostic(
        code="M103",
        message=message,
        span=Span(file, line, column, width),
        hint=hint,
        severity=severity,
        labels=labels,
        job=job,
        notes=notes,
    )


def printed(diagnostics: Sequence[Diagnostic], *, not_kept: NotKept | None = None, **options: Any) -> str:
    """Findings in a format."""
    return render(Found(tuple(diagnostics), not_kept or NotKept()), **options)


def full(*diagnostics: Diagnostic, text: str = "", color: bool = False, show_all: bool = False) -> str:
    """The findings as snippets of one file."""
    return printed(diagnostics, format="full", sources={FILE: text.split("\n")}, color=color, all=show_all)


def test_full_as_designed() -> None:
    """The two findings of the design look exactly as they do there."""
    text = "\n" * 12 + (
        "  hello-mia:\n    avatr_url: https://cdn.acme.example/mia.png\n\n\n\n\n\n\n"
        "    audio_url: https://cdn.acme.example/mia.mp3\n"
        '    use_voice: {voice_engine_id: v1, audio_id: 9f2c, language: en, text: "Hi, Mia!"}\n'
    )
    first = Diagnostic(
        code="M103",
        message="unknown key `avatr_url`; the required key `avatar_url` is missing",
        span=Span(FILE, 14, 5, 9),
        hint="did you mean `avatar_url`?",
        job="hello-mia",
    )
    second = Diagnostic(
        code="M120",
        message="give exactly one of `audio_url`, `create_voice`, `use_voice`; this job gives two",
        span=Span(FILE, 22, 5, 9),
        hint="the second is here",
        labels=(Label(Span(FILE, 21, 5, 9), "the first is here"),),
        job="hello-mia-v2",
    )
    assert full(second, first, text=text) == dedent("""\
        error[M103]: unknown key `avatr_url`; the required key `avatar_url` is missing
          --> campaigns/spring.yaml:14:5
           |
        13 |   hello-mia:
        14 |     avatr_url: https://cdn.acme.example/mia.png
           |     ^^^^^^^^^ did you mean `avatar_url`?
           = job: hello-mia

        error[M120]: give exactly one of `audio_url`, `create_voice`, `use_voice`; this job gives two
          --> campaigns/spring.yaml:22:5
           |
        21 |     audio_url: https://cdn.acme.example/mia.mp3
           |     --------- the first is here
        22 |     use_voice: {voice_engine_id: v1, audio_id: 9f2c, language: en, text: "Hi, Mia!"}
           |     ^^^^^^^^^ the second is here
           = job: hello-mia-v2""")


def test_far_and_foreign_labels() -> None:
    """A label far away is divided by dots, one in another file has its own arrow, one in a file not at hand is a note."""
    labels = (
        Label(Span(FILE, 1, 1, 5), "first"),
        Label(Span("c.csv", 2, 3), "row"),
        Label(Span("gone.csv", 7, 1), "lost"),
    )
    sources = {FILE: ["alpha", "", "", "delta"], "c.csv": ["h,i", "1,2"]}
    text = printed([finding(4, 1, 5, labels=labels, notes=("mend it",))], format="full", sources=sources, color=False)
    assert text == dedent("""\
        error[M103]: wrong
         --> campaigns/spring.yaml:4:1
          |
        1 | alpha
          | ----- first
        ...
        4 | delta
          | ^^^^^
         ::: c.csv:2:3
          |
        2 | 1,2
          |   - row
          = gone.csv:7:1: lost
          = help: mend it""")


def test_two_labels_in_one_line() -> None:
    """Places of one line are underlined below it, from left to right."""
    rows = full(
        finding(1, 8, 1, hint="here", labels=(Label(Span(FILE, 1, 2, 1), "there"),)), text="{a: 1, a: 2}"
    ).split("\n")
    assert rows[3:] == ["1 | {a: 1, a: 2}", "  |  - there", "  |        ^ here"]


@pytest.mark.parametrize(
    "diagnostic",
    [
        finding(0, 0, hint="look"),
        finding(99, 1, hint="look"),
        finding(3, 1, hint="look", file="elsewhere.yaml"),
    ],
)
def test_no_source_line(diagnostic: Diagnostic) -> None:
    """A finding about a whole file, or whose line is not at hand, keeps its words."""
    rows = full(diagnostic, text="a").split("\n")
    assert rows[1].strip() == f"--> {diagnostic.span}"
    assert rows[2].strip() == "= look"
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("日本: 値", "値"),
        ("k: {😀: 1, x: bad}", "bad"),
        ("e\u0301a: bad", "bad"),
        ("a:\t\tbad", "bad"),
        ("a: \x1b[31m bad", "bad"),
        ("a: \u202ebad", "bad"),
        ("日" * 100 + " bad", "bad"),
        ("x" * 10_000 + " bad " + "y" * 10_000, "bad"),
        ("x" * 10_000 + " 日本 " + "y" * 10_000, "日本"),
        ("bad" + "y" * 10_000, "bad"),
        ("😀" * 5_000 + "bad", "bad"),
    ],
)
def test_caret_below_its_text(line: str, target: str) -> None:
    """The caret stands below its text, whatever is before it, and a long line is cut around it."""
    rows = full(finding(1, line.index(target) + 1, len(target)), text=line).split("\n")
    shown, carets = rows[3], rows[4]
    padding, _, marks = carets.partition("^")
    before, found, _ = shown.partition(target)
    assert found == target
    assert cell_len(padding) == cell_len(before)
    assert len(f"^{marks}") == cell_len(target)
    assert len(shown) < 140
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", shown + carets)


def test_two_places_of_a_long_line() -> None:
    """A long line is shown anew for a second place that lies outside the part shown."""
    line = "first" + "x" * 1_000 + "second"
    rows = full(finding(1, 1_006, 6, hint="b", labels=(Label(Span(FILE, 1, 1, 5), "a"),)), text=line).split("\n")
    assert [row[:9] for row in rows[3:5]] == ["1 | first", "  | -----"]
    assert rows[5].startswith("1 | …")
    assert rows[5].index("second") == rows[6].index("^^^^^^ b")


def test_caret_ends_with_its_line() -> None:
    """A place that is wider than its line is underlined to the end of the line; one behind the end gets one caret."""
    assert full(finding(1, 2, 500), text="abc").endswith("|  ^^")
    assert full(finding(1, 4, 1), text="abc").endswith("|    ^")


@pytest.mark.parametrize("form", ["full", "concise", "github"])
def test_hostile_text(form: Literal["full", "concise", "github"]) -> None:
    """No control character, escape sequence or line break of a message, job, hint, label, note or file name gets through."""
    evil = "x\x1b[2J\x07\x9b31m\u202e\n::error::y\r\u2028\ud800z"
    diagnostic = finding(
        1, 1, message=evil, hint=evil, job=evil, notes=(evil,), file=evil, labels=(Label(Span(evil, 1, 1), evil),)
    )
    text = printed([diagnostic], format=form, sources={evil: [evil.replace("\n", "")]}, color=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", text)
    assert text.encode()
    assert not [row for row in text.split("\n")[1:] if row.startswith("::")]


def test_colour_adds_nothing_but_colour() -> None:
    """With colour the text is the same, and every colour is taken back."""
    diagnostics = [
        finding(1, 1, hint="look", labels=(Label(Span(FILE, 2, 1), "there"),)),
        finding(2, 1, severity=Severity.WARNING),
    ]
    plain, coloured = (full(*diagnostics, text="a\nb", color=color) for color in (False, True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[")
    assert "\x1b[1;31merror[M103]" in coloured
    assert "\x1b[1;33mwarning[M103]" in coloured


@pytest.mark.parametrize("form", ["full", "concise"])
def test_twenty_of_a_file(form: Literal["full", "concise"]) -> None:
    """At most 20 findings of each file are shown, and how many more there are, unless all are asked for."""
    diagnostics = [finding(line, 1, file=file) for line in range(1, 52) for file in ("b.yaml", "a.yaml")]
    text, everything = (
        printed(diagnostics, format=form, sources={}, color=False, all=show_all) for show_all in (False, True)
    )
    assert text.count("M103") == 40
    assert [row for row in text.split("\n") if "more" in row] == [
        "b.yaml: and 31 more (--all)",
        "a.yaml: and 31 more (--all)",
    ]
    assert text.index("b.yaml:20:1") < text.index("a.yaml:1:1")
    assert everything.count("M103") == 102
    assert "more" not in everything


def test_concise() -> None:
    """One line for each finding, in position order."""
    diagnostics = [finding(12, 3), finding(2, 5, hint="did you mean `b`?"), finding(0, 0, severity=Severity.WARNING)]
    assert printed(diagnostics, format="concise", sources={}, color=True).split("\n") == [
        "campaigns/spring.yaml: warning[M103]: wrong",
        "campaigns/spring.yaml:2:5: error[M103]: wrong (did you mean `b`?)",
        "campaigns/spring.yaml:12:3: error[M103]: wrong",
    ]


def test_json() -> None:
    """JSON is versioned, complete and plain ASCII; what is unknown is null."""
    labels = (Label(Span("a.csv", 2), "row 日本"),)
    text = printed(
        [finding(3, 7, 2, hint="h", labels=labels, job="j", notes=("n",)), finding(0, 0)],
        format="json",
        sources={},
        color=True,
    )
    assert text.isascii()
    head = {"code": "M103", "severity": "error", "message": "wrong", "file": FILE}
    whole: dict[str, object] = {
        "line": None,
        "column": None,
        "width": None,
        "hint": None,
        "labels": [],
        "job": None,
        "notes": [],
    }
    label = {"file": "a.csv", "line": 2, "column": None, "width": None, "text": "row 日本"}
    place = {"line": 3, "column": 7, "width": 2, "hint": "h", "labels": [label], "job": "j", "notes": ["n"]}
    assert json.loads(text) == {"version": 1, "findings": [{**head, **whole}, {**head, **place}]}


FINDINGS = jsonschema_rs.validator_for(load_schema("findings"))


@given(
    st.lists(
        st.builds(
            finding,
            st.integers(0, 9),
            st.integers(0, 9),
            st.integers(1, 9),
            message=st.text(min_size=1),
            hint=st.none() | st.text(),
            severity=st.sampled_from(Severity),
            labels=st.lists(
                st.builds(Label, st.builds(Span, st.just("a.csv"), st.integers(0, 9)), st.text()), max_size=2
            ).map(tuple),
            job=st.none() | st.text(),
            notes=st.lists(st.text(), max_size=2).map(tuple),
        )
    )
)
def test_json_fits_its_schema(diagnostics: list[Diagnostic]) -> None:
    """Whatever is found fits the schema of findings, and every message comes back as it was."""
    told = json.loads(printed(diagnostics, format="json", sources={}, color=False))
    FINDINGS.validate(told)
    assert sorted(it["message"] for it in told["findings"]) == sorted(it.message for it in diagnostics)


@pytest.mark.parametrize(
    "change",
    [{"line": 0}, {"column": 0}, {"severity": "info"}, {"code": "M1"}, {"more": 1}, {"message": ""}, {"labels": None}],
)
def test_findings_schema_is_strict(change: dict[str, object]) -> None:
    """The schema refuses what no finding can be."""
    told = json.loads(printed([finding(1, 1)], format="json", sources={}, color=False))
    assert FINDINGS.is_valid(told)
    told["findings"][0] |= change
    assert not FINDINGS.is_valid(told)


@pytest.mark.parametrize(
    "before",
    [
        "👩‍👩‍👧",
        "❤️",
        "👍🏽",
        "🇩🇪",
        "1️⃣",
        "e\u0301\u0323",
        "\u1112\u1161\u11ab",
        "क्\u200dष",
        "ｶﾞ",
        "กำ",
        "日本",
        "\u200b",
        "\ufeff",
        "\t",
        "☎\ufe0e",
        "👩🏽‍🚀",
    ],
)
def test_caret_behind_sequences(before: str) -> None:
    """Behind marks, joined emoji and flags the caret stands below its text, for terminals that join characters and for those that do not."""
    rows = full(finding(1, len(before) + 4, 3), text=f"k: {before}bad {before}").split("\n")
    shown = rows[3].partition("bad")[0]
    padding = rows[4].partition("^")[0]
    assert len(padding) == cell_len(shown) == sum(map(cell_len, shown))
    assert rows[4].endswith("^^^")


def test_message_without_end_is_cut() -> None:
    """A message that quotes a circle of ten thousand jobs does not drown the others, and JSON has all of it."""
    long = finding(1, 1, message="a -> " * 10_000)
    for form in ("full", "concise", "github"):
        assert len(printed([long], format=form, sources={}, color=False)) < 2_500
    assert len(printed([long], format="json", sources={}, color=False)) > 50_000


def test_json_holds_all() -> None:
    """JSON is never cut, and no findings are an empty list."""
    text = printed([finding(line, 1) for line in range(1, 100)], format="json", sources={}, color=False)
    assert len(json.loads(text)["findings"]) == 99
    assert json.loads(printed([], format="json", sources={}, color=False)) == {"version": 1, "findings": []}


def test_github_escapes() -> None:
    """Workflow commands escape what would end a property or the message."""
    diagnostic = finding(
        3, 7, message="100%: a,b", hint="h", job="j", notes=("n",), file="a,b:c%.yaml", severity=Severity.WARNING
    )
    text = printed([diagnostic], format="github", sources={}, color=True)
    assert text == "::warning file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=M103::100%25: a,b (h)%0Ajob: j%0An"


def test_github_shows_ten_of_a_kind() -> None:
    """Ten errors and ten warnings are annotations; the rest is counted, or printed plainly when all are asked for."""
    diagnostics = [finding(line, 1, severity=severity) for line in range(1, 13) for severity in Severity]
    rows = printed(diagnostics, format="github", sources={}, color=False).split("\n")
    assert [sum(row.startswith(f"::{severity} ") for row in rows) for severity in Severity] == [10, 10]
    assert rows[-1] == "and 4 more (--all)"
    everything = printed(diagnostics, format="github", sources={}, color=False, all=True).split("\n")
    assert everything[:20] == rows[:20]
    assert len(everything) == 24


@pytest.mark.parametrize("form", ["full", "concise", "github"])
def test_nothing_found(form: Literal["full", "concise", "github"]) -> None:
    """No findings are no text."""
    assert printed([], format=form, sources={}, color=False) == ""


@pytest.mark.parametrize(
    ("errors", "warnings", "jobs", "expected"),
    [
        (2, 0, 128, "2 errors, 128 jobs read. Nothing was sent to any provider."),
        (1, 2, 1, "1 error, 2 warnings, 1 job read. Nothing was sent to any provider."),
        (1, 0, None, "1 error. Nothing was sent to any provider."),
        (0, 1, 1234, "1 warning, 1,234 jobs read."),
        (0, 0, 3, "No findings, 3 jobs read."),
    ],
)
def test_summary(errors: int, warnings: int, jobs: int | None, expected: str) -> None:
    """The last line counts, and says that nothing was sent when there are errors."""
    diagnostics = [finding(1, 1)] * errors + [finding(1, 1, severity=Severity.WARNING)] * warnings
    assert summary(Found(tuple(diagnostics), jobs_read=jobs)) == expected


TOO_MANY = NotKept({(FILE, Severity.ERROR): 2_000, ("b.csv", Severity.WARNING): 3})


@pytest.mark.parametrize(
    ("form", "show_all", "expected"),
    [
        ("concise", False, f"{FILE}: and 2,005 more (--all lists 5; 2,000 counted, but too many to list)"),
        ("full", True, f"{FILE}: and 2,000 counted, but too many to list"),
        ("github", False, "and 2,018 more (--all lists 15; 2,003 counted, but too many to list)"),
        ("github", True, "and 2,003 counted, but too many to list"),
    ],
)
def test_what_cannot_be_listed_is_said(form: str, show_all: bool, expected: str) -> None:
    """Findings that were only counted are counted aloud, in every format for people and with `--all` too."""
    text = printed(
        [finding(line, 1) for line in range(1, 26)],
        not_kept=TOO_MANY,
        format=form,
        sources={},
        color=False,
        all=show_all,
    )
    assert text.split("\n")[-1] == expected


def test_what_cannot_be_listed_counts() -> None:
    """The summary and JSON count what is not listed, by severity."""
    assert summary(Found((finding(1, 1),), TOO_MANY, 7)).startswith("2,001 errors, 3 warnings, 7 jobs read.")
    told = json.loads(printed([finding(1, 1)], not_kept=TOO_MANY, format="json", sources={}, color=False))
    FINDINGS.validate(told)
    assert told["not_listed"] == {"error": 2_000, "warning": 3}
