"""Asking an account for tasks that were paid elsewhere, and attaching them to the jobs of a manifest."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

import click

from runner.cli.clock import SystemClock
from runner.cli.embedded import sandbox_for
from runner.cli.imported import Imported, say_imported
from runner.cli.mapped import Mapped
from runner.cli.mapping import TASK, MappingFile
from runner.cli.opening import further_options, open_manifest, state_folder
from runner.cli.providers import operations_of
from runner.cli.reporting import estimate_of
from runner.cli.resolving import who_types
from runner.cli.screen import tell_taken_over
from runner.cli.state import open_state
from runner.cli.wires import make_asking_wire
from runner.core.answers import AskAgain, Ended, Ready, Reply, Running, UnknownTask
from runner.core.error_codes import ErrorCode
from runner.core.errors import SettingMissing
from runner.core.job import State
from runner.core.ledger import day_of
from runner.core.money import Money
from runner.engine.imports import Fate, Word, attachment, is_own, matches, offer_of
from runner.engine.survey import Findings
from runner.engine.task_pages import Unlisted, all_pages
from runner.store.lock import hold_lock
from runner.store.store import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.cli.mapping import Line
    from runner.core.money import Budget
    from runner.core.ports import Operation, Wire
    from runner.core.spec import Campaign
    from runner.engine.imports import Match, Offer
    from runner.store.store import StateStore

_AT_ONCE: Final = 8
"""Tasks of a mapping that are asked for at once."""

_OWN_ID: Final = re.compile(rb'"(cs-[0-9a-f]{40})"')
"""Our own id of an attempt (`runner.core.identity`) as a JSON text of its own, under whatever name the provider shows it."""

_COMMITTED_AT_ONCE: Final = 500
"""Moves that may share a transaction."""


@dataclass(slots=True)
class Import:
    """One `callsheet import`.

    Args:
        manifest: The manifest's path as typed.
        account: The account that has the tasks.
        mapping: The path of the mapping; None to take what the account lists.
        variables: Overrides of vars.
        dry_run: Whether nothing is attached.
        most_tasks: Tasks of a list that are read at the most.
    """

    manifest: str
    account: str
    mapping: str | None
    variables: Mapping[str, str]
    allow_files_outside: bool
    sandbox: bool
    dry_run: bool
    most_tasks: int
    as_json: bool
    campaign: Campaign = field(init=False)
    operations: Mapping[str, Operation] = field(init=False)

    def carry_out(self) -> None:
        """Attach what is found, and print what that was.

        Raises:
            click.UsageError: There is no such account, or it lists nothing and no mapping is given.
            ManifestInvalid: The manifest or the mapping does not hold; nothing was attached.
            SettingMissing: The account has no credential, or gives no list.
            LockHeld: A run is at work.
            StorageFailed: What was attached may not be durable.
        """
        self._open()
        mapping = None if self.mapping is None else Mapped(MappingFile(self.mapping), self.campaign, self.account)
        with self._state() as store:
            tell_taken_over(store.taken_over)
            imported = asyncio.run(self._import(store, mapping))
        options = further_options(self.variables, sandbox=self.sandbox, allow_files_outside=self.allow_files_outside)
        say_imported(imported, ("callsheet", "run", self.manifest, *options), as_json=self.as_json)

    def _open(self) -> None:
        self.campaign = open_manifest(
            self.manifest,
            variables=self.variables,
            allow_files_outside=self.allow_files_outside,
            sandbox=self.sandbox,
        )
        account = self.campaign.accounts.get(self.account)
        if account is None:
            known = ", ".join(self.campaign.accounts)
            raise click.UsageError(f"no account `{self.account}` in {self.manifest}; there are: {known}")
        self.operations = operations_of(account)
        if self.mapping is not None:
            return
        if not account.looks_up:
            raise click.UsageError(f"account `{self.account}` says `lookup: false`; name the tasks with --map FILE")
        if all(operation.task_list is None for operation in self.operations.values()):
            raise click.UsageError(f"the API of account `{self.account}` lists no tasks; name them with --map FILE")

    @contextlib.contextmanager
    def _state(self) -> Iterator[StateStore]:
        """The state, locked for what is going to be written. An invalid manifest must not claim a name."""
        folder = state_folder(self.campaign)
        if not self.dry_run and not (folder / DATABASE).exists():
            findings = Findings()
            deque(self.campaign.jobs(findings), maxlen=0)
            findings.raise_if_invalid()
        command = f"callsheet import {self.manifest}"
        lock = contextlib.nullcontext() if self.dry_run else hold_lock(folder, command=command)
        with lock, open_state(self.campaign, read_only=self.dry_run) as store:
            yield store

    async def _import(self, store: StateStore, mapping: Mapped | None) -> Imported:
        async with sandbox_for(self.campaign):
            wire = make_asking_wire(self.campaign, self.account)
            try:
                found = await self._listed(store, wire) if mapping is None else await self._mapped(store, wire, mapping)
            finally:
                await wire.close()
        if not self.dry_run:
            await self._attach(store, found.attached)
        found.overspent = self._overspent(store, found.attached)
        return found

    # --- what the account lists ---------------------------------------------------------------------------------------

    async def _listed(self, store: StateStore, wire: Wire) -> Imported:
        imported = Imported(self.account, is_dry_run=self.dry_run, is_listed=True)
        offers: dict[str, Offer] = {}
        for operation in self.operations.values():
            await self._read_list(operation, wire, imported, offers)
        findings, imported.nobodys = Findings(), imported.tasks
        for match in matches(self.campaign, store, self.account, offers, findings):
            imported.add(match)
            imported.nobodys -= match.tasks
        findings.raise_if_invalid()
        return imported

    async def _read_list(self, operation: Operation, wire: Wire, imported: Imported, offers: dict[str, Offer]) -> None:
        task_list, left = operation.task_list, self.most_tasks - imported.tasks
        if task_list is None or left <= 0:
            imported.is_cut |= task_list is not None
            return
        is_whole = False
        try:
            async for stretch in all_pages(wire, task_list, clock=SystemClock(), rng=Random(), most=left):
                is_whole = stretch.is_last
                imported.tasks += len(stretch.tasks)
                imported.unreadable += stretch.unreadable
                offers |= {task.external_id: offer_of(task, task_list) for task in stretch.tasks if task.external_id}
        except Unlisted as unlisted:
            raise SettingMissing(
                f"account `{self.account}` gave no list of its tasks ({operation.name}): {unlisted}; nothing was attached",
                next_step=f"callsheet doctor {self.manifest}",
                code=ErrorCode.NO_TASKS,
            ) from unlisted
        imported.is_cut |= not is_whole

    # --- what a person names ------------------------------------------------------------------------------------------

    async def _mapped(self, store: StateStore, wire: Wire, mapping: Mapped) -> Imported:
        imported = Imported(self.account, is_dry_run=self.dry_run, is_listed=False)
        imported.tasks = len(mapping.lines)
        found = list(mapping.matches(store))
        asking = asyncio.Semaphore(_AT_ONCE)

        async def check(line: Line, match: Match) -> None:
            async with asking:
                why = await self._refusal(wire, match)
            if why is not None:
                mapping.refuse(line, TASK, why)

        await asyncio.gather(*(check(line, match) for line, match in found if match.fate is Fate.ATTACHED))
        mapping.raise_if_invalid()
        for _, match in found:
            imported.add(match)
        return imported

    async def _refusal(self, wire: Wire, match: Match) -> str | None:
        """Why a task cannot be its job's, as the provider says; None when it can."""
        operation, task_id = self.operations[match.spec.operation], match.offer.task_id
        exchange = await wire.get(operation.query(task_id))
        if not isinstance(exchange, Reply):
            return f"account `{self.account}` could not be asked for task `{task_id}`: {exchange.message}"
        match operation.read_query(exchange, match.spec.inputs):
            case Ended() as ended:
                return f"task `{task_id}` has failed: {ended.failure.message}"
            case UnknownTask() as unknown:
                return f"account `{self.account}` does not know task `{task_id}`: {unknown.reason}"
            case AskAgain() as again:
                return f"account `{self.account}` does not say how task `{task_id}` stands: {again.reason}"
            case Running() | Ready():
                return None if operation.own_ids is None else self._strangeness(exchange, match)

    def _strangeness(self, reply: Reply, match: Match) -> str | None:
        """Why a task that shows an id of ours is not its job's; None when it shows none, or the job's."""
        shown = {found.decode() for found in _OWN_ID.findall(reply.body)}
        if not shown or any(is_own(self.campaign, match, own_id) for own_id in shown):
            return None
        return (
            f"task `{match.offer.task_id}` was submitted by Callsheet for another job, or for `{match.spec.id}` with other inputs "
            f"({', '.join(sorted(shown))}); without --map, tasks are attached to the jobs that they were submitted for"
        )

    # --- attaching ----------------------------------------------------------------------------------------------------

    async def _attach(self, store: StateStore, found: Sequence[Match]) -> None:
        word = None if self.mapping is None else Word(who_types(), f"named in {self.mapping}")
        at, todo = time.time(), iter(found)
        while chunk := list(islice(todo, _COMMITTED_AT_ONCE)):
            moves = [
                attachment(match, at=at, reserved=estimate_of(self.campaign, match.spec), word=word) for match in chunk
            ]
            await asyncio.gather(*(store.commit(move) for move in moves))

    def _overspent(self, store: StateStore, attached: Sequence[Match]) -> tuple[Money, Budget] | None:
        """What is spent with the attached tasks, and the budget, where that is more than it allows. What was not attached is not in the state."""
        budget = self.campaign.budget
        if budget is None:
            return None
        spent = sum((it.amount for it in store.spent(day=day_of(time.time()) if budget.per_day else None)), Decimal(0))
        if self.dry_run:
            estimates = [estimate_of(self.campaign, it.spec) for it in attached if it.job.state is not State.IN_DOUBT]
            spent += sum((it.amount for it in estimates if it is not None), Decimal(0))
        return (Money(spent, budget.limit.currency), budget) if spent > budget.limit.amount else None
