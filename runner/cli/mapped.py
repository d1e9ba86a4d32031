"""A mapping held against the manifest and its state: which jobs its lines mean, and whether those may take a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.mapping import JOB, TASK
from runner.core.errors import ManifestInvalid
from runner.core.selection import Selection
from runner.engine.imports import Fate, Match, Offer, job_of, owners, takes_task
from runner.engine.submit import own_id_of
from runner.engine.survey import Findings, select
from runner.manifest.flaws import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.mapping import Line, MappingFile
    from runner.core.diagnostics import Diagnostic
    from runner.core.job import Job
    from runner.core.spec import Campaign, JobSpec
    from runner.store.store import StateStore

_MOST_HINTS = 20
"""A look at all ids of a manifest for each misspelt one takes its time."""


class Mapped:
    """The lines of a mapping, and all that is wrong with them.

    Args:
        file: The mapping.
        campaign: The manifest.
        account: The account that has the tasks.
    """

    def __init__(self, file: MappingFile, campaign: Campaign, account: str) -> None:
        self._file = file
        self._campaign = campaign
        self._account = account
        self._found: list[Diagnostic] = []
        self.lines = list(file.lines(self._found.append))

    def refuse(self, line: Line, field: str, message: str, hint: str | None = None) -> None:
        """A line does not hold."""
        self._found.append(self._file.finding(line, field, message, hint))

    def raise_if_invalid(self) -> None:
        """End the command when a line does not hold.

        Raises:
            ManifestInvalid: With everything that is wrong, in the order of the lines.
        """
        if self._found:
            raise ManifestInvalid(sorted(self._found, key=lambda it: it.span))

    def matches(self, store: StateStore) -> Iterator[tuple[Line, Match]]:
        """The lines whose job may take its task, and those whose job has that very task already.

        Args:
            store: The manifest's state; read only.

        Raises:
            ManifestInvalid: The manifest does not hold.
        """
        open_lines, findings = {line.job: line for line in self.lines}, Findings()
        whose = owners(store, {line.task_id for line in self.lines})
        known_ids: list[str] = []
        for selected in select(self._campaign, store, Selection(), findings):
            known_ids.append(selected.spec.id)
            line = open_lines.pop(selected.spec.id, None)
            if line is not None:
                match = self._match(line, selected.spec, selected.job, whose.get(line.task_id))
                if match is not None:
                    yield line, match
        findings.raise_if_invalid()
        for number, line in enumerate(open_lines.values()):
            hint = did_you_mean(line.job, known_ids) if number < _MOST_HINTS else None
            self.refuse(line, JOB, f"{self._campaign.path} has no job `{line.job}`", hint)

    def _match(self, line: Line, spec: JobSpec, row: Job | None, owner: Job | None) -> Match | None:
        job, offer = job_of(spec, row), Offer(line.task_id)
        if spec.account != self._account:
            self.refuse(line, JOB, f"job `{spec.id}` uses account `{spec.account}`, not `{self._account}`")
        elif spec.obstacles:
            self.refuse(line, JOB, f"what job `{spec.id}` asks for is not known: {spec.lacking}")
        elif job.task_id == line.task_id:
            return Match(spec, job, offer, job.external_id or "", Fate.KNOWN)
        elif not takes_task(job):
            has = f"has task {job.task_id} already" if job.task_id is not None else f"is {job.state.value}"
            self.refuse(line, JOB, f"job `{spec.id}` {has}")
        elif owner is not None:
            whose = f"job `{owner.id}`" if owner.id != spec.id else f"`{spec.id}` as it was asked for before"
            self.refuse(line, TASK, f"task `{line.task_id}` is that of {whose}")
        else:
            own_id, _ = own_id_of(self._campaign.name, job)
            return Match(spec, job, offer, own_id, Fate.ATTACHED)
        return None
