"""What the suite is about: a provider and its recorded replies. The parts of the suite rest on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from runner.contract.recordings import Case, read_cases
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from runner.core.ports import Operation, Provider

KINDS: Final = ("request", "submit", "query", "lookup", "list", "voices")


def _has(operation: Operation, kind: str) -> bool:
    """Whether an operation can be asked such things."""
    return {"lookup": operation.own_ids, "list": operation.task_list}.get(kind, operation) is not None


class Subject:
    """A provider under test.

    Args:
        provider: The provider.
        replies: The folder of its recorded replies; it may hold those of other providers too.
        clear_words: Codes that say by themselves whether a submission was taken (`ProviderContract`).
    """

    provider: ClassVar[Provider]
    replies: ClassVar[Path]
    clear_words: ClassVar[frozenset[str]] = frozenset()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give a test that takes `<kind>_case` every recorded case of that kind, and one that takes `folder` every operation."""
        for kind in KINDS:
            if f"{kind}_case" in metafunc.fixturenames:
                metafunc.parametrize(f"{kind}_case", self.cases(kind), ids=str)
        if "folder" in metafunc.fixturenames:
            metafunc.parametrize("folder", self.operations())

    def cases(self, kind: str) -> list[Case]:
        """The recorded cases of a kind: those of each operation, and those of the provider for each of its operations."""
        recorded = read_cases(self.replies, self.provider.type, kind)
        if kind == "voices":
            return [*recorded]
        own = [case for case in recorded if case.folder != self.provider.type]
        names = {(case.folder, case.name) for case in own}
        shared = [case for case in recorded if case.folder == self.provider.type]
        folders = [folder for folder, operation in self.operations().items() if _has(operation, kind)]
        # An operation that reads such a reply in its own way has a case of the same name.
        return own + [
            replace(case, folder=folder) for folder in folders for case in shared if (folder, case.name) not in names
        ]

    def operations(self) -> dict[str, Operation]:
        """Every operation in every style, by the name of its folder."""
        kind = self.provider.type
        found = {f"{kind}.{name}": operation for name, operation in self.provider.operations.items()}
        for style, operations in self.provider.styles.items():
            found |= {f"{kind}.{name}.{style}": operation for name, operation in operations.items()}
        return found

    def schema(self, folder: str) -> Mapping[str, Any]:
        """The schema of an operation: what the provider brings, or else ours."""
        name = folder.split(".")[1]
        schemas: Mapping[str, Mapping[str, Any]] | None = getattr(self.provider, "schemas", None)
        return load_schema(f"{self.provider.type}/{name}") if schemas is None else schemas[name]
