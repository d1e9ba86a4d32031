"""What was asked for, as one number: SHA-256 over RFC 8785 canonical JSON.

The canonical object is `{"inputs", "operation", "type"}`. In the inputs, an output of another job stands as `{"job": <fingerprint of
that job>, "output": <name>}`; text with such outputs in it stands as `{"text": [<piece>, …]}`; a local file stands as
`{"sha256": <digest>}`. So renaming a job or a file, or moving a job to another account of the same type, changes no fingerprint, and a
change of a needed job changes all that depend on it. Credentials, limits, tags, output paths, prices, a `needs:` that is only about
order, and inputs that the operation's schema leaves out (addresses to call back) are outside.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from runner.core import references
from runner.core.references import marker
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT: Final = 2**53 - 1
_MOST_KNOWN: Final = 10_000
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
        outside: Names of the inputs that do not count.
    """

    def __init__(self, operation: str, outside: frozenset[str] = frozenset()) -> None:
        self._outside = outside
        provider, _, name = operation.partition("/")
        # Keys in canonical order: inputs, operation, type.
        self._end = b',"operation":' + canonical(name) + b',"type":' + canonical(provider) + b"}"

    def of(self, inputs: Any) -> tuple[str, bytes]:
        """The fingerprint of inputs in which no references and files are left, and the canonical JSON of those that count.

        Args:
            inputs: Through `Contents` and `FoundFiles.counted`.

        Raises:
            Flaw: JSON cannot carry the inputs.
        """
        if self._outside and not self._outside.isdisjoint(inputs):
            inputs = {name: value for name, value in inputs.items() if name not in self._outside}
        body = canonical(inputs)
        return sha256(b'{"inputs":' + body + self._end).hexdigest(), body


class Contents:
    """Puts needed jobs' fingerprints in the place of references.

    Args:
        fingerprint_of: Gives the fingerprint of a job by its id.
    """

    def __init__(self, fingerprint_of: Callable[[str], str]) -> None:
        self._fingerprint_of = fingerprint_of
        self._known: dict[str, tuple[Any, tuple[str, ...]]] = {}

    def of(self, inputs: Any) -> tuple[Any, tuple[str, ...]]:
        """The inputs as they count for the fingerprint, and the ids of the jobs that they refer to.

        Raises:
            Flaw: Whatever `fingerprint_of` raises.
            BrokenReference: A filter changed a marker.
        """
        ids: list[str] = []

        def content(text: str) -> Any:
            value, found = self._text(text)
            ids.extend(found)
            return value

        return references.replaced(inputs, content), tuple(ids)

    def _text(self, text: str) -> tuple[Any, tuple[str, ...]]:
        # A block that refers to one job has the same few texts in a million rows.
        if text not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[text] = self._read(text)
        return self._known[text]

    def _read(self, text: str) -> tuple[Any, tuple[str, ...]]:
        refs = list(references.find(text))
        pieces: list[Any] = []
        rest = text
        for ref in refs:
            before, _, rest = rest.partition(marker(ref))
            pieces += [before] if before else []
            pieces.append({"job": self._fingerprint_of(ref.job), "output": ref.output})
        pieces += [rest] if rest else []
        return pieces[0] if len(pieces) == 1 else {"text": pieces}, tuple(ref.job for ref in refs)
