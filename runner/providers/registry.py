"""The providers that come with Callsheet. A new API is a new file and a new line here; those of other packages are found by `installed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.providers.digital_human import DIGITAL_HUMAN
from runner.providers.kling.provider import KLING
from runner.providers.video.provider import VIDEO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.ports import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    "digital-human": DIGITAL_HUMAN,
    "kling": KLING,
    "video": VIDEO,
}
"""By type, as in the manifest; `PROVIDERS[type].defaults` are the account's defaults."""
