"""The file that says which task at a provider is which job's: `callsheet import --map`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.core.diagnostics import Diagnostic, Label, Span
from runner.core.error_codes import ErrorCode
from runner.core.identity import is_task_id
from runner.manifest.codes import Code
from runner.manifest.rows.reading import CsvRows, JsonRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

JOB: Final = "job"
TASK: Final = "task_id"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file.

    Args:
        job: A job's id.
        task_id: The task that is said to be its own.
        place: The line.
    """

    job: str
    task_id: str
    place: Span


class MappingFile:
    """A mapping as a person or a script wrote it.

    CSV with the columns `job` and `task_id`; under a name that ends in `.jsonl`, an object in each line with these keys. Further columns
    and keys are let be.

    Args:
        written: The file's path as typed.
    """

    def __init__(self, written: str) -> None:
        path = Path(written)
        self._source = JsonRows(path, written) if path.suffix == ".jsonl" else CsvRows(path, written)
        self._fields = self._source.fields()

    def lines(self, report: Callable[[Diagnostic], None]) -> Iterator[Line]:
        """Every line that holds, in order; a job and a task stand in one line only.

        Args:
            report: Takes what is wrong with the others.
        """
        header = self._fields.header()
        if header is not None and not (self._fields.column(JOB) and self._fields.column(TASK)):
            report(_finding(f"the first line does not name the columns `{JOB}` and `{TASK}`", header))
            return
        jobs, tasks = dict[str, Line](), dict[str, Line]()
        for row, place in self._source.rows(partial(_told_apart, report)):
            line = self._line(row, place, report)
            if line is None:
                continue
            earlier = [(JOB, jobs.get(line.job)), (TASK, tasks.get(line.task_id))]
            for field, other in earlier:
                if other is not None:
                    report(self._repeated(line, other, field))
            if all(other is None for _, other in earlier):
                jobs[line.job] = tasks[line.task_id] = line
                yield line

    def finding(self, line: Line, field: str, message: str, hint: str | None = None) -> Diagnostic:
        """What is wrong with a field of a line."""
        return _finding(message, self._fields.find(line.place, (field,)), line.job, hint)

    def _line(self, row: Mapping[str, object], place: Span, report: Callable[[Diagnostic], None]) -> Line | None:
        job, task_id = row.get(JOB), row.get(TASK)
        if not isinstance(job, str) or not job:
            report(_finding(f"`{JOB}` is not the id of a job", self._fields.find(place, (JOB,))))
        if not isinstance(task_id, str) or not is_task_id(task_id):
            hint = "write it in quotes" if isinstance(task_id, int) else None
            report(_finding(f"`{TASK}` is not a task's id", self._fields.find(place, (TASK,)), hint=hint))
        elif isinstance(job, str) and job:
            return Line(job, task_id, place)
        return None

    def _repeated(self, line: Line, other: Line, field: str) -> Diagnostic:
        place = self._fields.find(line.place, (field,))
        first = Label(Span(other.place.file, other.place.line, 1), "the first line with it")
        what = f"job `{line.job}`" if field == JOB else f"task `{line.task_id}`"
        return _finding(f"{what} stands in two lines", place, line.job, labels=(first,))


def _told_apart(report: Callable[[Diagnostic], None], found: Diagnostic) -> None:
    """A file of rows without rows makes no jobs, which is a warning; a mapping without lines is a mistake."""
    report(_finding("the file names no task", found.span) if found.code == Code.NO_ROWS else found)


def _finding(
    message: str, place: Span, job: str | None = None, hint: str | None = None, labels: tuple[Label, ...] = ()
) -> Diagnostic:
    return Diagnostic(code=ErrorCode.MAPPING, message=message, span=place, job=job, hint=hint, labels=labels)
