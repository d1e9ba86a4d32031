"""Every row of every table of the documentation is shown by a recorded reply."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.contract.subject import Subject
from runner.providers.kling.codes import CODES
from runner.providers.registry import PROVIDERS
from tests.contract.providers.rows import kling
from tests.contract.providers.rows.tables import TABLES

if TYPE_CHECKING:
    from runner.contract.recordings import Case
    from tests.contract.providers.rows.row import Row

_ROWS = [(folder, kind, row) for (folder, kind), rows in TABLES.items() for row in rows]


def subject(kind: str) -> Subject:
    """One of our providers with its recordings."""
    found = Subject()
    # Of a class, these are the class's own; here there is one for each provider.
    vars(found).update(provider=PROVIDERS[kind], replies=Path(__file__).with_name("replies"))
    return found


@cache
def cases(folder: str, kind: str) -> list[Case]:
    """The recorded cases of an operation."""
    return [case for case in subject(folder.partition(".")[0]).cases(kind) if case.folder == folder]


@pytest.mark.parametrize(("folder", "kind", "row"), _ROWS, ids=[f"{f}-{k}-{row}" for f, k, row in _ROWS])
def test_a_row_is_shown(folder: str, kind: str, row: Row) -> None:
    """Somebody has recorded such a reply, and the case says of it what the table says."""
    assert any(row.is_shown_by(case) for case in cases(folder, kind)), f"record a reply in replies/{folder}/{kind}/"


@pytest.mark.parametrize("type_", PROVIDERS)
def test_every_operation_has_its_rows(type_: str) -> None:
    """No operation of ours goes without tables for what can be asked of it."""
    wanted = {
        (folder, kind)
        for folder, operation in subject(type_).operations().items()
        for kind, is_there in (
            ("submit", True),
            ("query", True),
            ("lookup", operation.own_ids is not None),
            ("list", operation.task_list is not None),
        )
        if is_there
    }
    assert wanted == {key for key in TABLES if key[0].partition(".")[0] == type_}


def test_kling_knows_all_codes() -> None:
    """The provider's own table has the codes of the documentation, all of them and no other."""
    assert set(CODES) == set(kling.CODES)
