"""The suite as one class, to be made a test class of by naming a provider and its recorded replies."""

from __future__ import annotations

from runner.contract.facts import FactTests
from runner.contract.reading import ReadingTests
from runner.contract.totality import TotalityTests


class ProviderContract(ReadingTests, FactTests, TotalityTests):
    """All that a provider has to hold. Derive a class whose name begins with `Test`, and set `provider` and `replies`.

    `clear_words` is for providers whose error codes are short: the codes that settle by themselves whether a submission was taken, wherever they
    stand. A doubt that is damaged at random into one of them is no doubt any more, and is not held against the provider.
    """
