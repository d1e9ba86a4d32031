"""Makes the jobs of one block. This is the hot path: a million rows go through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.core import references
from runner.core.references import BrokenReference, OutputRef
from runner.core.spec import JobSpec
from runner.manifest.blocks import reserved_character, strings_in
from runner.manifest.codes import Code
from runner.manifest.fingerprint import Contents, canonical
from runner.manifest.flaws import Flaw
from runner.manifest.matrix import as_part
from runner.manifest.paths import id_part_flaw, output_flaw
from runner.manifest.template_sandbox import JobFacts, Matrix, Row

if TYPE_CHECKING:
    from runner.core.diagnostics import Span
    from runner.manifest.blocks import Block
    from runner.manifest.explain import Complaint
    from runner.manifest.inputs import Pointer
    from runner.manifest.matrix import Combination
    from runner.manifest.needed import Needed

_RESERVED: Final = references.OPEN.encode()[:2]
"""What U+E000 and U+E001 begin with in UTF-8; so do 62 harmless characters, which a closer look lets pass."""


class InputsRefused(Exception):
    """The rendered inputs do not satisfy the operation's schema.

    Args:
        complaints: What is wrong, by pointer within the inputs.
    """

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__(f"{len(complaints)} complaints")
        self.complaints = complaints


class KeyTaken(Flaw):
    """Two rows have one key.

    Args:
        key: It.
        line: The first row's line.
    """

    def __init__(self, key: str, line: int) -> None:
        super().__init__(Code.DUPLICATE_ID, f"the key `{key}` is taken already")
        self.line = line


class JobMaker:
    """Makes jobs.

    Args:
        block: The block.
        needed: Fingerprints of jobs whose outputs are used.
    """

    def __init__(self, block: Block, needed: Needed) -> None:
        self.scope: dict[str, Any] = {**block.scope, "row": Row(), "matrix": Matrix(), "job": JobFacts()}
        """What the templates of the present job see."""
        self._block = block
        self._needed = needed
        self._contents = Contents(needed.fingerprint_of)
        self._keys: dict[str, int] = {}

    def key(self, row: Row, span: Span) -> str:
        """The row's part of the id; "" for a block without rows.

        Raises:
            Flaw: It cannot be a part of an id, or another row has it.
        """
        self.scope["row"] = row
        self.scope["matrix"], self.scope["job"] = Matrix(), JobFacts()
        template = self._block.key
        if template is None:
            return ""
        value = template.render(self.scope)
        if not isinstance(value, str | int):
            raise Flaw(Code.BAD_ID, "the key must be text or a whole number")
        key = as_part(value)
        if (flaw := id_part_flaw(key)) is not None:
            raise flaw
        if key in self._keys:
            raise KeyTaken(key, self._keys[key])
        self._keys[key] = span.line
        return key

    def job(self, key: str, combination: Combination, span: Span) -> JobSpec:
        """The job of the row that `key` was last given, with one combination.

        Raises:
            Flaw: A template, the fingerprint or the output path does not hold.
            InputsRefused: The inputs do not satisfy the operation's schema.
            NeedBroken: A job that it needs does not hold.
        """
        block, scope = self._block, self.scope
        job_id = "/".join((block.name, key, *combination.parts)) if key else "/".join((block.name, *combination.parts))
        scope["matrix"] = combination.values
        scope["job"] = JobFacts(id=job_id, name=block.name, key=key)
        inputs = block.inputs.render(scope)
        if block.has_references:
            fingerprint, needs = self._with_references(inputs, scope["row"])
        else:
            fingerprint, body = block.fingerprints.of(inputs)
            needs = block.needs
            if _RESERVED in body:
                _refuse_reserved(inputs)
        if not block.schema.check.accepts(inputs):
            self._complain(inputs)
        return JobSpec(
            id=job_id,
            name=block.name,
            uses=block.uses,
            operation=block.schema.name,
            inputs=inputs,
            fingerprint=fingerprint,
            tags=self._tags(),
            output=self._output(job_id),
            verify=block.verify,
            needs=needs,
            source=span,
            text=block.schema.spoken_text(inputs),
        )

    def _with_references(self, inputs: Any, row: Row) -> tuple[str, tuple[str, ...]]:
        if _may_be_reserved(row) and _is_reserved(row):
            raise reserved_character()  # it could forge a reference
        try:
            content, ids = self._contents.of(inputs)
        except BrokenReference as error:
            hint = "put the whole output in, or text around it"
            raise Flaw(Code.BROKEN_REFERENCE, str(error), hint=hint, within=_broken(inputs)) from error
        return self._block.fingerprints.of(content)[0], tuple(dict.fromkeys((*ids, *self._block.needs)))

    def _complain(self, inputs: Any) -> None:
        """Say what the schema refuses. An output of another job counts as a value of the kind that it will have.

        Raises:
            InputsRefused: Unless only the references' markers were refused.
        """
        if self._block.has_references:
            inputs = references.resolve(inputs, self._sample)
        if complaints := self._block.schema.check.complaints(inputs):
            raise InputsRefused(complaints)

    def _sample(self, ref: OutputRef) -> Any:
        return self._needed.sample(ref)

    def _tags(self) -> tuple[str, ...]:
        tags = self._block.tags.render(self.scope)
        if not tags:
            return ()
        for tag in tags:
            if type(tag) is not str or not tag or "," in tag or not tag.isprintable():
                note = ("a tag is text without commas and control characters",)
                raise Flaw(Code.WRONG_FORM, f"`{tag}` is not a tag", notes=note)
        return tuple(dict.fromkeys(tags))

    def _output(self, job_id: str) -> str:
        template = self._block.output
        output = job_id if template is None else template.render(self.scope)
        if type(output) is not str:
            raise Flaw(Code.BAD_OUTPUT, "the output path must be text")
        if (flaw := output_flaw(output)) is not None:
            raise flaw
        return output


def _broken(inputs: Any) -> Pointer | None:
    """Where a reference was changed."""
    for at, text in strings_in(inputs, ()):
        try:
            list(references.find(text))
        except BrokenReference:
            return at
    return None


def _may_be_reserved(row: Row) -> bool:
    """A quick look for characters that mark references; what is not all text is looked at closely."""
    try:
        text = "".join([*row, *row.values()])
    except TypeError:
        return True
    return references.OPEN in text or references.CLOSE in text


def _is_reserved(value: Any) -> bool:
    body = canonical(value)
    return references.OPEN.encode() in body or references.CLOSE.encode() in body


def _refuse_reserved(inputs: Any) -> None:
    if _is_reserved(inputs):
        marked = (at for at, text in strings_in(inputs, ()) if references.OPEN in text or references.CLOSE in text)
        raise reserved_character(next(marked, None))
