"""Callsheet's own providers against the sandbox, over its own wire: two readings of the same documents must agree."""

from __future__ import annotations

from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.core.answers import (
    Accepted,
    AskAgain,
    Duplicate,
    Ended,
    InDoubt,
    NotNow,
    Ready,
    Refused,
    Reply,
    Running,
    Scope,
    SignAgain,
    UnknownTask,
)
from runner.providers.http import HttpWire
from runner.providers.registry import PROVIDERS
from runner.providers.signing import KeyPairSigner, PlainKey
from runner.sandbox import sound
from tests.unit.providers.raw_server import account as account_at
from tests.unit.sandbox.caller import Caller, calling
from tests.unit.sandbox.test_kling_api import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner.core.answers import QueryAnswer, Request, SubmitAnswer
    from runner.core.ports import Operation
    from runner.providers.signing import Signer

FACE = "https://cdn.example.com/anna.png"
SPEAKS = {"image": FACE, "sound_file": "https://cdn.example.com/anna.mp3"}
WORDS = {"text": "Hello, I am Anna.", "voice_id": "oversea_male1", "voice_language": "en"}
CLIP = {"model": "veo3.1", "prompt": "a boat"}


@dataclass
class Client:
    """One operation of a provider, and a wire to a sandbox."""

    caller: Caller
    wire: HttpWire
    operation: Operation

    async def reply(self, request: Request) -> Reply:
        """What comes back."""
        exchange = await (self.wire.post(request) if request.method == "POST" else self.wire.get(request))
        assert isinstance(exchange, Reply)
        return exchange

    async def submit(self, inputs: Mapping[str, Any], own_id: str = "cs-1") -> SubmitAnswer:
        """Submit a job."""
        return self.operation.read_submission(await self.reply(self.operation.submission(inputs, own_id)))

    async def accepted(self, inputs: Mapping[str, Any], own_id: str = "cs-1") -> str:
        """Submit a job that is taken: its task id."""
        answer = await self.submit(inputs, own_id)
        assert isinstance(answer, Accepted)
        return answer.task_id

    async def ask(self, task_id: str, inputs: Mapping[str, Any]) -> QueryAnswer:
        """Ask for a task."""
        return self.operation.read_query(await self.reply(self.operation.query(task_id)), inputs)


@asynccontextmanager
async def client(
    uses: str, *, style: str | None = None, signer: Signer | None = None, **options: Any
) -> AsyncIterator[Client]:
    """A client of an operation, e.g. `kling/avatar`, and a sandbox whose tasks take no time unless said otherwise."""
    provider, _, name = uses.partition("/")
    operations = PROVIDERS[provider].styles[style] if style else PROVIDERS[provider].operations
    async with calling(**options) as caller:
        account = replace(account_at(caller.sandbox.base_url), type=provider)
        wire = HttpWire(account, signer=signer or PlainKey("a-key"))
        try:
            yield Client(caller, wire, operations[name])
        finally:
            await wire.close()


@pytest.mark.parametrize(
    ("uses", "style", "inputs", "outputs"),
    [
        ("kling/avatar", None, SPEAKS, {"video_url", "video_id", "duration_s"}),
        ("kling/avatar", None, SPEAKS | {"watermark_info": {"enabled": True}}, {"video_url", "watermark_url", "video_id", "duration_s"}),
        ("kling/voice", None, {"voice_name": "anna", "voice_url": "https://a.example/a.mp3"}, {"voice_id", "voice_name", "trial_url"}),
        ("video/generate", None, CLIP, {"video_url", "video_id", "completed_at"}),
        ("video/generate", "openai", CLIP | {"seconds": "4"}, {"video_id", "duration_s", "completed_at", "expires_at"}),
    ],
    ids=["avatar", "avatar with a marked copy", "voice", "unified video", "OpenAI's form"],
)  # fmt: skip
async def test_a_task_goes_from_submission_to_its_result(
    uses: str, style: str | None, inputs: dict[str, Any], outputs: set[str]
) -> None:
    """Accepted, running, ready with the outputs of the operation; every field sent is one that the documents list."""
    async with client(uses, style=style, task_s=0.0) as one:
        running = await one.accepted(inputs | _words(inputs, "sandbox:task-s=9"), "cs-0")
        assert isinstance(await one.ask(running, inputs), Running)
        answer = await one.ask(await one.accepted(inputs), inputs)
        assert isinstance(answer, Ready)
        assert set(answer.outputs) == outputs
        assert (answer.units is not None) == (style is None and uses.startswith("kling/"))
        assert all(entry["unknown_fields"] == [] for entry in one.caller.sandbox.ledger.of("create"))


