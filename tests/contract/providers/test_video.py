"""Every status, and every place where gateways put an address, a reason or an id, has a recorded reply (api-facts section 3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.contract.recordings import read_cases
from runner.providers.video import task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.contract.recordings import Case

REPLIES = Path(__file__).with_name("replies")


def recorded(kind: str, answer: str = "") -> Iterator[tuple[Case, Mapping[str, Any]]]:
    """The recordings of a kind whose reply is a JSON object, with that object; those of one answer where it is named."""
    for case in read_cases(REPLIES, "video", kind):
        try:
            body = json.loads(case.reply.body)
        except (ValueError, RecursionError):
            continue
        if isinstance(body, dict) and answer in ("", case.expect["answer"]):
            yield case, body


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; None where it leads to nothing."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


STATUSES = {
    "Running": (
        "pending queued submitted processing in_progress generating running image_downloading video_generating "
        "video_generation_completed video_upsampling video_upsampling_completed NOT_START SUBMITTED QUEUED IN_PROGRESS UNKNOWN"
    ),
    "Ready": (
        "completed succeeded succeed success SUCCESS video_generation_completed video_upsampling_completed video_upsampling_failed"
    ),
    "Ended": "failed error video_generation_failed video_upsampling_failed FAILURE cancelled canceled expired",
}
"""What each status of api-facts section 3.5 may come to."""


@pytest.mark.parametrize(
    ("answer", "status"), [(answer, word) for answer, it in STATUSES.items() for word in it.split()]
)
def test_every_status_is_recorded(answer: str, status: str) -> None:
    """Each status of the table has a recording for everything that it may mean (3.5)."""
    assert any(status in (at(body, "status"), at(body, "data.status")) for _, body in recorded("query", answer))


def test_the_provider_knows_all_statuses() -> None:
    """Its own table has the statuses of the documentation and no other; `unknown` says nothing, as a word that no table has (3.5)."""
    documented = {word.lower() for words in STATUSES.values() for word in words.split()}
    assert set(task.STATUSES) == documented - {"unknown"}


ADDRESSES = [
    "video_url",
    "url",
    "data.video_url",
    "data.url",
    "data.output",
    "data.result_url",
    "data.result_urls.0",
    "data.0.url",
    "metadata.url",
    "detail.video_url",
]
"""The probe order of api-facts section 3.4."""


@pytest.mark.parametrize("place", ADDRESSES)
def test_every_place_of_an_address_is_recorded(place: str) -> None:
    """Each place has a recording whose result is there and in no earlier place, with a wrong address in a later one (3.4)."""
    earlier = ADDRESSES[: ADDRESSES.index(place)]
    later = ADDRESSES[ADDRESSES.index(place) + 1 :]
    found = [
        body
        for case, body in recorded("query", "Ready")
        if at(body, place) == case.expect["address"] and not any(at(body, other) for other in earlier)
    ]
    assert found
    assert not later or any(at(body, other) not in (None, at(body, place)) for body in found for other in later)


REASONS = [
    ("data.task_status_msg",),
    ("data.fail_reason", "fail_reason"),
    ("error.message",),
    ("error",),
    ("detail.pending_info.failure_reason",),
    ("detail.error",),
    ("message",),
]
"""The order of api-facts section 5; a place may have two forms, wrapped and not."""


@pytest.mark.parametrize("places", REASONS, ids=lambda places: str(places[0]))
def test_every_place_of_a_reason_is_recorded(places: tuple[str, ...]) -> None:
    """Each place has a recording whose reason is taken from there (5)."""
    told = [(case.expect["failure"]["message"], body) for case, body in recorded("query", "Ended")]
    assert any(message.endswith(f": {at(body, place)}") for message, body in told for place in places)


IDS = ["id", "task_id", "data.id", "data.task_id", "data"]


@pytest.mark.parametrize("place", IDS)
def test_every_place_of_an_id_is_recorded(place: str) -> None:
    """Each place has a recording whose id is there and in no earlier place (3.3)."""
    earlier = IDS[: IDS.index(place)]
    assert any(
        at(body, place) == case.expect["task_id"] and not any(at(body, other) for other in earlier)
        for case, body in recorded("submit", "Accepted")
    )
