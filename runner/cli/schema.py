"""`callsheet schema`."""

from __future__ import annotations

import click

from runner.cli.exits import Exit

_EXAMPLES = """\b
Examples:
  callsheet schema > manifest.schema.json
  callsheet schema digital-human/avatar
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name", required=False)
def schema(name: str | None) -> int:
    """Print a JSON Schema: without NAME the editor's view of the manifest, else the strict view of an operation or document."""
    import json  # noqa: PLC0415  the work is imported when it is done

    from runner.cli.screen import say  # noqa: PLC0415
    from runner.manifest.editor import editor_schema  # noqa: PLC0415
    from runner.schema_files import load_schema, schema_names  # noqa: PLC0415

    if name is not None and name not in schema_names():
        raise click.UsageError(f"no schema `{name}`; there are: {', '.join(schema_names())}")
    document = editor_schema() if name is None else load_schema(name)
    say(json.dumps(document, ensure_ascii=False, indent=2))
    return Exit.DONE
