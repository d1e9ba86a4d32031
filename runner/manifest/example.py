"""The example that `callsheet init` writes: a campaign that runs in the sandbox as it is, with comments that teach."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.manifest.schema.editor import editor_schema
from runner.schema_files import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Write the example campaign, and the schema that its editor line names.

    The campaign is called like the folder, where that is a valid name. A `.gitignore` that is there keeps all its lines and gets those
    that are missing, as `cargo init` does it; no other file is ever changed.

    Args:
        folder: Where; made when it is not there.

    Raises:
        ExampleExists: One of the other files is there already. Nothing was written.
        OSError: The folder or a file cannot be written. What had been written is removed again.
    """
    texts = _texts(folder)
    ignore = folder / _IGNORED
    is_new = not (ignore.exists() or ignore.is_symlink())
    wanted = (_SOURCES / _IGNORED_SOURCE).read_text(encoding="utf-8")
    if is_new:
        texts[ignore] = wanted
    if present := [path for path in texts if path.exists() or path.is_symlink()]:
        raise ExampleExists(present)
    folder.mkdir(parents=True, exist_ok=True)
    missing = () if is_new else _missing_lines(ignore.read_bytes(), wanted)
    _write_new(texts)
    if missing:
        _add_lines(ignore, missing)
    return Example(folder / _MANIFEST, tuple(texts), missing)


def _texts(folder: Path) -> dict[Path, str]:
    texts = {folder / name: (_SOURCES / source).read_text(encoding="utf-8") for name, source in _FILES.items()}
    texts[folder / _MANIFEST] = texts[folder / _MANIFEST].replace(_NAME, _campaign_name(folder))
    texts[folder / _SCHEMA] = json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"
    return texts


def _campaign_name(folder: Path) -> str:
    name, form = folder.resolve().name, load_schema("manifest")["properties"]["name"]["pattern"]
    return name if re.fullmatch(form, name) else _NAME


def _write_new(texts: Mapping[Path, str]) -> None:
    written: list[Path] = []
    try:
        for path, text in texts.items():
            # `x` again, for whoever came in between.
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _missing_lines(there: bytes, wanted: str) -> tuple[str, ...]:
    """The rules that an ignore list lacks; `/outputs` is `outputs/` for this purpose."""
    known = {line.strip().strip(b"/") for line in there.splitlines()}
    rules = [line for line in wanted.splitlines() if line and not line.startswith("#")]
    return tuple(rule for rule in rules if rule.strip("/").encode() not in known)


def _add_lines(path: Path, lines: tuple[str, ...]) -> None:
    """Add lines at the end; bytes that are there, of whatever encoding, stay as they are."""
    there = path.read_bytes()
    gap = b"" if not there or there.endswith(b"\n") else b"\n"
    with path.open("ab") as file:
        file.write(gap + "".join(f"{line}\n" for line in lines).encode())
