"""The product as it is installed: complete in the wheel, and never confused by a stranger's folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_DATA = ("*.json", "*.j2", "*.html", "*.css", "*.js", "*.md", "*.txt", "py.typed")


def run(
    words: Iterable[str], folder: Path, path: Iterable[Path] = (), options: Iterable[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with only these folders on its path."""
    return subprocess.run(
        [sys.executable, *options, *words],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], REPOSITORY)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like `site-packages` with the wheel in it, and nothing of ours besides."""
    folder = tmp_path_factory.mktemp("site")
    pip = ["-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "--target", str(folder), str(wheel)]
    done = run(pip, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A working directory full of other people's things under our names."""
    folder = tmp_path / "strangers"
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "__init__.py").write_text("raise RuntimeError('a stranger was imported')\n")
    (folder / "schemas" / "manifest.v1.schema.json").write_text('{"title": "a stranger"}')
    (folder / "schemas" / "other.v1.schema.json").write_text("{}")
    (folder / "manifest.py").write_text("raise RuntimeError('a stranger was imported')\n")
    return folder


def shipped(folder: Path) -> set[str]:
    """All files that are no Python but have to be there."""
    return {
        path.relative_to(REPOSITORY).as_posix()
        for pattern in _DATA
        for path in (REPOSITORY / folder).rglob(pattern)
        if "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_that_the_product_reads(wheel: Path) -> None:
    """Schemas, the report's templates, the type marker: what lies in the checkout lies in the wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = shipped(REPOSITORY / "schemas") | shipped(REPOSITORY / "runner")
    assert any(name.startswith("schemas/manifest") for name in wanted)
    assert any(name.startswith("runner/report/templates/") for name in wanted)
    assert wanted <= names
    modules = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "runner").rglob("*.py")}
    assert modules <= names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    """No tests, no caches, no state of somebody's runs."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"runner", "schemas"}
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name or ".callsheet" in name]


def test_the_wheel_has_the_command(wheel: Path) -> None:
    """`callsheet` is a console script of it."""
    archive = zipfile.ZipFile(wheel)
    (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "callsheet = runner.cli:main" in archive.read(entry).decode()


def title_of(finished: subprocess.CompletedProcess[str]) -> str:
    """The title of the schema that a command printed."""
    assert finished.returncode == 0, finished.stderr
    title: str = json.loads(finished.stdout)["title"]
    return title


OURS = json.loads((REPOSITORY / "schemas" / "manifest.v1.schema.json").read_text(encoding="utf-8"))["title"]


@pytest.mark.parametrize("name", [[], ["manifest"]], ids=["editor", "strict"])
@pytest.mark.parametrize("order", [list, lambda paths: list(reversed(paths))], ids=["we-first", "strangers-first"])
def test_an_installed_copy_finds_its_own_schemas(
    installed: Path, strangers: Path, name: list[str], order: Callable[[list[Path]], list[Path]]
) -> None:
    """In a directory with a stranger's `schemas/`, which is on the path too, before or behind ours."""
    finished = run(["-m", "runner", "schema", *name], strangers, order([installed, strangers]))
    assert title_of(finished) == OURS


def test_an_editable_checkout_finds_its_own_schemas(strangers: Path) -> None:
    """The checkout is on the path, the stranger's folder is the working directory."""
    assert title_of(run(["-m", "runner", "schema"], strangers, [strangers, REPOSITORY])) == OURS


def test_a_real_editable_install_finds_its_own_schemas(strangers: Path, tmp_path: Path) -> None:
    """What `pip install --editable` leaves in `site-packages` (a path file) leads to the checkout, schemas included."""
    folder = tmp_path / "editable"
    folder.mkdir()
    code = (
        "import sys\n"
        "from hatchling.builders.wheel import WheelBuilder\n"
        f"print(*WheelBuilder({str(REPOSITORY)!r}).build(directory={str(folder)!r}, versions=['editable']))\n"
    )
    made = run(["-c", code], folder)
    assert made.returncode == 0, made.stderr
    site = tmp_path / "site"
    zipfile.ZipFile(made.stdout.strip().splitlines()[-1]).extractall(site)
    start = f"import site, sys; site.addsitedir({str(site)!r}); from runner.cli import main; sys.exit(main(['schema']))"
    assert title_of(run(["-c", start], strangers)) == OURS


def test_every_schema_is_found_in_an_installed_copy(installed: Path, tmp_path: Path) -> None:
    """The list is that of the checkout."""
    code = "from runner.schema_files import schema_names, load_schema\nfor name in schema_names(): load_schema(name); print(name)"
    finished = run(["-c", code], tmp_path, [installed])
    assert finished.returncode == 0, finished.stderr
    ours = {path.name for path in (REPOSITORY / "schemas").glob("*.v1.schema.json")}
    assert {f"{name.replace('/', '.')}.v1.schema.json" for name in finished.stdout.split()} == ours


def test_an_installed_copy_works_from_init_to_report(installed: Path, tmp_path: Path) -> None:
    """The templates are found as well: a run in the sandbox writes its report."""
    assert run(["-m", "runner", "init"], tmp_path, [installed]).returncode == 0
    (manifest,) = tmp_path.rglob("*.yaml")
    words = [
        "-m",
        "runner",
        "run",
        str(manifest.relative_to(tmp_path)),
        "--sandbox",
        "--limit",
        "1",
        "--progress",
        "none",
    ]
    finished = run(words, tmp_path, [installed])
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert list(tmp_path.rglob("report/index.html"))
    assert "Traceback" not in finished.stderr


def test_the_version_is_said_once() -> None:
    """The package and its metadata agree."""
    import runner  # noqa: PLC0415  only this test needs it

    assert f'version = "{runner.__version__}"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
