"""The stable codes of what can be wrong with a manifest beyond its YAML (`source_codes.py` holds M0)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """M1 fields, M2 templates, M3 rows, combinations and ids, M4 references, M5 files and paths. A number never changes its meaning."""

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
    UNKNOWN_JOB = "M401"
    UNKNOWN_OUTPUT = "M402"
    CYCLE = "M403"
    BROKEN_REFERENCE = "M404"
    FILE_UNREADABLE = "M501"
    FILE_OUTSIDE = "M502"
    BAD_OUTPUT = "M510"
    OUTPUT_TAKEN = "M511"


TITLES: Final[dict[Code, str]] = {
    Code.SCHEMA: "a value does not fit its schema",
    Code.UNKNOWN_KEY: "an unknown key",
    Code.MISSING_KEY: "a required key is missing",
    Code.NOT_ALLOWED: "a value is not one of those allowed",
    Code.WRONG_TYPE: "a value of the wrong type",
    Code.OUT_OF_RANGE: "a number, length or count out of range",
    Code.WRONG_FORM: "text of the wrong form",
    Code.REPEATED: "a list repeats an item",
    Code.UNKNOWN_TYPE: "an account names a provider that does not exist",
    Code.UNKNOWN_ACCOUNT: "a job or price names an account that does not exist",
    Code.UNKNOWN_OPERATION: "the provider has no such operation",
    Code.CONTRADICTION: "two settings contradict one another",
    Code.EXACTLY_ONE: "exactly one of several keys is needed",
    Code.UNKNOWN_OVERRIDE: "-V names a variable that the manifest does not have",
    Code.TEMPLATE_SYNTAX: "a template cannot be read",
    Code.UNKNOWN_NAME: "a template uses a name that is not there",
    Code.TEMPLATE_FAILED: "a template fails on these values",
    Code.TEMPLATE_FORBIDDEN: "a template uses something that the sandbox forbids",
    Code.TEMPLATE_TOO_LARGE: "a template does or makes too much",
    Code.NOT_JSON: "a value cannot be written as JSON",
    Code.NO_TEMPLATE_HERE: "a template stands where none is rendered",
    Code.ROWS_SYNTAX: "a file of rows cannot be read",
    Code.ROW_LENGTH: "a row is longer or shorter than the header",
    Code.COLUMNS: "the header line does not hold",
    Code.ROW_REFUSED: "a row does not satisfy its schema",
    Code.NO_ROWS: "there are no rows",
    Code.BAD_ID: "a part of an id has the wrong form",
    Code.DUPLICATE_ID: "two jobs have the same id",
    Code.BAD_COMBINATION: "the matrix does not hold",
    Code.UNKNOWN_JOB: "no job has this id or name",
    Code.UNKNOWN_OUTPUT: "the job's operation has no such output",
    Code.CYCLE: "jobs wait for one another in a circle",
    Code.BROKEN_REFERENCE: "a reference to an output was changed or cannot stand here",
    Code.FILE_UNREADABLE: "a file cannot be read",
    Code.FILE_OUTSIDE: "a file lies outside the repository",
    Code.BAD_OUTPUT: "an output path is not safe",
    Code.OUTPUT_TAKEN: "two jobs write to the same path",
}
