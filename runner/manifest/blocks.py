"""Compiles what stands under one name of `jobs:` once, so that a million rows can be put through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.core.references import CLOSE, OPEN
from runner.core.spec import Verify
from runner.manifest.codes import Code
from runner.manifest.fingerprint import Fingerprints
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.inputs import Compiler, Inputs, Pointer
from runner.manifest.matrix import Combination, combinations
from runner.manifest.row_sources import row_check, row_source
from runner.manifest.template import Scope, Template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runner.core.diagnostics import Span
    from runner.manifest.findings import Findings
    from runner.manifest.operations import OperationSchema
    from runner.manifest.paths import FileRule
    from runner.manifest.rows import RowSource
    from runner.manifest.schema_check import SchemaCheck
    from runner.manifest.source import Document


@dataclass(slots=True, kw_only=True)
class Block:
    """What stands under one name of `jobs:`, compiled.

    Args:
        name: The name.
        uses: `<account>/<operation>`.
        schema: The operation's schema.
        fingerprints: Makes the jobs' fingerprints.
        source: Where the name stands.
        inputs: `with:`.
        tags: Tags of the defaults and of the block.
        output: The output path; None when it is the id.
        verify: How far files are checked.
        rows: Rows of `foreach`; None without it.
        key: The row's part of the id.
        row_check: The row's schema, or None.
        combinations: Those of `matrix`; one empty combination without it.
        needs: Entries of `JobSpec.needs` that `needs:` gives.
        refers_to: Names whose outputs are used, as far as the text tells.
        has_references: Whether any input is an output of another job.
        scope: `vars` and `jobs`.
    """

    name: str
    uses: str
    schema: OperationSchema
    fingerprints: Fingerprints
    source: Span
    inputs: Inputs
    tags: Inputs
    output: Template | None
    verify: Verify
    rows: RowSource | None
    key: Template | None
    row_check: SchemaCheck | None
    combinations: list[Combination]
    needs: tuple[str, ...]
    refers_to: tuple[str, ...]
    has_references: bool
    scope: Scope = field(repr=False)

    @property
    def pointer(self) -> Pointer:
        """Where it stands in the manifest."""
        return ("jobs", self.name)

    def waits_for(self) -> tuple[str, ...]:
        """Names of all blocks that it waits for, as far as the text tells."""
        named = (entry.partition("/")[0] for entry in self.needs)
        return tuple(dict.fromkeys((*named, *self.refers_to)))


class BlockReader:
    """Compiles blocks.

    Args:
        document: The manifest.
        findings: Takes what is wrong.
        scope: `vars` and `jobs`.
        files: Which files may be read.
        defaults: `defaults:` of the manifest.
    """

    def __init__(
        self, document: Document, findings: Findings, scope: Scope, files: FileRule, defaults: Mapping[str, Any]
    ) -> None:
        self._document = document
        self._findings = findings
        self._scope = scope
        self._files = files
        self._defaults = defaults

    def read(self, name: str, schema: OperationSchema) -> Block | None:
        """Compile the block of this name, which the manifest's schema has passed.

        Returns:
            The block; None when it does not hold, and the findings say why.
        """
        written: dict[str, Any] = self._document.value["jobs"][name]
        root: Pointer = ("jobs", name)
        before = len(self._findings.all)
        compiler = Compiler(self._scope, self._reporter(name))
        # Outputs of other jobs come too late for tags, paths and keys: `jobs` must not be folded into them unseen.
        other = Compiler({"vars": self._scope["vars"]}, self._reporter(name))
        self._refuse_reserved(written, root)
        block = Block(
            name=name,
            uses=written["uses"],
            schema=schema,
            fingerprints=Fingerprints(schema.name),
            source=self._document.key_span(root),
            inputs=compiler.tree(written["with"], (*root, "with")),
            tags=self._tags(written, other, root),
            output=other.text(written["output"], (*root, "output")) if "output" in written else None,
            verify=Verify(written.get("verify", self._defaults.get("verify", Verify.FRAME))),
            rows=row_source(self._document, root, self._files, self._findings) if "foreach" in written else None,
            key=other.text(written["foreach"]["key"], (*root, "foreach", "key")) if "foreach" in written else None,
            row_check=row_check(written.get("foreach", {}), root, self._files, self._findings),
            combinations=self._combinations(written, root),
            needs=self._needs(written, root),
            refers_to=tuple(dict.fromkeys(job_id.partition("/")[0] for job_id in compiler.job_ids)),
            has_references=bool(compiler.job_ids),
            scope=self._scope,
        )
        block.has_references |= block.inputs.uses("jobs")
        self._check_scope(block, written, root)
        return block if len(self._findings.all) == before else None

    def _reporter(self, job: str) -> Callable[[Pointer, Flaw], None]:
        return lambda at, flaw: self._findings.flaw(at, flaw, job=job)

    def _tags(self, written: Mapping[str, Any], compiler: Compiler, root: Pointer) -> Inputs:
        own = compiler.tree(written.get("tags", []), (*root, "tags"))
        shared: list[str] = self._defaults.get("tags", [])
        if not shared:
            return own
        return Inputs(lambda scope: [*shared, *own.render(scope)], own.templates)

    def _combinations(self, written: Mapping[str, Any], root: Pointer) -> list[Combination]:
        if "matrix" not in written:
            return [Combination.none()]
        at: Pointer = (*root, "matrix")
        report = self._findings.reporter(at, job=str(root[1]))
        templates = [pointer for pointer, text in strings_in(written["matrix"], ()) if is_template(text)]
        for pointer in templates:
            report(pointer, Flaw(Code.NO_TEMPLATE_HERE, "a matrix holds values, not templates"))
        return combinations(written["matrix"], report) if not templates else []

    def _needs(self, written: Mapping[str, Any], root: Pointer) -> tuple[str, ...]:
        jobs: Mapping[str, Any] = self._document.value["jobs"]
        found = []
        for number, name in enumerate(written.get("needs", [])):
            if name not in jobs:
                flaw = Flaw(Code.UNKNOWN_JOB, f"there is no job `{name}`", hint=did_you_mean(name, jobs))
                self._findings.flaw((*root, "needs", number), flaw, job=str(root[1]))
            else:
                found.append(f"{name}/*" if makes_many(jobs[name]) else name)
        return tuple(found)

    def _refuse_reserved(self, written: Mapping[str, Any], root: Pointer) -> None:
        for pointer, text in strings_in(written, root):
            if OPEN in text or CLOSE in text:
                self._findings.flaw(pointer, reserved_character())

    def _check_scope(self, block: Block, written: Mapping[str, Any], root: Pointer) -> None:
        """`row` and `matrix` are there only where the block has them; key and output cannot wait for another job."""
        absent = {name for name, key in (("row", "foreach"), ("matrix", "matrix")) if key not in written}
        for pointer, template in self._all_templates(block, root):
            for name in sorted(absent & template.names):
                key = "foreach" if name == "row" else "matrix"
                self._findings.flaw(
                    pointer, Flaw(Code.UNKNOWN_NAME, f"there is no `{name}`: the job has no `{key}`"), job=block.name
                )
            if "jobs" in template.names and pointer[2] != "with":
                flaw = Flaw(
                    Code.BROKEN_REFERENCE, "outputs of other jobs are known too late for this; they may stand in `with`"
                )
                self._findings.flaw(pointer, flaw, job=block.name)
        if block.key is not None and (wrong := block.key.names & {"matrix", "job", "jobs"}):
            flaw = Flaw(Code.UNKNOWN_NAME, f"a key is made of `row` and `vars`; `{min(wrong)}` comes later")
            self._findings.flaw((*root, "foreach", "key"), flaw, job=block.name)

    @staticmethod
    def _all_templates(block: Block, root: Pointer) -> Iterable[tuple[Pointer, Template]]:
        yield from (((*root, "with", *at), template) for at, template in block.inputs.templates.items())
        yield from (((*root, "tags", *at), template) for at, template in block.tags.templates.items())
        if block.output is not None:
            yield (*root, "output"), block.output


def makes_many(written: Mapping[str, Any]) -> bool:
    """Whether a block as written makes jobs with further parts in their ids."""
    return "foreach" in written or "matrix" in written


def reserved_character(within: Pointer | None = None) -> Flaw:
    """The flaw of text that holds a character which marks references."""
    text = "the characters U+E000 and U+E001 are reserved for references to other jobs"
    return Flaw(Code.NOT_JSON, text, within=within)


def strings_in(value: Any, at: Pointer) -> Iterable[tuple[Pointer, str]]:
    """Every string of a JSON value with its pointer, keys of mappings left out."""
    match value:
        case str():
            yield at, value
        case dict():
            for key, item in value.items():
                yield from strings_in(item, (*at, key))
        case list():
            for number, item in enumerate(value):
                yield from strings_in(item, (*at, number))
