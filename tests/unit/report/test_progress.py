"""Progress in all its forms, over one stream of notices."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from rich.cells import cell_len

from runner.core import events, notices
from runner.core.answers import Reply
from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import State
from runner.report.plain import HEARTBEAT_S
from runner.report.tally import Tally
from runner.report.terminal import make_observer
from runner.schema_files import load_schema
from tests.unit.report.samples import HOSTILE, START, TurnedClock, doubtful, failed, output, row, usd

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.notices import Notice
    from runner.report.terminal import Mode

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def started(work: int = 3) -> notices.RunStarted:
    """The run begins."""
    return notices.RunStarted(
        at=START,
        run_id="r-1",
        manifest="campaigns/spring.yaml",
        total=work + 1,
        planned={"create": work, "up-to-date": 1},
        accounts={"digital-human": 8},
        jobs_by_account={"digital-human": work},
    )


def moved(job: Job, was: State, event: events.Event) -> notices.JobMoved:
    """A job moved."""
    return notices.JobMoved(at=event.at, job=job, was=was, event=event)


def submitted(job_id: str, at: float = START + 1) -> notices.JobMoved:
    """A submission began."""
    event = events.SubmitStarted(
        at=at, external_id="x", request_sha256="0" * 64, request=b"", reserved=usd("1.26"), output_stem=job_id
    )
    return moved(row(job_id, State.SUBMITTING, submitted_at=at), State.PENDING, event)


def delivered(job_id: str) -> notices.JobMoved:
    """A job succeeded."""
    event = events.Delivered(at=START + 113, output=output(job_id))
    return moved(row(job_id), State.DOWNLOADING, event)


def refused(job_id: str, message: str = "no face") -> notices.JobMoved:
    """A job failed."""
    job = failed(job_id, Cause.REFUSED, Code.BAD_REQUEST, message)
    assert job.failure is not None
    return moved(job, State.SUBMITTING, events.Refused(at=START + 42, failure=job.failure))


def lost(job_id: str) -> notices.JobMoved:
    """A job is in doubt."""
    job = doubtful(job_id)
    assert job.failure is not None
    return moved(job, State.SUBMITTING, events.SubmitLost(at=START + 42, failure=job.failure))


def every_notice(text: str = "because") -> list[Notice]:
    """One of each kind, with this text wherever a provider's may stand."""
    job = row("hello/kim", State.RUNNING)
    return [
        started(),
        submitted("hello/ana"),
        moved(job, State.SUBMITTING, events.Accepted(at=START + 2, task_id="67930a6f1b2c")),
        notices.JobProgress(at=START + 3, job=job, progress=0.93),
        notices.JobProgress(at=START + 3, job=job, progress=None, note=text),
        notices.Waiting(at=START + 4, job=job, wait_s=8, reason=text),
        notices.SlowedDown(at=START + 5, account="digital-human", limit=4, wait_s=2, reason=text),
        delivered("hello/ana"),
        refused("hello/ben", text),
        lost("hello/hal"),
        notices.AccountStopped(at=START + 6, account="digital-human", operation=None, code="P212", reason=text),
        notices.SubmissionsStopped(at=START + 6, reason=text),
        notices.Warned(at=START + 7, message=text),
        notices.Stopping(at=START + 8, submissions=2, patience_s=30),
        notices.RunEnded(at=START + 9, exit_code=1, spent=usd("1.26")),
    ]


def watch(mode: Mode, told: list[Notice], clock: TurnedClock | None = None, *, color: bool = False) -> str:
    """What a mode writes about these notices, a tick after each."""
    stream = io.StringIO()
    watcher = make_observer(mode, stream=stream, color=color, clock=clock or TurnedClock(START + 10))
    for notice in told:
        watcher.notify(notice)
        watcher.tick()
    watcher.close()
    watcher.close()
    return stream.getvalue()


def test_plain_line_of_a_finished_job() -> None:
    """Time first, then a word, the job, the file and what it cost."""
    assert watch("plain", [delivered("hello/ana")]) == (
        "2026-11-20T02:15:56Z ok      hello/ana  18.2 s video, 4.1 MB  1.26 USD\n"
    )


