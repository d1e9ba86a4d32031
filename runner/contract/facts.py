"""What a provider says about itself: true of its recordings, of its schemas, and complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from runner.contract.recordings import OWN_ID
from runner.contract.subject import Subject
from runner.core.answers import Accepted, Ready
from runner.schema_form import form_flaws, part_check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.contract.recordings import Case
    from runner.core.ports import Traits

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_ODD_ID: Final = "a/b?c#d%e&f=g+h"
"""A task id as a careless API may give it."""


class FactTests(Subject):
    """The provider's facts."""

    def test_names_and_defaults_agree(self) -> None:
        """A provider and its operations are called what a manifest calls them, and have defaults that can be used."""
        assert _NAME.fullmatch(self.provider.type)
        for folder, operation in self.operations().items():
            name = folder.split(".")[1]
            assert _NAME.fullmatch(name)
            assert operation.name == f"{self.provider.type}/{name}"
        defaults = self.provider.defaults
        assert re.fullmatch(r"https://[^/?#@]+(/[^?#]*[^/?#])?", defaults.base_url)
        assert defaults.in_flight >= 1
        assert defaults.credential_env

    def test_traits_agree(self, folder: str) -> None:
        """A file has a kind and what delivers none has none; times are positive; a page holds something."""
        operation = self.operations()[folder]
        traits = operation.traits
        assert traits.media in ({"video", "audio"} if traits.delivers_file else {None})
        assert traits.delivers_file or not traits.expects_audio
        assert traits.result_lifetime_s is None or traits.result_lifetime_s > 0
        assert operation.task_list is None or operation.task_list.page_size >= 1

    def test_schema_has_its_form(self, folder: str) -> None:
        """The schema is one that Callsheet can use, and its examples fit it."""
        assert form_flaws(self.schema(folder)) == []

    def test_every_kind_has_cases(self, folder: str) -> None:
        """No operation goes without recorded requests, submissions and queries, nor without look-ups and lists where it has them."""
        operation = self.operations()[folder]
        wanted = {"request": True, "submit": True, "query": True}
        wanted |= {"lookup": operation.own_ids is not None, "list": operation.task_list is not None}
        found = {kind: folder in {case.folder for case in self.cases(kind)} for kind in wanted}
        assert found == wanted

    def test_voices_have_cases(self) -> None:
        """A list of voices is recorded where the API gives one, and nowhere else."""
        assert bool(self.cases("voices")) == bool(self.provider.voices(None))

    def test_no_case_is_told_twice(self) -> None:
        """Two files never hold the same reply and inputs: the second would prove nothing."""
        seen: dict[str, str] = {}
        for kind in ("submit", "query", "lookup", "list"):
            for case in self.cases(kind):
                told = repr((kind, case.folder, case.reply, case.content.get("inputs")))
                assert told not in seen, f"{case} repeats {seen[told]}"
                seen[told] = str(case)

    def test_recorded_inputs_fit_the_schema(self, request_case: Case) -> None:
        """What the recordings submit is what a manifest may ask for, unless a case says `"fits": false`."""
        schema = self.schema(request_case.folder)
        facts = schema["$defs"]["inputs"]["properties"]
        inputs = {name: _as_written(value, facts.get(name, {})) for name, value in request_case.inputs.items()}
        fits = part_check(schema, "inputs").is_valid(inputs)
        assert fits == request_case.content.get("fits", True), request_case.why

    def test_results_fit_schema_and_traits(self, folder: str) -> None:
        """What replies give are outputs of the schema, with an address only where a file is delivered."""
        check = part_check(self.schema(folder), "outputs")
        traits = self.operations()[folder].traits
        for case, ready in self._results(folder):
            assert check.is_valid(dict(ready.outputs)), (case.why, ready.outputs)
            assert_address(traits, ready)

    def test_every_output_is_recorded(self, folder: str) -> None:
        """The outputs that the schema names are given by at least one recorded reply, in one of the provider's styles.

        How long a delivered file lasts is known without the API.
        """
        name = folder.split(".")[1]
        given = {
            output
            for other in self.operations()
            if other.split(".")[1] == name
            for _, ready in self._results(other)
            for output in ready.outputs
        }
        measured = {"duration_s"} if self.operations()[folder].traits.delivers_file else set()
        assert given | measured == set(self.schema(folder)["$defs"]["outputs"]["properties"]) | measured

    def test_ids_stand_in_requests_as_one_piece(self, folder: str) -> None:
        """A task id is encoded wherever it stands in a path or query, so that it never leads to another place."""
        operation = self.operations()[folder]
        request = operation.query(_ODD_ID)
        assert request.path.startswith("/")
        assert quote(_ODD_ID, safe="") in request.path
        if operation.own_ids is not None:
            asked = operation.own_ids.request(_ODD_ID)
            assert asked.path.startswith("/")
            assert quote(_ODD_ID, safe="") in asked.path

    def test_own_ids_are_submitted(self, request_case: Case) -> None:
        """Where tasks are found by an id of ours, each submission carries it; elsewhere it changes nothing."""
        operation = self.operations()[request_case.folder]
        body = operation.submission(request_case.inputs, OWN_ID).body or b""
        other = operation.submission(request_case.inputs, "another-id").body or b""
        assert body.replace(OWN_ID.encode(), b"another-id") == other
        assert (body != other) == (operation.own_ids is not None)

    def _results(self, folder: str) -> Iterator[tuple[Case, Ready]]:
        """All results that recorded replies give."""
        operation = self.operations()[folder]
        for case in (case for kind in ("submit", "query") for case in self.cases(kind) if case.folder == folder):
            answer: Any = operation.read_query(case.reply, case.inputs) if case.kind == "query" else None
            if case.kind == "submit":
                submitted = operation.read_submission(case.reply)
                answer = submitted.ready if isinstance(submitted, Accepted) else None
            if isinstance(answer, Ready):
                yield case, answer


def _as_written(value: Any, facts: Mapping[str, Any]) -> Any:
    """An input as a manifest has it: what is submitted as the bytes of a file is written as its path."""
    is_bytes = "x-bytes" in facts and isinstance(value, str) and not value.startswith("http")
    return {"file": "a-file"} if is_bytes else value


def assert_address(traits: Traits, ready: Ready) -> None:
    """A result has an address only where a file is delivered: an http(s) address or a path below `base_url`."""
    assert ready.address is None or traits.delivers_file
    assert ready.address is None or ready.address.startswith(("http://", "https://", "/"))
