"""What an audit looks at: the server's ledger, what the product says, and where its things lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tests.fakeapi.ledger import Ledger
    from tests.ledgers import Places


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an audit looks at.

    Args:
        ledger: The server's.
        places: Where the campaign's things lie.
        job_ids: Job id by speech, of all that ever stood in the manifest's rows.
        current: Speech by job id, as the rows stand now.
        status: What `status --json` says; None when there is no state.
        said: Everything that any command printed.
        secrets: The credentials, and every token that was signed with one.
        in_flight: The accounts' limits, by provider.
        resubmitted: How often a person allowed another submission, by speech.
        abandoned: Speeches that a person gave up.
        watches_intents: Whether it was looked, at each submission, whether its intent was on disk.
        budget: The most that may be spent; None without a budget.
        costs: What a job costs, by speech; empty without a budget.
    """

    ledger: Ledger
    places: Places
    job_ids: Mapping[str, str]
    current: Mapping[str, str]
    status: Mapping[str, Any] | None
    said: bytes
    secrets: tuple[str, ...]
    in_flight: Mapping[str, int]
    resubmitted: Counter[str] = field(default_factory=Counter)
    abandoned: frozenset[str] = frozenset()
    watches_intents: bool = True
    budget: Decimal | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The jobs of `status --json`, by id."""
        return {row["id"]: row for row in self.status["jobs"]} if self.status is not None else {}
