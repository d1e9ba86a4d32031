"""The audit: after every test three ledgers are compared.

What the server accepted and served, what the product's state says, and what lies on disk. Each invariant is a function that yields
what is broken; `audit` collects them all, so that one failure shows the whole picture.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.documented import undocumented
from tests.ledgers import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.evidence import Evidence
    from tests.fakeapi.ledger import Task
    from tests.ledgers import Places

_FILELESS: Final = "kling/voice"
_CLAIMED = ("in_doubt", "submitting")
"""States that tell the user: a task may exist that has no name yet."""


def audit(evidence: Evidence) -> None:
    """Compare the ledgers.

    Raises:
        AssertionError: With every broken invariant, one a line.
    """
    broken = [f"{check.__name__}: {finding}" for check in INVARIANTS for finding in check(evidence)]
    assert not broken, "the ledgers disagree:\n  " + "\n  ".join(broken)


# --- money ------------------------------------------------------------------------------------------------------------


def paid_once(evidence: Evidence) -> Iterator[str]:
    """A job has one accepted create, and another only after its task failed or a person allowed it."""
    for speech, accepted in Counter(create.speech for create in evidence.ledger.accepted).items():
        if accepted > (allowed := _allowed(evidence, speech)):
            yield f"{evidence.job_ids.get(speech, speech)} was accepted {accepted} times, {allowed} allowed"


def _allowed(evidence: Evidence, speech: str) -> int:
    """How many attempts a job may have had."""
    failed = sum(not task.succeeds for task in evidence.ledger.tasks_of(speech))
    return 1 + failed + evidence.resubmitted[speech]


def own_ids_name_attempts(evidence: Evidence) -> Iterator[str]:
    """An id of our own is sent with one body only and is accepted once, and a job has as many ids as it may have attempts."""
    creates = [create for create in evidence.ledger.creates if create.external_id is not None]
    bodies = {(create.external_id, create.sha256) for create in creates}
    for own_id, number in Counter(own_id for own_id, _ in bodies).items():
        if number > 1:
            yield f"{own_id} was sent with {number} bodies"
    for own_id, number in Counter(create.external_id for create in creates if create.is_accepted).items():
        if number > 1:
            yield f"{own_id} was accepted {number} times"
    for speech, number in Counter(speech for speech, _ in {(it.speech, it.external_id) for it in creates}).items():
        if number > (allowed := _allowed(evidence, speech)):
            yield f"{evidence.job_ids.get(speech, speech)} was sent with {number} ids, {allowed} allowed"


def budget_holds(evidence: Evidence) -> Iterator[str]:
    """What was accepted and is owed, with what is in doubt in full, costs no more than the budget."""
    if evidence.budget is None:
        return
    owed = sum(evidence.costs[task.speech] for task in evidence.ledger.tasks.values() if _is_owed(task))
    doubtful = [row["id"] for row in evidence.rows.values() if row["state"] in _CLAIMED]
    unaccepted = [
        speech for speech in map(evidence.current.__getitem__, doubtful) if not evidence.ledger.tasks_of(speech)
    ]
    total = owed + sum(map(evidence.costs.__getitem__, unaccepted))
    if total > evidence.budget:
        yield f"{total} are owed, {evidence.budget} were allowed"


def _is_owed(task: Task) -> bool:
    """Kling does not charge for what failed; the others may."""
    return task.succeeds or not task.operation.startswith("kling/")


def nothing_is_forgotten(evidence: Evidence) -> Iterator[str]:
    """Every accepted task stands in the state, and in `status` as far as its job does; or its job is in doubt."""
    known = _text_of_state(evidence.places)
    for speech in {task.speech for task in evidence.ledger.tasks.values()}:
        newest = evidence.ledger.tasks_of(speech)[-1]
        job_id = evidence.job_ids.get(speech)
        row = evidence.rows.get(job_id or "")
        is_current = job_id is not None and evidence.current.get(job_id) == speech
        if speech in evidence.abandoned or (is_current and row is not None and row["state"] in _CLAIMED):
            continue
        if newest.id not in known:
            yield f"task {newest.id} of {job_id or speech} is not in the state"
        if is_current and (row is None or row["task_id"] != newest.id):
            yield f"status shows task {row and row['task_id']} for {job_id}, the server made {newest.id}"


def limits_hold(evidence: Evidence) -> Iterator[str]:
    """The server never had more open submissions and tasks than the account allows."""
    for provider, allowed in evidence.in_flight.items():
        most = evidence.ledger.most_in_flight(provider)
        if most > allowed:
            yield f"{provider}: {most} were in flight, {allowed} allowed"


def intent_came_first(evidence: Evidence) -> Iterator[str]:
    """When a submission arrived, its digest stood in the state and in the witness."""
    if not evidence.watches_intents:
        return
    for number, create in enumerate(evidence.ledger.creates, 1):
        if create.had_intent is not True:
            yield f"submission {number} ({create.speech}) arrived before its intent was on disk"


def witness_is_complete(evidence: Evidence) -> Iterator[str]:
    """Every task that the state names is in the witness; a line of it that is cut off is marked as repaired."""
    if not evidence.ledger.creates:
        return
    # The emergency file is read like the witness at every start: what it holds is as well known.
    files = (evidence.places.witness, evidence.places.witness.with_name("emergency.jsonl"))
    witness = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    lines = witness.splitlines()
    for number, (line, following) in enumerate(pairwise(lines), 1):
        if not _is_json(line) and '"repair"' not in following:
            yield f"line {number} of the witness is not JSON: {line[:80]!r}"
    known = _text_of_state(evidence.places)
    for task_id in evidence.ledger.tasks:
        if task_id in known and task_id not in witness:
            yield f"task {task_id} is in the state but not in the witness"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


# --- files ------------------------------------------------------------------------------------------------------------


def succeeded_is_delivered(evidence: Evidence) -> Iterator[str]:
    """A job that succeeded has its file, with the size and the digest in the state, equal to what the server has for its task."""
    for row in evidence.rows.values():
        if row["state"] != "succeeded":
            continue
        task, output = evidence.ledger.tasks.get(row["task_id"]), row["output"]
        if task is not None and task.operation == _FILELESS and output is None:
            continue
        if task is None or output is None:
            yield f"{row['id']} succeeded with task {row['task_id']} and file {output}"
            continue
        yield from _compare_file(evidence.places.folder / output["path"], output, task, row["id"])


def _compare_file(path: Path, output: Mapping[str, Any], task: Task, job_id: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{job_id} succeeded and {path} is missing"
        return
    content = path.read_bytes()
    if content != task.content:
        yield f"{job_id}: {path} is not what the server has for task {task.id}"
    if (output["size_bytes"], output["sha256"]) != (len(content), hashlib.sha256(content).hexdigest()):
        yield f"{job_id}: size or digest of {path} differ from the state"


def final_names_hold_whole_files(evidence: Evidence) -> Iterator[str]:
    """Whatever has a final name is, byte for byte, a video that the server has."""
    served = {task.sha256 for task in evidence.ledger.tasks.values()}
    for path in evidence.places.delivered():
        if hashlib.sha256(path.read_bytes()).hexdigest() not in served:
            yield f"{path} is no video of the server"


def no_parts_of_succeeded(evidence: Evidence) -> Iterator[str]:
    """A job that succeeded leaves no unfinished part."""
    stems = {
        (evidence.places.folder / row["output"]["path"]).with_suffix("").as_posix(): row["id"]
        for row in evidence.rows.values()
        if row["state"] == "succeeded" and row["output"] is not None
    }
    for path in evidence.places.parts():
        stem = (path.parent / path.name.lstrip(".").split(".")[0]).as_posix()
        if stem in stems:
            yield f"{stems[stem]} succeeded and {path} is left"


# --- secrets ----------------------------------------------------------------------------------------------------------


def secret_stays_secret(evidence: Evidence) -> Iterator[str]:
    """The credential stands in no file, in no output, and in no request to the CDN."""
    forms = [form for secret in evidence.secrets for form in _forms(secret)]
    for path in evidence.places.folder.rglob("*"):
        if path.is_file() and any(form in path.read_bytes() for form in forms):
            yield f"the credential stands in {path}"
    if any(form in evidence.said for form in forms):
        yield "the credential was printed"
    for fetch in evidence.ledger.fetches:
        request = json.dumps([fetch.target, dict(fetch.headers)]).encode()
        if any(form in request for form in forms) or {"authorization", "cookie"} & {
            name.lower() for name in fetch.headers
        }:
            yield f"the CDN got a credential with {fetch.target}"


def signatures_stay_in_state(evidence: Evidence) -> Iterator[str]:
    """The query of a result address stands nowhere but in the state file and its journal."""
    signatures = [signature.encode() for signature in evidence.ledger.signatures]
    for path in evidence.places.folder.rglob("*"):
        if not path.is_file() or path.name.startswith("state.db"):
            continue
        if any(signature in path.read_bytes() for signature in signatures):
            yield f"a signed address stands in {path}"
    if any(signature in evidence.said for signature in signatures):
        yield "a signed address was printed"


def _forms(secret: str) -> list[bytes]:
    whole = [secret.encode(), f"Bearer {secret}".encode()]
    return [
        secret.encode(),
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        *(base64.b64encode(raw).rstrip(b"=")[:-1] for raw in whole),
        *(base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1] for raw in whole),
    ]


# --- the wire ---------------------------------------------------------------------------------------------------------


def requests_are_documented(evidence: Evidence) -> Iterator[str]:
    """Only documented requests with documented fields, one way of speaking each, and the credential."""
    for stranger in evidence.ledger.strangers:
        yield f"the API was asked for {stranger}"
    for create in evidence.ledger.creates:
        yield from undocumented(create)
    for fetch in evidence.ledger.contents:
        if fetch.status not in (200, 206, 302):
            yield f"{fetch.target} was asked for in vain: {fetch.status}"


def totals_add_up(evidence: Evidence) -> Iterator[str]:
    """The totals of `status --json` count its jobs."""
    counted = Counter(row["state"] for row in evidence.rows.values())
    for state, number in counted.items():
        said = evidence.status["totals"].get(state) if evidence.status is not None else None
        if said != number:
            yield f"totals say {said} {state}, the list has {number}"


def _text_of_state(places: Places) -> str:
    if not places.state.exists():
        return ""
    return "\n".join(
        cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in cells(places.state)
    )


INVARIANTS: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    paid_once,
    own_ids_name_attempts,
    budget_holds,
    nothing_is_forgotten,
    limits_hold,
    intent_came_first,
    witness_is_complete,
    succeeded_is_delivered,
    final_names_hold_whole_files,
    no_parts_of_succeeded,
    secret_stays_secret,
    signatures_stay_in_state,
    requests_are_documented,
    totals_add_up,
)
