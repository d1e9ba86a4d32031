"""Makes the jobs of one block. This is the hot path: a million rows go through it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from runner.core import references
from runner.core.references import BrokenReference, OutputRef
from runner.core.spec import JobSpec
from runner.manifest.blocks import reserved_character, strings_in
from runner.manifest.chains import NOT_CHAINED
from runner.manifest.codes import Code
from runner.manifest.file_inputs import FileInputs
from runner.manifest.fingerprint import Contents, canonical
from runner.manifest.flaws import Flaw
from runner.manifest.matrix import as_part
from runner.manifest.paths import id_part_flaw, output_flaw
from runner.manifest.tags import tag_flaw
from runner.manifest.templates.sandbox import JobFacts, Matrix, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from runner.core.diagnostics import Diagnostic, Span
    from runner.manifest.blocks import Block
    from runner.manifest.file_inputs import SeenFiles
    from runner.manifest.inputs import Pointer
    from runner.manifest.matrix import Combination
    from runner.manifest.needed import Needed

_RESERVED: Final = references.OPEN.encode()[:2]
"""What U+E000 and U+E001 begin with in UTF-8; so do 62 harmless characters, which a closer look lets pass."""


_MOST_KNOWN: Final = 10_000
"""Texts with references whose samples are kept."""
_COLUMNS: Final = 2**30
"""More than a line has."""


class InputsRefused(Exception):
    """The rendered inputs do not satisfy the operation's schema, or its limits; `examination.py` says why."""


class KeyTaken(Flaw):
    """Two rows have one key.

    Args:
        key: It.
        line: The first row's line.
        column: Where in the line it begins.
    """

    def __init__(self, key: str, line: int, column: int) -> None:
        super().__init__(Code.DUPLICATE_ID, f"the key `{key}` is taken already")
        self.line = line
        self.column = column


