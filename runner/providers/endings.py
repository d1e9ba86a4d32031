"""The end of a task without a result, as one value: the code from the provider's tables, or else from the words of its reason."""

from __future__ import annotations

from runner.core.answers import Ended
from runner.core.codes import MEANING, Code
from runner.core.events import Cause, Failure
from runner.providers import gateway


def ended(
    reason: str,
    *,
    own_words: str | None,
    request_id: str | None,
    code: Code = Code.GENERATION_FAILED,
    meaning: str = MEANING[Code.GENERATION_FAILED],
    charged: bool | None = None,
) -> Ended:
    """How a task ended.

    Args:
        reason: The provider's words; "" when it gave none.
        own_words: The job's own text, which a reason may quote; None where nobody knows it: then no reason stops an account.
        request_id: The provider's id of the request that told it.
        code: What the provider's tables say; a failed generation is told apart by its reason.
        meaning: The code in words, for people.
        charged: Whether it is billed; None when unknown.
    """
    if code is Code.GENERATION_FAILED and gateway.is_about_money(reason, own_words=own_words):
        code = Code.OUT_OF_MONEY
    if code is Code.GENERATION_FAILED and gateway.is_about_policy(reason):
        code = Code.MODERATED
    message = gateway.shortened(": ".join(filter(None, [meaning, reason])))
    is_out_of_money = code is Code.OUT_OF_MONEY
    # An empty account is no fault of the job: once it is filled up, the next run tries the job again.
    cause = Cause.NOT_ACCEPTED if is_out_of_money else Cause.GENERATION
    failure = Failure(cause=cause, code=code, message=message, request_id=request_id)
    return Ended(failure, charged=charged, stops_account=is_out_of_money)
