"""Pathological manifests: each read by a process of its own, its processor time and memory measured."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGEST = 64 * 2**20
MOST_CPU_S = 3.0
"""Half as much again as the 2 s that are promised: other tests share the processor's caches and its second thread."""
MOST_BYTES = 500e6

# ru_maxrss would tell the peak of the process that started the child: it outlives exec.
CHILD = """
import json, resource, sys
from pathlib import Path
from runner.manifest.printing import render
from runner.manifest.source import Document, read
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF)
result = read(path, display="m.yaml")
shown = "" if isinstance(result, Document) else render(result, format="full", sources={}, color=False)
after = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({
    "code": None if isinstance(result, Document) else result[0].code,
    "place": None if isinstance(result, Document) else str(result[0].span),
    "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    "bytes": int(peak.split()[1]) * 1024,
    "shown": len(shown),
}))
"""


def merge_chain() -> bytes:
    """Each mapping merges the one before it twice: PyYAML copies two to the power of their number of keys."""
    links = (f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 20))
    return f"a0: &a0 {{k: v}}\n{''.join(links)}".encode()


def billion_laughs() -> bytes:
    """Each list holds the one before it ten times."""
    links = (f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]\n" for n in range(1, 12))
    return f"a0: &a0 [{'x,' * 10}]\n{''.join(links)}".encode()


def alias_chain() -> bytes:
    """Each list holds the one before it, so that the value is a thousand deep where no line is."""
    links = (f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1000))
    return f"a0: &a0 [x]\n{''.join(links)}".encode()


def many_keys_then_repeats() -> bytes:
    """Each repeat is labelled with the place of its first."""
    return b"".join(b"k%d: 1\n" % n for n in [*range(150_000), *range(149_000, 150_000)])


def padded(head: bytes, body: bytes, tail: bytes = b"") -> bytes:
    """A file of the largest size: head, as many bodies as fit, tail."""
    return head + body * ((LARGEST - len(head) - len(tail)) // len(body)) + tail


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        pytest.param(lambda: b"[" * 100_000, "M006", "m.yaml:1:65", id="100,000 lists in a line"),
        pytest.param(lambda: b"[\n" * 100_000, "M006", "m.yaml:65:1", id="100,000 lists in lines"),
        pytest.param(lambda: b"{a: " * 100_000, "M006", "m.yaml:1:257", id="100,000 mappings"),
        pytest.param(lambda: b"- " * 100_000, "M006", "m.yaml:1:129", id="100,000 block lists"),
        pytest.param(lambda: b"? " * 100_000, "M009", "m.yaml:1:3", id="100,000 keys of keys"),
        pytest.param(lambda: padded(b"", b"["), "M006", "m.yaml:1:65", id="64 MiB of lists"),
        pytest.param(merge_chain, "M007", "m.yaml:16:23", id="a chain of merge keys"),
        pytest.param(billion_laughs, "M007", "m.yaml:6:18", id="a billion laughs"),
        pytest.param(alias_chain, "M006", "m.yaml:64:12", id="a deep chain of aliases"),
        pytest.param(lambda: b"- &a x\n" + b"- *a\n" * 1_000_000, "M007", "m.yaml:200001:3", id="a million aliases"),
        pytest.param(
            lambda: b"".join(b"- &a%d x\n" % n for n in range(450_000)), "M007", "m.yaml:400000:3", id="450,000 anchors"
        ),
        pytest.param(many_keys_then_repeats, "M008", "m.yaml:150001:1", id="150,000 keys, then repeats"),
        pytest.param(
            lambda: b"".join(b"%%TAG !a%d! b\n" % n for n in range(1_000_000)),
            "M015",
            "m.yaml:1:1",
            id="a million directives",
        ),
        pytest.param(lambda: b"--- a\n" * 1_000_000, "M014", "m.yaml:2:1", id="a million documents"),
        pytest.param(lambda: b"a: " + b"9" * 10_000_000, "M011", "m.yaml:1:4", id="an integer of ten million digits"),
        pytest.param(lambda: padded(b"[", b"[],", b"]"), "M007", "m.yaml:1:1199999", id="64 MiB of empty lists"),
        pytest.param(
            lambda: b'a: "' + b"x" * 10_000_000, "M005", "m.yaml:1:10000005", id="ten million characters without end"
        ),
        pytest.param(lambda: padded('a: "😀'.encode(), b"x", b'"'), None, None, id="64 MiB of text that takes 256 MiB"),
        pytest.param(lambda: padded(b"a: >\n", b" x\n"), None, None, id="64 MiB of folded lines"),
        pytest.param(lambda: padded(b"", b"#\n"), None, None, id="64 MiB of comments"),
        pytest.param(lambda: b"#" * (LARGEST + 1), "M002", "m.yaml", id="a byte too much"),
    ],
)
def test_pathological_manifest(tmp_path: Path, text: Callable[[], bytes], code: str | None, place: str | None) -> None:
    """A manifest made to hurt is read or refused, with its place, within bounded processor time and 500 MB."""
    path = tmp_path / "m.yaml"
    path.write_bytes(text())
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["code"], seen["place"]) == (code, place)
    assert seen["cpu_s"] < MOST_CPU_S
    assert seen["bytes"] < MOST_BYTES
    assert seen["shown"] < 20_000
