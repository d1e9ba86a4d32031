"""Where the rooms meet: every contract between them, with its obligations.

The rooms in the middle (manifest, providers, engine, store, transfer, media, report, sandbox) do not know one another. `cli`
makes their objects and hands them to the engine as these protocols. All values that cross are plain data from `core`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from decimal import Decimal

    from runner.core.answers import AskAgain, Exchange, QueryAnswer, Reply, Request, SubmitAnswer
    from runner.core.changes import Asked
    from runner.core.events import Event
    from runner.core.job import Job, OutputFile
    from runner.core.notices import Notice
    from runner.core.plan import FileState, Standing
    from runner.core.spec import Verify

# --- providers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the engine may rely on for an operation.

    Args:
        delivers_file: A finished task has a file to fetch.
        media: Kind of the file, `video` or `audio`; None without one.
        expects_audio: Whether the file must have sound.
        result_lifetime_s: Seconds that the provider keeps a result; None when unknown.
        charges_failures: Whether failed tasks are billed; None when unknown.
    """

    delivers_file: bool = True
    media: str | None = "video"
    expects_audio: bool = False
    result_lifetime_s: float | None = None
    charges_failures: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task as it stands in a list.

    Args:
        task_id: The provider's name for it.
        external_id: Our own id of it; None when it has none.
        body: The task as the list has it, JSON; for `TaskList.read_task` alone.
    """

    task_id: str
    external_id: str | None
    body: Mapping[str, Any]


class OwnIds(Protocol):
    """An API that knows tasks by our ids too, so that a lost submission can be looked up. Pure functions."""

    def request(self, external_id: str) -> Request:
        """The request that looks a task up by our own id."""

    def read(self, reply: Reply, external_id: str) -> str | AskAgain | None:
        """The task id found, None when the API says that there is no such task, or `AskAgain` when the reply says neither. Never raises."""


class TaskList(Protocol):
    """An API that lists an operation's tasks, many in one reply. Pure functions.

    In what order, and how soon a new task stands in it, nobody may rely on: a task that is not in a list may be there all the same.
    """

    @property
    def page_size(self) -> int:
        """The most tasks that a page can hold."""

    def request(self, page: int, size: int) -> Request:
        """The request for a page.

        Args:
            page: From 1.
            size: Tasks on each page, at most `page_size`. A page with fewer is the last.
        """

    def read(self, reply: Reply) -> Sequence[ListedTask] | AskAgain:
        """The tasks of a page, as many as can be read; `AskAgain` when the reply is no page. Never raises."""

    def read_task(self, task: ListedTask, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What the list says about a task: as `Operation.read_query`; `AskAgain` when that is nothing."""


