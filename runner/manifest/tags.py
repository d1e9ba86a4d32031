"""What a tag is."""

from __future__ import annotations

from runner.manifest.codes import Code
from runner.manifest.flaws import Flaw
from runner.manifest.schema.explain import show


def tag_flaw(tag: object) -> Flaw | None:
    """What is wrong with a value as a tag: selectors (`--select tag:a,state:failed`) divide at commas, and people type it."""
    if type(tag) is str and tag and "," not in tag and tag.isprintable():
        return None
    return Flaw(
        Code.WRONG_FORM, f"{show(tag)} is not a tag", notes=("a tag is text without commas and control characters",)
    )
