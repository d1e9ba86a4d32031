"""Our own id of an attempt: the same for the same attempt, whoever computes it and whenever."""

from __future__ import annotations

from hashlib import sha256
from typing import Final


def external_id(manifest: str, job_id: str, fingerprint: str, attempt: int, *, replaces: str | None = None) -> str:
    """The id under which a provider that knows foreign ids files this attempt.

    Args:
        manifest: The manifest's name.
        job_id: The job's id.
        fingerprint: What was asked for.
        attempt: From 1.
        replaces: Of an attempt that makes again what grew too old or is kept no longer, the task that had it; None for any other. It
            stands in the number's place: a state that was built from the lock file counts from 1 again, and under the next number would
            find that very task, or one that is older.

    Returns:
        `cs-` and 40 hexadecimal digits: 160 bits of a SHA-256, in an alphabet that every API takes.
    """
    which = str(attempt) if replaces is None else f"instead of {replaces}"
    facts = f"{manifest}\n{job_id}\n{fingerprint}\n{which}"
    return f"cs-{sha256(facts.encode()).hexdigest()[:40]}"


_MOST_ID_CHARS: Final = 256
_NO_IDS: Final = frozenset({".", "..", "0", "-1", "null", "undefined"})
"""What programs write where there is no id, and what a path would swallow."""


def is_task_id(text: str) -> bool:
    """Whether a text can be a provider's name for a task: 1 to 256 visible characters that may stand in a path.

    An id has no spaces: where one is expected, an error may have a sentence. It goes into a path, where dots alone mean a folder.
    """
    is_plain = text.isprintable() and not any(char.isspace() for char in text)
    return 0 < len(text) <= _MOST_ID_CHARS and is_plain and text not in _NO_IDS
