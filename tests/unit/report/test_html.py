"""The page: hostile texts, its policy, links and posters."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import State
from runner.core.money import Budget
from runner.core.references import OutputRef, marker
from runner.report import html
from runner.report.html import MOST_CARDS, write_html
from runner.report.model import ReportJob, report_job
from runner.report.totals import Totals
from tests.unit.report.samples import (
    HOSTILE,
    MANIFEST,
    START,
    failed,
    head,
    mixed,
    output,
    reported,
    row,
    spec,
    usd,
)

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """Elements and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inline: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self._open = tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  the parser's signature
        """Leave it."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Note text."""
        if self._open in ("style", "script"):
            self.inline[self._open] = data
        else:
            self.text += data

    def attributes(self, tag: str, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for found, attributes in self.elements if found == tag and (value := attributes.get(name))]


def draw(_: Path, poster: Path) -> None:
    """Stands for the decoder: a poster is whatever it writes."""
    poster.write_bytes(b"jpeg")


def page_of(folder: Path, jobs: list[ReportJob]) -> Page:
    """The page of these jobs, whose report folder is `folder/report`."""
    totals = Totals.of(jobs, run_started_at=START)
    path = write_html(folder / "report", head(), totals, jobs, outputs=folder, make_poster=draw)
    return Page(path.read_text(encoding="utf-8"))


def deliver(folder: Path, name: str, content: bytes = b"video", media_type: str = "video/mp4") -> ReportJob:
    """A succeeded job whose file is there."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    file = output("x", path=name, sha256=digest, size_bytes=len(content), media_type=media_type)
    return reported(row("hello/ana", output=file))


def test_policy_allows_the_pages_own_script_and_style_only(tmp_path: Path) -> None:
    """The hashes in the policy are those of what stands in the page, and nothing may come from a network."""
    page = page_of(tmp_path, mixed())
    (policy,) = [value for value in page.attributes("meta", "content") if "default-src" in value]
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.inline[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_nothing_inline_that_the_policy_would_block(tmp_path: Path) -> None:
    """No element has a style or an event attribute, and there is one script and one style."""
    page = page_of(tmp_path, mixed())
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("script"), tags.count("style")) == (1, 1)
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(tmp_path: Path, text: str) -> None:
    """Message, transcript, tag, input and task id of hostile text add no element and no attribute."""

    def page(words: str) -> Page:
        job = failed("a", Cause.REFUSED, Code.POLICY, words)
        wanted = spec("a", text=words, tags=(words,), inputs={words: [words]})
        return page_of(tmp_path, [report_job(wanted, job, estimate=None, manifest=words, cached=False)])

    hostile, tame = page(text), page("tame")
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in tame.elements]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile.text)


def test_links_point_at_the_file(tmp_path: Path) -> None:
    """A name with blanks, `#`, `%`, `?` and letters of any script becomes a relative link to that very file."""
    name = "eu/a b#c%41?d/你好 é.mp4"
    page = page_of(tmp_path, [deliver(tmp_path, name)])
    (link,) = [value for value in page.attributes("a", "href") if value.startswith("..")]
    assert (tmp_path / "report" / unquote(link)).resolve() == (tmp_path / name).resolve()
    assert not {"#", "?", " "} & set(link)


def test_poster_is_made_once_and_kept_by_digest(tmp_path: Path) -> None:
    """A second report finds the first one's poster; a new file gets its own, and the old one stays."""
    made: list[Path] = []

    def count(video: Path, poster: Path) -> None:
        made.append(video)
        draw(video, poster)

    for content in (b"one", b"one", b"two"):
        jobs = [deliver(tmp_path, "a.mp4", content)]
        write_html(tmp_path / "report", head(), Totals.of(jobs), jobs, outputs=tmp_path, make_poster=count)
    assert len(made) == 2
    names = {path.name for path in (tmp_path / "report" / "posters").iterdir()}
    assert names == {f"{hashlib.sha256(content).hexdigest()[:16]}.jpg" for content in (b"one", b"two")}


def test_poster_that_fails_leaves_a_placeholder(tmp_path: Path) -> None:
    """When the decoder raises, the page is written, the job can still be played, and no half poster stays."""

    def broken(_: Path, poster: Path) -> None:
        poster.write_bytes(b"half")
        raise RuntimeError("no picture")

    jobs = [deliver(tmp_path, "a.mp4")]
    path = write_html(tmp_path / "report", head(), Totals.of(jobs), jobs, outputs=tmp_path, make_poster=broken)
    page = Page(path.read_text(encoding="utf-8"))
    assert "../a.mp4" in page.attributes("a", "href")
    assert page.attributes("img", "src") == []
    assert list((tmp_path / "report" / "posters").iterdir()) == []