def test_plain_says_each_change_once() -> None:
    """Every notice but bare progress makes one line, which begins with its time."""
    lines = watch("plain", every_notice()).splitlines()
    assert len(lines) == len(every_notice()) - 1
    assert all(re.match(r"2026-11-20T\d\d:\d\d:\d\dZ [a-z]", line) for line in lines)


def test_internal_moves_are_not_told() -> None:
    """That a raw reply was stored interests nobody."""
    event = events.ReplyReceived(at=START, reply=Reply(200, {}, b""))
    assert watch("plain", [moved(row("a", State.SUBMITTING), State.SUBMITTING, event)]) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_has_no_escape_and_no_carriage_return(text: str) -> None:
    """Whatever a provider says, a log stays a log: the same number of lines, no control character."""
    said = watch("plain", every_notice(text))
    assert len(said.splitlines()) == len(every_notice()) - 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said)


def test_heartbeat_after_silence_only() -> None:
    """Sixty seconds without a word bring one sign of life, and any line starts the sixty seconds anew."""
    clock, stream = TurnedClock(START), io.StringIO()
    watcher = make_observer("plain", stream=stream, color=False, clock=clock)
    watcher.notify(started())
    watcher.notify(submitted("hello/ana"))
    for _ in range(int(HEARTBEAT_S) - 1):
        clock.now += 1
        watcher.tick()
    assert "alive" not in stream.getvalue()
    clock.now += 1
    watcher.tick()
    watcher.tick()
    assert stream.getvalue().count("alive") == 1
    assert stream.getvalue().endswith("2026-11-20T02:15:03Z alive   0/3 done, 1 at work, 1:00 elapsed\n")


def test_json_lines_fit_their_schema() -> None:
    """Each notice is one line, one object, valid."""
    validator = jsonschema_rs.validator_for(load_schema("progress"), validate_formats=True)
    lines = watch("json", every_notice()).splitlines()
    assert len(lines) == len(every_notice())
    for line in lines:
        validator.validate(json.loads(line))


@pytest.mark.parametrize("text", [*HOSTILE, "https://cdn.example.com/v?S3CRET"])
def test_json_lines_hold_hostile_text(text: str) -> None:
    """A hostile text stays inside its string, and a signed address loses its query."""
    said = watch("json", every_notice(text))
    assert len(said.splitlines()) == len(every_notice())
    assert "S3CRET" not in said
    assert "\x9b" not in said


def test_none_is_silent() -> None:
    """Nothing at all is written."""
    assert watch("none", every_notice()) == ""


def test_auto_is_plain_without_a_terminal() -> None:
    """A stream that is no terminal gets lines."""
    assert watch("auto", [delivered("a")]) == watch("plain", [delivered("a")])


class BrokenStream(io.StringIO):
    """A stream whose reader went away."""

    def write(self, _: str) -> int:
        """Fail as a closed pipe does."""
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("mode", ["plain", "json", "live"])
def test_broken_stream_does_not_disturb_the_run(mode: Mode) -> None:
    """When nobody reads any more, watching falls silent and raises nothing."""
    watcher = make_observer(mode, stream=BrokenStream(), color=False, clock=TurnedClock())
    for notice in every_notice():
        watcher.notify(notice)
        watcher.tick()
    watcher.close()


