"""`moved:` as the manifest writes it: what contradicts itself, and what the jobs contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.diagnostics import Diagnostic, Label, Severity
from runner.core.renames import Rename, Renames, heads
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    entries: list[Rename] = []
    for number, entry in enumerate(written):
        if not isinstance(entry, dict) or not {"from", "to"} <= entry.keys():
            continue  # said by the schema
        rename = Rename(entry["from"], entry["to"], document.span(("moved", number, "from")))
        flaw = _contradiction(rename, entries)
        if flaw is None:
            entries.append(rename)
        else:
            findings.flaw(("moved", number), flaw)
    return Renames(entries)


def _contradiction(rename: Rename, before: Sequence[Rename]) -> Flaw | None:
    if rename.old in heads(rename.new):
        return Flaw(
            Code.BAD_MOVE, f"`{rename.old}` cannot move to `{rename.new}`: that is the same id, or lies below it"
        )
    for other in before:
        if other.old == rename.old:
            return Flaw(Code.BAD_MOVE, f"`{rename.old}` moves twice: to `{other.new}` and to `{rename.new}`")
        if other.new == rename.new:
            return Flaw(Code.BAD_MOVE, f"both `{other.old}` and `{rename.old}` move to `{rename.new}`")
    circle = Renames([*before, rename])
    if circle.new_id(rename.old) is None or circle.about(circle.new_id(rename.old) or "") is not None:
        return Flaw(Code.BAD_MOVE, f"`{rename.old}` moves in a circle")
    return None


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
