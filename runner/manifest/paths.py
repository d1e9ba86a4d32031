"""Rules for paths: where a result may be written, and which files a manifest may read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from runner.manifest.codes import Code
from runner.manifest.digests import Digests
from runner.manifest.flaws import Flaw

if TYPE_CHECKING:
    from pathlib import Path

    from runner.manifest.digests import FileContent

_ID_PART: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE | re.DOTALL)
_NOT_FOR_RESULTS: Final = frozenset((".git", ".callsheet"))
_FORBIDDEN: Final = frozenset('\\<>:"|?*')
_MOST_FOLDER_BYTES: Final = 255
_MOST_NAME_BYTES: Final = 255 - len(".webm.kept-0123456789abcdef")
"""The longest name that is ever made from a file's last part: the file with the longest suffix, set aside under its digest. Shorter
ones are `.<part>.webm.part.link`, `.<part>.part.json.new` and `<part>.part.bad`; 255 bytes are the most that a file system stores."""
_MOST_PATH_BYTES: Final = 2048

# Plain parts need none of the slow checks: ASCII letters, digits, `_`, `-` and inner dots, short. Reserved names and the report's
# folder begin like any other word, so they are looked for apart.
_PLAIN: Final = re.compile(
    r"(?:[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?/){0,7}[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?"
)
_SUSPECT: Final = re.compile(r"(?:^|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|$)|^report/", re.IGNORECASE)


def id_part_flaw(part: str) -> Flaw | None:
    """What is wrong with a part of an id, or None."""
    if _ID_PART.fullmatch(part):
        return None
    if not part:
        return Flaw(Code.BAD_ID, "a part of the id is empty")
    shown = part if len(part) <= 60 else f"{part[:60]}…"
    message = f"`{shown}` cannot be a part of an id"
    return Flaw(
        Code.BAD_ID, message, notes=("a part is 1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-`, not beginning with `.`",)
    )


def output_flaw(path: str) -> Flaw | None:
    """What makes an output path unsafe, or None.

    Args:
        path: Below the output folder, without suffix, `/` between parts.
    """
    if _PLAIN.fullmatch(path) and not _SUSPECT.search(path):
        return None
    problem = _path_problem(path)
    return Flaw(Code.BAD_OUTPUT, f"the output path {_shown(path)} {problem}") if problem is not None else None


def _shown(path: str) -> str:
    return f"`{ascii(path)[1:-1] if not path.isprintable() else path}`"[:200]


def _path_problem(path: str) -> str | None:
    if path.startswith("/"):
        return "is absolute; it must be below the output folder"
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "is not Unicode text"
    if size > _MOST_PATH_BYTES:
        return f"is longer than {_MOST_PATH_BYTES} bytes"
    parts = path.split("/")
    if parts[0].casefold() == "report" and len(parts) > 1:
        return "lies in the folder `report`, which belongs to the report"
    for number, part in enumerate(parts, 1):
        most = _MOST_NAME_BYTES if number == len(parts) else _MOST_FOLDER_BYTES
        if (problem := _part_problem(part, most)) is not None:
            return problem
    return None


def _part_problem(part: str, most_bytes: int) -> str | None:
    if not part:
        return "has an empty part"
    if part in (".", ".."):
        return f"has a part `{part}`"
    if not part.isprintable():
        return "has a control or invisible character"
    if found := _FORBIDDEN.intersection(part):
        return f"has a `{min(found)}`, which some systems cannot store"
    if part[-1] in ". " or part[0] == " ":
        return "has a part that begins or ends with a space, or ends with a dot"
    if part[0] == ".":
        return "has a hidden part: one that begins with a dot"
    if _RESERVED.fullmatch(part):
        return f"has a part `{part}`, which is a device on Windows"
    if len(part.encode()) > most_bytes:
        return f"has a part longer than {most_bytes} bytes"
    return None


def folded(path: str) -> str:
    """The path as a file system compares it that ignores case and Unicode forms (macOS, Windows)."""
    return path.lower() if path.isascii() else normalize("NFC", normalize("NFC", path).casefold())


class FileRule:
    """Which files a manifest may read: those inside the git repository that holds it, links followed; without one, its folder.

    Args:
        folder: The manifest's folder.
        allow_outside: Whether the user allows all files (`--allow-files-outside`).
    """

    def __init__(self, folder: Path, *, allow_outside: bool) -> None:
        self._folder = folder
        self._allow_outside = allow_outside
        self._root = _repository(folder.resolve())
        self._digests = Digests()

    def find(self, written: str) -> Path:
        """The file that a path in the manifest means.

        Args:
            written: Relative to the manifest, or absolute.

        Raises:
            Flaw: It is outside, or not a file that can be read.
        """
        if "\0" in written:
            raise Flaw(Code.FILE_UNREADABLE, "the path holds a NUL character")
        path = self._folder / written
        try:
            real = path.resolve(strict=True)
        except UnicodeEncodeError as error:
            raise Flaw(Code.FILE_UNREADABLE, f"the path {_shown(written)} is not Unicode text") from error
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "its links run in a circle"
            raise Flaw(Code.FILE_UNREADABLE, f"cannot read `{written}`: {reason}") from error
        if not self._allow_outside and not real.is_relative_to(self._root):
            raise Flaw(
                Code.FILE_OUTSIDE, f"`{written}` lies outside {self._root}", notes=("--allow-files-outside allows it",)
            )
        if not real.is_file():
            raise Flaw(Code.FILE_UNREADABLE, f"`{written}` is not a file")
        return real

    def folder_flaw(self, written: str) -> Flaw | None:
        """What is wrong with a folder for results, or None: it is outside, or belongs to git or to the states of manifests.

        Args:
            written: Relative to the manifest, or absolute; it need not exist.
        """
        if "\0" in written:
            return Flaw(Code.BAD_OUTPUT, "the path holds a NUL character")
        try:
            real = (self._folder / written).resolve()
        except (OSError, RuntimeError, ValueError):
            return Flaw(Code.BAD_OUTPUT, f"the output folder {_shown(written)} cannot be followed to its end")
        is_inside = real.is_relative_to(self._root)
        below = real.relative_to(self._root if is_inside else real.anchor)
        if taken := _NOT_FOR_RESULTS.intersection(part.casefold() for part in below.parts):
            message = f"the output folder {_shown(written)} lies in `{min(taken)}`, which is not for results"
            return Flaw(Code.BAD_OUTPUT, message)
        if not is_inside and not self._allow_outside:
            message = f"the output folder {_shown(written)} lies outside {self._root}"
            return Flaw(Code.FILE_OUTSIDE, message, notes=("--allow-files-outside allows it",))
        return None

    def content(self, written: str) -> FileContent:
        """What the file holds that a path in the manifest means.

        Args:
            written: Relative to the manifest, or absolute.

        Raises:
            Flaw: It is outside, not a file that can be read, or too large.
        """
        return self._digests.of(self.find(written), written)


def _repository(folder: Path) -> Path:
    """The innermost folder at or above that holds `.git`, else the folder itself."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)
