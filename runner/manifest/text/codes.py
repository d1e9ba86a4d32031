"""The stable codes of what can be wrong with a manifest as text, before anybody asks what it means."""

from __future__ import annotations

from enum import StrEnum


class SourceCode(StrEnum):
    """`M0…`: reading the file and its YAML. The number never changes its meaning."""

    UNREADABLE = "M001"
    """The file is missing, is a folder, or may not be read."""
    TOO_LARGE = "M002"
    """The file is larger than a manifest may be."""
    ENCODING = "M003"
    """The file is not UTF-8."""
    CHARACTER = "M004"
    """A character that YAML does not allow, or that YAML tools do not agree on."""
    SYNTAX = "M005"
    """The text is not YAML."""
    TOO_DEEP = "M006"
    """Lists and mappings are nested too deep."""
    TOO_MANY_VALUES = "M007"
    """There are too many values, aliases and merges counted out."""
    DUPLICATE_KEY = "M008"
    """A mapping has the same key twice."""
    KEY_NOT_TEXT = "M009"
    """A key is a number, a boolean, null, a list or a mapping."""
    TAG = "M010"
    """An explicit tag."""
    NUMBER = "M011"
    """Not a number, infinite, or an integer that JSON cannot carry exactly."""
    ALIAS = "M012"
    """An alias without its anchor, or inside the value that it stands for; an anchor with no space behind its name."""
    MERGE = "M013"
    """`<<` is given something else than mappings."""
    SECOND_DOCUMENT = "M014"
    """There is more after the end of the document."""
    DIRECTIVE = "M015"
    """A directive other than `%YAML 1.2`."""
