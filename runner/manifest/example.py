"""The example that `callsheet init` writes: a campaign that runs in the sandbox as it is, with comments that teach."""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.manifest.schema.editor import editor_schema
from runner.manifest.text.scalars import BadNumber, resolve
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SOURCES: Final = Path(__file__).resolve().parent / "example_files"
_MANIFEST: Final = "campaign.yaml"
_FILES: Final = {_MANIFEST: "campaign.yaml", "customers.csv": "customers.csv", ".env.example": "env.example"}
_IGNORED: Final = ".gitignore"
_IGNORED_SOURCE: Final = "gitignore"
"""Names as written, and as they lie in the package: a real `.gitignore` there would be obeyed by the build."""
_SCHEMA: Final = "callsheet.schema.json"
_NAME: Final = "my-campaign"
"""The campaign's name in the example, for folders whose own name cannot be one."""


class ExampleExists(FileExistsError):
    """Files of the example are there already; nothing was written.

    Args:
        paths: Those files.
    """

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(", ".join(map(str, paths)))
        self.paths = paths


@dataclass(frozen=True, slots=True)
class Example:
    """What `write_example` has done.

    Args:
        manifest: Path of the manifest.
        written: All new files, the manifest first.
        ignored: Lines that were added to a `.gitignore` that was there before; none when it is new, or had them all.
    """

    manifest: Path
    written: tuple[Path, ...]
    ignored: tuple[str, ...]


def write_example(folder: Path) -> Example:
    """Write the example campaign, and the schema that its editor line names: all of it, or nothing.

    The campaign is called like the folder, where that is a valid name. A `.gitignore` that is there keeps all its lines and gets those
    that are missing, as `cargo init` does it; no other file is ever changed.

    Args:
        folder: Where; made when it is not there.

    Raises:
        ExampleExists: One of the other files is there already, or a `.gitignore` that is no file. Nothing was written.
        OSError: The folder or a file cannot be written. What had been written is removed again, and so are the folders that were made
            for it; the `.gitignore` is as it was.
    """
    texts = _texts(folder)
    ignore = folder / _IGNORED
    is_new = not _is_there(ignore)
    wanted = (_SOURCES / _IGNORED_SOURCE).read_text(encoding="utf-8")
    if is_new:
        texts[ignore] = wanted
    in_the_way = [path for path in texts if _is_there(path)]
    if not is_new and not ignore.is_file():
        in_the_way.append(ignore)
    if in_the_way:
        raise ExampleExists(in_the_way)
    missing = () if is_new else _missing_lines(ignore.read_bytes(), wanted)
    with ExitStack() as undo:
        _make_folder(folder, undo)
        for path, text in texts.items():
            _write_new(path, text, undo)
        if missing:
            _add_lines(ignore, missing, undo)
        undo.pop_all()
    return Example(folder / _MANIFEST, tuple(texts), missing)


def _is_there(path: Path) -> bool:
    """Whether anything has this name, be it a link that leads nowhere."""
    return path.exists() or path.is_symlink()


def _texts(folder: Path) -> dict[Path, str]:
    texts = {folder / name: (_SOURCES / source).read_text(encoding="utf-8") for name, source in _FILES.items()}
    name = _campaign_name(folder)
    manifest = texts[folder / _MANIFEST].replace(f"\nname: {_NAME}\n", f"\nname: {_as_text(name)}\n")
    texts[folder / _MANIFEST] = manifest.replace(_NAME, name)
    texts[folder / _SCHEMA] = json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"
    return texts


def _campaign_name(folder: Path) -> str:
    name, form = folder.resolve().name, load_schema("manifest")["properties"]["name"]["pattern"]
    return name if re.fullmatch(form, name) else _NAME


def _as_text(name: str) -> str:
    """A name as a manifest writes it: `2026` and `null` are text only between quotes."""
    try:
        is_text = resolve(name) == name
    except BadNumber:
        is_text = False
    return name if is_text else f'"{name}"'


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if folder.is_dir():
        return
    if not folder.parent.exists():
        _make_folder(folder.parent, undo)
    folder.mkdir()
    undo.callback(_leave, folder.rmdir)


def _write_new(path: Path, text: str, undo: ExitStack) -> None:
    # `x` again, for whoever came in between.
    with _named(path), path.open("x", encoding="utf-8", newline="\n") as file:
        undo.callback(_leave, path.unlink)
        file.write(text)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What fails when a file is written, and not when it is opened, does not say which file it is."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _leave(step: Callable[[], None]) -> None:
    """Take a step back as far as that is possible: what stopped the work is what is told."""
    with suppress(OSError):
        step()


def _missing_lines(there: bytes, wanted: str) -> tuple[str, ...]:
    """The rules that an ignore list lacks; `/outputs` is `outputs/` for this purpose."""
    known = {line.strip().strip(b"/") for line in there.splitlines()}
    rules = [line for line in wanted.splitlines() if line and not line.startswith("#")]
    return tuple(rule for rule in rules if rule.strip("/").encode() not in known)


def _add_lines(path: Path, lines: tuple[str, ...], undo: ExitStack) -> None:
    """Add lines at the end; bytes that are there, of whatever encoding, stay as they are."""
    there = path.read_bytes()
    gap = b"" if not there or there.endswith(b"\n") else b"\n"
    with _named(path), path.open("ab") as file:
        undo.callback(_leave, partial(os.truncate, path, len(there)))
        file.write(gap + "".join(f"{line}\n" for line in lines).encode())
