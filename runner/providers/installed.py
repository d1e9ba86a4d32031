"""The providers that other installed packages bring: found by the entry-point group `callsheet.providers`, loaded when they are used.

A package is a stranger: its import may fail, and what its entry point leads to may be anything. Whatever is wrong with it is said as a
value, names the package, and concerns nobody but those who use its type. Names of the providers that come with Callsheet cannot be taken:
nobody's paid jobs may change hands because something was installed.

To look for entry points takes about 30 ms (reading `importlib.metadata` and the folders of all installed packages), so nobody imports this module
before a type is asked for that does not come with Callsheet.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from runner.core.ports import ProviderDefaults, Traits, UnusableProvider
from runner.schema_form import form_flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import Distribution, EntryPoint

    from runner.core.ports import InstalledProvider

GROUP: Final = "callsheet.providers"

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""As accounts and operations are named in a manifest."""
_SEPARATORS: Final = re.compile(r"[-_.]+")
"""In names of packages they are all the same. Source: PyPA, "Names and normalization"."""
_PROVIDER_PARTS: Final = ("type", "defaults", "operations", "styles", "schemas", "voices", "read_voices")
_OPERATION_PARTS: Final = (
    "name", "traits", "submission", "read_submission", "query", "read_query", "own_ids", "task_list",
)  # fmt: skip
_MOST_FLAWS: Final = 3
"""So many flaws are said of a provider; its author has the contract suite for the others."""


@cache
def _entry_points() -> Mapping[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    seen: set[str] = set()
    for package in metadata.distributions():
        entries = _entries_of(package)
        # As `metadata.entry_points` does: of a package that lies in two folders, Python imports the first.
        if not entries or (name := _SEPARATORS.sub("-", package.name).lower()) in seen:
            continue
        seen.add(name)
        for entry in entries:
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _entries_of(package: Distribution) -> tuple[EntryPoint, ...]:
    """The providers that a package brings; none where its list of entry points cannot be read, which must not hide those of others."""
    try:
        return tuple(package.entry_points.select(group=GROUP))
    except Exception:  # noqa: BLE001  a stranger's file, which may hold anything
        return ()


def installed_types() -> list[str]:
    """The types that installed packages bring, sorted; nothing is imported for it."""
    return sorted(_entry_points())


@cache
def load_provider(kind: str) -> InstalledProvider | UnusableProvider:
    """The provider that an installed package brings.

    Args:
        kind: One of `installed_types()`.

    Returns:
        The provider, its form checked and that of its schemas; or why it cannot be used. The same object at every call.
    """
    entry, *others = _entry_points()[kind]
    if others:
        return UnusableProvider(f"more than one package brings it: {' and '.join(map(_origin, (entry, *others)))}")
    try:
        found: Any = entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  the import of a stranger's package, which may even call `sys.exit`
        return UnusableProvider(f"{_origin(entry)} cannot be imported: {_words(error)}")
    try:
        flaws = list(_flaws(kind, found))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  what was loaded may be anything, and so may its attributes
        flaws = [f"a look at it ends with {_words(error)}"]
    if flaws:
        more = f" (and {len(flaws) - _MOST_FLAWS} more)" if len(flaws) > _MOST_FLAWS else ""
        return UnusableProvider(f"{_origin(entry)} is no provider: {'; '.join(flaws[:_MOST_FLAWS])}{more}")
    provider: InstalledProvider = found
    return provider


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def taken_names(types: Mapping[str, object]) -> dict[str, str]:
    """Which of these types packages claim although Callsheet has them: where each claim stands, by type."""
    return {kind: " and ".join(map(_origin, claims)) for kind, claims in _entry_points().items() if kind in types}


def _origin(entry: EntryPoint) -> str:
    """Whose entry point it is, and which."""
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "a package without a name"
    return f"the package {package} (entry point `{entry.name} = {entry.value}`)"


def _flaws(kind: str, provider: Any) -> Iterator[str]:
    """What of the contract (`runner.core.ports`) a loaded object does not keep, as far as that shows without a call."""
    missing = [f"`{part}`" for part in _PROVIDER_PARTS if not hasattr(provider, part)]
    if missing:
        yield f"it has no {', '.join(missing)}"
        return
    if not _NAME.fullmatch(kind) or provider.type != kind:
        yield f"its `type` is {provider.type!r}, not the name of its entry point, a word such as `acme`"
    if not isinstance(provider.defaults, ProviderDefaults):
        yield "its `defaults` are no `runner.core.ports.ProviderDefaults`"
    if not provider.operations:
        yield "it has no operation"
    for operations in (provider.operations, *provider.styles.values()):
        for name, operation in operations.items():
            yield from _operation_flaws(f"{kind}/{name}", name, operation)
    for name in provider.operations:
        if name not in provider.schemas:
            yield f"it has no schema for `{name}`"
        else:
            yield from (f"the schema of `{name}`: {flaw}" for flaw in form_flaws(provider.schemas[name]))


def _operation_flaws(full_name: str, name: str, operation: Any) -> Iterator[str]:
    missing = [f"`{part}`" for part in _OPERATION_PARTS if not hasattr(operation, part)]
    if missing:
        yield f"its operation `{name}` has no {', '.join(missing)}"
    elif not _NAME.fullmatch(name) or operation.name != full_name:
        yield f"its operation `{name}` calls itself {operation.name!r}, not {full_name!r}"
    elif not isinstance(operation.traits, Traits):
        yield f"the `traits` of its operation `{name}` are no `runner.core.ports.Traits`"
