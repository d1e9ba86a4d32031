"""`callsheet schema`."""

from __future__ import annotations

import click

from runner.cli.exits import Exit

_EXAMPLES = """\b
Examples:
  callsheet schema > callsheet.schema.json
  callsheet schema digital-human/avatar
  callsheet schema --list

The first lines of a manifest name the file to its editor (the second one to JetBrains IDEs):
  # yaml-language-server: $schema=callsheet.schema.json
  # $schema: callsheet.schema.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name", required=False)
@click.option("--list", "lists", is_flag=True, help="Print the names that there are, with what each describes.")
def schema(name: str | None, *, lists: bool) -> int:
    """Print a JSON Schema: without NAME the editor's view of the manifest, else the strict view of an operation or document."""
    import json  # noqa: PLC0415  the work is imported when it is done

    from runner.cli.providers import introduce_installed  # noqa: PLC0415
    from runner.cli.screen import say, tell  # noqa: PLC0415
    from runner.manifest.schema.editor import editor_schema  # noqa: PLC0415
    from runner.schema_files import load_schema, schema_names  # noqa: PLC0415

    if lists and name is not None:
        raise click.UsageError("--list takes no NAME")
    if name not in schema_names():
        for unusable in introduce_installed():
            tell(f"Left out: {unusable.reason}.")
    if lists:
        width = max(map(len, schema_names()))
        say("\n".join(f"{known:{width}}  {load_schema(known)['description']}" for known in schema_names()))
        return Exit.DONE
    if name is not None and name not in schema_names():
        raise click.UsageError(_unknown(name, schema_names()))
    document = editor_schema() if name is None else load_schema(name)
    say(json.dumps(document, ensure_ascii=False, indent=2))
    return Exit.DONE


def _unknown(name: str, names: list[str]) -> str:
    from runner.manifest.flaws import did_you_mean  # noqa: PLC0415  the work is imported when it is done

    hint = did_you_mean(name, names)
    return f"no schema `{name}`; {hint}" if hint else f"no schema `{name}`; there are: {', '.join(names)}"
