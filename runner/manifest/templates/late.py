"""Outputs of other jobs as templates see them: values that are known only when their jobs have run.

There is nothing to read in such a value yet: whatever a filter, a test or a comparison made of its stand-in would be sent as if it were
the output. So it can be put in whole or joined to text, and everything else that a template tries ends as a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from runner.core.references import CLOSE, OPEN
from runner.manifest.blocks import reserved_character
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterable


def too_early() -> Flaw:
    """The flaw of a template that does more with an output than to put it in."""
    return Flaw(
        Code.BROKEN_REFERENCE,
        "an output is known only when its job has run, so a template cannot read or change it",
        hint="put it in whole, or text around it",
    )


def refuse_late(values: Iterable[Any]) -> None:
    """Raise `Flaw` when one of the operands of something that reads its operands is a late value."""
    for value in values:
        if type(value) is LateValue:
            raise too_early()


class LateValue:
    """An output, or text with outputs in it. Every operation of Python on it raises `Flaw`.

    Args:
        marked: What stands for it in the job's inputs: text with markers (`runner.core.references`).
    """

    __slots__ = ("marked",)

    def __init__(self, marked: str) -> None:
        self.marked = marked

    @classmethod
    def joined(cls, parts: Iterable[str | LateValue], separator: str | LateValue = "") -> str | LateValue:
        """Parts one after the other: text, or a late value when one of them is."""
        parts = list(parts)
        text = written(separator).join(map(written, parts))
        return cls(text) if any(type(part) is cls for part in (*parts, separator)) else text

    def _refuse(self, *_: Any) -> NoReturn:
        raise too_early()

    __str__ = __repr__ = __format__ = __bytes__ = _refuse
    __bool__ = __hash__ = __len__ = __iter__ = __reversed__ = __contains__ = __getitem__ = __call__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __int__ = __float__ = __complex__ = __index__ = __round__ = _refuse
    __neg__ = __pos__ = __invert__ = __abs__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _refuse


def plain(text: str) -> str:
    """Text that is no output; raises `Flaw` for the characters that mark outputs, by which it could pass for one."""
    if OPEN in text or CLOSE in text:
        raise reserved_character()
    return text


def written(part: str | LateValue) -> str:
    """What stands for text (`plain`) or an output in the result of a template."""
    return part.marked if isinstance(part, LateValue) else plain(part)
