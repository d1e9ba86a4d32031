"""What was asked for, as one number: SHA-256 over RFC 8785 canonical JSON.

The canonical object is `{"inputs", "operation", "type"}`. In the inputs, an output of another job stands as `{"job": <fingerprint of
that job>, "output": <name>}`; text with such outputs in it stands as `{"text": [<piece>, …]}`. So renaming a job or moving it to another
account of the same type changes no fingerprint, and a change of a needed job changes all that depend on it. Credentials, limits, tags,
output paths, prices and a `needs:` that is only about order are outside.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from runner.core import references
from runner.core.references import OutputRef, marker
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT: Final = 2**53 - 1
_quick_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON.

    `rfc8785` is the definition; where Python's own encoder gives the same bytes (no fractions, keys in ASCII, exact integers) it is five
    times faster and is used.

    Raises:
        Flaw: JSON cannot carry the value: a number that is infinite or too large to be exact, or half a surrogate pair.
    """
    try:
        if _is_plain(value):
            return _quick_json(value).encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Flaw(Code.NOT_JSON, f"the inputs cannot be written as JSON: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, rfc8785.IntegerDomainError):
        return "an integer beyond 2^53 - 1 is not exact there; write it as text"
    if isinstance(error, rfc8785.FloatDomainError):
        return "a number is infinite or not a number"
    return "a character is half a surrogate pair"


def _is_plain(value: Any) -> bool:
    """Whether Python's encoder gives canonical bytes: it writes fractions, and sorts keys beyond ASCII, in another way."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_EXACT <= value <= _EXACT)
    if kind is dict:
        for key, item in value.items():
            if not key.isascii() or (type(item) is not str and not _is_plain(item)):
                return False
        return True
    return kind is list and all(map(_is_plain, value))


class Fingerprints:
    """Makes the fingerprints of one operation's jobs.

    Args:
        operation: `<type>/<operation>`.
    """

    def __init__(self, operation: str) -> None:
        provider, _, name = operation.partition("/")
        # Keys in canonical order: inputs, operation, type.
        self._end = b',"operation":' + canonical(name) + b',"type":' + canonical(provider) + b"}"

    def of(self, inputs: Any) -> tuple[str, bytes]:
        """The fingerprint of inputs without references, and their canonical JSON.

        Raises:
            Flaw: JSON cannot carry the inputs.
        """
        body = canonical(inputs)
        return sha256(b'{"inputs":' + body + self._end).hexdigest(), body

    def with_references(self, inputs: Any, fingerprint_of: Callable[[str], str]) -> str:
        """The fingerprint of inputs with references.

        Args:
            inputs: With markers.
            fingerprint_of: Gives the fingerprint of a job by its id.

        Raises:
            Flaw: JSON cannot carry the inputs, or whatever `fingerprint_of` raises.
            BrokenReference: A filter changed a marker.
        """
        return self.of(_by_content(inputs, fingerprint_of))[0]


def _by_content(value: Any, fingerprint_of: Callable[[str], str]) -> Any:
    match value:
        case str() if references.OPEN in value:
            return _text_by_content(value, fingerprint_of)
        case dict():
            return {key: _by_content(item, fingerprint_of) for key, item in value.items()}
        case list():
            return [_by_content(item, fingerprint_of) for item in value]
        case _:
            return value


def _text_by_content(text: str, fingerprint_of: Callable[[str], str]) -> Any:
    pieces: list[Any] = []
    rest = text
    for ref in references.find(text):
        before, _, rest = rest.partition(marker(ref))
        pieces += [before] if before else []
        pieces.append(_reference(ref, fingerprint_of))
    pieces += [rest] if rest else []
    return pieces[0] if len(pieces) == 1 else {"text": pieces}


def _reference(ref: OutputRef, fingerprint_of: Callable[[str], str]) -> dict[str, str]:
    return {"job": fingerprint_of(ref.job), "output": ref.output}
