"""What a remote API is to the engine: its facts, its operations, and the wire that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.core.answers import AskAgain, Exchange, QueryAnswer, Reply, Request, SubmitAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the engine may rely on for an operation.

    Args:
        delivers_file: A finished task has a file to fetch.
        media: Kind of the file, `video` or `audio`; None without one.
        expects_audio: Whether the file must have sound.
        result_lifetime_s: Seconds that the provider keeps a result; None when unknown.
        charges_failures: Whether failed tasks are billed; None when unknown.
        content_path: Where the API itself serves the bytes of a finished task whose answer names no address: a path below the account's
            `base_url` with `{task_id}` in it, fetched with the credential. None where it does not.
        can_be_asked: Whether a task can be asked for its result again once it has been read. Where it cannot, a file that is lost is made
            anew; a task that has not given its result yet is asked for all the same.
    """

    delivers_file: bool = True
    media: str | None = "video"
    expects_audio: bool = False
    result_lifetime_s: float | None = None
    charges_failures: bool | None = None
    content_path: str | None = None
    can_be_asked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task as it stands in a list.

    Args:
        task_id: The provider's name for it.
        external_id: Our own id of it; None when it has none.
        body: The task as the list has it, JSON; for `TaskList.read_task` alone.
        created_at: When the provider took it, in Unix seconds: the age of what it gives counts from then. None when the list does not say.
    """

    task_id: str
    external_id: str | None
    body: Mapping[str, Any]
    created_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A page of a list of tasks.

    Args:
        tasks: Those that can be read, in the order of the page.
        size: How many entries stand on the page, readable or not: whether there are further pages is seen by that alone.
    """

    tasks: Sequence[ListedTask]
    size: int

    @property
    def is_readable(self) -> bool:
        """Whether every entry could be read; one that could not may be anybody's task."""
        return len(self.tasks) == self.size


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
            size: Entries on each page, at most `page_size`. A page with fewer is the last.
        """

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """A page; `AskAgain` when the reply is none. Never raises.

        An entry that names no task is left out of `tasks` and counts in `size`. An empty list is a page without entries.
        """

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
