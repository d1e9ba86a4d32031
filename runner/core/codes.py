"""The stable codes of what can go wrong with a job, and what each means."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """`P…`: what a provider or its network did. The number never changes its meaning."""

    NO_CONNECTION = "P101"
    NOT_ACCEPTED = "P102"
    NO_CHANNEL = "P103"
    NEVER_ARRIVED = "P104"
    BAD_REQUEST = "P201"
    POLICY = "P202"
    NOT_PERMITTED = "P203"
    TOO_LARGE = "P204"
    KEY_REFUSED = "P211"
    OUT_OF_MONEY = "P212"
    ACCOUNT_BLOCKED = "P213"
    CERTIFICATE = "P214"
    WRONG_ADDRESS = "P215"
    GENERATION_FAILED = "P301"
    GENERATION_TIMED_OUT = "P302"
    TASK_UNKNOWN = "P303"
    NO_RESULT = "P304"
    CANCELLED = "P305"
    MODERATED = "P307"
    RESULT_EXPIRED = "P401"
    RESULT_UNREACHABLE = "P402"
    RESULT_BLOCKED = "P403"
    RESULT_DAMAGED = "P404"
    IN_DOUBT = "P501"
    NEED_FAILED = "P601"
    FILE_CHANGED = "P602"
    OUTPUT_TOO_OLD = "P603"
    OUTPUT_LENGTH = "P604"
    UNPRICED = "P605"
    OUTPUT_GONE = "P606"


MEANING: dict[Code, str] = {
    Code.NO_CONNECTION: "the API could not be reached; nothing was sent",
    Code.NOT_ACCEPTED: 'the API said "not now" for too long',
    Code.NO_CHANNEL: "the gateway has no upstream for this at the moment",
    Code.NEVER_ARRIVED: "submissions were lost again and again",
    Code.BAD_REQUEST: "the API refused the inputs",
    Code.POLICY: "the API refused the inputs for its content policy",
    Code.NOT_PERMITTED: "the key may not use this operation",
    Code.TOO_LARGE: "the request is larger than the API takes",
    Code.KEY_REFUSED: "the API refused the credential",
    Code.OUT_OF_MONEY: "the account has no money or quota left",
    Code.ACCOUNT_BLOCKED: "the account is blocked",
    Code.CERTIFICATE: "the server's certificate does not hold",
    Code.WRONG_ADDRESS: "there is no such API at this address",
    Code.GENERATION_FAILED: "the generation failed",
    Code.GENERATION_TIMED_OUT: "the generation took the provider too long",
    Code.TASK_UNKNOWN: "the provider does not know the task",
    Code.NO_RESULT: "the task is said to be done but has no result address",
    Code.CANCELLED: "the task was cancelled at the provider",
    Code.MODERATED: "the generation was stopped by moderation",
    Code.RESULT_EXPIRED: "the provider keeps the result no longer",
    Code.RESULT_UNREACHABLE: "the result could not be fetched",
    Code.RESULT_BLOCKED: "the result's address is not one that may be fetched",
    Code.RESULT_DAMAGED: "the result does not play",
    Code.IN_DOUBT: "nobody can tell whether the job was accepted",
    Code.NEED_FAILED: "a job that this one needs did not succeed",
    Code.FILE_CHANGED: "a local file changed after the run was planned",
    Code.OUTPUT_TOO_OLD: "what a needed job gave is too old to be used",
    Code.OUTPUT_LENGTH: "what a needed job gave is too short or too long",
    Code.UNPRICED: "a budget is set, and what the job costs is not known",
    Code.OUTPUT_GONE: "what a needed job gave is known no more",
}
