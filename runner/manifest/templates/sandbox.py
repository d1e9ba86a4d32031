"""The Jinja2 environment that templates run in: nothing of the world outside, and bounded time and memory.

A manifest may come from a stranger's pull request and its rows from anywhere, so templates get no environment variable, clock,
random source or file, and cannot run long or grow large:

* Statements are `if` and one level of `for`; there is no `set`, `macro`, `include` or recursion, so nothing accumulates.
* A loop runs over at most 10,000 items, `range` gives at most 10,000 numbers. All that a rendering does takes at most 1,000,000 steps, one for
  each item and character that is read or made, paid before it is done (`meter.py`): operators (`operators.py`), filters and tests
  (`filters.py`), methods (here).
* `*` and `%` work on numbers only, `**` on small ones. Filters and methods are allow-lists without those that make long text from short
  (`center`, `format`, `indent`, …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.templates.filters import Filters
from runner.manifest.templates.late import refuse_late
from runner.manifest.templates.meter import Meter
from runner.manifest.templates.operators import ARITHMETIC, Operators
from runner.manifest.templates.text import finalize, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
_STRIPPING: Final = ("lstrip", "rstrip", "strip")
"""Methods that look for each character of one text in another."""


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
    """Something in the scope that answers by name, and is no value itself: `jobs` and what is on the way to an output."""

    __slots__ = ()

    def look(self, name: str) -> Any:
        """What stands under a name.

        Raises:
            Flaw: Nothing does.
        """
        raise NotImplementedError

    def _refuse(self, *_: Any) -> NoReturn:
        raise Flaw(Code.BROKEN_REFERENCE, "a reference ends with an output", hint="jobs['name'].outputs.audio_id")

    __str__ = __repr__ = __bool__ = __eq__ = __hash__ = _refuse


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

    intercepted_binops = ARITHMETIC

    def __init__(self) -> None:
        # Without the optimizer, which would compute with constants before the bounds hold.
        super().__init__(
            undefined=_Strict, keep_trailing_newline=True, finalize=finalize, cache_size=0, optimized=False
        )
        self._meter = Meter()
        self.begin = self._meter.begin
        """To be called before each rendering."""
        self._operators = Operators(self._meter)
        called = Filters(self._meter, self._operators.compare, self._operators.add)
        self.globals = {**called.functions()}
        self.filters = {**called.filters(), **self._operators.filters()}
        self.tests = {**called.tests()}

    def context(self, scope: Mapping[str, Any]) -> Context:
        """What a rendering sees. Jinja2's own way to make one takes three times as long, most of it for what only inheritance needs."""
        return Context(self, {**self.globals, **scope}, None, {})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: what a mapping holds comes before its methods, so a column may be called `items`."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Lookup):
            return obj.look(attribute)
        refuse_late((obj,))
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`."""
        refuse_late((obj, argument))
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

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call of a function or method."""
        refuse_late((function, *args, *kwargs.values()))
        self._meter.read(*args, *kwargs.values())
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str | list | tuple):
            self._meter.read(owner)
            if args and function.__name__ in _STRIPPING:
                self._meter.pay(len(owner) * len(args[0] or ""))
        return super().call(context, function, *args, **kwargs)

    def no_value(self) -> Undefined:
        """What an `if` without `else` gives when its condition does not hold: Jinja2's own would be silence."""
        text = "an `if` without `else` gives nothing here; write `else ''` if that is meant"
        return self.undefined(hint=text, exc=TemplateRuntimeError)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic, for numbers of sane size, and `+` for texts and lists."""
        if not (isinstance(left, Undefined) or isinstance(right, Undefined)):  # which say by themselves what is missing
            self._operators.refuse_operands(operator, left, right)
        return super().call_binop(context, operator, left, right)