def test_posters_are_made_on_other_threads(tmp_path: Path) -> None:
    """Decoding never happens on the thread that writes the page."""
    threads: set[int] = set()

    def note(video: Path, poster: Path) -> None:
        threads.add(threading.get_ident())
        draw(video, poster)

    jobs = [deliver(tmp_path, f"{number}.mp4", bytes([number])) for number in range(8)]
    write_html(tmp_path / "report", head(), Totals.of(jobs), jobs, outputs=tmp_path, make_poster=note)
    assert threads
    assert threading.get_ident() not in threads


def test_altered_file_gets_no_poster(tmp_path: Path) -> None:
    """Bytes of another length than delivered never get the digest's poster, and the card says that the file is not there."""
    job = deliver(tmp_path, "a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"other bytes")
    page = page_of(tmp_path, [job])
    assert page.attributes("img", "src") == []
    assert "the file is not there" in page.text


def test_sound_is_played_as_sound(tmp_path: Path) -> None:
    """An audio file has no poster and asks for an audio player."""
    page = page_of(tmp_path, [deliver(tmp_path, "a.mp3", media_type="audio/mpeg")])
    assert page.attributes("a", "data-kind") == ["audio"]
    assert page.attributes("img", "src") == []


def test_no_signature_on_the_page(tmp_path: Path) -> None:
    """Neither the outputs' nor the inputs' addresses show their query."""
    signed = row("a", outputs={"video_url": "https://cdn.example.com/v.mp4?Signature=S3CRET"})
    path = page_of(tmp_path, [reported(signed)])
    written = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "https://cdn.example.com/v.mp4" in path.text
    assert "S3CRET" not in written
    assert "INPUT-SECRET" not in written


def test_reference_is_shown_as_it_was_written(tmp_path: Path) -> None:
    """An input that waits for another job's output is shown as the manifest's expression."""
    inputs = {"audio_id": marker(OutputRef("anna-voice", "audio_id"))}
    page = page_of(tmp_path, [reported(None, "a", inputs=inputs)])
    assert "{{ jobs['anna-voice'].outputs.audio_id }}" in page.text


def test_long_inputs_are_shortened(tmp_path: Path) -> None:
    """A megabyte of input does not become a megabyte of page."""
    page = page_of(tmp_path, [reported(None, "a", inputs={"prompt": "x" * 1_000_000})])
    assert len(page.text) < 20_000


def test_cards_are_capped_with_a_note(tmp_path: Path) -> None:
    """Beyond the most cards the page says how many jobs it leaves to report.json."""
    jobs = [reported(None, f"a/{number}") for number in range(MOST_CARDS + 3)]
    path = write_html(tmp_path / "report", head(), Totals.of(jobs), jobs, outputs=tmp_path, make_poster=draw)
    written = path.read_text(encoding="utf-8")
    assert written.count('<li class="card ') == MOST_CARDS
    assert "the first 5,000 jobs; 3 more are in" in written


def test_thousand_jobs_make_a_small_page(tmp_path: Path) -> None:
    """A thousand finished jobs take at most 2 MB, details and inputs included."""
    jobs = [reported(row(f"a/{number}")) for number in range(1_000)]
    path = write_html(tmp_path / "report", head(), Totals.of(jobs), jobs, outputs=tmp_path, make_poster=draw)
    assert path.stat().st_size < 2_000_000


def test_budget_is_shown_beside_the_cost(tmp_path: Path) -> None:
    """Cost and budget of one currency are compared by a meter."""
    jobs = [reported(row("a"))]
    made = head(budget=Budget(usd("50.00")))
    path = write_html(tmp_path / "report", made, Totals.of(jobs), jobs, outputs=tmp_path, make_poster=draw)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.attributes("meter", "max") == ["50.00"]
    assert "1.26 USD of 50.00 USD" in " ".join(page.text.split())


def test_page_without_run_or_jobs(tmp_path: Path) -> None:
    """Before anything ran the page is still a page."""
    path = write_html(tmp_path / "report", head(run=None), Totals(), [], outputs=tmp_path, make_poster=draw)
    assert "nothing has run yet" in path.read_text(encoding="utf-8")


def test_job_that_is_still_running_has_no_file_yet(tmp_path: Path) -> None:
    """A running job has a card without a link."""
    page = page_of(tmp_path, [reported(row("a", State.RUNNING))])
    assert [value for value in page.attributes("a", "href") if value.startswith("..")] == []
    assert MANIFEST in page.text
    assert html.NAME == "index.html"
