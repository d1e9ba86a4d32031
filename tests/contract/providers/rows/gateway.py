"""Section 4: how a new-api or one-api gateway says no, in front of any API."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.providers.rows.row import Row

_ITEM: Final = {"answer": "Refused", "scope": "item"}
_ACCOUNT: Final = {"answer": "Refused", "scope": "account"}
_NOT_NOW: Final = {"answer": "NotNow"}
_DOUBT: Final = {"answer": "InDoubt"}
_AGAIN: Final = {"answer": "AskAgain"}


def _inner(status: int, code: str, means: dict[str, Any]) -> Row:
    """Shape A, of the middleware."""
    return Row(table="4", status=status, fields={"error.code": code}, means=means)


def _flat(status: int, code: str, means: dict[str, Any]) -> Row:
    """Shape B, of the task relay."""
    return Row(table="4", status=status, fields={"code": code}, means=means)


SUBMIT: Final = (
    Row(table="4", status=401, fields={"error.type": "new_api_error"}, means=_ACCOUNT),
    _inner(402, "insufficient_quota", _ACCOUNT),
    _inner(402, "insufficient_balance", _ACCOUNT),
    _inner(403, "insufficient_user_quota", _ACCOUNT),
    _inner(403, "pre_consume_token_quota_failed", _ACCOUNT),
    _inner(403, "access_denied", _ACCOUNT),
    _flat(400, "invalid_request", _ITEM),
    _flat(400, "read_request_body_failed", _ITEM),
    _flat(400, "model_price_error", _ITEM),
    Row(table="4", status=404, words="Invalid URL", means=_ACCOUNT),
    Row(table="4", status=413, means=_ITEM),
    Row(table="4", status=429, words="上游负载已饱和", means=_NOT_NOW),
    Row(table="4", status=429, is_empty=True, means=_NOT_NOW),
    _flat(500, "do_request_failed", _DOUBT),
    _flat(500, "get_channel_failed", _DOUBT),
    _flat(500, "fail_to_fetch_task", _DOUBT),
    _inner(501, "api_not_implemented", _ACCOUNT),
    _inner(503, "model_not_found", {"answer": "NotNow", "is_limited": True}),
    *(Row(table="4", status=status, words="<html", means=_DOUBT) for status in (502, 504, 524)),
    # "Out of money" is a set of codes and words, behind any status.
    *(
        Row(table="4", words=code, means=_ACCOUNT)
        for code in (
            "insufficient_user_quota",
            "insufficient_quota",
            "insufficient_balance",
            "pre_consume_token_quota_failed",
        )
    ),
    Row(table="4", words="余额不足", means=_ACCOUNT),
    Row(table="4", words="额度不足", means=_ACCOUNT),
    # The request id stands in the message or in a header.
    Row(table="4", words="(request id: ", means=_ACCOUNT),
)
"""What refuses, delays or clouds a submission."""

QUERY: Final = (
    _flat(400, "task_not_exist", {"answer": "UnknownTask"}),
    _inner(403, "insufficient_user_quota", _AGAIN),
    Row(table="4", status=401, fields={"error.type": "new_api_error"}, means=_AGAIN),
    Row(table="4", status=429, is_empty=True, means=_AGAIN),
    _flat(500, "fail_to_fetch_task", _AGAIN),
    *(Row(table="4", status=status, words="<html", means=_AGAIN) for status in (502, 504, 524)),
)
"""What says nothing about a task, but for its denial."""
