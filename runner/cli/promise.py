"""`run plan.json`: exactly what a saved plan says, or nothing."""

from __future__ import annotations

import json
import os
import shlex
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.opening import selection_words
from runner.cli.saving import position_of
from runner.core.error_codes import ErrorCode
from runner.core.errors import PlanRefused
from runner.core.plan import Action
from runner.report.figures import to_minute
from runner.report.saved_plan import Step
from runner.report.saved_plan_file import HOW_TO_SAVE, SavedPlan, is_plan, read_saved_plan

if TYPE_CHECKING:
    from runner.core.errors import ManifestInvalid
    from runner.core.spec import Campaign
    from runner.engine.survey import Surveyed
    from runner.store.store import StateStore

_MOST_FOREIGN_BYTES: Final = 2**20

_FIXED: Final = {
    "select": "--select",
    "exclude": "--exclude",
    "variables": "-V",
    "retry_failed": "--retry-failed",
    "sandbox": "--sandbox",
    "allow_files_outside": "--allow-files-outside",
}
"""The options of `run` that a saved plan has decided already, by their names in the command."""

_WAS: Final[dict[Action, str]] = {
    Action.CREATE: "to be created",
    Action.RECREATE: "to be made again",
    Action.REATTACH: "to go on",
    Action.DOWNLOAD: "to be downloaded",
    Action.UP_TO_DATE: "up to date",
    Action.BLOCKED: "blocked",
    Action.IN_DOUBT: "in doubt",
    Action.ORPHAN: "not in the manifest",
}


class Promise:
    """A saved plan that a run is to keep.

    Args:
        plan: The plan.
        typed: Its path as typed.
    """

    def __init__(self, plan: SavedPlan, typed: str) -> None:
        self.plan = plan
        self._typed = typed
        self._steps = plan.steps()
        self._difference: str | None = None

    @property
    def manifest(self) -> str:
        """The manifest's path as one would type it here."""
        return os.path.relpath(self.plan.path.absolute().parent / self.plan.manifest)

    def options(self) -> dict[str, Any]:
        """The options of `run` that the plan has decided, and its manifest, as the command takes them."""
        return {"manifest": self.manifest, **{name: getattr(self.plan.options, name) for name in _FIXED}}

    def check_manifest(self, campaign: Campaign) -> None:
        """See that the manifest is as it was.

        Args:
            campaign: The manifest as it was read for the run: what is compared is what is carried out.

        Raises:
            PlanRefused: It is not.
        """
        if campaign.sha256 != self.plan.manifest_sha256:
            raise self._refused(f"the manifest {self.manifest} has changed since")

    def broken_by(self, invalid: ManifestInvalid) -> PlanRefused:
        """The refusal of a manifest that does not hold, as it did when the plan was made."""
        first = invalid.diagnostics[0]
        return self._refused(
            f"the manifest {self.manifest} does not hold any more: {first.message} ({first.code} at {first.span})"
        )

    def note(self, entry: Surveyed) -> None:
        """Hold the next job against the plan's next line; the first that differs is remembered."""
        if self._difference is not None:
            return
        spec = entry.spec
        output = spec.output if spec.delivers_file else None
        now = Step(spec.id, spec.fingerprint, entry.decision.action, output)
        then = next(self._steps, None)
        if now != then:
            self._difference = _difference(then, now, f"{spec.source.file}:{spec.source.line}")

    def check(self, store: StateStore) -> None:
        """See that nothing has moved; after the last job, before anything is sent.

        Raises:
            PlanRefused: Something has; the message says what.
        """
        moved = [said for said in (self._moved_state(store), self._difference or self._missing_job()) if said]
        if moved:
            raise self._refused("; ".join(moved))

    def _moved_state(self, store: StateStore) -> str | None:
        now, then, run = position_of(store), self.plan.position, store.last_run()
        if now == then:
            return None
        if run is not None and run.run_id != then.run:
            return f"a run of {to_minute(run.started_at)} has changed the state since"
        if now.events > then.events:
            # No time: what the lock file tells of happened long before it was taken over.
            after = "" if run is None else f", after the run of {to_minute(run.started_at)}"
            return f"the state has changed since{after}: by a decision, by the lock file or by `moved:`"
        return "the state is another one, or an older copy of it"

    def _missing_job(self) -> str | None:
        left = next(self._steps, None)
        return None if left is None else f"`{left.id}` was {_WAS[left.action]}, now it is not among the jobs"

    def _refused(self, what: str) -> PlanRefused:
        return PlanRefused(
            f"{self._typed} is not carried out, and nothing was sent: {what}", next_step=shlex.join(self.again())
        )

    def budget(self, typed: str | None) -> str | None:
        """The stricter of the plan's `--budget` and that of the run; None without any."""
        return min((each for each in (self.plan.options.budget, typed) if each is not None), key=_amount, default=None)

    def again(self, budget: str | None = None) -> list[str]:
        """The command that makes the plan anew.

        Args:
            budget: `--budget` of the run; the stricter of this and the plan's is kept. None without one.
        """
        options, words = self.plan.options, ["callsheet", "plan", self.manifest]
        words += selection_words(options.select, options.exclude)
        words += [word for name, value in options.variables.items() for word in ("-V", f"{name}={value}")]
        words += [_FIXED[name] for name in ("retry_failed", "sandbox", "allow_files_outside") if getattr(options, name)]
        strictest = self.budget(budget)
        words += ["--budget", strictest] if strictest is not None else []
        return [*words, "-o", self._typed]


def _amount(budget: str) -> Decimal:
    """The amount of a budget that was read before, with or without its currency."""
    return Decimal(budget.partition(" ")[0])


def _difference(then: Step | None, now: Step, place: str) -> str:
    if then is None:
        return f"`{now.id}` ({place}) was not among the jobs"
    if then.id != now.id:
        return f"`{then.id}` was {_WAS[then.action]}, now `{now.id}` ({place}) stands in its place"
    if then.fingerprint != now.fingerprint:
        return f"`{now.id}` asks for something else now ({place})"
    if then.action is not now.action:
        return f"`{now.id}` was {_WAS[then.action]}, now it is {_WAS[now.action]}"
    return f"`{now.id}` was to be delivered to {then.output}, now it is to {now.output}"


def find_promise(typed: str, options: dict[str, Any]) -> Promise | None:
    """The saved plan that `run` was given; None when it was given a manifest.

    Args:
        typed: The path.
        options: Those of the command.

    Raises:
        PlanRefused: It is JSON, but neither a manifest nor a plan that can be run.
        click.UsageError: An option was given that the plan has decided already.
    """
    path = Path(typed)
    if not is_plan(path):
        if _is_foreign(path):
            raise PlanRefused(
                f"{typed} is neither a manifest nor a saved plan; nothing was sent",
                next_step=HOW_TO_SAVE,
                code=ErrorCode.PLAN_UNREADABLE,
            )
        return None
    given = [option for name, option in _FIXED.items() if options[name]]
    if given:
        raise click.UsageError(
            f"{' and '.join(given)}: {typed} is a saved plan, which has decided that already; plan anew with the options that you want"
        )
    return Promise(read_saved_plan(path), typed)


def _is_foreign(path: Path) -> bool:
    """Whether a file named `.json` has nothing of a manifest, which may be written as JSON too."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_FOREIGN_BYTES)
    except OSError:
        return False
    return len(text) < _MOST_FOREIGN_BYTES and not _has_jobs(text)


def _has_jobs(text: bytes) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        return b'"jobs": {' in text
    return isinstance(document, dict) and "jobs" in document
