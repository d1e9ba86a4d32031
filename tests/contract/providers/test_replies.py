"""Every provider over the recorded replies of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.providers.registry import PROVIDERS
from tests.contract.providers.replies import as_plain, as_reply, cases, load, picked

if TYPE_CHECKING:
    from runner.core.ports import Operation


def operation(folder: str) -> Operation:
    """The operation that a folder of replies belongs to."""
    provider, _, name = folder.partition(".")
    return PROVIDERS[provider].operations[name]


@pytest.mark.parametrize(("folder", "name"), cases("submit"))
def test_submission(folder: str, name: str) -> None:
    """The reply to a submission means what the case says."""
    case = load(folder, "submit", name)
    answer = operation(folder).read_submission(as_reply(case["reply"]))
    assert picked(as_plain(answer), case["expect"]) == case["expect"], case["why"]


@pytest.mark.parametrize(("folder", "name"), cases("query"))
def test_query(folder: str, name: str) -> None:
    """The reply to a query means what the case says."""
    case = load(folder, "query", name)
    answer = operation(folder).read_query(as_reply(case["reply"]), case.get("inputs", {}))
    assert picked(as_plain(answer), case["expect"]) == case["expect"], case["why"]


@pytest.mark.parametrize(("folder", "name"), cases("request"))
def test_request(folder: str, name: str) -> None:
    """Inputs give exactly these bytes, whatever the order in which they were written."""
    case = load(folder, "request", name)
    for inputs in (case["inputs"], dict(reversed(case["inputs"].items()))):
        request = operation(folder).submission(inputs, "own-id")
        assert request.body is not None
        made = {"method": request.method, "path": request.path, "body": request.body.decode()}
        assert made == case["expect"], case["why"]


@pytest.mark.parametrize(("folder", "name"), cases("voices"))
def test_voices(folder: str, name: str) -> None:
    """The reply to a list of voices means what the case says."""
    case = load(folder, "voices", name)
    result = PROVIDERS[folder].read_voices(as_reply(case["reply"]))
    if isinstance(result, str):
        assert {"problem": result} == case["expect"], case["why"]
    else:
        found = [picked(as_plain(voice), {"inputs": 0, "name": 0, "language": 0, "labels": 0}) for voice in result]
        assert {"voices": found} == case["expect"], case["why"]


@pytest.mark.parametrize("kind", ["request", "submit", "query"])
def test_every_operation_has_cases(kind: str) -> None:
    """No operation goes without recorded requests, submissions and queries."""
    wanted = {f"{type_}.{name}" for type_, provider in PROVIDERS.items() for name in provider.operations}
    assert wanted == {folder for folder, _ in cases(kind)}


@pytest.mark.parametrize("type_", PROVIDERS)
def test_names_and_defaults_agree(type_: str) -> None:
    """A provider and its operations are called what the registry calls them, and have defaults that can be used."""
    provider = PROVIDERS[type_]
    assert provider.type == type_
    assert {found.name for found in provider.operations.values()} == {f"{type_}/{name}" for name in provider.operations}
    assert provider.defaults.base_url.startswith("https://")
    assert not provider.defaults.base_url.endswith("/")
    assert provider.defaults.in_flight >= 1


def test_no_case_is_told_twice() -> None:
    """Two files never hold the same reply, inputs and expectation: the second would prove nothing."""
    seen: dict[str, str] = {}
    for kind in ("submit", "query"):
        for folder, name in cases(kind):
            case = load(folder, kind, name)
            told = repr((kind, folder, as_reply(case["reply"]), case.get("inputs")))
            assert told not in seen, f"{name} repeats {seen[told]}"
            seen[told] = name
