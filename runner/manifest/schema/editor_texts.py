"""What editors show beside a schema: each family of them reads its texts under names of its own.

Sources: yaml-language-server (VS Code, Neovim, Helix …) reads `markdownDescription`, `enumDescriptions` and `defaultSnippets`, and would escape the
Markdown in a plain `description`. JetBrains IDEs read `x-intellij-html-description` and `x-intellij-enum-metadata`.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from runner.manifest.schema.walk import with_parts
from runner.manifest.schema.words import code, value_in_words

if TYPE_CHECKING:
    from runner.manifest.schema.walk import Schema

_CODE: Final = re.compile(r"`([^`]*)`")


def annotated(schema: Schema) -> Schema:
    """A schema with the texts that each editor looks for, made from `description`, `enumDescriptions` and what the values may be."""
    made = with_parts(schema, annotated)
    if "description" in schema:
        made["markdownDescription"] = _hover(schema)
        made["x-intellij-html-description"] = _as_html(made["markdownDescription"])
    if "enumDescriptions" in schema:
        pairs = zip(schema["enum"], schema["enumDescriptions"], strict=True)
        made["x-intellij-enum-metadata"] = {value: {"description": meaning} for value, meaning in pairs}
    return made


def _hover(schema: Schema) -> str:
    # Editors list the words of an `enum` themselves.
    words = value_in_words(schema) if "enum" not in schema and schema.get("type") != "object" else ""
    facts = [f"{words[0].upper()}{words[1:]}."] if words else []
    facts += [f"Default: {code(schema['default'])}."] if "default" in schema else []
    return "\n\n".join([schema["description"], *([" ".join(facts)] if facts else [])])


def _as_html(markdown: str) -> str:
    marked = _CODE.sub(r"<code>\1</code>", html.escape(markdown, quote=False))
    return "".join(f"<p>{paragraph}</p>" for paragraph in marked.split("\n\n"))
