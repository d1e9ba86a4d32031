"""Places of fields in files of rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.diagnostics import Span
from runner.manifest.rows.fields import CsvFields, JsonFields
from runner.manifest.rows.reading import CsvRows, JsonRows
from runner.manifest.rows.use import is_row_path, row_path

CELLS = st.text(alphabet='ab ,"\n;\u4f60\U0001f600', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def fail(finding: object) -> None:
    """Rows of these tests can all be read."""
    raise AssertionError(finding)


@settings(max_examples=150)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_csv_field_is_where_it_was_written(rows: list[tuple[str, ...]], end: str, quoted: bool) -> None:
    """What stands at the place of a field, read as CSV from there on, begins with the field's value."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    table.writerow(("one", "two", "three"))
    table.writerows(rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        fields = CsvFields(path, "rows.csv")
        lines = text.getvalue().split("\n")
        for row, span in CsvRows(path, "rows.csv").rows(fail):
            for name, value in row.items():
                place = fields.find(span, (name,))
                rest = "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
                assert (next(csv.reader(io.StringIO(rest, newline="")), None) or [""])[0] == value
                assert 1 <= place.width <= max(1, len(lines[place.line - 1]) - place.column + 1)


@settings(max_examples=150)
@given(st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=4), st.sampled_from([None, (" , ", " : ")]))
def test_json_value_is_where_it_was_written(row: dict[str, Any], signs: tuple[str, str] | None) -> None:
    """The text at the place of a value, as wide as it says, is that value; a path that leads nowhere stays at the last that exists."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        line = json.dumps(row, ensure_ascii=False, separators=signs)
        path.write_text(f"{{}}\n{line}\n", encoding="utf-8")
        fields = JsonFields(path, "rows.jsonl")
        line = path.read_text(encoding="utf-8").split("\n")[1]
        for name, value in row.items():
            place = fields.find(Span("rows.jsonl", 2, 1), (name,))
            assert json.loads(line[place.column - 1 : place.column - 1 + place.width]) == value
            if not isinstance(value, dict):
                assert fields.find(Span("rows.jsonl", 2, 1), (name, "nothing")) == place


def test_lines_are_found_in_any_order(tmp_path: Path) -> None:
    """Rows may be asked for again and backwards; a row that is gone keeps its own place."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"n": {number}}}\n' for number in range(1, 10)), encoding="utf-8")
    fields = JsonFields(path, "rows.jsonl")
    for line in (3, 7, 7, 2, 9, 1):
        assert fields.find(Span("rows.jsonl", line, 1), ("n",)) == Span("rows.jsonl", line, 7)
    assert fields.find(Span("rows.jsonl", 50, 1), ("n",)) == Span("rows.jsonl", 50, 1)
    assert [row["n"] for row, _ in JsonRows(path, "rows.jsonl").rows(fail)] == list(range(1, 10))


@pytest.mark.parametrize(
    ("source", "path", "is_alone"),
    [
        ("{{ row.a }}", ("a",), True),
        ("{{ row['a b'] }}", ("a b",), True),
        ("{{ row.a.b[0] }}", ("a", "b", 0), True),
        ("Hi {{ row.a | upper }}", ("a",), False),
        ("{{ row.a }}{{ row.a }}", ("a",), False),
        ("{{ row.a.b }}{{ row.a.c }}", ("a",), False),
        ("{{ row.a }}{{ row.b }}", None, False),
        ("{{ row | tojson }}", None, False),
        ("{{ row[vars.x] }}", None, False),
        ("{{ vars.a }}", None, False),
        ("{% if row.a %}x{% endif %}", ("a",), False),
    ],
)
def test_field_of_a_template(source: str, path: tuple[str | int, ...] | None, is_alone: bool) -> None:
    """A template that uses one field of the row says which, and whether it is nothing but that field."""
    assert row_path(source) == path
    assert is_row_path(source) == is_alone
