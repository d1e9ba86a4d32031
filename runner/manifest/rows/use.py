"""Which field of the row a template is about."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from jinja2 import nodes
from jinja2.exceptions import TemplateError

from runner.manifest.templates.sandbox import TemplateSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.manifest.inputs import Pointer


_MOST_KNOWN: Final = 1_000


@lru_cache(maxsize=_MOST_KNOWN)
def row_path(source: str) -> Pointer | None:
    """The one field of the row that a template uses.

    Args:
        source: The template as written.

    Returns:
        The column, and what below it the template reads (`("address", "city")` for `{{ row.address.city | title }}`); None when it uses no
        field, several, or the row as a whole.
    """
    try:
        paths = set(_paths(_sandbox().parse(source)))
    except (TemplateError, RecursionError):
        return None
    columns = {path[:1] for path in paths}
    if len(columns) != 1 or columns == {()}:
        return None
    return paths.pop() if len(paths) == 1 else columns.pop()


@lru_cache(maxsize=_MOST_KNOWN)
def is_row_path(source: str) -> bool:
    """Whether a template is nothing but one field of the row, so that places inside its value are places inside the field."""
    body = _sandbox().parse(source).body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return False
    return bool(_path(body[0].nodes[0]))


@cache
def _sandbox() -> TemplateSandbox:
    return TemplateSandbox()


def _paths(node: nodes.Node) -> Iterator[Pointer]:
    """The longest constant path of each use of `row`; `()` where it is used as a whole."""
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _path(node: nodes.Node) -> Pointer | None:
    if isinstance(node, nodes.Name):
        return () if node.name == "row" else None
    if isinstance(node, nodes.Getattr):
        step: object = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        step = node.arg.value
    else:
        return None
    before = _path(node.node)
    return None if before is None or not isinstance(step, str | int) else (*before, step)
