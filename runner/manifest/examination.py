"""Everything that is wrong with one job, where making it stops at the first flaw.

Each part is looked at as far as it is known: a template that fails leaves its own value unknown and hides nothing about the values
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from runner.core import references
from runner.core.references import BrokenReference
from runner.manifest.blocks import leaves_of
from runner.manifest.codes import Code
from runner.manifest.fingerprint import canonical
from runner.manifest.flaws import Flaw, SaidAlready
from runner.manifest.needed import NeedBroken
from runner.manifest.places import name_of, place_of
from runner.manifest.preflight import is_base64
from runner.manifest.schema.explain import Complaint, show
from runner.manifest.tags import tag_flaw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner.manifest.inputs import Pointer
    from runner.manifest.job_maker import JobMaker


@dataclass(slots=True)
class Examination:
    """What is wrong with a job.

    Args:
        flaws: Those of its parts, by pointer within the block.
        complaints: What the operation's schema refuses, by pointer within `with`.
        contents: What the operation does not take of files and addresses, each with its pointer within the block.
        is_explained: Whether a part is not known for a reason that the findings have already.
    """

    flaws: dict[Pointer, Flaw] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    contents: list[tuple[Pointer, Flaw]] = field(default_factory=list)
    is_explained: bool = False

    def add(self, at: Pointer, flaw: Flaw) -> None:
        """A flaw of a part."""
        if isinstance(flaw, SaidAlready):
            self.is_explained = True
        else:
            self.flaws[at] = flaw


def examine(maker: JobMaker, *, unknown: frozenset[str] = frozenset()) -> Examination:
    """Look at every part of the job that the maker is about.

    Args:
        maker: Its scope is that of the job.
        unknown: Names of the scope that have no values here (`row` of rows that cannot be read): what uses them is not known.
    """
    found = Examination()
    block = maker.block
    inputs, failing = block.inputs.partly(maker.scope)
    for at, flaw in failing.items():
        uses = block.inputs.templates[at].names
        found.add(("with", *at), flaw if uses.isdisjoint(unknown) else SaidAlready())
    if block.has_references:
        _attempt(("with",), maker.refuse_forgery, found)
    not_known = set(failing) | (set() if ("with",) in found.flaws else _bad_leaves(maker, inputs, failing, found))
    known = _with_samples(maker, inputs, not_known)
    complaints = (it for it in _complaints(maker, known) if _is_about_known(it, not_known))
    complaints = (_about_input(maker, known, _about_output(it, inputs, known)) for it in complaints)
    found.complaints = list(_about_base64(maker, known, complaints))
    _attempt(("with",), lambda: maker.refuse_files(inputs, not_known), found)
    _attempt(("with",), lambda: _look_at_contents(maker, inputs, not_known, found), found)
    _look_at_texts(maker, found, unknown)
    return found


def _complaints(maker: JobMaker, inputs: Any) -> list[Complaint]:
    """What the schema refuses; nothing of inputs that it cannot read, since making the job stops before it asks."""
    try:
        canonical(inputs)
    except Flaw:
        return []
    return maker.block.schema.check.complaints(inputs)


def _about_output(complaint: Complaint, inputs: Any, known: Any) -> Complaint:
    """The complaint, and where it is about an output of another job, which: its value is nothing that anybody wrote."""
    written = None if complaint.on_key else reduce(getitem, complaint.at, inputs)
    ref = next(references.find(written), None) if isinstance(written, str) else None
    if ref is None:
        return complaint
    example = show(reduce(getitem, complaint.at, known))
    return replace(complaint, hint=f"the output `{ref.output}` gives {example}, for example")


def _about_input(maker: JobMaker, known: Any, complaint: Complaint) -> Complaint:
    """The complaint, in the words of the input where a schema's would not tell how to mend it."""
    if complaint.on_key:
        return complaint
    place, value, rules = place_of(complaint.at), reduce(getitem, complaint.at, known), maker.block.schema.rules
    most = rules.limits[place].max_chars if place in rules.limits else None
    match value:
        case str() if most is not None and len(value) > most and complaint.code is Code.OUT_OF_RANGE:
            message = f"`{name_of(place)}` has {len(value):,} characters; it takes at most {most:,}"
            return replace(complaint, message=message, notes=(maker.block.preflight.how_to_differ(place, "max_chars"),))
        case {"file": _} if place in rules.take_addresses and place not in rules.take_bytes:
            message = f"`{name_of(place)}` takes no local file: the provider fetches it itself, from a public address"
            return replace(
                complaint, message=message, hint="upload it somewhere, and write its `https://` address here"
            )
        case _:
            return complaint


