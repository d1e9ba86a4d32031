"""What Acme's errors mean. Every error has the form `{"error": {"kind": …, "message": …}}`; the table is the whole of its documentation.

An error that the table does not list is in doubt for a submission, and says nothing about the task for a query: to take a doubt for a refusal
is to pay twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.core.answers import AskAgain, Duplicate, InDoubt, NotNow, Refused, Scope, UnknownTask
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.providers.json_body import Unreadable, mapping, read_object, text
from runner.providers.reply_headers import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Reply

REFUSALS: Final[Mapping[str, tuple[Scope, Code]]] = {
    "bad_script": (Scope.ITEM, Code.BAD_REQUEST),
    "forbidden_words": (Scope.ITEM, Code.POLICY),
    "no_credit": (Scope.ACCOUNT, Code.OUT_OF_MONEY),
    "bad_key": (Scope.ACCOUNT, Code.KEY_REFUSED),
}
"""Kinds that say that nothing was taken: whose fault it is, and which code the user sees."""

_MOST_WORDS: Final = 300


def kind_of(reply: Reply) -> str:
    """The kind of an error; "" when there is none."""
    body = read_object(reply)
    return "" if isinstance(body, Unreadable) else text(mapping(body.get("error")).get("kind"))


def words_of(reply: Reply) -> str:
    """What a reply says, for people: its status and the error's own words, bounded."""
    body = read_object(reply)
    error = {} if isinstance(body, Unreadable) else mapping(body.get("error"))
    said = ": ".join(filter(None, (text(error.get("kind")), text(error.get("message")))))
    return f"HTTP {reply.status}{': ' if said else ''}{said}"[:_MOST_WORDS]


def read_rejection(reply: Reply) -> Refused | NotNow | Duplicate | InDoubt:
    """What a reply to a submission means that does not accept it."""
    match kind_of(reply):
        case kind if kind in REFUSALS:
            scope, code = REFUSALS[kind]
            return Refused(scope, _refused(reply, scope, code))
        case "too_many_clips":
            return NotNow(words_of(reply), retry_after_s=retry_after_s(reply.headers), concurrency=True)
        case "too_fast":
            return NotNow(words_of(reply), retry_after_s=retry_after_s(reply.headers))
        case "reference_taken":
            return Duplicate(_refused(reply, Scope.ITEM, Code.BAD_REQUEST))
        case _:
            return InDoubt(words_of(reply))


def read_failed_query(reply: Reply) -> UnknownTask | AskAgain:
    """What a reply to a query means that has no clip in it."""
    kind = kind_of(reply)
    if kind == "no_such_clip":
        return UnknownTask(words_of(reply))
    scope, code = REFUSALS.get(kind, (Scope.ITEM, Code.BAD_REQUEST))
    stops = _refused(reply, scope, code) if scope is Scope.ACCOUNT else None
    return AskAgain(words_of(reply), retry_after_s=retry_after_s(reply.headers), stops_account=stops)


def _refused(reply: Reply, scope: Scope, code: Code) -> Failure:
    # What the account is refused for is no fault of the job: the next run tries it again by itself.
    cause = Cause.REFUSED if scope is Scope.ITEM else Cause.NOT_ACCEPTED
    return Failure(cause=cause, code=code, message=words_of(reply))
