"""The audit finds each kind of disagreement: a test that cannot fail proves nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.audit import INVARIANTS, audit
from tests.evidence import Evidence
from tests.fakeapi.ledger import Create, Fetch, Ledger, Task
from tests.fakeapi.script import GENERATION_FAILED, TaskPlan
from tests.ledgers import Places, knows_intent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "canary/secret+7"
SPEECH = "Hello, Ann."
JOB = "hello/p01"
TASK = "a" * 32
CONTENT = b"a video"
SIGNATURE = "signed-123"


def submission(at: float = 0.0, speech: str = SPEECH, task_id: str | None = TASK) -> Create:
    """A submission as the product should send it."""
    voice = {"audio_url": "https://example.com/a.mp3", "language": "en", "text": speech}
    body = json.dumps({"avatar_url": "https://example.com/a.png", "create_voice": voice}).encode()
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    return Create(at, headers, body, had_intent=True, task_id=task_id, let_go_at=at + 0.1)


def write_state(places: Places, *texts: str) -> None:
    """A state file that holds these texts."""
    with closing(sqlite3.connect(places.state)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS facts (fact TEXT)")
        connection.execute("DELETE FROM facts")
        connection.executemany("INSERT INTO facts VALUES (?)", [(text,) for text in texts])


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """One job, submitted once and delivered: nothing to find."""
    places = Places(tmp_path, "campaign")
    places.state_folder.mkdir(parents=True)
    video = places.outputs / "hello" / "p01.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(CONTENT)
    write_state(places, TASK, f"https://cdn.example.com/{SIGNATURE}")
    places.witness.write_text(json.dumps({"task_id": TASK}) + "\n")
    output = {
        "path": str(video.relative_to(tmp_path)),
        "size_bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    row = {"id": JOB, "state": "succeeded", "task_id": TASK, "output": output}
    return Evidence(
        ledger=Ledger(
            creates=[submission()],
            tasks={TASK: Task(TASK, SPEECH, TaskPlan(), 0.0, CONTENT)},
            signatures={SIGNATURE},
        ),
        places=places,
        job_ids={SPEECH: JOB},
        current={JOB: SPEECH, "hello/p02": "Hello, Bob."},
        budget=Decimal("0.50"),
        costs={SPEECH: Decimal("0.20"), "other speech": Decimal(0), "Hello, Bob.": Decimal("0.40")},
        status={"jobs": [row], "totals": {"succeeded": 1}},
        said=b"Done.",
        secrets=(SECRET,),
        in_flight={"digital-human": 2},
    )


def _pay_again(evidence: Evidence) -> None:
    evidence.ledger.creates.append(submission(9.0, task_id="b" * 32))
    evidence.ledger.tasks["b" * 32] = Task("b" * 32, SPEECH, TaskPlan(), 9.0, CONTENT)


def _make_unknown_task(evidence: Evidence) -> None:
    evidence.ledger.tasks["c" * 32] = Task("c" * 32, "other speech", TaskPlan(), 9.0, CONTENT)


def _forget_the_row(evidence: Evidence) -> None:
    evidence.rows[JOB]["task_id"] = None


def _exceed_limit(evidence: Evidence) -> None:
    evidence.ledger.creates += [submission(0.01, task_id=None), submission(0.02, task_id=None)]


def _submit_before_intent(evidence: Evidence) -> None:
    evidence.ledger.creates[0].had_intent = False


def _lose_witness(evidence: Evidence) -> None:
    evidence.places.witness.unlink()


def _damage_witness(evidence: Evidence) -> None:
    evidence.places.witness.write_text('{"half\n' + json.dumps({"task_id": TASK}) + "\n")


def _remove_file(evidence: Evidence) -> None:
    (evidence.places.folder / evidence.rows[JOB]["output"]["path"]).unlink()


def _alter_file(evidence: Evidence) -> None:
    (evidence.places.folder / evidence.rows[JOB]["output"]["path"]).write_bytes(b"another")


def _add_stray_video(evidence: Evidence) -> None:
    (evidence.places.outputs / "stray.mp4").write_bytes(b"half a vid")


def _leave_part(evidence: Evidence) -> None:
    (evidence.places.outputs / "hello" / "p01.mp4.part").write_bytes(b"a vi")


def _leave_hidden_part(evidence: Evidence) -> None:
    (evidence.places.outputs / "hello" / ".p01.part").write_bytes(b"a vi")


def _write_secret(evidence: Evidence) -> None:
    (evidence.places.folder / "log.txt").write_text(f"sent with canary%2Fsecret%2B7 to {JOB}")


def _send_secret_to_cdn(evidence: Evidence) -> None:
    evidence.ledger.fetches.append(Fetch(1.0, TASK, "/files/x", {"authorization": "Basic eA=="}))


def _write_signature(evidence: Evidence) -> None:
    (evidence.places.folder / "report.json").write_text(SIGNATURE)


def _add_field(evidence: Evidence) -> None:
    create = evidence.ledger.creates[0]
    create.body = json.dumps({**create.fields, "priority": "x"}).encode()


def own_submission(number: int, own_id: str, task_id: str | None, prompt: str = SPEECH) -> Create:
    """A submission that carries an id of ours."""
    body = {"image": "https://example.com/a.png", "sound_file": "https://example.com/a.mp3", "prompt": prompt}
    headers = {"Content-Type": "application/json"}
    encoded = json.dumps({**body, "external_task_id": own_id}).encode()
    return Create(
        10.0 + number, headers, encoded, "kling/avatar", had_intent=True, task_id=task_id, let_go_at=10.1 + number
    )


def _use_id_twice(evidence: Evidence) -> None:
    evidence.ledger.creates += [
        own_submission(1, "cs-1", None, "Hello, Bob."),
        own_submission(2, "cs-1", None, "Hello, Cy."),
    ]


def _accept_id_twice(evidence: Evidence) -> None:
    evidence.ledger.creates += [own_submission(1, "cs-1", TASK), own_submission(2, "cs-1", TASK)]


def _use_two_ids(evidence: Evidence) -> None:
    evidence.ledger.creates += [own_submission(1, "cs-1", None), own_submission(2, "cs-2", None)]


def _overspend(evidence: Evidence) -> None:
    evidence.ledger.tasks["d" * 32] = Task("d" * 32, "Hello, Bob.", TaskPlan(), 9.0, CONTENT)


def _overspend_in_doubt(evidence: Evidence) -> None:
    row = {"id": "hello/p02", "state": "in_doubt", "task_id": None, "output": None}
    assert evidence.status is not None
    evidence.status["jobs"].append(row)


def _miscount(evidence: Evidence) -> None:
    assert evidence.status is not None
    evidence.status["totals"]["succeeded"] = 2


SABOTAGE: dict[str, tuple[Callable[[Evidence], None], str]] = {
    "paid twice": (_pay_again, "paid_once"),
    "one id for two jobs": (_use_id_twice, "own_ids_name_attempts"),
    "one id accepted twice": (_accept_id_twice, "own_ids_name_attempts"),
    "another id for the same attempt": (_use_two_ids, "own_ids_name_attempts"),
    "budget exceeded": (_overspend, "budget_holds"),
    "budget exceeded by a doubt": (_overspend_in_doubt, "budget_holds"),
    "task forgotten": (_make_unknown_task, "nothing_is_forgotten"),
    "status without the task": (_forget_the_row, "nothing_is_forgotten"),
    "limit exceeded": (_exceed_limit, "limits_hold"),
    "intent too late": (_submit_before_intent, "intent_came_first"),
    "witness lost": (_lose_witness, "witness_is_complete"),
    "witness damaged": (_damage_witness, "witness_is_complete"),
    "file gone": (_remove_file, "succeeded_is_delivered"),
    "file altered": (_alter_file, "succeeded_is_delivered"),
    "half a file under a final name": (_add_stray_video, "final_names_hold_whole_files"),
    "part left": (_leave_part, "no_parts_of_succeeded"),
    "hidden part left": (_leave_hidden_part, "no_parts_of_succeeded"),
    "secret in a log": (_write_secret, "secret_stays_secret"),
    "secret at the CDN": (_send_secret_to_cdn, "secret_stays_secret"),
    "signed address in the report": (_write_signature, "signatures_stay_in_state"),
    "undocumented field": (_add_field, "requests_are_documented"),
    "wrong totals": (_miscount, "totals_add_up"),
}


def test_agreement_passes(evidence: Evidence) -> None:
    """Ledgers that agree are left in peace."""
    audit(evidence)


@pytest.mark.parametrize(("break_it", "invariant"), SABOTAGE.values(), ids=SABOTAGE)
def test_disagreement_is_found(evidence: Evidence, break_it: Callable[[Evidence], None], invariant: str) -> None:
    """Each disagreement is reported under its invariant's name."""
    break_it(evidence)
    with pytest.raises(AssertionError, match=f"{invariant}: "):
        audit(evidence)