def test_ascii_stream_gets_what_it_can_hold() -> None:
    """A stream in ASCII gets `?` for the rest instead of an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    watcher = make_observer("plain", stream=stream, color=False, clock=TurnedClock())
    watcher.notify(notices.Warned(at=START, message="磁盘"))
    watcher.tick()
    assert raw.getvalue().endswith(b"warning ??\n")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10), (20, 5)])
def test_live_never_wraps_and_never_outgrows_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, rows: int
) -> None:
    """At any size no line is wider than the terminal and no view higher, with a hundred jobs at work."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(rows))
    monkeypatch.setenv("TERM", "xterm")
    told = [started(200), *(submitted(f"hello/{number}", START + number) for number in range(100))]
    text = watch("live", [*told, *every_notice("看看 this " * 30)[3:]], TurnedClock(START + 200))
    for line in re.split(r"[\r\n]", ESCAPES.sub("", text)):
        assert cell_len(line) <= columns
    # A redraw climbs back over the view that it replaces, a line at a time.
    climbs = [len(found) // len("\x1b[1A\x1b[2K") for found in re.findall(r"(?:\x1b\[1A\x1b\[2K)+", text)]
    assert max(climbs) < rows


def test_live_shows_what_people_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished jobs, the account's bar, jobs at work with their wait, and the totals are all there."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("TERM", "xterm")
    text = ESCAPES.sub("", watch("live", [*every_notice()[:10], submitted("hello/fox")], TurnedClock(START + 10)))
    for words in (
        "✓ hello/ana        18.2 s video, 4.1 MB",
        "✗ hello/ben        P201 because",
        "? hello/hal        P501",
        "again in 2 s (because)",
        "asked to slow down: 4 at a time",
        "3/3 done, 1 in doubt, 1 failed",
        "1.26 USD spent",
    ):
        assert words in text


def test_live_gives_the_cursor_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `close` the cursor is shown, whatever happened before."""
    monkeypatch.setenv("TERM", "xterm")
    text = watch("live", [started(), submitted("a")])
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


@pytest.mark.parametrize(("color", "expected"), [(True, True), (False, False)])
def test_live_colours_only_when_asked(monkeypatch: pytest.MonkeyPatch, color: bool, expected: bool) -> None:
    """Without colour the view moves its cursor but paints nothing."""
    monkeypatch.setenv("TERM", "xterm")
    text = watch("live", [started(), delivered("a")], color=color)
    assert ("\x1b[32m" in text) is expected


def test_tally_holds_active_jobs_only() -> None:
    """Ten thousand finished jobs leave counts, not jobs."""
    tally = Tally()
    tally.notify(started(10_000))
    for number in range(10_000):
        tally.notify(submitted(f"a/{number}"))
        tally.notify(delivered(f"a/{number}"))
    assert (tally.settled, len(tally.active)) == (10_000, 0)
    assert tally.spent == [usd("12600.00")]


def test_doubt_that_is_cleared_up_is_counted_once() -> None:
    """A job lost and found again in one run is settled once; one in doubt from an earlier run was never counted."""
    tally = Tally()
    tally.notify(started(2))
    found = events.TaskFound(at=START + 50, task_id="t")
    tally.notify(lost("a"))
    tally.notify(moved(row("a", State.RUNNING), State.IN_DOUBT, found))
    assert tally.settled == 0
    tally.notify(moved(row("b", State.RUNNING), State.IN_DOUBT, found))
    assert tally.settled == 0
    tally.notify(delivered("a"))
    assert tally.settled == 1


@pytest.mark.parametrize(("settled", "left"), [(0, None), (2, None), (5, 50.0), (10, None)])
def test_time_left_follows_the_pace(settled: int, left: float | None) -> None:
    """Half of ten jobs in fifty seconds leave fifty; too few or all of them leave no guess."""
    tally = Tally()
    tally.notify(started(10))
    for number in range(settled):
        tally.notify(delivered(f"a/{number}"))
    assert tally.left_s(START + 50) == left


def test_reserved_is_what_is_at_work() -> None:
    """Money is set aside from submission to the end."""
    tally = Tally()
    tally.notify(submitted("a"))
    tally.notify(submitted("b"))
    tally.notify(delivered("a"))
    assert tally.reserved == [usd("1.26")]


def test_lines_for_a_pipe_wait_for_the_tick() -> None:
    """Nobody watches a pipe line by line: lines go out together, and none is lost at the end."""
    stream = io.StringIO()
    watcher = make_observer("plain", stream=stream, color=False, clock=TurnedClock())
    watcher.notify(notices.Warned(at=START, message="first"))
    assert not stream.getvalue()
    watcher.tick()
    watcher.notify(notices.Warned(at=START, message="last"))
    watcher.close()
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["first", "last"]
