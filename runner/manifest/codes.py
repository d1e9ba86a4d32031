"""The stable codes of what can be wrong with a manifest beyond its YAML (`source_codes.py` holds M0).

A code's title and everything else that there is to say about it stand on its page: `runner/explanations/pages/M103.md`.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """M1 fields, M2 templates, M3 rows, combinations and ids, M4 references, M5 files and paths, M6 money. A number never changes its meaning."""

    SCHEMA = "M100"
    UNKNOWN_KEY = "M103"
    MISSING_KEY = "M104"
    NOT_ALLOWED = "M105"
    WRONG_TYPE = "M106"
    OUT_OF_RANGE = "M107"
    WRONG_FORM = "M108"
    REPEATED = "M109"
    UNKNOWN_TYPE = "M111"
    UNKNOWN_ACCOUNT = "M112"
    UNKNOWN_OPERATION = "M113"
    CONTRADICTION = "M114"
    EXACTLY_ONE = "M120"
    UNKNOWN_OVERRIDE = "M130"
    TEMPLATE_SYNTAX = "M201"
    UNKNOWN_NAME = "M202"
    TEMPLATE_FAILED = "M203"
    TEMPLATE_FORBIDDEN = "M204"
    TEMPLATE_TOO_LARGE = "M205"
    NOT_JSON = "M206"
    NO_TEMPLATE_HERE = "M207"
    ROWS_SYNTAX = "M301"
    ROW_LENGTH = "M302"
    COLUMNS = "M303"
    ROW_REFUSED = "M304"
    NO_ROWS = "M305"
    BAD_ID = "M310"
    DUPLICATE_ID = "M311"
    BAD_COMBINATION = "M320"
    BAD_MOVE = "M330"
    MOVED_NOWHERE = "M331"
    UNKNOWN_JOB = "M401"
    UNKNOWN_OUTPUT = "M402"
    CYCLE = "M403"
    BROKEN_REFERENCE = "M404"
    FILE_UNREADABLE = "M501"
    FILE_OUTSIDE = "M502"
    BAD_OUTPUT = "M510"
    OUTPUT_TAKEN = "M511"
    LOCK_FILE = "M520"
    UNPRICED = "M601"
