"""`-V name=value`: what a var becomes when the command line overrides it."""

from __future__ import annotations

from typing import Any

from runner.core.references import CLOSE, OPEN
from runner.manifest.blocks import reserved_character
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.templates.template import is_template
from runner.manifest.text.scalars import BadNumber, resolve


def overridden(name: str, written: Any, text: str) -> Any:
    """The new value of a var.

    Text typed on a command line has no type; the var in the manifest has one, and templates such as `{% if vars.clean %}` rest on it.

    Args:
        name: The var.
        written: Its value in the manifest.
        text: As typed.

    Returns:
        True or false for a var that is one of them, a number for a number, else the text as typed.

    Raises:
        Flaw: The text cannot take the place of that value.
    """
    if OPEN in text or CLOSE in text:
        raise reserved_character()
    if is_template(text):
        raise Flaw(Code.NO_TEMPLATE_HERE, f"-V {name}: vars hold values, not templates")
    match written:
        case bool():
            if text in ("true", "false"):
                return text == "true"
            raise Flaw(Code.WRONG_TYPE, f"-V {name}: `{name}` is true or false, and `{text}` is neither")
        case int() | float():
            return _number(name, text)
        case dict() | list():
            kind = "a list" if isinstance(written, list) else "a mapping"
            raise Flaw(Code.WRONG_TYPE, f"-V {name}: `{name}` is {kind}, and the command line gives text")
        case _:
            return text


def _number(name: str, text: str) -> int | float:
    try:
        value = resolve(text)
    except BadNumber as problem:
        raise Flaw(Code.WRONG_TYPE, f"-V {name}: `{text}` {problem}") from problem
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Flaw(Code.WRONG_TYPE, f"-V {name}: `{name}` is a number, and `{text}` is none")
    return value
