"""Compiles one string with templates into a function of its scope.

A string that is one `{{ expression }}` keeps the type of its value; anything else gives text. Most templates only put names into
text (`Hi {{ row.first_name }}`): these become a `%` format and a few look-ups, twenty times faster than Jinja2. Whatever
is unusual about the values (missing, not text) falls through to Jinja2, which alone says what is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.meta import find_undeclared_variables

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw, did_you_mean
from runner.manifest.templates.guards import restrain
from runner.manifest.templates.late import LateValue, written
from runner.manifest.templates.meter import MOST_CHARACTERS, MOST_ITEMS, too_large
from runner.manifest.templates.sandbox import (
    SCOPE,
    MissingName,
    TemplateSandbox,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Template as JinjaTemplate

Scope = dict[str, Any]

_LONGEST_TEMPLATE: Final = 100_000
_DEEPEST_VALUE: Final = 64
_SCALARS: Final = (int, float, bool, type(None))
_MOST_KEPT: Final = 1_000
"""Templates kept for the next job that has the same: thousands of jobs written out say `{{ vars.presenter }}`."""
_NAME_IN_TEXT: Final = re.compile(
    r"\{\{ *(vars|row|matrix|job)(?:\.([A-Za-z_][A-Za-z0-9_]*)|\['([^'\\\r\n{}]*)'\]) *\}\}"
)
"""`{{ row.name }}` or `{{ row['name'] }}`: root, attribute, item. What is written in any other way goes through Jinja2."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template.

    Args:
        source: As written.
        names: Which of the scope's names it uses.
        render: Gives the value for a scope; raises `Flaw`.
        job_ids: Ids that stand as constants in `jobs['…']`, in order.
        job_names_unknown: Whether it looks jobs up by a computed id.
    """

    source: str
    names: frozenset[str]
    render: Callable[[Scope], Any]
    job_ids: tuple[str, ...] = ()
    job_names_unknown: bool = False


def is_template(text: str) -> bool:
    """Whether a string holds template syntax and so must be compiled."""
    return "{{" in text or "{%" in text or "{#" in text


@cache
def _sandbox() -> TemplateSandbox:
    return TemplateSandbox()


@lru_cache(maxsize=_MOST_KEPT)
def compile_template(source: str) -> Template:
    """Compile a string with templates.

    Args:
        source: A string for which `is_template` holds.

    Raises:
        Flaw: It is not a template, uses an unknown name, or a statement that the sandbox has not.
    """
    if len(source) > _LONGEST_TEMPLATE:
        raise Flaw(Code.TEMPLATE_TOO_LARGE, f"a template may have {_LONGEST_TEMPLATE:,} characters")
    return _quick(source) or _compile(source)


def _compile(source: str) -> Template:
    _sandbox().begin()
    try:
        tree = _parse(source)
        names = frozenset(find_undeclared_variables(tree)) - {"range"}
        render = _through_jinja(tree)
    except TemplateSyntaxError as error:
        raise Flaw(Code.TEMPLATE_SYNTAX, f"the template cannot be read: {_sentence(error.message)}") from error
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise Flaw(Code.TEMPLATE_TOO_LARGE, "the template is nested too deeply") from error
    except ValueError as error:  # Python refuses to read an integer of thousands of digits
        raise Flaw(Code.TEMPLATE_TOO_LARGE, "a number in the template has too many digits") from error
    for name in sorted(names.difference(SCOPE)):
        raise Flaw(Code.UNKNOWN_NAME, f"there is no `{name}` in templates", hint=did_you_mean(name, SCOPE))
    job_ids, unknown = _job_ids(tree)
    return Template(source, names, render, job_ids, unknown)


def _parse(source: str) -> nodes.Template:
    tree = _sandbox().parse(source)
    restrain(tree)
    return tree


def _sentence(text: str | None) -> str:
    return (text or "it is not Jinja2").rstrip(".")


def _job_ids(tree: nodes.Template) -> tuple[tuple[str, ...], bool]:
    """The constant ids inside `jobs['…']` and `jobs.…`, and whether `jobs` is used in any other way."""

    def is_jobs(node: nodes.Node) -> bool:
        return isinstance(node, nodes.Name) and node.name == "jobs"

    found = [it.attr for it in tree.find_all(nodes.Getattr) if is_jobs(it.node)]
    constants = ((it.node, it.arg) for it in tree.find_all(nodes.Getitem))
    found += [str(arg.value) for node, arg in constants if is_jobs(node) and isinstance(arg, nodes.Const)]
    uses = sum(map(is_jobs, tree.find_all(nodes.Name)))
    return tuple(dict.fromkeys(found)), uses > len(found)


# --- the slow path: Jinja2 --------------------------------------------------------------------------------------------


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = tree.body[0].nodes
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None


def _through_jinja(tree: nodes.Template) -> Callable[[Scope], Any]:
    expression = _single_expression(tree)
    if expression is None:
        return _guarded(_text_renderer(_sandbox().from_string(tree)))
    assignment = nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)
    program = nodes.Template([assignment], lineno=1)
    program.set_environment(_sandbox())
    return _guarded(_value_renderer(_sandbox().from_string(program)))


def _text_renderer(template: JinjaTemplate) -> Callable[[Scope], Any]:
    def render(scope: Scope) -> str:
        pieces: list[str] = []
        length = 0
        for piece in template.root_render_func(_sandbox().context(scope)):
            pieces.append(piece)
            length += len(piece)
            if length > MOST_CHARACTERS:
                raise Flaw(Code.TEMPLATE_TOO_LARGE, f"the template makes more than {MOST_CHARACTERS:,} characters")
        return "".join(pieces)

    return render


def _value_renderer(template: JinjaTemplate) -> Callable[[Scope], Any]:
    def render(scope: Scope) -> Any:
        context = _sandbox().context(scope)
        for _ in template.root_render_func(context):
            pass
        return _Plain().of(context.vars["result"])

    return render


def _guarded(render: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    begin = _sandbox().begin

    def guarded(scope: Scope) -> Any:
        begin()
        try:
            return render(scope)
        except Flaw:
            raise
        except UndefinedError as error:
            raise _unknown_name(error) from error
        except SecurityError as error:
            raise Flaw(
                Code.TEMPLATE_FORBIDDEN, f"the template is not allowed to do this: {_sentence(str(error))}"
            ) from error
        except (MemoryError, RecursionError) as error:
            raise too_large("the template needs too much memory") from error
        except Exception as error:  # a template is the user's code: it may raise anything, and all of it is a finding
            reason = _sentence(str(error)) if str(error) else type(error).__name__
            raise Flaw(Code.TEMPLATE_FAILED, f"the template fails: {reason}") from error

    return guarded


def _unknown_name(error: UndefinedError) -> Flaw:
    message = error.args[0] if error.args else "a name is not defined"
    if isinstance(message, MissingName):
        return Flaw(Code.UNKNOWN_NAME, str(message), hint=message.hint, per_header=message.in_row)
    return Flaw(Code.UNKNOWN_NAME, str(message))


class _Plain:
    """Makes plain JSON of what one expression gave: tuples and what `map` and `range` give become lists.

    All its text and items together are at most `MOST_CHARACTERS`: a list may hold one long text ten thousand times.
    """

    def __init__(self) -> None:
        self._left = MOST_CHARACTERS

    def of(self, value: Any, depth: int = 0) -> Any:
        """The value as plain JSON.

        Raises:
            Flaw: It is nothing that JSON can write, or too deep, or too long.
        """
        if type(value) in _SCALARS:
            self._count(1)
            return value
        if isinstance(value, str | LateValue):
            return self._text(value)
        if isinstance(value, Undefined):
            str(value)  # raises: says which name is missing
        if depth > _DEEPEST_VALUE:
            raise too_large(f"the template gives a value nested deeper than {_DEEPEST_VALUE}")
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {self._text(key): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple) or type(value).__name__.startswith("dict_"):
            return [self.of(item, depth + 1) for item in value]
        if hasattr(value, "__next__"):
            return [self.of(item, depth + 1) for item in islice(value, MOST_ITEMS)]
        raise Flaw(
            Code.NOT_JSON, "the template gives something that cannot be written as JSON", notes=_what_to_add(value)
        )

    def _text(self, value: str | LateValue) -> str:
        text = str(written(value))
        self._count(len(text))
        return text

    def _count(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise too_large(f"the template makes more than {MOST_CHARACTERS:,} characters")


def _what_to_add(value: Any) -> tuple[str, ...]:
    if callable(value):
        return ("it gives a method; call it with `()`",)
    if type(value).__name__ in ("Jobs", "Outputs"):
        return ("a reference ends with an output: jobs['name'].outputs.audio_id",)
    return ()


# --- the quick path: names in text ------------------------------------------------------------------------------------


def _quick(source: str) -> Template | None:
    """A template that only puts names into text, without Jinja2; None for others."""
    rest = _NAME_IN_TEXT.sub("", source)
    if "{" in rest or "}" in rest or "\r" in rest:  # Jinja2 makes every line end a line feed
        return None
    paths = [(root, attribute or item) for root, attribute, item in _NAME_IN_TEXT.findall(source)]
    shape = _NAME_IN_TEXT.sub("%s", source.replace("%", "%%"))
    slow = _at_first_use(source)
    render = _quick_value(*paths[0], slow) if shape == "%s" else _quick_text(shape, paths, slow)
    return Template(source, frozenset(root for root, _ in paths), render)


def _at_first_use(source: str) -> Callable[[Scope], Any]:
    """Jinja2 behind the quick path: compiled, which takes longer than all else here, when the first unusual value comes."""

    @cache
    def compiled() -> Callable[[Scope], Any]:
        return _through_jinja(_parse(source))

    def render(scope: Scope) -> Any:
        return compiled()(scope)

    return render


def _quick_value(root: str, name: str, slow: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    def render(scope: Scope) -> Any:
        value = scope[root].get(name)
        return value if type(value) is str and len(value) <= MOST_CHARACTERS else slow(scope)

    return render


def _quick_text(shape: str, paths: list[tuple[str, str]], slow: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    most = MOST_CHARACTERS - len(shape)  # and a little more: `%s` and `%%` are longer than what they make
    if len(paths) == 1:
        ((root, name),) = paths

        def render_one(scope: Scope) -> Any:
            value = scope[root].get(name)
            return shape % value if type(value) is str and len(value) <= most else slow(scope)

        return render_one

    def render(scope: Scope) -> Any:
        values = tuple([scope[root].get(name) for root, name in paths])
        if any([type(value) is not str for value in values]):  # noqa: C419  a list is faster than a generator here
            return slow(scope)
        return shape % values if sum(map(len, values)) <= most else slow(scope)

    return render