def test_every_invariant_is_sabotaged() -> None:
    """No invariant goes untested."""
    assert {name for _, name in SABOTAGE.values()} == {check.__name__ for check in INVARIANTS}


def test_secret_in_output_is_found(evidence: Evidence) -> None:
    """What was printed is searched for the credential, in its base64 form too."""
    with pytest.raises(AssertionError, match="secret_stays_secret"):
        audit(replace(evidence, said=b"Y2FuYXJ5L3NlY3JldCs3 was sent"))


@pytest.mark.parametrize(
    "allowance",
    [
        pytest.param({"resubmitted": Counter({SPEECH: 1})}, id="a person allowed it"),
        pytest.param({}, id="the first task failed"),
    ],
)
def test_allowed_second_create(evidence: Evidence, allowance: dict[str, Any]) -> None:
    """A second create is no fault when a person decided it or the first task ended without a result."""
    _pay_again(evidence)
    if not allowance:
        first = evidence.ledger.tasks[TASK]
        evidence.ledger.tasks[TASK] = replace(first, plan=TaskPlan(ending=GENERATION_FAILED))
    evidence.rows[JOB]["task_id"] = "b" * 32
    write_state(evidence.places, TASK, "b" * 32)
    evidence.places.witness.write_text(json.dumps({"tasks": [TASK, "b" * 32]}) + "\n")
    audit(replace(evidence, **allowance))


@pytest.mark.parametrize("state", ["in_doubt", "submitting"])
def test_doubt_explains_a_missing_task(evidence: Evidence, state: str) -> None:
    """A job in doubt says enough: a task may exist that has no name yet."""
    evidence.rows[JOB].update(state=state, task_id=None, output=None)
    audit(replace(evidence, status={"jobs": [evidence.rows[JOB]], "totals": {state: 1}}))


def test_intent_needs_state_and_witness(evidence: Evidence) -> None:
    """An intent counts when state and witness both hold its digest; an unreadable state says neither."""
    digest = submission().sha256
    write_state(evidence.places, digest)
    assert knows_intent(evidence.places, digest) is False
    evidence.places.witness.write_text(json.dumps({"request": digest}) + "\n")
    assert knows_intent(evidence.places, digest) is True
    assert knows_intent(Places(evidence.places.folder, "elsewhere"), digest) is None