def _words(inputs: Mapping[str, Any], words: str) -> dict[str, str]:
    """The input that takes magic words, with these."""
    name = "voice_name" if "voice_name" in inputs else "prompt"
    return {name: words}


async def test_speech_is_ready_at_once_and_an_avatar_speaks_it() -> None:
    """The submission's own answer has the recording; its name is what an avatar takes; both last equally long."""
    async with client("kling/tts", task_s=0.0) as one:
        answer = await one.submit(WORDS)
        assert isinstance(answer, Accepted)
        assert answer.ready is not None
        avatar = replace(one, operation=PROVIDERS["kling"].operations["avatar"])
        inputs = {"image": FACE, "audio_id": answer.ready.outputs["audio_id"]}
        spoken = await avatar.ask(await avatar.accepted(inputs), inputs)
        assert isinstance(spoken, Ready)
        assert spoken.outputs["duration_s"] == answer.ready.outputs["duration_s"]


async def test_asynchronous_speech_is_asked_for() -> None:
    """A reply without a result is a task to ask for; a task that was ready at once is none."""
    async with client("kling/tts", faults={"asynchronous": 1.0}, task_s=0.0) as one:
        answer = await one.submit(WORDS)
        assert isinstance(answer, Accepted)
        assert answer.ready is None
        assert isinstance(await one.ask(answer.task_id, WORDS), Ready)
    async with client("kling/tts") as one:
        assert isinstance(await one.ask(await one.accepted(WORDS), WORDS), UnknownTask)


async def test_files_are_sent_as_bytes() -> None:
    """A picture and a recording in base64 reach Kling; a picture for OpenAI's form reaches it as a form."""
    async with client("kling/avatar") as one:
        inputs = {"image": picture(320, 320), "sound_file": b64encode(sound.recording(bytes(32), 3.0)).decode()}
        answer = await one.ask(await one.accepted(inputs), inputs)
        assert isinstance(answer, Ready)
        assert answer.outputs["duration_s"] == pytest.approx(3.0, abs=0.1)
    async with client("video/generate", style="openai") as one:
        inputs = CLIP | {"input_reference": picture(64, 64), "seconds": "4"}
        assert isinstance(await one.ask(await one.accepted(inputs), inputs), Ready)
        (entry,) = one.caller.sandbox.ledger.of("create")
        assert entry["measured"]["input_reference"]["width"] == 64


@pytest.mark.parametrize(
    ("uses", "words", "expected"),
    [
        ("kling/avatar", "sandbox:429", NotNow),
        ("kling/avatar", "sandbox:429-empty", NotNow),
        ("kling/avatar", "sandbox:saturated", NotNow),
        ("kling/avatar", "sandbox:kling-5001", NotNow),
        ("kling/avatar", "sandbox:kling-1004", SignAgain),
        ("kling/avatar", "sandbox:refuse", Duplicate),
        ("kling/avatar", "sandbox:kling-1102", Scope.ACCOUNT),
        ("kling/avatar", "sandbox:kling-1304", Scope.ACCOUNT),
        ("kling/avatar", "sandbox:quota-403", Scope.ACCOUNT),
        ("kling/avatar", "sandbox:quota-200-cn", Scope.ACCOUNT),
        ("kling/avatar", "sandbox:forbidden", Scope.OPERATION),
        ("kling/avatar", "sandbox:policy", Scope.ITEM),
        ("kling/avatar", "sandbox:500", InDoubt),
        ("kling/avatar", "sandbox:502-accepted", InDoubt),
        ("kling/avatar", "sandbox:no-id", InDoubt),
        ("video/generate", "sandbox:429", NotNow),
        ("video/generate", "sandbox:saturated", NotNow),
        ("video/generate", "sandbox:quota-402", Scope.ACCOUNT),
        ("video/generate", "sandbox:quota-200-cn", Scope.ACCOUNT),
        ("video/generate", "sandbox:policy", Scope.ITEM),
        ("video/generate", "sandbox:500-accepted", InDoubt),
        ("video/generate", "sandbox:id-in-envelope", Accepted),
        ("video/generate", "sandbox:id-as-data", Accepted),
    ],
)
async def test_what_the_sandbox_refuses_is_understood(uses: str, words: str, expected: type | Scope) -> None:
    """Each kind of refusal is the verdict that the documents ask for."""
    async with client(uses) as one:
        answer = await one.submit((SPEAKS if uses == "kling/avatar" else CLIP) | {"prompt": words})
        assert (answer.scope if isinstance(answer, Refused) else type(answer)) == expected


