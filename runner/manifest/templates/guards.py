"""What a parsed template is made to go through before it is compiled: statements are refused, and Python's own operators guarded."""

from __future__ import annotations

from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Final, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.templates.filters import LOOP
from runner.manifest.templates.meter import too_large
from runner.manifest.templates.operators import COMPARE, CONCAT, SLICE

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATEMENTS: Final = (nodes.Output, nodes.TemplateData, nodes.If, nodes.For)


def restrain(tree: nodes.Template) -> None:
    """Refuse what the sandbox does not have, and guard what it has, in place.

    Raises:
        Flaw: A statement that is not allowed, or a number that is none.
    """
    for node in tree.find_all(nodes.Stmt):
        if not isinstance(node, _STATEMENTS):
            word = type(node).__name__.lower()
            raise Flaw(
                Code.TEMPLATE_FORBIDDEN, f"`{{% {word} %}}` is not allowed in templates; there are `if` and `for`"
            )
    for loop in list(tree.find_all(nodes.For)):
        if loop.recursive or any(inner is not loop for inner in loop.find_all(nodes.For)):
            raise Flaw(Code.TEMPLATE_FORBIDDEN, "a loop inside a loop is not allowed in templates")
    _Guards().visit(tree)


class _Guards(NodeTransformer):
    """Puts what guards them around those parts of a template that Jinja2 would leave to Python."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        steps = nodes.Const(_steps_of_round(node))
        self.generic_visit(node)
        node.iter = _through(LOOP, cast("nodes.Expr", node.iter), [steps])
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        self.generic_visit(node)
        return _through(CONCAT, nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        self.generic_visit(node)
        rest = chain.from_iterable((nodes.Const(operand.op), operand.expr) for operand in node.ops)
        return _through(COMPARE, node.expr, list(rest))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _through(SLICE, node.node, [nodes.Const(None) if bound is None else bound for bound in bounds])

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        self.generic_visit(node)
        if node.expr2 is None:
            no_value = nodes.EnvironmentAttribute("no_value", lineno=node.lineno)
            node.expr2 = nodes.Call(no_value, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802  Jinja2 calls it
        if isinstance(node.value, float) and not isfinite(node.value):
            raise too_large("a number in the template is too large")
        return node


def _through(name: str, node: nodes.Expr, arguments: Sequence[nodes.Expr] = ()) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def _steps_of_round(loop: nodes.For) -> int:
    """How many steps a round of a loop takes beyond those that its operations pay for: one for each expression in it.

    A mapping takes the square of its keys: they can be chosen so that each look for one becomes a search.
    """
    parts = (*loop.body, *loop.else_, *(() if loop.test is None else (loop.test,)))
    within = list(chain.from_iterable(part.find_all(nodes.Expr) for part in parts))
    mappings = (node for node in (*parts, *within) if isinstance(node, nodes.Dict))
    return 1 + len(within) + sum(len(node.items) ** 2 for node in mappings)
