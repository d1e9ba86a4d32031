"""What the documentation repeats from the code is still true."""

import re
from pathlib import Path

from runner.cli.exits import MEANING, Exit
from runner.core.diagram import life_diagram

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_diagram_is_the_table() -> None:
    """`docs/delivery.md` holds what `python -m runner.core.diagram` prints."""
    assert life_diagram() in (DOCS / "delivery.md").read_text(encoding="utf-8")


def test_every_exit_code_is_documented_in_its_order() -> None:
    """`docs/exit-codes.md` lists the codes in order of precedence, with their meaning."""
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([\d /]+) \|", text, flags=re.MULTILINE)
    assert [int(code) for cell in cells for code in cell.split("/")] == [code.value for code in Exit]
    assert set(MEANING) == set(Exit)
