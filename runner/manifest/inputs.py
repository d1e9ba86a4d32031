"""A job's `with:` compiled once: constants stay as they are, templates become functions of the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runner.manifest.flaws import Flaw, SaidAlready
from runner.manifest.templates.template import Scope, Template, compile_template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NONE_ABSENT: Final[Mapping[str, Flaw]] = MappingProxyType({})

Pointer = tuple[str | int, ...]
"""Keys and indices from a document's root to a value."""


@dataclass(slots=True)
class Inputs:
    """A compiled tree of values.

    Args:
        render: Gives the tree's value for a scope; raises `Flaw` for the first template that fails.
        templates: All its templates, by their pointer within the tree.
        tree: The tree with its templates in it.
    """

    render: Callable[[Scope], Any]
    templates: dict[Pointer, Template] = field(default_factory=dict)
    tree: Any = None

    def uses(self, name: str) -> bool:
        """Whether any template uses `row`, `matrix`, …."""
        return any(name in template.names for template in self.templates.values())

    def partly(self, scope: Scope) -> tuple[Any, dict[Pointer, Flaw]]:
        """The value as far as it can be rendered, and every template that fails; `render` stops at the first.

        Args:
            scope: What the templates see.

        Returns:
            The value, in which failing templates stand as written; their flaws by pointer.
        """
        flaws: dict[Pointer, Flaw] = {}

        def rendered(node: Any, at: Pointer) -> Any:
            match node:
                case Template():
                    try:
                        return node.render(scope)
                    except Flaw as flaw:
                        flaws[at] = flaw
                        return node.source
                case dict():
                    return {key: rendered(item, (*at, key)) for key, item in node.items()}
                case list():
                    return [rendered(item, (*at, number)) for number, item in enumerate(node)]
                case _:
                    return node

        return rendered(self.tree, ()), flaws


def unknown(source: str = "") -> Template:
    """A template that stands where the value is not known, for a reason that the findings have already.

    Args:
        source: What is written there.
    """

    def render(_: Scope) -> Any:
        raise SaidAlready

    return Template(source, frozenset(), render)


class Compiler:
    """Compiles trees and folds what does not depend on a row.

    Args:
        constants: The part of the scope that is the same for all jobs: `vars` and `jobs`.
        report: Takes the pointer and the flaw of a template that does not hold.
        absent: Names that a template cannot use here, with the flaw of one that does.
    """

    def __init__(
        self, constants: Scope, report: Callable[[Pointer, Flaw], None], absent: Mapping[str, Flaw] = _NONE_ABSENT
    ) -> None:
        self.job_ids: dict[str, Pointer] = {}
        """Ids of jobs that were met as constants, each with the first pointer, for the order of jobs and for cycles."""
        self._constants = constants
        self._report = report
        self._absent = absent

    def tree(self, value: Any, at: Pointer) -> Inputs:
        """Compile a value of the manifest. Templates that do not hold are reported and give an `unknown` value.

        Args:
            value: The JSON value with templates in its strings.
            at: The pointer to report flaws under.
        """
        templates: dict[Pointer, Template] = {}
        tree = self._node(value, at, (), templates)
        renderer = _renderer(tree)
        return Inputs(renderer or (lambda _: tree), templates, tree)

    def text(self, source: str, at: Pointer) -> Template:
        """Compile a single string; without template syntax it renders to itself."""
        compiled = self._leaf(source, at)
        if isinstance(compiled, Template):
            return compiled
        return Template(source, frozenset(), lambda _: compiled)

    def _leaf(self, source: str, at: Pointer) -> Any:
        if not is_template(source):
            return source
        try:
            template = compile_template(source)
            if missing := sorted(template.names & self._absent.keys()):
                raise self._absent[missing[0]]
            for job_id in template.job_ids:
                self.job_ids.setdefault(job_id, at)
            if template.names <= self._constants.keys():
                return template.render(self._constants) if not template.job_names_unknown else template
        except Flaw as flaw:
            self._report(at, flaw)
            return unknown(source)
        return template

    def _node(self, value: Any, at: Pointer, within: Pointer, templates: dict[Pointer, Template]) -> Any:
        match value:
            case str():
                compiled = self._leaf(value, at + within)
                if isinstance(compiled, Template):
                    templates[within] = compiled
                return compiled
            case dict():
                return {key: self._node(item, at, (*within, key), templates) for key, item in value.items()}
            case list():
                return [self._node(item, at, (*within, number), templates) for number, item in enumerate(value)]
            case _:
                return value


def _renderer(tree: Any) -> Callable[[Scope], Any] | None:
    """What gives the value of a compiled tree; None when no template is in it."""
    match tree:
        case Template():
            return tree.render
        case dict():
            return _mapping_renderer(tree)
        case list():
            return _list_renderer(tree)
        case _:
            return None


def _mapping_renderer(tree: dict[str, Any]) -> Callable[[Scope], Any] | None:
    dynamic = [(key, renderer) for key, node in tree.items() if (renderer := _renderer(node)) is not None]
    if not dynamic:
        return None

    def render(scope: Scope) -> dict[str, Any]:
        made = tree.copy()  # keeps the order as written
        for key, renderer in dynamic:
            made[key] = renderer(scope)
        return made

    return render


def _list_renderer(tree: list[Any]) -> Callable[[Scope], Any] | None:
    dynamic = [(number, renderer) for number, node in enumerate(tree) if (renderer := _renderer(node)) is not None]
    if not dynamic:
        return None

    def render(scope: Scope) -> list[Any]:
        made = tree.copy()
        for number, renderer in dynamic:
            made[number] = renderer(scope)
        return made

    return render
