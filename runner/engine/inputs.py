"""A job's inputs at the moment of its submission: references replaced by what the needed jobs gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.job import State
from runner.core.references import OutputRef, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.ports import Store


class OutputMissing(LookupError):
    """A needed job succeeded but gave no such output; the message names both."""


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
