"""Compiles what stands under one name of `jobs:`, part by part, so that one part that does not hold hides nothing about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.core.references import CLOSE, OPEN
from runner.core.spec import Verify
from runner.manifest.blocks import Block, makes_many, reserved_character, strings_in
from runner.manifest.codes import Code
from runner.manifest.fingerprint import Fingerprints
from runner.manifest.flaws import Flaw, suggestion
from runner.manifest.inputs import Compiler, Inputs, Pointer, unknown
from runner.manifest.matrix import Combination, combinations
from runner.manifest.rows.sources import row_check, row_source
from runner.manifest.templates.template import Scope, Template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.manifest.findings import Findings
    from runner.manifest.paths import FileRule
    from runner.manifest.schema.operations import OperationSchema
    from runner.manifest.text.source import Document

_TOO_LATE: Final = "outputs of other jobs are known too late for this; they may stand in `with`"


class BlockReader:
    """Compiles blocks.

    Args:
        document: The manifest.
        findings: Takes what is wrong, and knows already what the manifest's schema has refused.
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

    def read(self, name: str, schema: OperationSchema) -> Block:
        """Compile the block of this name; parts of it that the manifest's schema has refused count as not known."""
        written: dict[str, Any] = self._document.value["jobs"][name]
        root: Pointer = ("jobs", name)
        sound = {key: value for key, value in written.items() if not self._findings.is_broken((*root, key))}
        before = self._findings.count
        inputs = self._compiler(written, root, self._scope)
        # Outputs of other jobs come too late for tags, paths and keys: `jobs` must not be folded into them unseen.
        other = self._compiler(written, root, {"vars": self._scope["vars"]})
        self._refuse_reserved(written, root)
        if "foreach" in sound:
            rows: Pointer = (*root, "foreach", "rows")
            self._refuse_templates(sound["foreach"].get("rows"), rows, "rows hold values, not templates")
        block = Block(
            name=name,
            uses=written["uses"],
            schema=schema,
            fingerprints=Fingerprints(schema.name, schema.outside),
            files=self._files,
            source=self._document.key_span(root),
            inputs=inputs.tree(sound["with"], (*root, "with")) if "with" in sound else _unknown_inputs(),
            tags=other.tree(sound.get("tags", []), (*root, "tags")),
            shared_tags=tuple(dict.fromkeys(self._defaults.get("tags", []))),
            output=other.text(sound["output"], (*root, "output")) if "output" in sound else None,
            verify=Verify(sound.get("verify", self._defaults.get("verify", Verify.FRAME))),
            rows=row_source(self._document, root, self._files, self._findings) if "foreach" in sound else None,
            key=self._key(sound, root),
            row_check=row_check(self._document, root, self._files, self._findings) if "foreach" in sound else None,
            combinations=self._combinations(written, sound, root),
            needs=self._needs(written, root),
            waits_for=self._waits_for(written, inputs, root),
            has_references=bool(inputs.job_ids),
            scope=self._scope,
            is_sound=False,
            has_foreach="foreach" in written,
        )
        block.has_references |= block.inputs.uses("jobs")
        block.is_sound = self._findings.count == before and not self._findings.is_broken(root)
        return block

    def _reporter(self, job: str) -> Callable[[Pointer, Flaw], None]:
        return lambda at, flaw: self._findings.flaw(at, flaw, job=job)

    def _compiler(self, written: Mapping[str, Any], root: Pointer, constants: Scope) -> Compiler:
        """A compiler that refuses what the block has not: `row` and `matrix` are there only with `foreach` and `matrix`."""
        flaws = {
            name: Flaw(Code.UNKNOWN_NAME, f"there is no `{name}`: the job has no `{key}`")
            for name, key in (("row", "foreach"), ("matrix", "matrix"))
            if key not in written
        }
        if "jobs" not in constants:
            flaws["jobs"] = Flaw(Code.BROKEN_REFERENCE, _TOO_LATE)
        return Compiler(constants, self._reporter(str(root[1])), flaws)

    def _key(self, sound: Mapping[str, Any], root: Pointer) -> Template | None:
        """The key of `foreach`; an unknown one when it does not hold."""
        if "foreach" not in sound:
            return None
        reason = "a key is made of `row` and `vars`; `{}` comes later"
        late = {name: Flaw(Code.UNKNOWN_NAME, reason.format(name)) for name in ("matrix", "job", "jobs")}
        compiler = Compiler({"vars": self._scope["vars"]}, self._reporter(str(root[1])), late)
        return compiler.text(sound["foreach"]["key"], (*root, "foreach", "key"))

    def _combinations(self, written: Mapping[str, Any], sound: Mapping[str, Any], root: Pointer) -> list[Combination]:
        if "matrix" not in written:
            return [Combination.none()]
        if "matrix" not in sound:
            return []
        at: Pointer = (*root, "matrix")
        report = self._findings.reporter(at, job=str(root[1]))
        has_template = self._refuse_templates(sound["matrix"], at, "a matrix holds values, not templates")
        found = combinations(sound["matrix"], report)
        return found if not has_template else []

    def _refuse_templates(self, value: Any, at: Pointer, message: str) -> bool:
        """Report every template in a value that is taken as written; whether there are any."""
        templates = [pointer for pointer, text in strings_in(value, at) if is_template(text)]
        for pointer in templates:
            self._findings.flaw(pointer, Flaw(Code.NO_TEMPLATE_HERE, message), job=str(at[1]))
        return bool(templates)

    def _names_needed(self, written: Mapping[str, Any], root: Pointer) -> dict[str, Pointer]:
        """The names under `needs`, each once, with their pointers; a list may hold what is no name, or repeat one."""
        names = written.get("needs", [])
        found: dict[str, Pointer] = {}
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                found.setdefault(name, (*root, "needs", number))
        return found

    def _needs(self, written: Mapping[str, Any], root: Pointer) -> tuple[str, ...]:
        jobs: Mapping[str, Any] = self._document.value["jobs"]
        found = []
        for name, at in self._names_needed(written, root).items():
            if self._findings.is_broken(at):
                continue  # no name at all, and said so
            if name not in jobs:
                flaw = Flaw(Code.UNKNOWN_JOB, f"there is no job `{name}`", hint=suggestion(name, jobs))
                self._findings.flaw(at, flaw, job=str(root[1]))
            else:
                is_many = isinstance(jobs[name], dict) and makes_many(jobs[name])
                found.append(f"{name}/*" if is_many else name)
        return tuple(found)

    def _waits_for(self, written: Mapping[str, Any], inputs: Compiler, root: Pointer) -> dict[str, Pointer]:
        places = self._names_needed(written, root)
        for job_id, at in inputs.job_ids.items():
            places.setdefault(job_id.partition("/")[0], at)
        return places

    def _refuse_reserved(self, written: Mapping[str, Any], root: Pointer) -> None:
        for pointer, text in strings_in(written, root):
            if OPEN in text or CLOSE in text:
                self._findings.flaw(pointer, reserved_character())


def _unknown_inputs() -> Inputs:
    nothing = unknown()
    return Inputs(nothing.render, {(): nothing}, nothing)
