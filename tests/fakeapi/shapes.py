"""The documented replies of the API and its gateway (api-facts sections 2 and 4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.fakeapi.script import NO_CREDITS, SUCCESS, Answer, Shape, answer

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROXY_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def gateway_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Shape A: what the middleware says about tokens, quota, rate and routing."""
    return answer(status, {"error": {"message": message, "type": "new_api_error", "code": code}}, headers)


def relay_error(status: int, code: str, message: str) -> Answer:
    """Shape B: what the task relay says."""
    return answer(status, {"code": code, "message": message, "data": None})


BAD_KEY: Final = gateway_error(401, "", "无效的令牌 (request id: 2026112000001)")
SERVER_ERROR: Final = relay_error(500, "do_request_failed", "upstream did not answer")
BAD_GATEWAY: Final = Answer(502, _PROXY_PAGE, content_type="text/html")
SUCCESS_WITHOUT_ID: Final = answer(200, {"code": "success", "message": "", "data": ""})
NOT_JSON: Final = Answer(200, b"<html>hello</html>", content_type="text/html")

NO_MONEY: Final[Mapping[str, Answer]] = {
    "403 insufficient_user_quota": gateway_error(403, "insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.01"),
    "403 pre_consume_token_quota_failed": gateway_error(403, "pre_consume_token_quota_failed", "令牌额度不足"),
    "402 insufficient_quota": gateway_error(402, "insufficient_quota", "insufficient quota"),
    "402 insufficient_balance": gateway_error(402, "insufficient_balance", "balance too low"),
    "402 without a code": Answer(402, b"Payment Required", content_type="text/plain"),
    "200 with Chinese text": relay_error(200, "fail", "余额不足，请充值"),
    "429 with Chinese text": gateway_error(429, "rate_limit", "当前账户额度不足"),
    "429 insufficient_quota": gateway_error(429, "insufficient_quota", "You exceeded your current quota"),
}
"""Every way to say "no money" in reply to a submission."""


def too_many_requests(seconds: int) -> Answer:
    """429 that asks for a pause."""
    return gateway_error(429, "rate_limit", "too many requests", {"Retry-After": str(seconds)})


def created(task_id: str) -> Answer:
    """The usual reply to a submission."""
    return answer(200, {"code": "success", "message": "", "data": task_id})


def told(task_id: str, status: int, addresses: Mapping[str, str], shape: Shape) -> Answer:
    """The reply to a query.

    Args:
        task_id: The task.
        status: Its `web_work_status`.
        addresses: `plain`, `clean` (no watermark), `marked`, `cover`; empty while there is no result.
        shape: Which of the three forms.
    """
    if shape is Shape.FLAT:
        return answer(200, _work(task_id, status, addresses))
    if shape is Shape.DATA:
        return answer(200, {"code": "success", "message": "", "data": _work(task_id, status, addresses)})
    envelope = _envelope(task_id, status)
    envelope["data"] = None if status in (0, 100) else _work(task_id, status, addresses)
    return answer(200, {"code": "success", "message": "", "data": envelope})


def _work(task_id: str, status: int, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": task_id[:24],
        "file_type": "VIDEO",
        "web_work_status": status,
        "create_time": 1760000010000,
        "work_video_path": addresses.get("plain", ""),
        "no_wm_work_video_path": addresses.get("clean", ""),
        "wm_work_video_path": addresses.get("marked", ""),
        "work_webp_path": addresses.get("cover", ""),
        "animate_params_str": json.dumps({"pt_infos": [_voice(task_id)]}) if addresses else "",
    }


def _voice(task_id: str) -> dict[str, str]:
    """The ids of the voice that a task has made or used."""
    return {"voice_engine_id": f"engine-{task_id[:8]}", "audio_id": f"audio-{task_id[:8]}", "lan": "en"}


def _envelope(task_id: str, status: int) -> dict[str, Any]:
    words = {0: "SUBMITTED", 100: "IN_PROGRESS", SUCCESS: "SUCCESS"}
    reasons = {0: "", 100: "", SUCCESS: "", NO_CREDITS: "积分不足"}
    return {
        "task_id": task_id,
        "notify_hook": "",
        "action": "avatar-generate",
        "status": words.get(status, "FAILURE"),
        "fail_reason": reasons.get(status, "no face found"),
        "submit_time": 1760000000,
        "start_time": 1760000005,
        "finish_time": 0 if status in (0, 100) else 1760000125,
        "progress": "30%" if status in (0, 100) else "100%",
    }
