"""Values as they stand inside text."""

from __future__ import annotations

from math import isfinite
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError

from runner.manifest.templates.late import LateValue, written


def kind_of(value: object) -> str:
    """What a value is, for people."""
    kinds = {
        str: "a text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
        list: "a list",
    }
    return kinds.get(type(value), "a mapping" if isinstance(value, dict) else "this value")


def in_text(value: Any) -> Any:
    """A value as it stands inside text: text, numbers and outputs as they are, true and false as YAML writes them.

    Raises:
        TemplateRuntimeError: It is null, a list or a mapping, which nobody wants to hear read aloud.
    """
    if type(value) is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        raise TemplateRuntimeError("null stands inside text; give it a value, such as `| default('', true)`")
    if isinstance(value, Undefined | LateValue):
        return value  # a missing name fails by itself, and says which it is
    if isinstance(value, float) and not isfinite(value):
        raise TemplateRuntimeError("a number that is infinite or not a number stands inside text")
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateRuntimeError(f"{kind_of(value)} stands inside text; use `| join(', ')` or `| tojson`")


def finalize(value: Any) -> Any:
    """A value as it stands in the text that a template makes (`in_text`)."""
    return written(in_text(value))
