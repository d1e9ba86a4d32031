"""A job's `with:` compiled once: constants stay as they are, templates become functions of the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.manifest.flaws import Flaw
from runner.manifest.template import Scope, Template, compile_template, is_template

if TYPE_CHECKING:
    from collections.abc import Callable

Pointer = tuple[str | int, ...]
"""Keys and indices from a document's root to a value."""


@dataclass(slots=True)
class Inputs:
    """A compiled tree of values.

    Args:
        render: Gives the tree's value for a scope; raises `Flaw` for the first template that fails.
        templates: All its templates, by their pointer within the tree.
    """

    render: Callable[[Scope], Any]
    templates: dict[Pointer, Template] = field(default_factory=dict)

    def uses(self, name: str) -> bool:
        """Whether any template uses `row`, `matrix`, …."""
        return any(name in template.names for template in self.templates.values())

    def flaws(self, scope: Scope) -> list[tuple[Pointer, Flaw]]:
        """Every flaw that the templates have with a scope; `render` stops at the first."""
        found = []
        for pointer, template in self.templates.items():
            try:
                template.render(scope)
            except Flaw as flaw:
                found.append((pointer, flaw))
        return found


class Compiler:
    """Compiles trees and folds what does not depend on a row.

    Args:
        constants: The part of the scope that is the same for all jobs: `vars` and `jobs`.
        report: Takes the pointer and the flaw of a template that does not hold.
    """

    def __init__(self, constants: Scope, report: Callable[[Pointer, Flaw], None]) -> None:
        self.job_ids: list[str] = []
        """Ids of jobs that were met as constants, for the order of jobs and for cycles."""
        self._constants = constants
        self._report = report

    def tree(self, value: Any, at: Pointer) -> Inputs:
        """Compile a value of the manifest. Templates that do not hold are reported and stand as their own text.

        Args:
            value: The JSON value with templates in its strings.
            at: The pointer to report flaws under.
        """
        templates: dict[Pointer, Template] = {}
        compiled = self._node(value, at, (), templates)
        if callable(compiled):
            return Inputs(compiled, templates)
        return Inputs(lambda _: compiled, templates)

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
            self.job_ids.extend(template.job_ids)
            if template.names <= self._constants.keys():
                return template.render(self._constants) if not template.job_names_unknown else template
        except Flaw as flaw:
            self._report(at, flaw)
            return source
        return template

    def _node(self, value: Any, at: Pointer, within: Pointer, templates: dict[Pointer, Template]) -> Any:
        match value:
            case str():
                compiled = self._leaf(value, at + within)
                if isinstance(compiled, Template):
                    templates[within] = compiled
                    return compiled.render
                return compiled
            case dict():
                return self._mapping(value, at, within, templates)
            case list():
                nodes = [self._node(item, at, (*within, number), templates) for number, item in enumerate(value)]
                if not any(callable(node) for node in nodes):
                    return nodes
                return lambda scope: [node(scope) if callable(node) else node for node in nodes]
            case _:
                return value

    def _mapping(self, value: dict[str, Any], at: Pointer, within: Pointer, templates: dict[Pointer, Template]) -> Any:
        nodes = {key: self._node(item, at, (*within, key), templates) for key, item in value.items()}
        dynamic = [(key, node) for key, node in nodes.items() if callable(node)]
        if not dynamic:
            return nodes

        def render(scope: Scope) -> dict[str, Any]:
            made = nodes.copy()  # keeps the order as written
            for key, node in dynamic:
                made[key] = node(scope)
            return made

        return render
