"""What stands under one name of `jobs:`, compiled once, so that a million rows can be put through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runner.manifest.chains import Chains
from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.input_rules import NO_RULES
from runner.manifest.preflight import Looks, Preflight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.core.diagnostics import Span
    from runner.core.spec import Verify
    from runner.manifest.fingerprint import Fingerprints
    from runner.manifest.inputs import Inputs, Pointer
    from runner.manifest.matrix import Combination
    from runner.manifest.paths import FileRule
    from runner.manifest.rows.reading import RowSource
    from runner.manifest.schema.check import SchemaCheck
    from runner.manifest.schema.operations import OperationSchema
    from runner.manifest.templates.template import Scope, Template

KEY: Final = ("foreach", "key")
"""Where a block's key stands in it."""
OUTPUT: Final = ("output",)
"""Where a block's output path stands in it."""


@dataclass(slots=True, kw_only=True)
class Block:
    """What stands under one name of `jobs:`, compiled.

    Args:
        name: The name.
        uses: `<account>/<operation>`.
        schema: The operation's schema.
        fingerprints: Makes the jobs' fingerprints.
        files: Which files its jobs may send.
        source: Where the name stands.
        inputs: `with:`.
        tags: Its own tags.
        shared_tags: Those of the defaults.
        output: The output path; None when it is the id.
        verify: How far files are checked.
        rows: Rows of `foreach`; None without it, and when they cannot be read.
        key: The row's part of the id.
        row_check: The row's schema, or None.
        combinations: Those of `matrix`; one empty combination without it.
        needs: Entries of `JobSpec.needs` that `needs:` gives.
        waits_for: Names of the blocks that it waits for, as far as the text tells, with the pointer of the place that says so.
        has_references: Whether any input is an output of another job.
        scope: `vars` and `jobs`.
        is_sound: Whether it holds so far. One that does not is gone through for what else is wrong with it, and nobody can need its jobs.
        has_foreach: Whether it makes jobs of rows, even if these cannot be read.
        chains: What its inputs ask of outputs of other jobs.
        preflight: Holds files and addresses among its inputs against what the operation takes.
    """

    name: str
    uses: str
    schema: OperationSchema
    fingerprints: Fingerprints
    files: FileRule
    source: Span
    inputs: Inputs
    tags: Inputs
    shared_tags: tuple[str, ...]
    output: Template | None
    verify: Verify
    rows: RowSource | None
    key: Template | None
    row_check: SchemaCheck | None
    combinations: list[Combination]
    needs: tuple[str, ...]
    waits_for: Mapping[str, Pointer]
    has_references: bool
    scope: Scope = field(repr=False)
    is_sound: bool
    has_foreach: bool
    chains: Chains = field(default_factory=lambda: Chains(None, {}))
    preflight: Preflight = field(default_factory=lambda: Preflight(NO_RULES, "", Looks()))
    templates: dict[Pointer, Template] = field(init=False, repr=False)
    """All templates of its jobs, by pointer within the block."""

    def __post_init__(self) -> None:
        self.templates = {
            **{("with", *at): it for at, it in self.inputs.templates.items()},
            **{("tags", *at): it for at, it in self.tags.templates.items()},
            **({OUTPUT: self.output} if self.output is not None else {}),
            **({KEY: self.key} if self.key is not None else {}),
        }

    def depends_on_row(self, at: Pointer) -> bool:
        """Whether rows have a part in what stands at a pointer within the block, above it or below."""
        if self.rows is None:
            return False
        if at == KEY:
            return True
        related = (it for here, it in self.templates.items() if at[: len(here)] == here[: len(at)])
        return any(not it.names.isdisjoint(("row", "job")) for it in related)

    @property
    def pointer(self) -> Pointer:
        """Where it stands in the manifest."""
        return ("jobs", self.name)


def makes_many(written: Mapping[str, Any]) -> bool:
    """Whether a block as written makes jobs with further parts in their ids."""
    return "foreach" in written or "matrix" in written


def reserved_character(within: Pointer | None = None) -> Flaw:
    """The flaw of text that holds a character which marks references."""
    text = "the characters U+E000 and U+E001 are reserved for references to other jobs"
    return Flaw(Code.NOT_JSON, text, within=within)


def leaves_of(value: Any, at: Pointer) -> Iterable[tuple[Pointer, Any]]:
    """Everything in a JSON value that is no mapping or list, with its pointer."""
    match value:
        case dict():
            for key, item in value.items():
                yield from leaves_of(item, (*at, key))
        case list():
            for number, item in enumerate(value):
                yield from leaves_of(item, (*at, number))
        case _:
            yield at, value


def strings_in(value: Any, at: Pointer) -> Iterable[tuple[Pointer, str]]:
    """Every string of a JSON value with its pointer, keys of mappings left out."""
    return ((pointer, leaf) for pointer, leaf in leaves_of(value, at) if isinstance(leaf, str))
