"""A test's whole world: the remote side, a campaign, the product, and the audit over all three."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.audit import audit
from tests.campaign import NAME, Campaign, speeches
from tests.commandline import CommandLine, Finished, Started
from tests.evidence import Evidence
from tests.ledgers import Places, knows_intent

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from tests.fakeapi.ledger import Ledger
    from tests.fakeapi.script import Script
    from tests.fakeapi.server import FakeServer

SECRET = 'canary/se"cret+key=7f3a'
"""Has characters that URL, JSON and base64 forms write differently."""


class Stage:
    """One manifest, one server, one product.

    Args:
        server: The remote side.
        folder: An empty folder.
        jobs: How many rows.
        in_flight: The account's limit.
        work: Where the campaign lies; None for a folder below `folder`.
        provider: Who makes the rows' videos.
        watches_intents: Whether each submission is compared with the state on arrival. That reads the whole state, so not for thousands.
    """

    def __init__(
        self,
        server: FakeServer,
        folder: Path,
        *,
        jobs: int = 4,
        in_flight: int = 5,
        work: Path | None = None,
        provider: str = "digital-human",
        watches_intents: bool = True,
    ) -> None:
        self.server = server
        self.budget: Decimal | None = None
        """The most that may be spent; None without a budget."""
        self.costs: dict[str, Decimal] = {}
        """What a job costs, by speech."""
        work = work if work is not None else folder / "work"
        for place in (work, folder / "home", folder / "logs"):
            place.mkdir(exist_ok=True)
        origins = (server.base_url, server.cdn_origin)
        self.campaign = Campaign(work, *origins, speeches(jobs), in_flight=in_flight, provider=provider)
        self.callsheet = CommandLine(work, folder / "home", folder / "logs", self._environment())
        self.places = Places(work, NAME)
        self._resubmitted: Counter[str] = Counter()
        self._abandoned: set[str] = set()
        self._told: tuple[int, dict[str, Any]] | None = None
        self._watches_intents = watches_intents
        if watches_intents:
            server.watch_intents(lambda sha256: knows_intent(self.places, sha256))

    def _environment(self) -> dict[str, str]:
        keys = self.server.keys
        tokens = dict.fromkeys(("DIGITAL_HUMAN_TOKEN", "KLING_API_KEY", "VIDEO_API_KEY"), SECRET)
        return {**tokens, "KLING_ACCESS": keys.access_key, "KLING_SECRET": keys.secret_key}

    @property
    def ledger(self) -> Ledger:
        """What the server saw."""
        return self.server.ledger

    def script(self, script: Script) -> None:
        """Set how the server reacts from now on."""
        self.server.script = script

    def start(self, *options: str, **more: Any) -> Started:
        """Start a run; `more` is for `CommandLine.start`."""
        return self.callsheet.start("run", "campaign.yaml", *options, **more)

    def run(self, *options: str, code: int = 0, **more: Any) -> Finished:
        """Run to the end and expect an exit code."""
        return self.callsheet("run", "campaign.yaml", *options, **more).expect(code)

    def status(self) -> dict[str, Any]:
        """What `status --json` says; asked anew only when another command was started since."""
        if self._told is None or self._told[0] != self.callsheet.count:
            told = json.loads(self.callsheet("status", "campaign.yaml", "--json").expect(0).stdout)
            self._told = (self.callsheet.count, told)
        return self._told[1]

    def rows(self) -> dict[str, dict[str, Any]]:
        """The jobs of `status --json`, by id."""
        return {row["id"]: row for row in self.status()["jobs"]}

    def states(self) -> Counter[str]:
        """How many jobs stand where, by `status`."""
        return Counter(row["state"] for row in self.rows().values())

    def reported(self) -> Counter[str]:
        """How many jobs stand where, by the report of the last run: no process is needed to read it."""
        return Counter(row["state"] for row in self.report()["jobs"])

    def report(self) -> dict[str, Any]:
        """The report on disk."""
        told: dict[str, Any] = json.loads((self.places.report / "report.json").read_text(encoding="utf-8"))
        return told

    def file_of(self, job_id: str) -> Path:
        """Where a job's video belongs."""
        return self.places.outputs / f"{job_id}.mp4"

    def adopt(self, job_id: str, task_id: str) -> None:
        """Decide: the task is this one."""
        self._resolve(job_id, "--adopt", task_id)

    def resubmit(self, job_id: str) -> None:
        """Decide: submit it once more."""
        self._resolve(job_id, "--resubmit")
        self.allow_again(job_id)

    def allow_again(self, job_id: str) -> None:
        """Know that a job may be made and paid once more, since the plan says so or an option asked for it."""
        self._resubmitted[self.campaign.speech_of(job_id)] += 1

    def abandon(self, job_id: str) -> None:
        """Decide: give it up."""
        self._resolve(job_id, "--abandon")
        self._abandoned.add(self.campaign.speech_of(job_id))

    def _resolve(self, job_id: str, *decision: str) -> None:
        self.callsheet("resolve", "campaign.yaml", job_id, *decision).expect(0)

    def settle_doubts(self) -> int:
        """Decide every doubt as a person who asks the provider would: adopt what exists, resubmit what does not.

        Returns:
            How many doubts there were.
        """
        doubts = [row["id"] for row in self.rows().values() if row["state"] == "in_doubt"]
        for job_id in doubts:
            tasks = self.ledger.tasks_of(self.campaign.speech_of(job_id))
            if tasks:
                self.adopt(job_id, tasks[-1].id)
            else:
                self._resolve(job_id, "--resubmit")
        return len(doubts)

    def recover(self) -> None:
        """Do what a person does after a crash: run again, settle doubts, run again, until all is done."""
        finished = self.callsheet("run", "campaign.yaml")
        if finished.code == 6:
            assert self.settle_doubts(), "exit 6, but status shows no doubt"
            finished = self.callsheet("run", "campaign.yaml")
        finished.expect(0)
        assert self.reported() == {"succeeded": len(self.campaign.current)}

    def audit(self) -> None:
        """Compare the three ledgers.

        Raises:
            AssertionError: They disagree.
        """
        audit(self.evidence())

    def evidence(self) -> Evidence:
        """What an audit looks at now."""
        return Evidence(
            ledger=self.ledger,
            places=self.places,
            job_ids=self.campaign.job_ids,
            current=self.campaign.current,
            status=self.status() if self.places.state.exists() else None,
            said=self.callsheet.said(),
            secrets=self._secrets(),
            in_flight=self.campaign.in_flight,
            watches_intents=self._watches_intents,
            budget=self.budget,
            costs=self.costs,
            resubmitted=self._resubmitted,
            abandoned=frozenset(self._abandoned),
        )

    def _secrets(self) -> tuple[str, ...]:
        keys = self.server.keys
        return (SECRET, keys.access_key, keys.secret_key, *sorted(keys.signed))
