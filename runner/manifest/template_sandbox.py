"""The Jinja2 environment that templates run in: nothing of the world outside, and bounded time and memory.

A manifest may come from a stranger's pull request and its rows from anywhere, so templates get no environment variable, clock,
random source or file, and cannot run long or grow large:

* Statements are `if` and one level of `for`; there is no `set`, `macro`, `include` or recursion, so nothing accumulates.
* A loop runs over at most 10,000 items, `range` gives at most 10,000 numbers, and a rendered text has at most 1,000,000 characters.
* `*` and `%` work on numbers only, `**` on small ones. Filters and methods are an allow-list without those that make long text from
  short (`center`, `format`, `indent`, …); `replace` and `join` compute the length of their result first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2.runtime import Context

MOST_CHARACTERS: Final = 1_000_000
MOST_ITEMS: Final = 10_000
SCOPE: Final = ("vars", "row", "matrix", "job", "jobs")

_FILTERS: Final = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "string", "sum", "title",
    "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
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
            text = f"{_kind(owner)} has no `{name}`"
        message = MissingName(text)
        message.hint = did_you_mean(str(name), candidates)
        message.in_row = isinstance(owner, Row)
        return message


def _kind(value: object) -> str:
    kinds = {
        str: "a text",
        int: "a number",
        float: "a number",
        bool: "a true/false",
        list: "a list",
        type(None): "null",
    }
    return kinds.get(type(value), "this value")


def _too_large(what: str) -> Flaw:
    return Flaw(Code.TEMPLATE_TOO_LARGE, what)


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MOST_ITEMS:
        raise _too_large(f"`range` gives at most {MOST_ITEMS:,} numbers here")
    return list(numbers)


def _loop(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found.append(item)
        if len(found) > MOST_ITEMS:
            raise _too_large(f"a loop runs over at most {MOST_ITEMS:,} items")
    return found


def _replace(value: Any, old: str, new: str, count: int | None = None) -> str:
    text, old, new = str(value), str(old), str(new)
    times = text.count(old) if count is None else min(int(count), text.count(old))
    if len(text) + times * (len(new) - len(old)) > MOST_CHARACTERS:
        raise _too_large(f"`replace` makes more than {MOST_CHARACTERS:,} characters")
    return text.replace(old, new, -1 if count is None else int(count))


def _join(items: Any, separator: str = "") -> str:
    parts: list[str] = [in_text(item) for item in _loop(items)]
    if sum(map(len, parts)) + len(separator) * len(parts) > MOST_CHARACTERS:
        raise _too_large(f"`join` makes more than {MOST_CHARACTERS:,} characters")
    return separator.join(parts)


def in_text(value: Any) -> Any:
    """A value as it stands inside text: text and numbers as they are, true and false as YAML writes them.

    Raises:
        TemplateRuntimeError: It is null, a list or a mapping, which nobody wants to hear read aloud.
    """
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        raise TemplateRuntimeError("null stands inside text; give it a value, such as `| default('', true)`")
    if isinstance(value, str | int | float | Undefined):
        return value if isinstance(value, Undefined) else str(value)
    raise TemplateRuntimeError(f"{_kind(value)} stands inside text; use `| join(', ')` or `| tojson`")


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with the bounds that this module's docstring lists."""

    intercepted_binops = frozenset({"*", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=_Strict, keep_trailing_newline=True, finalize=in_text, cache_size=0)
        self.globals = {"range": _range}
        allowed: dict[str, Callable[..., Any]] = {name: self.filters[name] for name in _FILTERS}
        self.filters = {**allowed, "replace": _replace, "join": _join, "callsheet_loop": _loop}

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
            raise _too_large("`**` works on small numbers only")
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
