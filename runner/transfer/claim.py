"""Whose a partial file is: a small JSON file beside it.

After a crash nothing else can tell whether a `.part`, or a file that already has its final name, comes from the task at hand. The
claim says so, and holds digests, so that nothing on disk need be believed: a beginning that does not hash as claimed is dropped,
whatever the power failure left of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from runner.core.ports import Order

_VERSION: Final = 1
_STRONG_ETAG: Final = re.compile(r'"[\x21\x23-\x7e]{1,500}"')
"""RFC 9110 section 8.8.3, of sane length and ASCII only: it goes back out in a header."""

MOST_BYTES: Final = 64 * 1024
"""Longest claim that is read; one has about 700 bytes."""


def strong_validator(etag: str) -> str | None:
    """An ETag that ties bytes to bytes; None for a weak one, a malformed one, or none."""
    return etag if _STRONG_ETAG.fullmatch(etag) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is known about a partial file.

    Args:
        task_id: The paid task.
        fingerprint: What was asked for.
        address_sha256: Digest of the result's address without its query, which changes with every signature.
        content_type: Of the response; "" when it named none.
        validator: A strong ETag, or None.
        total_bytes: Whole length; None when unknown.
        kept_bytes: Length of the beginning that `kept_sha256` is the digest of.
        kept_sha256: Hexadecimal.
        final_name: The final name, once the whole file is verified; None until then.
    """

    task_id: str
    fingerprint: str
    address_sha256: str
    content_type: str = ""
    validator: str | None = None
    total_bytes: int | None = None
    kept_bytes: int = 0
    kept_sha256: str = hashlib.sha256().hexdigest()
    final_name: str | None = None

    @classmethod
    def of(cls, order: Order) -> Self:
        """An empty claim for an order."""
        address = order.address.partition("#")[0].partition("?")[0]
        digest = hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()
        return cls(task_id=order.task_id, fingerprint=order.fingerprint, address_sha256=digest)

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """The claim in a file's content; None when it is not one (torn, foreign, of another version)."""
        try:
            found: Any = json.loads(content)
            if found.pop("version") != _VERSION:
                return None
            claim = cls(**found)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            return None
        return claim if claim._is_sound() else None

    def _is_sound(self) -> bool:
        """Whether a file that anybody may have written holds values of the right types."""
        texts: tuple[object, ...] = (
            self.task_id,
            self.fingerprint,
            self.address_sha256,
            self.content_type,
            self.kept_sha256,
        )
        numbers: tuple[object, ...] = (
            self.kept_bytes,
            self.kept_bytes if self.total_bytes is None else self.total_bytes,
        )
        validator: object = self.validator
        name: object = "-" if self.final_name is None else self.final_name
        return (
            all(isinstance(text, str) for text in texts)
            and all(type(number) is int and number >= 0 for number in numbers)
            and (validator is None or (isinstance(validator, str) and strong_validator(validator) is not None))
            and (isinstance(name, str) and name not in ("", ".", "..") and not {"/", "\0"} & set(name))
        )

    def to_bytes(self) -> bytes:
        """The content of its file."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"version": _VERSION, **facts}, ensure_ascii=True).encode() + b"\n"

    def is_of(self, order: Order) -> bool:
        """Whether the file comes from the order's task."""
        return self.task_id == order.task_id and self.fingerprint == order.fingerprint
