"""The editor's view of a manifest: one self-contained JSON Schema that knows the inputs of every operation and accepts templates.

It is made from the schema files alone and refuses nothing that `callsheet validate` lets pass. What can be known only by looking things up (which
accounts there are, what a row holds) it leaves to `validate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.manifest.schema.editor_templates import accepting_templates
from runner.manifest.schema.editor_texts import annotated
from runner.manifest.schema.walk import inlined
from runner.schema_files import load_schema, operation_names

if TYPE_CHECKING:
    from runner.manifest.schema.walk import Schema

_QUIET: Final = {"doNotSuggest": True}
"""Keeps yaml-language-server from offering a key a second time, where a condition only says more about its value."""


def editor_schema() -> dict[str, Any]:
    """The schema for editors, as `callsheet schema` prints it.

    Returns:
        `schemas/manifest.v1.schema.json` without references to definitions, in which `with:` of a job has the inputs of its operation, each of
        which may also be a template. A job of an account by a name of its own may have the inputs of any operation of that name, since a
        schema cannot look up the account's type.
    """
    manifest = load_schema("manifest")
    schema = inlined(manifest, manifest)
    schema["$id"] = schema["$id"].replace("manifest.", "manifest.editor.")
    _offer_operations(schema)
    schema["allOf"] = [*map(_account_of_provider, _provider_types()), _other_accounts()]
    return annotated(schema) | {"$defs": {_key(name): _inputs(name) for name in operation_names()}}


def _provider_types() -> list[str]:
    return list(dict.fromkeys(name.partition("/")[0] for name in operation_names()))


def _key(operation: str) -> str:
    return f"{operation.replace('/', '.')}.inputs"


def _inputs(operation: str) -> Schema:
    document = load_schema(operation)
    inputs = inlined(document["$defs"]["inputs"], document)
    return accepting_templates(annotated(inputs | {"title": operation, "description": document["description"]}))


def _offer_operations(schema: Schema) -> None:
    """Name every operation where `uses` and `prices` are completed, and every provider where an account's `type` is."""
    parts = schema["properties"]
    parts["jobs"]["additionalProperties"]["properties"]["uses"]["defaultSnippets"] = [
        {"label": name, "description": load_schema(name)["description"], "body": name} for name in operation_names()
    ]
    # An alternative that holds for anything makes the others mere proposals.
    parts["prices"]["propertyNames"]["anyOf"] = [{}, {"enum": operation_names()}]
    parts["providers"]["additionalProperties"]["properties"]["type"]["examples"] = _provider_types()


def _account_of_provider(kind: str) -> Schema:
    """Types the jobs of the account that is named after its provider, unless the manifest gives that name to another type."""
    names = [name for name in operation_names() if name.startswith(f"{kind}/")]
    known: Schema = {"if": {"pattern": f"^{kind}/"}, "then": {"enum": names}}
    job: Schema = {
        "properties": {"uses": known | _QUIET},
        "allOf": [{"if": _using({"const": name}), "then": _with(_inputs_of(name))} for name in names],
    }
    return {
        "if": _at(("providers", kind, "type"), {"const": kind}),
        "then": {
            "properties": {"jobs": {"additionalProperties": job} | _QUIET, "prices": {"propertyNames": known} | _QUIET}
        },
    }


def _other_accounts() -> Schema:
    """Types the jobs of accounts by names of their own: an operation's name is all that is known of them."""
    by_name: dict[str, list[Schema]] = {}
    for name in operation_names():
        by_name.setdefault(name.partition("/")[2], []).append(_inputs_of(name))
    other = f"^(?!(?:{'|'.join(_provider_types())})/)[^/]+"
    typed = [
        {"if": _using({"pattern": f"{other}/{operation}$"}), "then": _with({"anyOf": inputs})}
        for operation, inputs in by_name.items()
    ]
    return _at(("jobs",), {"additionalProperties": {"allOf": typed}} | _QUIET)


def _inputs_of(operation: str) -> Schema:
    return {"$ref": f"#/$defs/{_key(operation)}"}


def _using(uses: Schema) -> Schema:
    return {"properties": {"uses": uses}, "required": ["uses"]}


def _with(inputs: Schema) -> Schema:
    return {"properties": {"with": {"allOf": [inputs]} | _QUIET}}


def _at(path: tuple[str, ...], schema: Schema) -> Schema:
    """A schema for the value at a path, which holds for a manifest without that path too."""
    for key in reversed(path):
        schema = {"properties": {key: schema}}
    return schema