class JobMaker:
    """Makes jobs.

    Args:
        block: The block.
        needed: Fingerprints of jobs whose outputs are used.
        seen: Local files that the pass has looked at.
        place: Gives a flaw of a job's inputs its place, by the job's row and id.
    """

    def __init__(
        self, block: Block, needed: Needed, seen: SeenFiles, place: Callable[[Flaw, Span, str], Diagnostic]
    ) -> None:
        self.scope: dict[str, Any] = {**block.scope, "row": Row(), "matrix": Matrix(), "job": JobFacts()}
        """What the templates of the present job see."""
        self.block = block
        """What the jobs are made of."""
        self._needed = needed
        self._contents = Contents(needed.fingerprint_of)
        self._keys: dict[str, int] = {}
        self._tags: tuple[str, ...] = block.shared_tags
        self._tags_written: list[Any] | None = None
        # A block that refers to one job has the same few texts in a million rows.
        self._sampled = lru_cache(_MOST_KNOWN)(self._sampled_text)
        self._files = FileInputs(block.schema.rules.take_bytes, block.files, seen)
        self._place = place
        self._lifetime_s = None if needed.are_kept else needed.lifetime_s

    def key(self, row: Row, span: Span) -> str:
        """The row's part of the id; "" for a block without rows.

        Raises:
            Flaw: It cannot be a part of an id, or another row has it.
        """
        self.scope["row"] = row
        self.scope["matrix"], self.scope["job"] = Matrix(), JobFacts()
        template = self.block.key
        if template is None:
            return ""
        value = template.render(self.scope)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Flaw(Code.BAD_ID, "the key must be text or a whole number")
        key = as_part(value)
        if (flaw := id_part_flaw(key)) is not None:
            raise flaw
        if key in self._keys:
            raise KeyTaken(key, *divmod(self._keys[key], _COLUMNS))
        # One integer instead of a place: a million of these are kept.
        self._keys[key] = span.line * _COLUMNS + span.column
        return key

    def job(self, key: str, combination: Combination, span: Span) -> JobSpec:
        """The job of the row that `key` was last given, with one combination.

        Raises:
            Flaw: A template, the fingerprint or the output path does not hold.
            InputsRefused: The inputs do not satisfy the operation's schema.
            NeedBroken: A job that it needs does not hold.
        """
        block, scope = self.block, self.scope
        job_id = "/".join((block.name, key, *combination.parts)) if key else "/".join((block.name, *combination.parts))
        scope["matrix"] = combination.values
        scope["job"] = JobFacts(id=job_id, name=block.name, key=key)
        inputs = block.inputs.render(scope)
        found = self._files.of(inputs)
        counted = found.counted(inputs)
        obstacles = tuple(self._place(flaw, span, job_id) for _, flaw in found.missing) if found.missing else ()
        if block.has_references:
            self.refuse_forgery()
            fingerprint, body, needs, lacking = self._with_references(counted)
            obstacles += lacking
        else:
            fingerprint, body = block.fingerprints.of(counted)
            needs = block.needs
            if _RESERVED in body or not block.schema.outside.isdisjoint(inputs):
                _refuse_reserved(inputs)
        chained = block.chains.of(inputs, self._lifetime_s) if block.has_references else NOT_CHAINED
        if not block.schema.check.accepts(self._as_sent(inputs) if block.has_references else inputs):
            raise InputsRefused
        if next(block.preflight.flaws(inputs, found.files), None) is not None:
            raise InputsRefused
        return JobSpec(
            id=job_id,
            name=block.name,
            uses=block.uses,
            operation=block.schema.name,
            inputs=inputs,
            fingerprint=fingerprint,
            tags=self.tags(),
            output=self.output(),
            verify=block.verify,
            needs=needs,
            source=span,
            text=block.schema.spoken_text(inputs),
            duration_s=block.preflight.duration_s(inputs, found.files),
            content=body,
            files=found.files,
            obstacles=obstacles,
            lasts_as=chained.lasts_as,
            ageing=chained.ageing,
            lengths=chained.lengths,
            delivers_file=block.schema.delivers_file,
        )

    def refuse_forgery(self) -> None:
        """Raises `Flaw` when the row holds characters with which it could forge a reference."""
        row = self.scope["row"]
        if _may_be_reserved(row) and _is_reserved(row):
            raise reserved_character()

    def _with_references(self, inputs: Any) -> tuple[str, bytes, tuple[str, ...], tuple[Diagnostic, ...]]:
        """Fingerprint, content and needs; and the obstacles of needed jobs, without whose fingerprints this one is nobody's either."""
        content, ids = self._content(inputs)
        obstacles = self._needed.obstacles
        lacking = tuple(it for each in dict.fromkeys(ids) for it in obstacles.get(each, ())) if obstacles else ()
        return *self.block.fingerprints.of(content), tuple(dict.fromkeys((*ids, *self.block.needs))), lacking

    def _content(self, value: Any) -> tuple[Any, tuple[str, ...]]:
        try:
            return self._contents.of(value)
        except BrokenReference as error:
            hint = "put the whole output in, or text around it"
            raise Flaw(Code.BROKEN_REFERENCE, str(error), hint=hint) from error

    def refuse_content(self, value: Any) -> None:
        """Raises what making a job with this value among its inputs would raise: `Flaw`, or `NeedBroken` for a job that does not hold."""
        if self.block.has_references:
            value, _ = self._content(value)
        elif _is_reserved(value):
            raise reserved_character()
        canonical(value)

    def refuse_files(self, inputs: Any, unknown: Collection[Pointer]) -> None:
        """Raises `Flaw` for a local file that the inputs may not name, or that is not there.

        Args:
            inputs: The job's inputs.
            unknown: Pointers to values that are not known: what such a path leads to says nothing.
        """
        for _, flaw in self._files.of(inputs).missing:
            if flaw.within not in unknown:
                raise flaw

    def preflight_flaws(self, inputs: Any, unknown: Collection[Pointer]) -> Iterator[Flaw]:
        """Everything that the operation does not take of the files and addresses in the inputs.

        Args:
            inputs: The job's inputs.
            unknown: As for `refuse_files`, which says what is wrong with files that cannot be read.
        """
        try:
            files = self._files.of(inputs).files
        except Flaw:
            return
        flaws = self.block.preflight.flaws(inputs, files)
        yield from (flaw for flaw in flaws if flaw.within not in unknown)

    def _as_sent(self, inputs: Any) -> Any:
        """The inputs as their schema is to see them: with values of the kind that the outputs will have, and no markers."""
        return references.replaced(inputs, self._sampled)

    def _sampled_text(self, text: str) -> Any:
        return references.resolve(text, self.sample)

    def sample(self, ref: OutputRef) -> Any:
        """A value of the kind that an output will have; raises `LookupError` for an output of which nothing is known."""
        return self._needed.sample(ref)

    def tags(self) -> tuple[str, ...]:
        """The job's tags; raises `Flaw` for one that does not hold."""
        own = self.block.tags.render(self.scope)
        if own is not self._tags_written:  # those without templates are one and the same list for every job
            for tag in own:
                if (flaw := tag_flaw(tag)) is not None:
                    raise flaw
            self._tags = tuple(dict.fromkeys((*self.block.shared_tags, *own)))
            self._tags_written = own
        return self._tags

    def output(self) -> str:
        """The job's output path; raises `Flaw` when it does not hold."""
        template = self.block.output
        output = self.scope["job"]["id"] if template is None else template.render(self.scope)
        if type(output) is not str:
            raise Flaw(Code.BAD_OUTPUT, "the output path must be text")
        if (flaw := output_flaw(output)) is not None:
            raise flaw
        return output


def _may_be_reserved(row: Row) -> bool:
    """A quick look for characters that mark references; what is not all text is looked at closely."""
    try:
        text = "".join([*row, *row.values()])
    except TypeError:
        return True
    return references.OPEN in text or references.CLOSE in text


def _is_reserved(value: Any) -> bool:
    """Whether a JSON value holds a character that marks references, be it in a key. Whether its numbers can be sent is not asked."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if references.OPEN in item or references.CLOSE in item:
                return True
        elif isinstance(item, dict):
            waiting += item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False


def _refuse_reserved(inputs: Any) -> None:
    if _is_reserved(inputs):
        marked = (at for at, text in strings_in(inputs, ()) if references.OPEN in text or references.CLOSE in text)
        raise reserved_character(next(marked, None))
