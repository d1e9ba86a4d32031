"""The tests that every provider has to pass, ours and those of other packages; needs `pip install 'callsheet[contract]'`.

    class TestAcme(ProviderContract):
        provider = PROVIDER
        replies = Path(__file__).with_name("replies")

Recorded replies say what the API answers and what each answer means (`runner.contract.recordings`); what must hold for any reply whatever is tried
on thousands that are made from them. Nothing here is needed at run time.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("runner.contract.reading", "runner.contract.facts", "runner.contract.totality")

from runner.contract.suite import ProviderContract  # noqa: E402  what it asserts is to be shown in full

__all__ = ["ProviderContract"]
