"""What can be made to go wrong, and how to ask for it: one literal table.

A user tries a failure without paying by writing a *magic word* into the spoken text, the prompt, or the address of a picture or sound:

    sandbox:KIND            every time
    sandbox:KIND@2          the first two times only
    sandbox:KIND=5          with a number, where the kind takes one
    sandbox:KIND=5@1        both

Several words in one request combine. What a *time* is depends on the stage of the kind, see `Stage`. The same kinds can be given as
rates (`SandboxOptions.faults`): then chance, seeded, picks the requests they strike. The replies are those of `api-facts.md`
sections 1, 2 and 4; each API's file says what its own bodies look like and which kinds it plays. Where statuses and codes are named
without an API, they are those of the digital human; another API answers the like in its own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Stage(StrEnum):
    """When a fault strikes, and with that what `@N` counts."""

    REFUSAL = "refusal"
    """The create is answered without accepting it. `@N` counts creates with the same body."""
    REPLY = "reply"
    """The create is accepted, the task is real, and then something is odd about the reply. `@N` likewise."""
    TASK = "task"
    """How the task runs or ends, or which shape its answers have: a property of the task, so `@N` means nothing."""
    POLL = "poll"
    """The answer to a question about the task. `@N` counts questions. A list of tasks is struck by rate alone, except by kinds that
    change the words about one task."""
    RESULT = "result"
    """The answer that should hand out the result of a finished task. `@N` counts such answers."""
    CDN = "cdn"
    """The delivery of the video. `@N` counts GET requests for videos of the task."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table.

    Args:
        stage: When it strikes.
        does: What the client sees, one clause for people.
        number: What `=…` means and its default; None when the kind takes no number.
    """

    stage: Stage
    does: str
    number: tuple[str, float] | None = None


ADDRESS_PLACES: Final[Mapping[str, str]] = {
    "in-video-url": "video_url",
    "in-url": "url",
    "in-data-video-url": "data.video_url",
    "in-data-url": "data.url",
    "in-data-output": "data.output",
    "in-data-result-url": "data.result_url",
    "in-data-result-urls": "data.result_urls[0]",
    "in-data-list": "data[0].url",
    "in-metadata": "metadata.url",
    "in-detail": "detail.video_url",
}
"""Where gateways put the address of a video (api-facts.md section 3.5), by kind of fault."""

TABLE: Final[Mapping[str, Kind]] = {
    # The create is not accepted.
    "refuse": Kind(Stage.REFUSAL, "400 invalid_request: the inputs are refused"),
    "policy": Kind(Stage.REFUSAL, "400 sensitive_words_detected: the inputs are refused for their content"),
    "too-large": Kind(Stage.REFUSAL, "413: the body is too large"),
    "key": Kind(Stage.REFUSAL, "401, in Chinese: the key is not valid"),
    "forbidden": Kind(Stage.REFUSAL, "403 access_denied"),
    "quota-402": Kind(Stage.REFUSAL, "402 insufficient_balance"),
    "quota-403": Kind(Stage.REFUSAL, "403 insufficient_user_quota"),
    "quota-key": Kind(Stage.REFUSAL, "403 pre_consume_token_quota_failed: the key's own quota is used up"),
    "quota-200-cn": Kind(Stage.REFUSAL, "HTTP 200 that says, in Chinese, that the account has no money left"),
    "429": Kind(
        Stage.REFUSAL, "429 with an empty body, and Retry-After if a number is given", ("seconds, 0: no header", 0)
    ),
    "429-empty": Kind(Stage.REFUSAL, "429 with an empty body, of a limiter in front of any API"),
    "saturated": Kind(Stage.REFUSAL, "429, in Chinese: the upstream has too much to do"),
    "saturated-500": Kind(Stage.REFUSAL, "the same words behind a 500"),
    "no-channel": Kind(Stage.REFUSAL, "503 model_not_found: no upstream for this"),
    "503": Kind(Stage.REFUSAL, "503 of a proxy, not accepted"),
    "500": Kind(Stage.REFUSAL, "500 do_request_failed, not accepted (which the client cannot know)"),
    "redirect-post": Kind(Stage.REFUSAL, "307 to the same address: a client that follows sends the body again"),
    "kling-1003": Kind(Stage.REFUSAL, "Kling: 401, the token is not valid yet"),
    "kling-1004": Kind(Stage.REFUSAL, "Kling: 401, the token has expired"),
    "kling-1100": Kind(Stage.REFUSAL, "Kling: 429, something is wrong with the account"),
    "kling-1101": Kind(Stage.REFUSAL, "Kling: 429, the account is in arrears"),
    "kling-1102": Kind(Stage.REFUSAL, "Kling: 429, the resource pack is used up"),
    "kling-1200": Kind(Stage.REFUSAL, "Kling: 400, the parameters are not valid"),
    "kling-1202": Kind(Stage.REFUSAL, "Kling: 404, the method is not valid"),
    "kling-1203": Kind(Stage.REFUSAL, "Kling: 404, the model does not exist"),
    "kling-1300": Kind(Stage.REFUSAL, "Kling: 400, the platform's policy forbids the inputs"),
    "kling-1304": Kind(Stage.REFUSAL, "Kling: 429, the caller's address is not on the account's list"),
    "kling-5001": Kind(Stage.REFUSAL, "Kling: 503, maintenance"),
    # The create is accepted, and then:
    "reset": Kind(Stage.REPLY, "the connection is reset before the reply"),
    "eof": Kind(Stage.REPLY, "the connection is closed before the reply"),
    "silence": Kind(Stage.REPLY, "no reply until the client leaves"),
    "garbage": Kind(Stage.REPLY, "bytes that are not HTTP"),
    "half-reply": Kind(Stage.REPLY, "the reply ends in the middle of its body"),
    "500-accepted": Kind(Stage.REPLY, "500 fail_to_fetch_task although the task runs"),
    "kling-5002": Kind(Stage.REPLY, "Kling: 504, internal time-out although the task runs"),
    "502-accepted": Kind(Stage.REPLY, "502 with a proxy's HTML although the task runs"),
    "no-id": Kind(Stage.REPLY, "200 success with an empty task id"),
    "id-in-object": Kind(Stage.REPLY, "a good reply of another shape: the id as `data.task_id`"),
    "id-at-top": Kind(Stage.REPLY, "a good reply of another shape: the id as `id`"),
    "id-as-task-id": Kind(Stage.REPLY, "a good reply of another shape: the id as `task_id`"),
    "id-in-data": Kind(Stage.REPLY, "a good reply of another shape: the id as `data.id`"),
    "id-as-data": Kind(Stage.REPLY, "a good reply of another shape: the id as `data`"),
    "id-in-envelope": Kind(
        Stage.REPLY, "a good reply of another shape: the id as `data.id`, beside `code` 200 and `message`"
    ),
    "slow": Kind(Stage.REPLY, "a good reply, late", ("seconds", 5)),
    # The task.
    "task-s": Kind(Stage.TASK, "the task takes this long", ("seconds", 10)),
    "lasts-s": Kind(Stage.TASK, "the video or recording lasts this long", ("seconds", 1.5)),
    "fail": Kind(Stage.TASK, "the task fails: no face found (web_work_status -1)"),
    "timeout-generation": Kind(Stage.TASK, "the generation times out (-2)"),
    "no-money": Kind(Stage.TASK, "the task ends for want of credit (-3)"),
    "moderated": Kind(Stage.TASK, "the task ends by moderation of the picture (-101)"),
    "moderated-text": Kind(Stage.TASK, "the task ends by moderation of the text (-102)"),
    "shape-flat": Kind(Stage.TASK, "answers about this task are flat"),
    "shape-data": Kind(Stage.TASK, "answers about this task are wrapped once"),
    "shape-data-data": Kind(Stage.TASK, "answers about this task are wrapped twice"),
    "url-in-fail-reason": Kind(Stage.TASK, "the result's address also stands in `fail_reason`, as some gateways do"),
    "cancelled": Kind(Stage.TASK, "unified video: the task ends as cancelled"),
    "expired": Kind(Stage.TASK, "unified video: the task ends as expired"),
    "upsampling-failed": Kind(Stage.TASK, "unified video: the upsampling fails, and there is no video"),
    "upsampling-failed-with-video": Kind(
        Stage.TASK, "unified video: the upsampling fails, and the video before it is there"
    ),
    "asynchronous": Kind(Stage.TASK, "Kling's speech: the reply has no result yet, and the task can be asked for"),
    "duration-number": Kind(Stage.TASK, "Kling: durations are numbers (they are texts otherwise)"),
    "units-number": Kind(Stage.TASK, "Kling: what is deducted is a number (it is a text otherwise)"),
    "newer-words": Kind(Stage.TASK, "Kling: the task ends as `succeeded`, as its newer APIs say"),
    "unlisted": Kind(Stage.TASK, "Kling: the task stands in no list"),
    "list-lag": Kind(Stage.TASK, "Kling: the task stands in lists only after this time", ("seconds", 5)),
    "lookup-lag": Kind(Stage.TASK, "Kling: the client's own id finds the task only after this time", ("seconds", 5)),
    "walk-veo": Kind(
        Stage.TASK, "unified video: the statuses of veo, upsampling included (veo models do so by themselves)"
    ),
    "walk-relay": Kind(Stage.TASK, "unified video: the statuses of a task relay, NOT_START to SUCCESS"),
    "walk-newer": Kind(Stage.TASK, "unified video: queued, running, succeeded"),
    "other-id": Kind(Stage.TASK, "unified video: answers show another id than the one asked for"),
    "times-in-seconds": Kind(Stage.TASK, "unified video: times are seconds (they are milliseconds otherwise)"),
    "progress-text": Kind(Stage.TASK, 'video: the progress is a text such as "93%"'),
    **{
        kind: Kind(Stage.TASK, f"video: the result's address stands at `{place}`")
        for kind, place in ADDRESS_PLACES.items()
    },
    "content-redirect": Kind(Stage.TASK, "OpenAI-style video: `/content` answers 302 to the CDN"),
    # Questions about the task.
    "poll-500": Kind(Stage.POLL, "500 fail_to_fetch_task"),
    "poll-502": Kind(Stage.POLL, "502 with a proxy's HTML"),
    "poll-429": Kind(Stage.POLL, "429 with an empty body"),
    "poll-429-empty": Kind(Stage.POLL, "429 with an empty body, of a limiter in front of any API"),
    "poll-key": Kind(Stage.POLL, "401: the key is not valid"),
    "poll-unknown": Kind(Stage.POLL, "400 task_not_exist"),
    "poll-reset": Kind(Stage.POLL, "the connection is reset"),
    "poll-garbage": Kind(Stage.POLL, "200 with a body that is not JSON"),
    "unknown-status": Kind(Stage.POLL, "a status that no document lists"),
    # The answer that hands out the result.
    "no-address": Kind(Stage.RESULT, "success without an address"),
    "expired-url": Kind(Stage.RESULT, "an address that has expired already: the CDN answers 403"),
    # The delivery.
    "damaged": Kind(Stage.CDN, "a file of the right length that does not play"),
    "truncated": Kind(Stage.CDN, "a file that the CDN itself holds only in part"),
    "cdn-slow": Kind(Stage.CDN, "bytes trickle", ("bytes a second", 2000)),
    "cdn-drop": Kind(Stage.CDN, "the connection drops after half of what was asked for; a later range goes on"),
    "cdn-changed": Kind(Stage.CDN, "the file, its length and its ETag differ from the last time; it plays"),
    "no-range": Kind(Stage.CDN, "ranges are ignored: always 200 and the whole file"),
    "cdn-gzip": Kind(Stage.CDN, "Content-Encoding: gzip, unasked"),
    "cdn-404": Kind(Stage.CDN, "404"),
    "cdn-500": Kind(Stage.CDN, "500"),
    "html-200": Kind(Stage.CDN, "200 with a page of HTML in place of the video"),
    "redirect": Kind(Stage.CDN, "302 to an address of the same CDN that works"),
    "redirect-private": Kind(Stage.CDN, "302 to a link-local address, which nobody may follow"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a request asked for, or that chance gave it.

    Args:
        kind: A key of `TABLE`, or an unknown word as it was written.
        number: The number after `=`; None when none was given.
        times: The number after `@`; None means every time.
    """

    kind: str
    number: float | None = None
    times: int | None = None

    @property
    def stage(self) -> Stage:
        """When it strikes. The kind must be in `TABLE`."""
        return TABLE[self.kind].stage

    @property
    def amount(self) -> float:
        """The number, or the kind's default; 0 for a kind without one."""
        if self.number is not None:
            return self.number
        number = TABLE[self.kind].number
        return number[1] if number else 0.0


