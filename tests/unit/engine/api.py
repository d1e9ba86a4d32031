"""The remote side in one class: a scripted `Wire` that keeps its own books."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.core.answers import Fault, NoReply, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.core.answers import Exchange, Request

TAKES = "takes it"
"""In a script: the API takes the job and says so."""
TAKES_AND_DIES = "takes it and dies"
"""The API takes the job, and the connection ends before the reply."""
NEVER = "never answers"
"""The API takes the job, and no reply ever comes."""


def reply(status: int, body: object = None, **headers: str) -> Reply:
    """A reply with a JSON body (or these very bytes); in header names `_` stands for `-`."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def complaint(status: int, code: str = "", message: str = "no", **headers: str) -> Reply:
    """An error reply as the gateway's middleware writes it."""
    return reply(status, {"error": {"message": message, "type": "new_api_error", "code": code}}, **headers)


def unsent(fault: Fault = Fault.CONNECTION) -> NoReply:
    """The connection was never made."""
    return NoReply(fault, sent=False, message="connection refused")


LOST = NoReply(Fault.CONNECTION, sent=True, message="connection reset")


def still_running(progress: str = "30%") -> Reply:
    """A query's answer: the task goes on."""
    return reply(200, {"code": "success", "data": {"status": "IN_PROGRESS", "progress": progress}})


def done(name: str = "x", *, address: str | None = "https://cdn.example.com/{name}.mp4", **work: Any) -> Reply:
    """A query's answer: the task has its result."""
    path = {} if address is None else {"work_video_path": address.format(name=name)}
    inner = {"web_work_status": 200, **path, **work}
    return reply(200, {"code": "success", "data": {"status": "SUCCESS", "progress": "100%", "data": inner}})


def failed(status: int = -1) -> Reply:
    """A query's answer: the task ended without a result."""
    return reply(200, {"code": "success", "data": {"status": "FAILURE", "data": {"web_work_status": status}}})


@dataclass(frozen=True, slots=True)
class Post:
    """One submission as the API saw it.

    Args:
        job: The job's id.
        began: Virtual seconds at which it arrived.
        body: The exact bytes.
    """

    job: str
    began: float
    body: bytes


@dataclass(slots=True)
class Api:
    """Takes everything, unless the script says otherwise.

    Args:
        say: What happens, in order: (`post` or `get`, job id).
        task_s: Seconds that a task takes; by job, or for all.
        latency_s: Seconds from a submission's arrival to its reply.
        get_s: Likewise of a query.
        posts_script: By job (`*` for all others): what its submissions meet, in order; after the last it is taken.
        gets_script: By job: what its queries are answered, in order; after the last, how the task really stands.
    """

    say: Callable[[str, str], None] = lambda _what, _job: None
    task_s: Callable[[str], float] = lambda _job: 60.0
    latency_s: Callable[[str], float] = lambda _job: 0.25
    posts_script: dict[str, list[Exchange | str]] = field(default_factory=dict)
    gets_script: dict[str, list[Exchange | BaseException]] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    gets: list[tuple[float, str]] = field(default_factory=list)
    tasks: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    signatures: int = 1
    get_s: float = 0.05
    results: dict[str, Reply] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def post(self, request: Request) -> Exchange:
        """Take a submission as the script says."""
        assert request.body is not None
        now = asyncio.get_running_loop().time()
        job = json.loads(request.body)["avatar_url"].removeprefix("https://faces.example.com/").removesuffix(".png")
        self.posts.append(Post(job, now, request.body))
        self.say("post", job)
        script = self.posts_script.get(job) or self.posts_script.get("*") or []
        answer = script.pop(0) if script else TAKES
        task_id = self._take(job, now) if isinstance(answer, str) else ""
        await asyncio.sleep(self.latency_s(job))
        if answer == NEVER:
            await asyncio.Event().wait()
        if answer == TAKES_AND_DIES:
            return LOST
        if answer == TAKES:
            return reply(200, {"code": "success", "message": "", "data": task_id})
        assert not isinstance(answer, str)
        return answer

    def _take(self, job: str, now: float) -> str:
        self.taken[job] += 1
        task_id = f"t-{job.replace('/', '-')}-{self.taken[job]}"
        self.tasks[task_id] = (job, now, now + self.task_s(job))
        return task_id

    async def get(self, request: Request) -> Exchange:
        """Answer a query."""
        now = asyncio.get_running_loop().time()
        task_id = request.path.rpartition("/")[2]
        job, _, ends = self.tasks.get(task_id, (task_id, 0.0, 0.0))
        self.gets.append((now, job))
        self.say("get", job)
        await asyncio.sleep(self.get_s)
        script = self.gets_script.get(job)
        if script:
            answer = script.pop(0) if len(script) > 1 or not getattr(script, "repeats", False) else script[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer
        if now < ends:
            return still_running()
        return self.results.get(job) or done(job)

    def sign_again(self) -> None:
        """Count signatures."""
        self.signatures += 1

    async def close(self) -> None:
        """Nothing to close."""

    def most_open(self) -> int:
        """The most tasks that were ever open at once, by the API's own books."""
        moments = [(began, 1) for _, began, _ in self.tasks.values()] + [(ends, -1) for *_, ends in self.tasks.values()]
        count = most = 0
        for _, step in sorted(moments):
            count += step
            most = max(most, count)
        return most


class Forever(list[Any]):
    """A script whose last answer is given again and again."""

    repeats = True