@pytest.mark.parametrize(
    ("uses", "words", "expected"),
    [
        ("kling/avatar", "sandbox:fail", Ended),
        ("kling/avatar", "sandbox:newer-words", Ready),
        ("kling/avatar", "sandbox:duration-number", Ready),
        ("kling/avatar", "sandbox:unknown-status", Running),
        ("kling/avatar", "sandbox:poll-502", AskAgain),
        ("kling/avatar", "sandbox:poll-unknown", UnknownTask),
        ("video/generate", "sandbox:other-id", Ready),
        ("video/generate", "sandbox:walk-relay", Ready),
        ("video/generate", "sandbox:walk-newer", Ready),
        ("video/generate", "sandbox:walk-veo", Ready),
        ("video/generate", "sandbox:url-in-fail-reason", Ready),
        ("video/generate", "sandbox:in-data-list", Ready),
        ("video/generate", "sandbox:in-metadata", Ready),
        ("video/generate", "sandbox:cancelled", Ended),
        ("video/generate", "sandbox:expired", Ended),
        ("video/generate", "sandbox:upsampling-failed", Ended),
        ("video/generate", "sandbox:upsampling-failed-with-video", Ready),
        ("video/generate", "sandbox:poll-unknown", UnknownTask),
        ("video/generate", "sandbox:poll-garbage", AskAgain),
    ],
)
async def test_what_the_sandbox_reports_is_understood(uses: str, words: str, expected: type) -> None:
    """Each oddity of a report is the answer that the documents ask for."""
    async with client(uses) as one:
        inputs = (SPEAKS if uses == "kling/avatar" else CLIP) | {"prompt": words}
        assert type(await one.ask(await one.accepted(inputs), inputs)) is expected


async def test_tasks_are_found_by_our_own_id_and_in_lists() -> None:
    """A look-up finds the task or says that there is none; a list has it with the same answer; a repetition is refused."""
    async with client("kling/avatar") as one:
        own_ids, task_list = one.operation.own_ids, one.operation.task_list
        assert own_ids is not None
        assert task_list is not None
        assert own_ids.read(await one.reply(own_ids.request("cs-1")), "cs-1") is None
        task_id = await one.accepted(SPEAKS)
        assert own_ids.read(await one.reply(own_ids.request("cs-1")), "cs-1") == task_id
        assert isinstance(await one.submit(SPEAKS), Duplicate)
        page = task_list.read(await one.reply(task_list.request(1, task_list.page_size)))
        assert not isinstance(page, AskAgain)
        assert [(task.task_id, task.external_id) for task in page.tasks] == [(task_id, "cs-1")]
        assert isinstance(task_list.read_task(page.tasks[0], SPEAKS), Ready)


async def test_a_key_pair_signs_by_the_servers_clock_when_ours_is_wrong() -> None:
    """With a clock an hour ahead the first token is too old; the next one, signed by the server's `Date`, is good."""
    signer = KeyPairSigner("AK", "SK" * 20)
    async with client("kling/avatar", signer=signer, credential=f"AK:{'SK' * 20}", clock_skew_s=3600.0) as one:
        assert isinstance(await one.submit(SPEAKS), SignAgain)
        one.wire.sign_again()
        assert isinstance(await one.submit(SPEAKS), Accepted)


async def test_voices_are_listed() -> None:
    """Every preset of the sandbox, and a voice of our own, can be named by a job."""
    async with client("kling/voice", task_s=0.0) as one:
        await one.accepted({"voice_name": "anna", "voice_url": "https://a.example/a.mp3"})
        found = [PROVIDERS["kling"].read_voices(await one.reply(it)) for it in PROVIDERS["kling"].voices(None)]
        names = {
            voice.inputs["voice_id"]: voice.name for voices in found for voice in voices if not isinstance(voice, str)
        }
        assert "oversea_male1" in names
        assert "anna" in names.values()
