"""Opens a manifest: from a path to a campaign that can stream its jobs, or to everything that is wrong with it."""

from __future__ import annotations

from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runner.core.collected import Found
from runner.manifest.accounts import budget
from runner.manifest.chains import ageing_operations
from runner.manifest.expand import Expansion
from runner.manifest.findings import Findings, in_order
from runner.manifest.opening import Opening
from runner.manifest.paths import FileRule
from runner.manifest.preflight import AddressUse, Looks
from runner.manifest.text.source import Document, read
from runner.manifest.validate import collect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from runner.core.diagnostics import Diagnostic, Span
    from runner.core.money import Budget
    from runner.core.preflight import Content, Look, NotFetched
    from runner.core.renames import Renames
    from runner.core.spec import Account, JobSpec
    from runner.manifest.accounts import ProviderTypes
    from runner.manifest.blocks import Block
    from runner.manifest.validate import JobCheck, JobCheckMaker

_NO_OVERRIDES: Final[Mapping[str, str]] = MappingProxyType({})


def _no_check(_: Mapping[str, Account], __: Budget | None) -> JobCheck:
    return lambda _: None


LOCK_FILE_SUFFIX: Final = ".lock.jsonl"
"""What the name of every lock file ends with."""


class ManifestCampaign:
    """A manifest that was read and holds, apart from what only its rows can show (`runner.core.spec.Campaign`).

    Args:
        document: The manifest.
        folder: Its folder, absolute.
        opening: What was read of it: accounts, compiled blocks, renames.
        overrides: Vars that the command line replaced.
        looks: What is known about the content of files and addresses.
    """

    def __init__(
        self, document: Document, folder: Path, opening: Opening, overrides: Mapping[str, str], looks: Looks
    ) -> None:
        value: dict[str, Any] = document.value
        self.name: str = value["name"]
        self.path = document.file
        self.folder = str(folder)
        self.sha256 = document.sha256
        self.output_dir = str(folder / value.get("output", {}).get("dir", f"outputs/{self.name}"))
        # Only `.yaml` is left out of the name: `autumn.yml` beside `autumn.yaml` has a lock file of its own.
        self.lock_path = str(folder / f"{PurePath(document.file).name.removesuffix('.yaml')}{LOCK_FILE_SUFFIX}")
        self.accounts: Mapping[str, Account] = opening.accounts
        self.budget: Budget | None = budget(value.get("budget"))
        self.moved: Renames = opening.renames
        self.ageing: Mapping[str, float] = ageing_operations(opening.blocks.values())
        self.overrides = dict(overrides)
        """Vars that the command line replaced, to be recorded with the run."""
        self.document = document
        """The manifest's text, for printing findings."""
        self._blocks: Mapping[str, Block] = opening.blocks
        self._looks = looks

    def jobs(self, report: Callable[[Diagnostic], None]) -> Iterator[JobSpec]:
        """Every job in manifest order; what is wrong with a row or a job goes to `report`, and that job is left out."""
        return self.expansion(report).jobs()

    def place(self, spec: JobSpec, at: tuple[str | int, ...]) -> Span:
        """Where an input of a job comes from (`runner.core.spec.Campaign.place`)."""
        block = self._blocks[spec.name]
        if at and block.depends_on_row(("with", *at)):
            return spec.source
        pointer = (*block.pointer, "with", *at) if at else (*block.pointer, "uses")
        # A value may stand elsewhere, by alias; what holds others, or is not there, is known by its key.
        is_value = _is_value(self.document.value, pointer)
        return self.document.span(pointer) if is_value else self.document.key_span(pointer)

    def addresses(self) -> dict[str, AddressUse]:
        """The addresses that jobs send, in manifest order, each once, with what they are for.

        Addresses of jobs that do not hold are not among them, nor those for the API to call back, and outputs of other jobs.
        """
        found: dict[str, AddressUse] = {}
        for spec in self.jobs(lambda _: None):
            for address, limits in self._blocks[spec.name].preflight.addresses(spec.inputs):
                found.setdefault(address, AddressUse()).add(limits, spec.account)
        return found

    def take_fetched(self, fetched: Mapping[str, Content | NotFetched]) -> None:
        """Hold the jobs against what their addresses gave, from now on.

        Args:
            fetched: By address as `addresses` has it.
        """
        self._looks.fetched = fetched

    def expansion(self, report: Callable[[Diagnostic], None]) -> Expansion:
        """A pass over the jobs that also counts those left out."""
        return Expansion(self._blocks, self.document, report, renames=self.moved)


def _is_value(written: Any, at: tuple[str | int, ...]) -> bool:
    """Whether a pointer leads to a value that is neither object nor list."""
    for step in at:
        try:
            written = written[step]
        except (KeyError, IndexError, TypeError):
            return False
    return not isinstance(written, dict | list)


def open_campaign(
    path: Path,
    *,
    display: str | None = None,
    overrides: Mapping[str, str] = _NO_OVERRIDES,
    allow_files_outside: bool = False,
    defaults: ProviderTypes,
    job_check: JobCheckMaker = _no_check,
    look: Look | None = None,
) -> ManifestCampaign | Found:
    """Open a manifest. Never raises for what is in it.

    Args:
        path: The manifest.
        display: How messages name it; the path itself when None.
        overrides: `-V name=value`, as typed: replaces vars that are text, numbers, true or false by values of the same kind
            (`overrides.overridden`).
        allow_files_outside: Whether files of rows and schemas may lie outside the repository.
        defaults: What an account of each provider type has when the manifest says nothing.
        look: Looks into the local files that jobs send; None when their content is not held against the operation's limits.
        job_check: Makes what else is asked about the jobs of a manifest that does not hold, as `validate.check` asks it about others.

    Returns:
        The campaign; or, when it does not hold, everything that is wrong, in position order, rows and jobs included.
    """
    document = read(path, display=display)
    if not isinstance(document, Document):
        return Found(tuple(document))
    folder = path.absolute().parent
    findings, looks = Findings(document), Looks(look)
    opening = Opening(
        document,
        findings,
        files=FileRule(folder, allow_outside=allow_files_outside),
        overrides=overrides,
        defaults=defaults,
        looks=looks,
    )
    opening.read()
    if findings.collected.has_errors:
        return in_order(_with_rows(opening, document, findings, job_check), document.file)
    return ManifestCampaign(document, folder, opening, overrides, looks)


def _with_rows(opening: Opening, document: Document, findings: Findings, job_check: JobCheckMaker) -> Found:
    """What is wrong with a manifest that does not hold, and with its rows and jobs: all problems at once."""
    collected = findings.collected
    if not opening.blocks:  # nobody knows how many jobs it would make
        return collected.found()
    are_all = not findings.is_broken(("jobs",))
    expansion = Expansion(opening.blocks, document, collected, renames=opening.renames, are_all=are_all)
    collect(expansion, collected, _of_sound_blocks(opening, document, findings, job_check))
    return collected.found(expansion.jobs_read)


def _of_sound_blocks(opening: Opening, document: Document, findings: Findings, job_check: JobCheckMaker) -> JobCheck:
    """The check of jobs, for those about which all is known that it may ask for."""
    if any(findings.is_broken((section,)) for section in ("providers", "prices", "budget")):
        return lambda _: None
    also = job_check(opening.accounts, budget(document.value.get("budget")))
    return lambda spec: also(spec) if opening.blocks[spec.name].is_sound else None
