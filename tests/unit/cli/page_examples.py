"""The examples of the pages about manifests, as a reader would try them out."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell

MANIFEST = "campaign.yaml"
_BLOCK = re.compile(r"^```(?P<kind>\w+) ?(?P<name>\S*)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^(?:error|warning)\[(\w+)\]", flags=re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """What stands below `## Wrong` or `## Right`.

    Args:
        files: Texts by name; a `yaml` block without a name is the manifest.
        commands: The lines of `console` blocks, without the prompt.
    """

    files: dict[str, str]
    commands: tuple[str, ...]

    @classmethod
    def under(cls, heading: str, page: str) -> Example:
        """The example below a heading of a page.

        Raises:
            AssertionError: The page has none.
        """
        _, found, rest = page.partition(f"\n## {heading}\n")
        assert found, f"the page has no `## {heading}`"
        blocks = list(_BLOCK.finditer(rest.partition("\n## ")[0]))
        files = {block["name"] or MANIFEST: block["text"] for block in blocks if block["kind"] != "console"}
        typed = "".join(block["text"] for block in blocks if block["kind"] == "console")
        return cls(files, tuple(re.findall(r"^\$ (.+)$", typed, flags=re.MULTILINE)))

    def codes(self, shell: Shell) -> set[str]:
        """Try it out in the shell's folder: the codes that the command prints, `validate` when there is none; warnings too."""
        for name, text in self.files.items():
            (shell.folder / name).write_text(text, encoding="utf-8")
        words = ["validate", MANIFEST]
        for command in self.commands:
            if command.startswith("callsheet "):
                words = shlex.split(command)[1:]
            else:
                subprocess.run(["sh", "-c", command], cwd=shell.folder, check=True)
        finished = shell.type_in(*words)
        return set(_CODE.findall(finished.stdout + finished.stderr))