def _about_base64(maker: JobMaker, known: Any, complaints: Iterable[Complaint]) -> Iterator[Complaint]:
    """The complaints, with one in plain words for all those about a file's bytes that were written where a file is named."""
    rules = maker.block.schema.rules
    said: set[Pointer] = set()
    for complaint in complaints:
        place = place_of(complaint.at)
        takes_file = place in rules.take_bytes
        is_place = not complaint.on_key and (takes_file or place in rules.take_addresses)
        if not is_place or not is_base64(reduce(getitem, complaint.at, known)):
            yield complaint
        elif complaint.at not in said:
            said.add(complaint.at)
            wanted = "an address, or a local file as `{file: path}`" if takes_file else "an address"
            message = f"`{name_of(place)}` holds the bytes of a file in base64; it takes {wanted}"
            yield Complaint(Code.BASE64, message, complaint.at)


def _look_at_contents(maker: JobMaker, inputs: Any, not_known: set[Pointer], found: Examination) -> None:
    """What is wrong with files and addresses: a file may be too large, too small and too long at once."""
    for flaw in maker.preflight_flaws(inputs, not_known):
        found.contents.append((("with", *(flaw.within or ())), flaw))


def _look_at_texts(maker: JobMaker, found: Examination, unknown: frozenset[str]) -> None:
    """Tags and output path."""
    block = maker.block
    tags, failing = block.tags.partly(maker.scope)
    for at, flaw in failing.items():
        if block.tags.templates[at].names.isdisjoint(unknown):
            found.add(("tags", *at), flaw)
    for number, tag in enumerate(tags):
        if (number,) not in failing and (wrong := tag_flaw(tag)) is not None:
            found.add(("tags", number), wrong)
    # Without `output:` the path is the id.
    uses = frozenset(("job",)) if block.output is None else block.output.names
    if uses.isdisjoint(unknown):
        _attempt(("output",), maker.output, found)


def _attempt(at: Pointer, make: Callable[[], Any], found: Examination) -> None:
    try:
        make()
    except Flaw as flaw:
        found.add(at if flaw.within is None else (*at, *flaw.within), flaw)
    except NeedBroken:
        found.is_explained = True


def _bad_leaves(maker: JobMaker, inputs: Any, failing: Iterable[Pointer], found: Examination) -> set[Pointer]:
    """The values that cannot be written as JSON or refer to a job that is not there."""
    bad: set[Pointer] = set()
    skipped = set(failing)
    for at, leaf in leaves_of(inputs, ()):
        if at in skipped:
            continue
        try:
            maker.refuse_content(leaf)
        except Flaw as flaw:
            found.add(("with", *at), flaw)
            bad.add(at)
        except NeedBroken:
            found.is_explained = True
            bad.add(at)
    return bad


def _with_samples(maker: JobMaker, value: Any, not_known: set[Pointer]) -> Any:
    """The inputs with values of the right kind for outputs of other jobs; `not_known` takes the places where there is none."""

    def put(item: Any, at: Pointer) -> Any:
        if at in not_known:
            return ""
        match item:
            case str():
                try:
                    return references.resolve(item, maker.sample)
                except (BrokenReference, LookupError):
                    not_known.add(at)
                    return ""
            case dict():
                return {key: put(inner, (*at, key)) for key, inner in item.items()}
            case list():
                return [put(inner, (*at, number)) for number, inner in enumerate(item)]
            case _:
                return item

    return put(value, ())


def _is_about_known(complaint: Complaint, not_known: Iterable[Pointer]) -> bool:
    """Whether what the schema refuses was written so, and not only put in the place of a value that is not known."""
    if complaint.on_key:
        return not any(_begins(complaint.at, at) and complaint.at != at for at in not_known)
    return not any(_begins(complaint.at, at) or _begins(at, complaint.at) for at in not_known)


def _begins(pointer: Pointer, with_pointer: Pointer) -> bool:
    return pointer[: len(with_pointer)] == with_pointer
