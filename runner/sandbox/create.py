"""A create that has arrived, or that the ledger remembers: what it asks for, and the task that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from runner.sandbox.faults import TABLE
from runner.sandbox.film import Scene
from runner.sandbox.tasks import Task

if TYPE_CHECKING:
    from runner.sandbox.api import Api, Measured, Reading
    from runner.sandbox.faults import Fault
    from runner.sandbox.options import SandboxOptions


@dataclass(frozen=True, slots=True)
class Create:
    """A create.

    Args:
        api: Who was asked.
        digest: SHA-256 digest of its body.
        measured: Of the file content in it.
        reading: What the API reads out of it.
        faults: Those it asks for, and those that chance gives it.
    """

    api: Api
    digest: str
    measured: Measured
    reading: Reading
    faults: tuple[Fault, ...]

    @property
    def problem(self) -> str | None:
        """Why its inputs are refused: what the API says, or a magic word that nobody knows."""
        unknown = [fault.kind for fault in self.faults if not self.api.plays(fault.kind)]
        if self.reading.problem is not None or not unknown:
            return self.reading.problem
        return f"no fault `{unknown[0]}` in the sandbox's {self.api.name}; there are {', '.join(filter(self.api.plays, TABLE))}"

    @property
    def ends_at_once(self) -> bool:
        """Whether the reply carries the result."""
        return self.api.answers_at_once and not any(fault.kind == "asynchronous" for fault in self.faults)

    def task(self, serial: str, accepted_at: float, options: SandboxOptions) -> Task:
        """The task that it becomes.

        Args:
            serial: 32 hexadecimal digits.
            accepted_at: Unix seconds.
            options: How long tasks take.
        """
        length_s = self._amount("lasts-s")
        return Task(
            id=self.api.task_id(serial, self.reading.kept),
            serial=serial,
            api=self.api.name,
            body=self.reading.kept,
            scene=Scene(self.reading.spoken, serial, self.reading.length_s if length_s is None else length_s),
            faults=self.faults,
            accepted_at=accepted_at,
            duration_s=self._takes_s(serial, options),
            own_id=self.reading.own_id,
        )

    def _takes_s(self, serial: str, options: SandboxOptions) -> float:
        asked_s = self._amount("task-s")
        if asked_s is not None:
            return asked_s
        return 0.0 if self.ends_at_once else options.task_s + Random(serial).random() * options.task_jitter_s

    def _amount(self, kind: str) -> float | None:
        """The number of the fault of this kind; None without the fault."""
        return next((fault.amount for fault in self.faults if fault.kind == kind), None)
