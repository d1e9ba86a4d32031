"""The recorded replies: one file is one case. Adding a case is adding a file.

`replies/<type>.<operation>/{request,submit,query}/` and `replies/<type>/voices/`. A reply holds `status`, `headers` (names in lower case), its body as
`json`, `text` or `base64`, and `truncated`. `expect` names the answer's class and its fields; fields that it leaves out are not looked at.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.answers import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).with_name("replies")

_COMPARED_WHOLE: Final = frozenset({"outputs", "inputs"})


def cases(kind: str) -> list[tuple[str, str]]:
    """Every case of this kind as (folder, name), e.g. (`digital-human.avatar`, `200-accepted`)."""
    return sorted((path.parts[-3], path.stem) for path in FOLDER.glob(f"*/{kind}/*.json"))


def load(folder: str, kind: str, name: str) -> dict[str, Any]:
    """One case."""
    case: dict[str, Any] = json.loads((FOLDER / folder / kind / f"{name}.json").read_text())
    return case


def as_reply(recorded: Mapping[str, Any]) -> Reply:
    """The reply as the wire would hand it over."""
    if "json" in recorded:
        body = json.dumps(recorded["json"], ensure_ascii=False).encode()
    elif "text" in recorded:
        body = recorded["text"].encode()
    else:
        body = b64decode(recorded["base64"])
    return Reply(recorded["status"], recorded.get("headers", {}), body, truncated=recorded.get("truncated", False))


def as_plain(answer: Any) -> dict[str, Any]:
    """An answer as JSON values, its class under `answer`."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(answer)))
    return {"answer": type(answer).__name__, **plain}


def picked(plain: Any, expected: Any, *, is_whole: bool = False) -> Any:
    """Of an answer, the fields that a case speaks of."""
    if is_whole or not isinstance(plain, dict) or not isinstance(expected, dict):
        return plain
    return {key: picked(plain.get(key), value, is_whole=key in _COMPARED_WHOLE) for key, value in expected.items()}