_STAGES: Final[Mapping[Stage, str]] = {
    Stage.REFUSAL: "nothing is accepted; @N counts creates with the same body",
    Stage.REPLY: "the task is real, the reply is odd; @N likewise",
    Stage.TASK: "how the task runs and ends, and the words about it",
    Stage.POLL: "questions about the task; @N counts them",
    Stage.RESULT: "answers that hand out the result; @N counts them",
    Stage.CDN: "the delivery; @N counts requests for the file",
}


def kinds_by_stage() -> dict[str, list[tuple[str, str]]]:
    """The table for people: by stage in words, each kind as it is written and what it does."""
    return {
        words: [(_written(kind), row.does) for kind, row in TABLE.items() if row.stage is stage]
        for stage, words in _STAGES.items()
    }


def _written(kind: str) -> str:
    number = TABLE[kind].number
    return f"{kind}[={number[1]:g}]" if number else kind


_WORD = re.compile(r"sandbox:([a-z0-9]+(?:-[a-z0-9]+)*)(?:=(\d+(?:\.\d+)?))?(?:@(\d+))?", re.IGNORECASE)


def magic_words(texts: Iterable[str]) -> tuple[Fault, ...]:
    """The faults that these texts ask for, in the order written; percent-encoded words count too.

    Unknown kinds are among them, so that the caller can refuse what would otherwise be silently ignored.
    """
    found = (match for text in texts for match in _WORD.finditer(unquote(text)))
    return tuple(
        Fault(kind.lower(), float(number) if number else None, int(times) if times else None)
        for kind, number, times in (match.groups() for match in found)
    )
