"""A plan in a file that `run` carries out: the JSON plan, and what binds it to manifest, rows, files and state.

    {
      "version": 1,
      "manifest": …, "run": …, "totals": …, "budget": …,
      "saved": {"manifest": "../autumn.yaml", "options": {…}, "state": {"run": …, "events": …}},
      "jobs": [
        …one a line…
      ],
      "sha256": "…"
    }

The jobs themselves say what is done with each, in order: `run` holds every job against its line before it sends anything. Paths are
relative to the file, so that it can travel with a checkout. The last line is a digest of all lines before it: a file that
was cut short, edited or formatted anew is known by it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from runner.report.documents import write_document
from runner.report.files import replacing
from runner.report.plan_document import entry_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import TextIO

    from runner.core.plan import Action
    from runner.report.plan import PlanEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options of `plan` that decide what is done.

    Args:
        variables: `-V`.
        select: `--select`.
        exclude: `--exclude`.
        retry_failed: `--retry-failed`.
        sandbox: `--sandbox`.
        allow_files_outside: `--allow-files-outside`.
        budget: `--budget` as typed; None without it.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    retry_failed: bool = False
    sandbox: bool = False
    allow_files_outside: bool = False
    budget: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a state stands; equal positions of one state mean that nothing has happened in between.

    Args:
        run: The run that began last; None before the first.
        events: The number of the newest event of its history; 0 before the first.
    """

    run: str | None
    events: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with one selected job.

    Args:
        id: Which.
        fingerprint: What is asked for.
        action: What is done once nothing is missing.
        output: Where its result goes, below the output folder, without suffix; None for a job that delivers no file.
    """

    id: str
    fingerprint: str
    action: Action
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What binds a plan that is being saved.

    Args:
        manifest: The manifest's path as seen from the file's folder, `/` between parts.
        options: As it is planned with.
        position: Where the state stands.
    """

    manifest: str
    options: PlanOptions
    position: Position


def write_saved_plan(path: Path, head: dict[str, Any], entries: Iterable[PlanEntry], binding: Binding) -> None:
    """Write a plan that can be run, holding one entry at a time; it takes its name when it is whole.

    Args:
        path: The file; what stands there is replaced.
        head: The head of the JSON plan (`plan_head_document`).
        entries: In manifest order, orphans after them.
        binding: What it is bound to.

    Raises:
        StorageFailed: It could not be written; what stood there is untouched.
    """
    saved = {"manifest": binding.manifest, "options": asdict(binding.options), "state": asdict(binding.position)}
    with replacing(path, what="the plan", next_step="make room or fix the permissions, then plan again") as stream:
        hashed = _Hashed(stream)
        jobs = map(entry_document, entries)
        write_document(hashed, {**head, "saved": saved}, jobs, tail=lambda: {"sha256": hashed.sha256})


class _Hashed:
    """A stream that knows the digest of what was written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._digest = sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, text: str) -> int:
        self._digest.update(text.encode())
        return self._stream.write(text)
