"""An account of Kling at the command line: its two kinds of credential, and its voices."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import yaml

from runner.cli.exits import Exit
from tests.unit.cli.shell import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.shell import Shell

PRESETS = [
    {"voice_id": "oversea_male1", "voice_name": "Tom", "voice_language": "en", "owned_by": "kling"},
    {"voice_id": "genshin_vindi2", "voice_name": "Wendy", "voice_language": "zh", "owned_by": "kling"},
]
OWN = [
    {"task_id": "1", "task_status": "succeed", "task_result": {"voices": [{"voice_id": "850", "voice_name": "anna"}]}}
]
ACCESS, SECRET = "access-canary-77", "secret-canary-88-of-more-than-32-bytes"


class Api(BaseHTTPRequestHandler):
    """Kling's lists of voices."""

    seen: list[tuple[str, str]]
    ahead_s: float

    def do_GET(self) -> None:
        """Answer a question; refuse a token that has expired by our clock."""
        self.seen.append((self.path, self.headers["Authorization"]))
        data: Any = PRESETS if self.path.startswith("/v1/general/presets-voices") else OWN
        answer: dict[str, Any] = {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data}
        if self.ahead_s and self._expires_at() < time.time() + self.ahead_s:
            answer = {"code": 1004, "message": "token expired", "request_id": "r"}
        body = json.dumps(answer).encode()
        self.send_response(200 if answer["code"] == 0 else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _expires_at(self) -> float:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
        return float(claims["exp"])

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What stands in `Date`."""
        return super().date_time_string((timestamp or time.time()) + self.ahead_s)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@contextmanager
def served(*, an_hour_ahead: bool = False) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server on loopback, with its address and what it is asked."""
    seen: list[tuple[str, str]] = []
    facts = {"seen": seen, "ahead_s": 3600.0 if an_hour_ahead else 0.0}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Api", (Api,), facts)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


def write(shell: Shell, base_url: str, credential: dict[str, Any]) -> None:
    """A manifest with an account of Kling."""
    job = {"uses": "kling/tts", "with": {"text": "Hi", "voice_id": "oversea_male1", "voice_language": "en"}}
    providers = {"kling": {"base_url": base_url, "credential": credential}}
    document = {"version": 1, "name": "spring", "providers": providers, "jobs": {"hello": job}}
    (shell.folder / MANIFEST).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_voices_are_the_presets_and_the_accounts_own(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a voice with the inputs to copy; a plain key is sent as it is."""
    monkeypatch.setenv("KLING_API_KEY", "sk-plain-canary")
    with served() as (base_url, seen):
        write(shell, base_url, {"env": "KLING_API_KEY"})
        told = shell.json("voices", MANIFEST, "kling", "--json")
    assert [voice["inputs"] for voice in told["voices"]] == [
        {"voice_id": "oversea_male1", "voice_language": "en"},
        {"voice_id": "genshin_vindi2", "voice_language": "zh"},
        {"voice_id": "850"},
    ]
    assert seen == [
        ("/v1/general/presets-voices", "Bearer sk-plain-canary"),
        ("/v1/general/custom-voices?pageNum=1&pageSize=1000", "Bearer sk-plain-canary"),
    ]


def test_a_language_leaves_out_voices_of_another(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kling has no such question, so the answer is sifted; a voice whose language is not known may speak it."""
    monkeypatch.setenv("KLING_API_KEY", "sk-plain-canary")
    with served() as (base_url, _):
        write(shell, base_url, {"env": "KLING_API_KEY"})
        told = shell.json("voices", MANIFEST, "kling", "--language", "en", "--json")
        said = shell("voices", MANIFEST, "kling", "--language", "en").stderr
    assert [voice["name"] for voice in told["voices"]] == ["Tom", "anna"]
    assert "The API does not say what 1 of these voices speak" in said


def test_a_key_pair_signs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret key stays at home; what is sent is a token that it has signed."""
    monkeypatch.setenv("A", ACCESS)
    monkeypatch.setenv("B", SECRET)
    with served() as (base_url, seen):
        write(shell, base_url, {"access_key": {"env": "A"}, "secret_key": {"env": "B"}})
        shell("voices", MANIFEST, "kling")
    for _, authorization in seen:
        claims = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
        assert claims["iss"] == ACCESS
        assert claims["exp"] - claims["nbf"] == 1805


@pytest.mark.parametrize(
    "words", [("voices", MANIFEST, "kling"), ("import", MANIFEST, "--account", "kling", "--dry-run")]
)
def test_a_clock_that_is_wrong_is_set_by_the_first_refusal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The server is an hour ahead: the first token has expired there, the second is signed by its clock."""
    monkeypatch.setenv("A", ACCESS)
    monkeypatch.setenv("B", SECRET)
    with served(an_hour_ahead=True) as (base_url, seen):
        write(shell, base_url, {"access_key": {"env": "A"}, "secret_key": {"env": "B"}})
        shell(*words)
    tokens = [authorization for _, authorization in seen]
    assert len(dict.fromkeys(tokens)) == 2
    assert tokens.count(tokens[0]) == 1


@pytest.mark.parametrize("missing", ["A", "B"])
def test_half_a_pair_is_missing(shell: Shell, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Both keys have to be there; the one that is not is named."""
    monkeypatch.setenv("B" if missing == "A" else "A", "something")
    monkeypatch.delenv(missing, raising=False)
    with served() as (base_url, seen):
        write(shell, base_url, {"access_key": {"env": "A"}, "secret_key": {"env": "B"}})
        told = shell("voices", MANIFEST, "kling", code=Exit.SETTING_MISSING).stderr
    assert f"{missing} of account `kling`" in told
    assert not seen
