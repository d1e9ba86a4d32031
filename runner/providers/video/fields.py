"""The fields of a submission, in the order in which they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRA: Final = "extra"

TYPED: Final = (
    "model",
    "prompt",
    "images",
    "input_reference",
    "seconds",
    "duration",
    "size",
    "orientation",
    "aspect_ratio",
    "watermark",
    "private",
    "style",
    "storyboard",
    "character_url",
    "character_timestamps",
    "enhance_prompt",
    "enable_upsample",
)
"""The inputs of the schema, apart from `extra` (api-facts sections 3.2 and 3.6)."""


def fields(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The body's fields: the typed ones that are given, then those of `extra` by name. None of `extra` takes the place of a typed one.

    Args:
        inputs: The job's inputs.
    """
    typed = {name: inputs[name] for name in TYPED if name in inputs}
    extra = inputs.get(EXTRA, {})
    return typed | {name: extra[name] for name in sorted(extra) if name not in TYPED}
