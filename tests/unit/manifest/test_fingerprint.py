"""Fingerprints: what they are made of, and what they leave out."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from runner.manifest.fingerprint import canonical
from runner.manifest.flaws import Flaw
from tests.unit.manifest.manifests import ADDRESSES, HEAD, jobs, written

if TYPE_CHECKING:
    from pathlib import Path

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
JOB = "jobs:\n  a:\n    uses: digital-human/avatar\n"


@given(JSON)
def test_canonical_is_rfc_8785(value: Any) -> None:
    """The quick encoder gives the bytes of RFC 8785, or is not used."""
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [(2**53, "2\\^53"), (float("inf"), "infinite"), (["\ud800"], "surrogate"), ({"\ud800": 1}, "surrogate")],
)
def test_what_json_cannot_carry(value: object, why: str) -> None:
    """Numbers and characters that JSON would change are refused."""
    with pytest.raises(Flaw, match=why):
        canonical(value)


def test_definition(tmp_path: Path) -> None:
    """The fingerprint is SHA-256 over the canonical object of type, operation and inputs: nothing else, for ever."""
    (spec,) = jobs(written(tmp_path, f"{HEAD}{JOB}    with: {ADDRESSES}\n"))
    asked = {"inputs": dict(spec.inputs), "operation": "avatar", "type": "digital-human"}
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    assert spec.fingerprint == sha256(text.encode()).hexdigest()


def test_references_by_fingerprint(tmp_path: Path) -> None:
    """A reference counts by the needed job's fingerprint, alone as an object and within text as its pieces."""
    manifest = (
        f"{HEAD}{JOB}    with: {ADDRESSES}\n  b:\n    uses: digital-human/avatar\n    with:\n"
        '      avatar_url: "{{ jobs.a.outputs.cover_url }}"\n'
        '      audio_url: "https://cdn.example.com/{{ jobs.a.outputs.audio_id }}.mp3"\n'
    )
    first, second = jobs(written(tmp_path, manifest))
    pieces = ["https://cdn.example.com/", {"job": first.fingerprint, "output": "audio_id"}, ".mp3"]
    inputs = {"avatar_url": {"job": first.fingerprint, "output": "cover_url"}, "audio_url": {"text": pieces}}
    asked = rfc8785.dumps(cast("Any", {"inputs": inputs, "operation": "avatar", "type": "digital-human"}))
    assert second.fingerprint == sha256(asked).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        ("  a:", "  renamed:"),
        ("name: spring", "name: autumn"),
        ("uses: digital-human/avatar", "uses: east/avatar"),
        ("    with:", "    output: elsewhere\n    tags: [x]\n    verify: none\n    with:"),
        ("in_flight: 1", "in_flight: 2"),
        ("{env: A}", "{file: b}"),
    ],
)
def test_what_is_outside(tmp_path: Path, change: tuple[str, str]) -> None:
    """Names, accounts, limits, credentials, tags and paths change no fingerprint: nothing is paid again for them."""
    account = "{type: digital-human, credential: {env: A}, limits: {in_flight: 1}}"
    manifest = f"{HEAD}providers: {{east: {account}, digital-human: {account}}}\n{JOB}    with: {ADDRESSES}\n"
    changed = manifest.replace(*change)
    assert changed != manifest
    (before,) = jobs(written(tmp_path, manifest))
    (after,) = jobs(written(tmp_path, changed))
    assert before.fingerprint == after.fingerprint


def test_a_change_reaches_all_that_depend_on_it(tmp_path: Path) -> None:
    """When a needed job's inputs change, so do the fingerprints of what uses its outputs, and only those."""
    manifest = (
        f'{HEAD}jobs:\n  z:\n    uses: digital-human/avatar\n    with: {{avatar_url: "{{{{ jobs.y.outputs.cover_url }}}}", '
        f"audio_url: https://cdn.example.com/z.mp3}}\n  y:\n    uses: digital-human/avatar\n    with: {ADDRESSES}\n"
        f"  x:\n    uses: digital-human/avatar\n    needs: [y]\n    with: {ADDRESSES.replace('a.png', 'x.png')}\n"
    )
    before = {spec.id: spec.fingerprint for spec in jobs(written(tmp_path, manifest))}
    after = {spec.id: spec.fingerprint for spec in jobs(written(tmp_path, manifest.replace("/a.mp3", "/b.mp3", 1)))}
    assert {name for name in before if before[name] != after[name]} == {"z", "y"}
