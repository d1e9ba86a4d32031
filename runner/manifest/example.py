"""The example that `callsheet init` writes: a campaign that runs in the sandbox as it is, with comments that teach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from runner.manifest.editor import editor_schema

_SOURCES: Final = Path(__file__).resolve().parent / "example_files"
_FILES: Final = {
    "campaign.yaml": "campaign.yaml",
    "customers.csv": "customers.csv",
    ".gitignore": "gitignore",
    ".env.example": "env.example",
}
"""Names as written, and as they lie in the package: a real `.gitignore` there would be obeyed by the build."""
_SCHEMA: Final = "callsheet.schema.json"


class ExampleExists(FileExistsError):
    """Files of the example are there already; nothing was written.

    Args:
        paths: Those files.
    """

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(", ".join(map(str, paths)))
        self.paths = paths


def write_example(folder: Path) -> list[Path]:
    """Write the example campaign, and the schema that its editor line names.

    Args:
        folder: Where; made when it is not there.

    Returns:
        The files written, the manifest first.

    Raises:
        ExampleExists: One of the files is there already. Nothing was written.
        OSError: The folder or a file cannot be written.
    """
    texts = {folder / name: (_SOURCES / source).read_text(encoding="utf-8") for name, source in _FILES.items()}
    texts[folder / _SCHEMA] = json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"
    if present := [path for path in texts if path.exists() or path.is_symlink()]:
        raise ExampleExists(present)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        # `x` again, for whoever came in between.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return list(texts)
