"""`moved:` as the manifest writes it: what contradicts itself, and what the jobs contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.diagnostics import Diagnostic, Label, Severity
from runner.core.renames import Rename, Renames, heads
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.core.spec import JobSpec
    from runner.manifest.findings import Findings
    from runner.manifest.text.source import Document


def read_renames(written: Sequence[Any], document: Document, findings: Findings) -> Renames:
    """The entries under `moved:` that the manifest's schema has passed; what contradicts another goes to the findings.

    Args:
        written: The list.
        document: The manifest, for places.
        findings: Takes what is wrong.
    """
    numbers: dict[Rename, int] = {}
    by_old: dict[str, Rename] = {}
    by_new: dict[str, Rename] = {}
    for number, entry in enumerate(written):
        if not isinstance(entry, dict) or not {"from", "to"} <= entry.keys():
            continue  # said by the schema
        rename = Rename(entry["from"], entry["to"], document.span(("moved", number, "from")))
        flaw = _contradiction(rename, by_old, by_new)
        if flaw is None:
            by_old[rename.old] = by_new[rename.new] = rename
            numbers[rename] = number
        else:
            findings.flaw(("moved", number), flaw)
    for circle in _circles(Renames(numbers)):
        last = max(circle, key=numbers.__getitem__)
        findings.flaw(("moved", numbers[last]), Flaw(Code.BAD_MOVE, f"`{last.old}` moves in a circle"))
    return Renames(numbers)


def _contradiction(rename: Rename, by_old: Mapping[str, Rename], by_new: Mapping[str, Rename]) -> Flaw | None:
    """What makes an entry contradict itself or one before it, found by its old and its new id."""
    if rename.old in heads(rename.new):
        return Flaw(
            Code.BAD_MOVE, f"`{rename.old}` cannot move to `{rename.new}`: that is the same id, or lies below it"
        )
    if (other := by_old.get(rename.old)) is not None:
        return Flaw(Code.BAD_MOVE, f"`{rename.old}` moves twice: to `{other.new}` and to `{rename.new}`")
    if (other := by_new.get(rename.new)) is not None:
        return Flaw(Code.BAD_MOVE, f"both `{other.old}` and `{rename.old}` move to `{rename.new}`")
    return None


def _circles(renames: Renames) -> Iterator[list[Rename]]:
    """The entries of each circle. Every id is walked from once, however many renames lead to it."""
    walked: set[str] = set()
    for entry in renames.entries:
        job_id, path = entry.old, dict[Rename, None]()
        while (step := renames.about(job_id)) is not None:
            if step in path:
                steps = list(path)
                yield steps[steps.index(step) :]
                break
            if job_id in walked:
                break
            walked.add(job_id)
            path[step] = None
            job_id = step.new + job_id[len(step.old) :]


class RenameWatch:
    """Holds the jobs of a manifest against its renames while they pass.

    Args:
        renames: The manifest's.
    """

    def __init__(self, renames: Renames) -> None:
        self._renames = renames
        self._awaited = {entry.new: entry for entry in renames.entries if renames.about(entry.new) is None}

    def see(self, spec: JobSpec) -> Diagnostic | None:
        """A job of the manifest; the finding when its id is one that a rename says is gone."""
        for head in heads(spec.id):
            self._awaited.pop(head, None)
        rename = self._renames.about(spec.id)
        if rename is None:
            return None
        return Diagnostic(
            code=Code.BAD_MOVE,
            message=f"`moved` says that `{rename.old}` is `{rename.new}` now, but the manifest still makes `{spec.id}`",
            span=spec.source,
            job=spec.id,
            labels=(Label(rename.source, "it is moved here"),),
            notes=("give the job its new id, or delete the entry under `moved:`",),
        )

    def missed(self) -> Iterator[Diagnostic]:
        """After the last job: the renames whose new id no job has. Most often a slip of the pen, which would be paid for."""
        for entry in self._awaited.values():
            yield Diagnostic(
                code=Code.MOVED_NOWHERE,
                severity=Severity.WARNING,
                message=f"no job has the id `{entry.new}` that `{entry.old}` moves to",
                span=entry.source,
                notes=("correct the id, or delete the entry once every state has seen it",),
            )
