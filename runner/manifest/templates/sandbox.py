"""The Jinja2 environment that templates run in: nothing of the world outside, and bounded time and memory.

A manifest may come from a stranger's pull request and its rows from anywhere, so templates get no environment variable, clock,
random source or file, and cannot run long or grow large:

* Statements are `if` and one level of `for`; there is no `set`, `macro`, `include` or recursion, so nothing accumulates.
* A loop runs over at most 10,000 items, `range` gives at most 10,000 numbers, a rendering touches at most 1,000,000 items and makes at most
  1,000,000 characters (`template_filters.py`).
* `*` and `%` work on numbers only, `**` on small ones. Filters and methods are allow-lists without those that make long text from short
  (`center`, `format`, `indent`, …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.templates.filters import Metered, in_text, kind_of, too_large

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2.runtime import Context

SCOPE: Final = ("vars", "row", "matrix", "job", "jobs")

_METHODS: Final[dict[type, frozenset[str]]] = {
    str: frozenset({
        "capitalize", "casefold", "count", "endswith", "find", "isalpha", "isdigit", "isdecimal", "islower", "isupper", "lower",
        "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rsplit", "rstrip", "split", "splitlines",
        "startswith", "strip", "title", "upper",
    }),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}  # fmt: skip
_STATEMENTS: Final = (nodes.Output, nodes.TemplateData, nodes.If, nodes.For)


class Named(dict[str, Any]):
    """A mapping of the scope that knows what it is called in templates."""

    __slots__ = ()
    label = "this mapping"


class Vars(Named):
    """`vars`."""

    __slots__ = ()
    label = "vars"


class Row(Named):
    """`row`."""

    __slots__ = ()
    label = "row"


class Matrix(Named):
    """`matrix`."""

    __slots__ = ()
    label = "matrix"


class JobFacts(Named):
    """`job`."""

    __slots__ = ()
    label = "job"


class Lookup:
    """Something in the scope that answers by name, such as `jobs`."""

    __slots__ = ()

    def look(self, name: str) -> Any:
        """What stands under a name.

        Raises:
            Flaw: Nothing does.
        """
        raise NotImplementedError


class MissingName(str):
    """The message of an undefined name, with what else there is.

    Args:
        hint: Did you mean …, or None.
        in_row: Whether `row` was asked for it.
    """

    __slots__ = ("hint", "in_row")
    hint: str | None
    in_row: bool


class _Strict(StrictUndefined):
    """An undefined name: any use of it fails and says what was probably meant."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        owner, name = self._undefined_obj, self._undefined_name
        if self._undefined_hint:
            return self._undefined_hint
        candidates: Iterable[str] = ()
        if owner is missing:
            candidates, text = SCOPE, f"there is no `{name}` in templates"
        elif isinstance(owner, dict):
            label = owner.label if isinstance(owner, Named) else "the mapping"
            candidates, text = (
                (str(key) for key in owner),
                f"{label if label == 'the mapping' else f'`{label}`'} has no `{name}`",
            )
        else:
            text = f"{kind_of(owner)} has no `{name}`"
        message = MissingName(text)
        message.hint = did_you_mean(str(name), candidates)
        message.in_row = isinstance(owner, Row)
        return message


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with the bounds that this module's docstring lists."""

    intercepted_binops = frozenset({"*", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=_Strict, keep_trailing_newline=True, finalize=in_text, cache_size=0)
        metered = Metered()
        self.begin = metered.begin
        """To be called before each rendering."""
        self.globals = {**metered.functions()}
        self.filters = metered.filters()

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: what a mapping holds comes before its methods, so a column may be called `items`."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Lookup):
            return obj.look(attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`."""
        if isinstance(obj, Lookup):
            return obj.look(str(argument))
        return super().getitem(obj, argument)

    def wrap_str_format(self, value: Any) -> None:
        """`str.format` is no exception from the allow-list: one width in it makes a gigabyte."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a method or attribute is on the allow-list."""
        for kind, names in _METHODS.items():
            if isinstance(obj, kind):
                return attr in names
        return type(obj).__name__ == "LoopContext" and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`*`, `%` and `**`, for numbers of sane size."""
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"`{operator}` works on numbers only")
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 64):
            raise too_large("`**` works on small numbers only")
        return super().call_binop(context, operator, left, right)


def restrain(tree: nodes.Template) -> None:
    """Refuse what the sandbox does not have, and bound every loop of a parsed template, in place.

    Raises:
        Flaw: A statement that is not allowed.
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
        loop.iter = nodes.Filter(loop.iter, "callsheet_loop", [], [], None, None, lineno=loop.lineno)