class Operation(Protocol):
    """One operation of a provider: facts and four pure functions. No retry, sleep, log, disk or clock inside."""

    @property
    def name(self) -> str:
        """`<type>/<operation>`, e.g. `digital-human/avatar`; also names its schema file."""

    @property
    def traits(self) -> Traits:
        """What the engine may rely on."""

    def submission(self, inputs: Mapping[str, Any], external_id: str) -> Request:
        """The POST for these inputs. Same arguments, same bytes.

        Args:
            inputs: As the schema has them, outputs of other jobs in their places; local files (`x-bytes`) as raw
                base64, without a `data:` prefix.
            external_id: Our own id of the attempt, `cs-` and 40 hexadecimal digits; left out where the API takes none.
        """

    def read_submission(self, reply: Reply) -> SubmitAnswer:
        """What a reply to the POST means. Total: never raises; what no table lists is `InDoubt`."""

    def query(self, task_id: str) -> Request:
        """The request that asks for a task."""

    def read_query(self, reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What a reply to the query means. Total: never raises; what says nothing about the task is `AskAgain`."""

    @property
    def own_ids(self) -> OwnIds | None:
        """How a task is looked up by our own id; None when the API knows none."""

    @property
    def task_list(self) -> TaskList | None:
        """How tasks are listed; None when the API lists none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice that a job can name.

    Args:
        inputs: The input fields that select it, e.g. `{"voice_engine_id": …, "audio_id": …}`.
        name: For people.
        language: As the API says, e.g. `en`.
        labels: Words that describe it.
    """

    inputs: Mapping[str, str]
    name: str
    language: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDefaults:
    """What an account of a provider has when the manifest does not say.

    Args:
        base_url: Scheme and host, without a slash at the end.
        credential_env: Name of the environment variable that holds the credential.
        in_flight: Tasks at once.
        takes_key_pair: Whether the credential may also be an access key with its secret key.
        styles: The words that `style:` can have. Nobody writes them here: they are taken from the provider's `styles`.
    """

    base_url: str
    credential_env: str
    in_flight: int
    takes_key_pair: bool = False
    styles: tuple[str, ...] = ()


class Provider(Protocol):
    """A remote API: its facts and its operations."""

    @property
    def type(self) -> str:
        """The name under `type:` in the manifest, e.g. `digital-human`."""

    @property
    def defaults(self) -> ProviderDefaults:
        """What its accounts have when the manifest does not say."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """By name within the provider, e.g. `avatar`, in the way that the API is spoken to unless an account says otherwise."""

    @property
    def styles(self) -> Mapping[str, Mapping[str, Operation]]:
        """Other ways in which hosts of this API want to be spoken to: the operations by the word that `style:` on the account has."""

    def voices(self, language: str | None) -> Sequence[Request]:
        """The requests that list voices (one a language); empty when the API lists none."""

    def read_voices(self, reply: Reply) -> Sequence[Voice] | str:
        """The voices of one reply, or why there are none, for people."""


class InstalledProvider(Provider, Protocol):
    """A provider that another package brings, under the entry-point group `callsheet.providers` (docs/providers.md).

    The entry point is called like the provider's `type` and leads to the object itself. Loading it must do nothing but import: no network,
    no file beside the package's own.
    """

    @property
    def schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """The JSON Schema of each operation by its name, parsed: the only definition of its inputs and outputs (`runner.schema_form`)."""


@dataclass(frozen=True, slots=True)
class UnusableProvider:
    """A provider that is installed and cannot be used.

    Args:
        reason: Which package and entry point, and what is wrong: one sentence without a full stop.
    """

    reason: str


class Wire(Protocol):
    """The one seam to a remote API: one request, one exchange. Holds host, credential, time-outs and connections of an account.

    Never raises for what the network does; `asyncio.CancelledError` passes. Never follows a redirect, never retries, and sends the
    credential to no origin but that of the account's `base_url`.
    """

    async def post(self, request: Request) -> Exchange:
        """Send a submission on a fresh connection and wait for the whole reply, at most `timeouts.submit_s` seconds."""

    async def get(self, request: Request) -> Exchange:
        """Ask something that is free to ask again. At most `timeouts.read_s` seconds between two pieces of the reply."""

    def sign_again(self) -> None:
        """Forget a cached signature, so that the next request is signed anew."""

    async def close(self) -> None:
        """Close all connections."""


# --- store ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One job's move to commit: the row before, the events in order, and the row after them.

    Args:
        before: The row as it stood; for a new job the pending one that was never stored.
        events: What happened, at least one.
        after: `advance` over all events.
    """

    before: Job
    events: tuple[Event, ...]
    after: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of the money ledger as the store sums it.

    Args:
        currency: Currency.
        amount: Sum of what was settled and, where nothing was settled yet, of what is reserved.
    """

    currency: str
    amount: Decimal


class Store(Protocol):
    """The state of one manifest.

    Obligations: `commit` returns only after COMMIT in WAL mode with `synchronous=FULL`, and for moves that hold `SubmitStarted`,
    `Accepted`, `TaskFound` or `Adopted` also after the witness line is fsynced. A failed commit is never tried again: it raises `StorageFailed`, and
    so does every later one. Reads see all that was committed. Events are append-only.
    """

    async def commit(self, move: Move) -> None:
        """Make a move durable: its events and the current row in one transaction. Moves of many callers share a transaction.

        Raises:
            StorageFailed: The move may not be durable; nothing more may be sent.
        """

    def rows(self, ids: Sequence[str]) -> Mapping[str, Sequence[Job]]:
        """All rows (every fingerprint) of these ids; ids without rows are absent."""

    def standings(self, ids: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        """What planning needs of `rows`, with the same keys and order, at less than half the cost."""

    def asked(self, ids: Sequence[str]) -> Mapping[str, Asked]:
        """What the newest row of each of these ids was asked for; ids without rows are absent."""

    def has_aged(self, operations: Collection[str], before: float) -> bool:
        """Whether a delivered job of one of these operations was submitted before a time.

        Args:
            operations: `<type>/<operation>` each.
            before: Unix seconds. A job whose submission the state has not seen counts from when its result was.
        """

    def open_rows(self) -> Iterator[Job]:
        """Rows whose state is submitting, in_doubt, running or downloading, oldest submission first."""

    def all_rows(self) -> Iterator[Job]:
        """Every row, ordered by id, then first insertion."""

    def spent(self, *, day: str | None = None) -> Sequence[Charge]:
        """What was spent or is reserved, by currency.

        Args:
            day: `YYYY-MM-DD` (UTC) of the submissions to count; None for all.
        """

    def durations(self, uses: str, most: int) -> Sequence[float]:
        """Seconds from acceptance to result of the latest `most` jobs with this `uses`, oldest first."""

    def last_submission_at(self, uses: str) -> float | None:
        """Unix seconds of the latest intent with this `uses`; None before the first."""


# --- delivery ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A result to bring home: plain data, so that another machine could do it.

    Args:
        job_id: For messages.
        task_id: The paid task; a partial file of another task is not continued.
        fingerprint: Likewise.
        address: Where the result is; hostile until checked.
        trusted_origins: Origins that the address rule lets pass (that of `base_url`, and `download_origins`).
        stem: Final path relative to the output folder, without suffix.
        media: `video` or `audio`.
        expects_audio: Whether the file must have sound.
        verify: How far the file is checked.
        read_timeout_s: Seconds between two pieces.
        connect_timeout_s: Seconds for a connection.
        credential_of: Name of the account whose credential is sent to the origin of `address`, and to no other; None when nobody's is.
        replaces: SHA-256 digests (hexadecimal) of files that may be replaced under the final name: earlier outputs of this job there.
            Any other file that stands there is first set aside as `<file name>.kept-<first 16 digits of its digest>`. None: whatever
            stands there may be replaced.
    """

    job_id: str
    task_id: str
    fingerprint: str
    address: str
    trusted_origins: tuple[str, ...]
    stem: str
    media: str
    expects_audio: bool
    verify: Verify
    read_timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    credential_of: str | None = None
    replaces: tuple[str, ...] | None = None


class FetchProblem(StrEnum):
    """Why a delivery did not succeed."""

    EXPIRED = "expired"
    """403, 404, 410, or text where media should be: ask the task for a fresh address."""
    BLOCKED = "blocked"
    """The address rule forbids it."""
    DAMAGED = "damaged"
    """The bytes do not verify; kept as `.part.bad`."""
    UNREACHABLE = "unreachable"
    """The network or the server failed; what was received is kept and continued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """The file did not come.

    Args:
        problem: What kind.
        message: One sentence for people, without the address's query.
        retry_after_s: The server's wish, or None.
    """

    problem: FetchProblem
    message: str
    retry_after_s: float | None = None


class Delivery(Protocol):
    """Brings results home: `.part` in the final folder, verify, fsync, replace, fsync folders."""

    async def deliver(self, order: Order) -> OutputFile | NotDelivered:
        """Bring one result home.

        Returns:
            The file, durable under its final name, or why not. Idempotent: after a crash anywhere, the same order goes on or finds
            the finished file and verifies it without the network.

        Raises:
            StorageFailed: The disk is full or failing; what was received stays.
        """

    def tidy(self, stem: str) -> None:
        """Forget the traces that only recovery needs, after the job's success is committed. Never raises.

        Args:
            stem: As in the order: the path relative to the output folder, without suffix.
        """

    def look(self, output: OutputFile) -> FileState:
        """Whether a delivered file is there and unchanged: by size and modification time, by digest when these differ."""

    async def recall(self, output: OutputFile, stem: str, replaces: tuple[str, ...] | None) -> OutputFile | None:
        """Have a delivered file stand under a path, from what lies in the output folder.

        Its very bytes (length and digest, read anew) are looked for under the new path, under the path that it was delivered to, and
        under the name that it has when it was set aside there. The file under the old path is left alone. Idempotent: after a crash
        anywhere, the same call finds what it left.

        Args:
            output: The file as its job's row knows it.
            stem: The path relative to the output folder, without suffix; may be that of `output`.
            replaces: As for `Order`.

        Returns:
            The file under the new path, durable; None when its bytes are nowhere, and nothing was changed.

        Raises:
            StorageFailed: The disk is full or failing, or something stands in the way; no file was lost.
        """

    def free_bytes(self) -> int:
        """Bytes free for us where the outputs go."""

    async def close(self) -> None:
        """Close all connections."""


# --- watching and time ------------------------------------------------------------------------------------------------


class Observer(Protocol):
    """Watches a run."""

    def notify(self, notice: Notice) -> None:
        """Take a notice. Quick, and never raises."""


class Clock(Protocol):
    """Time, passed in so that tests can turn it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards: for every time-out and wait."""

    def wall(self) -> float:
        """Unix seconds: for people and tokens only."""

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for 0 or less (after giving others a turn)."""
