"""What a manifest asks for, as values: job specs and accounts. Made by `runner.manifest`, used by everybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal

    from runner.core.diagnostics import Diagnostic, Span
    from runner.core.money import Budget, Price
    from runner.core.renames import Renames


class Verify(StrEnum):
    """How far a delivered file is checked before it gets its name."""

    NONE = "none"
    """Length and digest."""
    CONTAINER = "container"
    """Parsed too: streams, size in pixels, duration."""
    FRAME = "frame"
    """A picture decodes too (the default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInput:
    """A local file whose bytes a job sends.

    Args:
        at: Keys and indices from the job's inputs to the place where `{file: …}` stands.
        written: Its path as the manifest has it, for messages.
        path: Its absolute path, links followed.
        sha256: Digest (hexadecimal) of its bytes when the job was planned: part of the fingerprint, where the name is not.
        size_bytes: Its length then.
    """

    at: tuple[str | int, ...]
    written: str
    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job as asked for, templates rendered.

    Args:
        id: Unique in the manifest, e.g. `welcome/1042/en`.
        name: The key under `jobs:`, e.g. `welcome`.
        uses: `<account>/<operation>` as written, e.g. `kling-eu/avatar`.
        operation: `<type>/<operation>`, e.g. `kling/avatar`: names the schema and the provider's code.
        inputs: Rendered `with:`, JSON values. Outputs of other jobs stand in it as references (`runner.core.references`).
        fingerprint: SHA-256 (hexadecimal) over account type, operation, inputs, needed jobs' fingerprints.
        tags: In order, without repeats.
        output: Path below the output folder, without suffix, checked to be safe.
        verify: How far the file is checked.
        needs: Ids of jobs that must have succeeded first.
        source: Where it was written; for a job of a CSV row, the row's file and line.
        text: What is spoken, for the report's transcript; "" when there is none.
        duration_s: Seconds that the result will last as far as the inputs tell; None when unknown.
        files: The local files among the inputs, in the order of the operation's schema.
        obstacles: What keeps the job from being made although its manifest holds: files that are not there or cannot be read, its own or
            those of a job whose outputs it uses. Such a job has no file of that kind in `files`, and its fingerprint is that of no job that
            can be made.
        content: The inputs as they count for the fingerprint, canonical JSON.
        lasts_as: Id of the needed job whose output `duration_s` says how long the result will last; None when none does.
        ageing: Needed jobs one of whose outputs may only be used for a time, with the most seconds since they were submitted: what takes the
            output may say so, and the operation that gives it.
        lengths: Needed jobs whose results must be neither too short nor too long: id, least and most seconds, None without a bound.
        delivers_file: Whether its result is a file; without one, nothing is written to `output`.
    """

    id: str
    name: str
    uses: str
    operation: str
    inputs: Mapping[str, Any]
    fingerprint: str
    tags: tuple[str, ...]
    output: str
    verify: Verify
    needs: tuple[str, ...]
    source: Span
    text: str = ""
    duration_s: float | None = None
    files: tuple[FileInput, ...] = ()
    obstacles: tuple[Diagnostic, ...] = ()
    content: bytes = b""
    lasts_as: str | None = None
    ageing: tuple[tuple[str, float], ...] = ()
    lengths: tuple[tuple[str, float | None, float | None], ...] = ()
    delivers_file: bool = True

    @property
    def account(self) -> str:
        """The account's name in the manifest."""
        return self.uses.partition("/")[0]

    @property
    def lacking(self) -> str:
        """The obstacles in words; "" without any."""
        return "; ".join(
            it.message if it.job in (None, self.id) else f"waits for `{it.job}`: {it.message}" for it in self.obstacles
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRef:
    """Where a credential is found; never the credential itself.

    Args:
        env: Name of an environment variable (or of a line in `.env`), or None.
        file: Path of a file that holds it, relative to the manifest, or None.
        access_key: First half of a key pair, or None.
        secret_key: Second half, or None.
    """

    env: str | None = None
    file: str | None = None
    access_key: CredentialRef | None = None
    secret_key: CredentialRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an account may do at once.

    Args:
        in_flight: Tasks from submission to their end, at least 1.
        submits_per_minute: Submissions, spaced evenly; greater than 0.
        downloads: Transfers at once, at least 1.
    """

    in_flight: int
    submits_per_minute: float = 60.0
    downloads: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PollBounds:
    """How often a task is asked for and for how long.

    Args:
        min_s: Least seconds between two polls of a job.
        max_s: Most seconds between two polls of a job.
        deadline_s: Seconds that a run follows a task before it leaves the job running.
    """

    min_s: float = 5.0
    max_s: float = 30.0
    deadline_s: float = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long an answer is waited for, in seconds.

    Args:
        connect_s: For a connection.
        submit_s: Hard limit of a POST, and how long recovery waits before it looks a lost one up.
        read_s: Between two pieces of any other answer.
        lookup_s: Waits between look-ups that find nothing.
    """

    connect_s: float = 10.0
    submit_s: float = 180.0
    read_s: float = 60.0
    lookup_s: tuple[float, ...] = (10.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A configured provider.

    Args:
        name: The key under `providers:`.
        type: Which provider it is, e.g. `digital-human`.
        base_url: Scheme, host, port and optional path prefix, without a slash at the end. The user's word: may be anything.
        credential: Where the credential is.
        limits: How much at once.
        poll: How often tasks are asked for.
        timeouts: How long answers are waited for.
        download_origins: Origins (`scheme://host[:port]`) that results may come from although the address rule would refuse them.
        prices: By operation name (`avatar`); empty when unknown.
        source: Where it stands in the manifest; the manifest's first line when it is implied.
        style: How its host wants to be spoken to, one of the provider's `styles`; None for the usual way.
        looks_up: Whether its host can be asked for a task by our own id and for a list of tasks, where the provider's API can. False when a
            gateway in front of it passes no such question on.
        accepts: What it takes where that differs from the operation's schema: limits (`x-limits`) by operation name, then by input.
    """

    name: str
    type: str
    base_url: str
    credential: CredentialRef
    limits: Limits
    poll: PollBounds
    timeouts: Timeouts
    source: Span
    download_origins: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    style: str | None = None
    looks_up: bool = True
    accepts: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def expected_price(self, operation: str, duration_s: float | None) -> Decimal | None:
        """What one job is expected to cost on this account.

        Args:
            operation: `<type>/<operation>`, e.g. `kling/avatar`.
            duration_s: Seconds that the result will last; None when unknown.

        Returns:
            The amount in the manifest's currency; None when the price is not given, or rests on something unknown.
        """
        price = self.prices.get(operation.partition("/")[2])
        return None if price is None else price.expected(duration_s)


class Campaign(Protocol):
    """A manifest that was read and holds, apart from what only its rows can show.

    Obligation: the jobs are streamed. A million rows never sit in memory, and two passes give the same jobs as long as the files
    stay the same.
    """

    @property
    def name(self) -> str:
        """Names the state and the output folder."""

    @property
    def path(self) -> str:
        """The manifest's path as the user typed it."""

    @property
    def folder(self) -> str:
        """Absolute path of the manifest's folder: state and outputs lie below it, relative paths start there."""

    @property
    def sha256(self) -> str:
        """Digest of the manifest's bytes, hexadecimal."""

    @property
    def output_dir(self) -> str:
        """Absolute path of the output folder."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts of the manifest by name: those it configures, and those that jobs use without an entry."""

    @property
    def budget(self) -> Budget | None:
        """The manifest's budget, or None."""

    @property
    def moved(self) -> Renames:
        """What is written under `moved:`."""

    @property
    def ageing(self) -> Mapping[str, float]:
        """Operations (`<type>/<operation>`) whose outputs some job uses, with the least time in seconds that any may be used; else infinite."""

    @property
    def lock_path(self) -> str | None:
        """Absolute path of the lock file `<manifest>.lock.jsonl`; None for a campaign that has none (in the sandbox)."""

    def jobs(self, report: Callable[[Diagnostic], None]) -> Iterator[JobSpec]:
        """Every job in manifest order; what is wrong with a row or a job goes to `report`, and that job is left out."""

    def place(self, spec: JobSpec, at: tuple[str | int, ...]) -> Span:
        """Where an input of a job comes from: the row of a template that uses one, else the line where the input is written.

        Args:
            spec: One of this manifest's jobs.
            at: Keys and indices within its inputs; where they lead to nothing, what is nearest to it counts.
        """
