"""`index.html`: the page that a campaign's owner looks at. Opens from disk, without network, with scripts and styles pinned by hash."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runner.core import references
from runner.report import escape
from runner.report.figures import amount, count, minutes, rfc3339, size, to_second
from runner.report.files import replacing
from runner.report.model import Shelf
from runner.report.next_step import alternatives
from runner.report.posters import has_poster, is_there, make_posters, poster_name
from runner.report.summary import next_command
from runner.report.symbols import STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runner.core.job import OutputFile
    from runner.core.money import Money
    from runner.core.references import OutputRef
    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import CauseGroup, Totals

NAME: Final = "index.html"

MOST_CARDS: Final = 5_000
"""More cards make a page that browsers open slowly; `report.json` always holds every job."""
_INPUTS_SHOWN: Final = 4_000
"""Characters of a job's inputs on its card."""

_CHIPS: Final = {
    Shelf.FAILED: ("✗", "failed"),
    Shelf.DOUBT: ("?", "in doubt"),
    Shelf.SKIPPED: ("!", "skipped"),
    Shelf.OPEN: ("●", "not finished"),
    Shelf.NEW: ("✓", "new"),
    Shelf.CACHED: ("=", "cached"),
    Shelf.ABANDONED: ("-", "given up"),
    Shelf.ORPHAN: ("o", "not in the manifest"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One job as the template shows it: texts made visible, links percent-encoded.

    Args:
        job: The job itself.
        symbol: Of its state, one character.
        word: The state in words.
        link: The file relative to the page; None when there is none to open.
        poster: The poster likewise; None without one.
        is_sound: Whether the file is sound alone.
        facts: Names and values for the details, in order.
        inputs: Its inputs as JSON, shortened; "" when unknown.
    """

    job: ReportJob
    symbol: str
    word: str
    link: str | None
    poster: str | None
    is_sound: bool
    facts: tuple[tuple[str, str], ...]
    inputs: str


def write_html(
    folder: Path,
    head: ReportHead,
    totals: Totals,
    jobs: Iterable[ReportJob],
    *,
    outputs: Path,
    make_poster: Callable[[Path, Path], None],
) -> Path:
    """Write `index.html` and the posters it shows.

    Args:
        folder: The report folder; made when missing.
        head: What the report is about.
        totals: Sums over the same jobs.
        jobs: In manifest order, orphans after them; the first `MOST_CARDS` get a card.
        outputs: The output folder, which the page's links point into.
        make_poster: Writes a picture (second path, ends in `.jpg`) of a video (first path), on a thread of its own; may raise anything.

    Returns:
        The page's path.

    Raises:
        StorageFailed: It could not be written; an older file is untouched.
    """
    shown = list(islice(jobs, MOST_CARDS))
    path = folder / NAME
    with replacing(path) as stream:
        make_posters(folder, outputs, shown, make_poster)
        base = _encode_path(os.path.relpath(outputs, folder))
        page = _ENVIRONMENT.get_template("index.html.j2").stream(
            head=head,
            totals=totals,
            cards=(_card(job, folder, outputs, base) for job in shown),
            cards_left_out=totals.jobs - len(shown),
            groups=[_group(head, group) for group in totals.groups],
            chips=[(shelf, *_CHIPS[shelf], totals.shelves[shelf]) for shelf in _CHIPS if totals.shelves[shelf]],
            commands=head.commands,
            policy=_POLICY,
            style=Markup(_STYLE),  # noqa: S704  our own file, not input
            script=Markup(_SCRIPT),  # noqa: S704  likewise
        )
        stream.writelines(page)
    return path


def _card(job: ReportJob, folder: Path, outputs: Path, base: str) -> Card:
    output = job.output
    link = None
    if output is not None and is_there(outputs, output):
        link = f"{base}/{_encode_path(output.path)}"
    poster = None
    if output is not None and has_poster(job) and (folder / poster_name(output)).exists():
        poster = poster_name(output)
    sign = STATES[job.state]
    return Card(
        job=job,
        symbol="=" if job.shelf is Shelf.CACHED else sign.symbol,
        word="cached" if job.shelf is Shelf.CACHED else sign.word,
        link=link,
        poster=poster,
        is_sound=output is not None and output.media_type.startswith("audio/"),
        facts=tuple((name, escape.visible(value)) for name, value in _facts(job) if value),
        inputs=_inputs(job),
    )


def _facts(job: ReportJob) -> list[tuple[str, str]]:
    output = job.output
    return [
        ("operation", job.uses),
        ("tags", ", ".join(job.tags)),
        ("written in", job.place),
        ("task id", job.task_id or ""),
        ("attempts", str(job.attempts) if job.attempts else ""),
        ("submitted", "" if job.submitted_at is None else to_second(job.submitted_at)),
        ("took", "" if job.took_s is None else minutes(job.took_s)),
        ("cost", _money(job.actual) or "unknown"),
        ("expected", _money(job.estimate) or "unknown"),
        ("units", job.units or ""),
        ("file", "" if output is None else _file(output)),
        ("sha256", "" if output is None else output.sha256),
        ("request", "" if job.problem is None else job.problem.request_id or ""),
        *((name, value if isinstance(value, str) else json.dumps(value)) for name, value in job.outputs.items()),
    ]


def _file(output: OutputFile) -> str:
    pixels = "" if output.width is None or output.height is None else f", {output.width} × {output.height}"
    return f"{output.path}, {size(output.size_bytes)}, {output.media_type}{pixels}"


def _inputs(job: ReportJob) -> str:
    if not job.inputs:
        return ""
    value = escape.shown(references.resolve(dict(job.inputs), _as_written))
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return escape.visible_lines(text if len(text) <= _INPUTS_SHOWN else text[:_INPUTS_SHOWN] + " …")


def _as_written(ref: OutputRef) -> str:
    """A reference as the manifest writes it: its value is known only when the job is submitted."""
    return f"{{{{ jobs['{ref.job}'].outputs.{ref.output} }}}}"


def _group(head: ReportHead, group: CauseGroup) -> dict[str, Any]:
    sign = STATES[group.kind.state]
    return {
        "symbol": sign.symbol,
        "shelf": group.jobs[0].shelf,
        "title": group.title,
        "count": group.count,
        "jobs": group.jobs,
        "hidden": group.hidden,
        "next": next_command(head, group),
        "alternatives": alternatives(group.kind.state),
    }


def _money(value: Money | None) -> str:
    return "" if value is None else f"{amount(value.amount)} {value.currency}"


def _encode_path(path: str) -> str:
    """A relative path as a link; bytes that are no UTF-8 keep their value."""
    return quote(os.fsencode(path).replace(os.fsencode(os.sep), b"/"))


def _read(name: str) -> str:
    loader = _ENVIRONMENT.loader
    assert loader is not None
    return loader.get_source(_ENVIRONMENT, name)[0]


def _hash(text: str) -> str:
    """A hash source of a Content-Security-Policy. Source: CSP Level 3, section 2.3.1."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("runner.report", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    visible=escape.visible, visible_lines=escape.visible_lines, minutes=minutes, amount=amount, count=count, utc=rfc3339
)
_STYLE: Final = _read("style.css")
_SCRIPT: Final = _read("script.js")
_POLICY: Final = "; ".join((
    "default-src 'none'",
    f"style-src {_hash(_STYLE)}",
    f"script-src {_hash(_SCRIPT)}",
    # `file:` because a page opened from disk has no origin that 'self' could mean in every browser.
    "img-src 'self' file:",
    "media-src 'self' file:",
    "base-uri 'none'",
    "form-action 'none'",
))  # fmt: skip
