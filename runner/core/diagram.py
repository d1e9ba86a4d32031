"""The life of a job as a Mermaid diagram, printed from the table: `python -m runner.core.diagram`."""

from __future__ import annotations

import sys

from runner.core.job import TRANSITIONS, State


def life_diagram() -> str:
    """The state diagram, one arrow for each pair of states with the events that take a job from one to the other.

    Returns:
        Mermaid text that ends with a line feed.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING}"]
    for state, row in TRANSITIONS.items():
        for after in dict.fromkeys(row.values()):
            names = ", ".join(kind.__name__ for kind, target in row.items() if target is after)
            lines.append(f"    {state} --> {after}: {names}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(life_diagram())
