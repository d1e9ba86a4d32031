"""A job's inputs at the moment of its submission: references replaced by what the needed jobs gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.core.job import State
from runner.core.references import OutputRef, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.job import Job
    from runner.core.ports import Store


class OutputMissing(LookupError):
    """A needed job succeeded but gave no such output; the message names both."""


def asked_for(job: Job) -> Mapping[str, Any]:
    """What a task was asked for, as its stored request tells: the only trace of inputs that the manifest does not have any more.

    Returns:
        The JSON object of the request; empty when its bytes were not kept.
    """
    try:
        body = json.loads(job.request or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def resolved(inputs: Mapping[str, Any], store: Store, fingerprint_of: Callable[[str], str | None]) -> Mapping[str, Any]:
    """The inputs as they will be sent.

    Args:
        inputs: With references.
        store: Knows the outputs of finished jobs.
        fingerprint_of: Which row of a needed job counts.

    Raises:
        OutputMissing: A needed output is not there.
    """

    def lookup(ref: OutputRef) -> Any:
        fingerprint = fingerprint_of(ref.job)
        for row in store.rows([ref.job]).get(ref.job, ()):
            if (
                row.fingerprint == fingerprint
                and row.state is State.SUCCEEDED
                and row.outputs.get(ref.output) is not None
            ):
                return row.outputs[ref.output]
        raise OutputMissing(f"job `{ref.job}` gave no output `{ref.output}`")

    answer: Mapping[str, Any] = resolve(dict(inputs), lookup)
    return answer
