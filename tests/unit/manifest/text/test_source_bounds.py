"""Pathological manifests through the real command line: each by a process of its own, its processor time and memory limited and measured."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from benchmarks.campaign import yaml_campaign

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 64 * 2**20
MOST_CPU_S = 3.0
"""Half as much again as the 2 s that are promised, start of the interpreter included: other tests share the processor's caches and its
second thread."""
MOST_BYTES = 500 * 1000 * 1000
REPOSITORY = Path(__file__).parents[4]


class Seen(NamedTuple):
    """What a command did."""

    code: int
    first_line: str
    printed: int
    said: str
    cpu_s: float
    peak_bytes: int


def _limited() -> None:
    """In the child: an end to what would eat the machine. Reserved memory counts here, which is more than what is used."""
    resource.setrlimit(resource.RLIMIT_DATA, (2 * MOST_BYTES, 2 * MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))


def validate(path: Path, *options: str) -> Seen:
    """Run `callsheet validate` over one manifest."""
    out, err = path.with_suffix(".out"), path.with_suffix(".err")
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "runner", "validate", path.name, *options],
            cwd=path.parent,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(REPOSITORY),
                "LANG": "C.UTF-8",
                "HOME": str(path.parent),
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=_limited,  # noqa: PLW1509  no thread of this process holds a lock that the child wants
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = out.read_text(encoding="utf-8")
    return Seen(
        process.returncode,
        text.partition("\n")[0],
        len(text),
        err.read_text(encoding="utf-8"),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
    )


HEAD = b"version: 1\nname: a\n"
JOB = (
    HEAD
    + b"jobs:\n  j:\n    uses: digital-human/avatar\n    with: {avatar_url: 'https://a.b/c', audio_url: 'https://a.b/c'}\n"
)


def merge_chain() -> bytes:
    """Each mapping merges the one before it twice: PyYAML copies two to the power of their number of keys."""
    links = (f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 20))
    text = f"a0: &a0 {{k: v}}\n{''.join(links)}"
    return text[:593].rpartition("\n")[0].encode()


def billion_laughs(first: str, link: str) -> bytes:
    """Each value holds the one before it ten times."""
    links = (f"a{n}: &a{n} {link.replace('*', f'*a{n - 1}')}\n" for n in range(1, 12))
    return f"a0: &a0 {first}\n{''.join(links)}".encode()


def alias_chain() -> bytes:
    """Each list holds the one before it, so that the value is a thousand deep where no line is."""
    links = (f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1000))
    return f"a0: &a0 [x]\n{''.join(links)}".encode()


def lines(form: bytes, numbers: range) -> bytes:
    """A line for each number."""
    return b"".join(form % number for number in numbers)


def padded(head: bytes, body: bytes, tail: bytes = b"") -> bytes:
    """A file of the largest size: head, as many bodies as fit, tail."""
    return head + body * ((LARGEST - len(head) - len(tail)) // len(body)) + tail


MAPS = "{" + ", ".join(f"k{n}: *" for n in range(10)) + "}"
QUOTED = JOB + b'description: "'
BOUNDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "100,000 lists in a line": (lambda: b"[" * 100_000, "m.yaml:1:65: error[M006]"),
    "100,000 lists, closed": (lambda: b"[" * 100_000 + b"]" * 100_000, "m.yaml:1:65: error[M006]"),
    "100,000 block lists": (lambda: b"- " * 100_000, "m.yaml:1:129: error[M006]"),
    "100,000 keys of keys": (lambda: b"? " * 100_000, "m.yaml:1:3: error[M009]"),
    "64 MiB of lists": (lambda: padded(b"", b"["), "m.yaml:1:65: error[M006]"),
    "a chain of merge keys": (merge_chain, "m.yaml:16:23: error[M007]"),
    "a billion laughs in lists": (lambda: billion_laughs("[x]", f"[{'*, ' * 10}]"), "m.yaml:7:"),
    "a billion laughs in mappings": (lambda: billion_laughs("{x: 1}", MAPS), "m.yaml:6:"),
    "a billion laughs in keys": (lambda: billion_laughs("[x]", "{? * : 1}"), "m.yaml:2:12: error[M009]"),
    "a deep chain of aliases": (alias_chain, "m.yaml:64:12: error[M006]"),
    "a million aliases": (lambda: b"- &a x\n" + b"- *a\n" * 1_000_000, "m.yaml:200001:3: error[M007]"),
    "a mapping merged 100,000 times": (
        lambda: b"b: &b {k: 1}\nm: {<<: [" + b"*b," * 100_000 + b"]}",
        "m.yaml:2:",
    ),
    "a list as key, 300 times": (lambda: b"a: &a [" + b"x," * 190_000 + b"]\n" + b"? *a\n: 1\n" * 300, "m.yaml:2:3: error[M009]"),
    "450,000 anchors": (lambda: lines(b"- &a%d x\n", range(450_000)), "m.yaml:400000:3: error[M007]"),
    "a million keys": (lambda: lines(b"k%d: 1\n", range(1_000_000)), "m.yaml:200000:"),
    "190,000 unknown keys": (lambda: lines(b"k%d: 1\n", range(190_000)), "m.yaml:1:1: error[M100]"),
    "190,000 faulty jobs": (lambda: HEAD + b"jobs:\n" + lines(b"  k%d: 1\n", range(190_000)), "m.yaml:1:1: error[M100]"),
    "390,000 faulty tags": (lambda: JOB + b"    tags: [" + b"1," * 390_000 + b"]", "m.yaml:1:1: error[M100]"),
    "a repeat among 50,000": (
        lambda: JOB + b"    needs: [" + lines(b"a%d,", range(50_000)) + b"a49999]",
        "m.yaml:7:12: error[M109]",
    ),
    "150,000 keys, then repeats": (
        lambda: lines(b"k%d: 1\n", range(150_000)) + lines(b"k%d: 1\n", range(149_000, 150_000)),
        "m.yaml:150001:1: error[M008]",
    ),
    "64 MiB of empty lists": (lambda: padded(b"[", b"[],", b"]"), "m.yaml:1:1199999: error[M007]"),
    "64 MiB of an alias": (lambda: padded(b"- *", b"a"), "m.yaml:1:3: error[M012]"),
    "64 MiB of a key": (lambda: padded(HEAD + b"? ", b"x", b"\n: 1"), "m.yaml:1:1: error[M104]"),
    "64 MiB of a key for a job": (lambda: padded(HEAD + b"jobs:\n  ? ", b"x", b"\n  : {}"), "m.yaml:4:5: error[M1"),
    "ten million characters without end": (lambda: b'a: "' + b"x" * 10_000_000, "m.yaml:1:10000005: error[M005]"),
    "64 MiB of bytes that are no text": (lambda: padded(b"a: ", b"\xff"), "m.yaml:1:4: error[M003]"),
    "64 MiB of text": (lambda: padded(QUOTED, b"x", b'"'), ""),
    "64 MiB of text that takes 256 MiB": (lambda: padded(QUOTED + "😀".encode(), b"x", b'"'), ""),
    "64 MiB of escapes": (lambda: padded(QUOTED, b"\\u4e00", b'"'), ""),
    "64 MiB of folded lines": (lambda: padded(JOB + b"description: >\n", b" x\n"), ""),
    "64 MiB of carriage returns": (lambda: padded(JOB, b"\r"), ""),
    "a byte too much": (lambda: b"#" * (LARGEST + 1), "m.yaml: error[M002]"),
}  # fmt: skip
"""By what it is: how it is made, and how the first finding begins; "" for a manifest that holds."""


@pytest.mark.parametrize("name", BOUNDS)
def test_pathological_manifest(tmp_path: Path, name: str) -> None:
    """A manifest made to hurt is read or refused, with its place, within bounded processor time and 500 MB."""
    text, expected = BOUNDS[name]
    path = tmp_path / "m.yaml"
    path.write_bytes(text())
    seen = validate(path, "--format", "concise")
    assert seen.code == (4 if expected else 0), (seen.first_line[:300], seen.said[-2_000:])
    assert seen.first_line.startswith(expected)
    assert seen.printed < 20_000
    assert seen.cpu_s < MOST_CPU_S
    assert seen.peak_bytes < MOST_BYTES
    path.unlink()


def test_merge_chain_is_the_one_of_593_bytes() -> None:
    """The chain that hangs PyYAML is as small as it was found."""
    assert len(merge_chain()) <= 593


def test_ten_thousand_jobs_written_out(tmp_path: Path) -> None:
    """Ten thousand jobs in YAML, each with templates, are read and validated in the time that is promised."""
    seen = validate(yaml_campaign(tmp_path, jobs=10_000))
    assert (seen.code, seen.said) == (0, "No findings, 10,000 jobs read.\n")
    assert seen.cpu_s < MOST_CPU_S
    assert seen.peak_bytes < MOST_BYTES


@pytest.mark.parametrize("make", ["pipe", "device", "folder in between"])
def test_not_a_file(tmp_path: Path, make: str) -> None:
    """A named pipe is not waited for, a device without end not read."""
    path = tmp_path / "m.yaml"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(tmp_path / "gone" / "m.yaml")
    seen = validate(path, "--format", "concise")
    assert seen.code == 4
    assert seen.first_line.startswith("m.yaml: error[M001]: the file cannot be read: ")
    assert seen.cpu_s < MOST_CPU_S
