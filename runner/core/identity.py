"""Our own id of an attempt: the same for the same attempt, whoever computes it and whenever."""

from __future__ import annotations

from hashlib import sha256


def external_id(manifest: str, job_id: str, fingerprint: str, attempt: int) -> str:
    """The id under which a provider that knows foreign ids files this attempt.

    Args:
        manifest: The manifest's name.
        job_id: The job's id.
        fingerprint: What was asked for.
        attempt: From 1.

    Returns:
        `cs-` and 40 hexadecimal digits: 160 bits of a SHA-256, in an alphabet that every API takes.
    """
    facts = "\n".join((manifest, job_id, fingerprint, str(attempt)))
    return f"cs-{sha256(facts.encode()).hexdigest()[:40]}"
