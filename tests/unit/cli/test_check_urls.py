"""`--check-urls`: the addresses that jobs send are asked, on request only."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.contents import picture, silence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.shell import Shell

CONTENTS = {"/face.png": picture(), "/short.wav": silence(19.5), "/voice.wav": silence(20)}


@pytest.fixture
def origin() -> Iterator[tuple[str, list[str]]]:
    """A server of pictures and recordings, and the paths that it was asked for."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = CONTENTS.get(self.path.partition("?")[0])
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def write(shell: Shell, origin: str, voice: str, face: str = "face.png") -> None:
    """A manifest with two jobs that send the same addresses of a server that the account names."""
    job = (
        f"    uses: digital-human/avatar\n    with:\n      avatar_url: {origin}/{face}\n"
        f"      create_voice: {{audio_url: '{origin}/{voice}', language: en, text: Hi}}\n"
    )
    head = f"version: 1\nname: spring\nproviders: {{digital-human: {{download_origins: ['{origin}']}}}}\njobs:\n"
    (shell.folder / "spring.yaml").write_text(f"{head}  a:\n{job}  b:\n{job}", encoding="utf-8")


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_voice_sample_must_last_twenty_seconds(command: str, shell: Shell, origin: tuple[str, list[str]]) -> None:
    """Each address is asked once; the finding has the address without its query, the found value and the limit."""
    server, asked = origin
    write(shell, server, "short.wav?token=SECRET")
    finished = shell(command, "spring.yaml", "--check-urls", code=4)
    said = finished.stdout + finished.stderr
    assert f"`{server}/short.wav` lasts 19.5 s; `create_voice.audio_url` takes at least 20 s" in said
    assert "error[M704]" in said
    assert sorted(asked) == ["/face.png", "/short.wav?token=SECRET"]


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_nothing_is_asked_without_the_flag(command: str, shell: Shell, origin: tuple[str, list[str]]) -> None:
    """Offline commands stay offline."""
    server, asked = origin
    write(shell, server, "short.wav")
    shell(command, "spring.yaml")
    assert asked == []


def test_an_account_trusts_for_itself_alone(shell: Shell, origin: tuple[str, list[str]]) -> None:
    """The jobs of another account may not have this machine ask what the origin's account may."""
    server, asked = origin
    write(shell, server, "voice.wav")
    manifest = shell.folder / "spring.yaml"
    other = f"  c: {{uses: kling/avatar, with: {{image: '{server}/other.png', audio_id: a-77}}}}\n"
    manifest.write_text(manifest.read_text(encoding="utf-8") + other, encoding="utf-8")
    said = shell("validate", "spring.yaml", "--check-urls", code=4).stdout
    assert f"`{server}/other.png` may not be fetched: " in said
    assert sorted(asked) == ["/face.png", "/voice.wav"]


def test_good_addresses_pass(shell: Shell, origin: tuple[str, list[str]]) -> None:
    """A sample of twenty seconds and a face are what the API takes."""
    write(shell, origin[0], "voice.wav")
    shell("validate", "spring.yaml", "--check-urls")


def test_an_address_that_is_not_there_is_a_finding(shell: Shell, origin: tuple[str, list[str]]) -> None:
    """With what the server answered."""
    write(shell, origin[0], "voice.wav", "nobody.png")
    assert (
        f"`{origin[0]}/nobody.png` answers HTTP 404" in shell("validate", "spring.yaml", "--check-urls", code=4).stdout
    )


@pytest.mark.parametrize("command", ["plan", "run"])
def test_the_sandbox_asks_nobody(command: str, shell: Shell, origin: tuple[str, list[str]]) -> None:
    """Nothing leaves the machine there, so both options together are a wrong command line."""
    write(shell, origin[0], "voice.wav")
    assert "--check-urls" in shell(command, "spring.yaml", "--sandbox", "--check-urls", code=2).stderr
    assert origin[1] == []
