"""The reference pages, made from the schema files: `python -m runner.manifest.schema.reference manifest` or `… operations`.

`make reference` writes them to `docs/reference/`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from runner.manifest.schema.reference_tables import Section, sections
from runner.manifest.schema.walk import inlined
from runner.schema_files import load_schema, operation_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MADE: Final = "<!-- Made from schemas/ by `make reference`; a test compares them. Edit the schema, not this page. -->"


def manifest_page() -> str:
    """`docs/reference/manifest.md`: a section with a table for every mapping of the manifest language."""
    document = load_schema("manifest")
    found = sections(inlined(document, document), "")
    lines = [
        _MADE,
        "# The manifest",
        "",
        f"{document['description']} It is YAML 1.2; `callsheet schema` prints this page's contents as a JSON Schema for editors.",
        "",
        "`{{ … }}` marks a template. Templates may stand in `with`, `tags`, `output` and `foreach.key` of a job, and see `vars`, `row`, `matrix`,",
        "`job` and `jobs['name'].outputs.<output>`. What stands under `with` is on the page of [operations](operations.md).",
        "",
        *[f"{'  ' * section.depth}* [{section.title}](#{section.anchor})" for section in found],
        "",
        *_printed(found, level=2),
    ]
    return "\n".join(lines)


def operations_page() -> str:
    """`docs/reference/operations.md`: inputs and outputs of every operation."""
    lines = [
        _MADE,
        "# Operations",
        "",
        "A job says `uses: <account>/<operation>`, and under `with:` the inputs of that operation. An account named after its provider needs no",
        "entry under `providers:`; one of another name has the operations of its `type`. A later job uses outputs as",
        "`{{ jobs['name'].outputs.<output> }}`. `callsheet schema <type>/<operation>` prints the same as a JSON Schema.",
        "",
        *[f"* [{name}](#{name.replace('/', '')})" for name in operation_names()],
        "",
    ]
    for name in operation_names():
        lines += _operation(name)
    return "\n".join(lines)


def _operation(name: str) -> list[str]:
    document = load_schema(name)
    parts = document["$defs"]
    inputs = sections(inlined(parts["inputs"], document), "with")
    outputs = sections(inlined(parts["outputs"], document), "outputs")
    return [f"## {name}", "", document["description"], "", *_printed([*inputs, *outputs], level=3)]


def _printed(found: list[Section], level: int) -> list[str]:
    return [line for section in found for line in section.printed(level)]


PAGES: Final[Mapping[str, Callable[[], str]]] = {"manifest": manifest_page, "operations": operations_page}
"""What each page is made by."""


if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
