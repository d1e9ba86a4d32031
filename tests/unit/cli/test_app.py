"""The command line as a whole: help, options, environment variables, and how little it loads."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.cli.app import callsheet as app
from tests.commandline import REPOSITORY

if TYPE_CHECKING:
    from tests.unit.cli.shell import Shell

COMMANDS = (
    "init",
    "validate",
    "plan",
    "run",
    "status",
    "report",
    "resolve",
    "import",
    "voices",
    "schema",
    "explain",
    "sandbox",
    "doctor",
)
HEAVY = ("aiohttp", "asyncio", "av", "jinja2", "jsonschema", "jsonschema_rs", "PIL", "rich", "sqlalchemy", "yaml")


def test_the_commands_are_those_of_the_contract() -> None:
    """None is missing, none is unknown."""
    assert tuple(app.commands) == COMMANDS


@pytest.mark.parametrize("words", ["--help", "run --help", "--version", "run --no-such-option", "frobnicate"])
def test_help_loads_next_to_nothing(words: str) -> None:
    """Neither help nor a wrong command line waits for libraries that they do not need."""
    code = f"""
import sys
from runner.cli import main
main({words.split()!r})
print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )
    assert finished.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    """A sentence, every option explained."""
    helped = shell(command, "--help").stdout
    assert helped.startswith(f"Usage: callsheet {command}")
    for option in app.commands[command].params:
        assert option.param_type_name == "argument" or getattr(option, "help", None), option.name


@pytest.mark.parametrize("command", ["validate", "plan", "run", "status", "resolve", "schema"])
def test_commands_with_many_ways_show_examples(shell: Shell, command: str) -> None:
    """The help ends with lines that can be copied."""
    assert f"  callsheet {command} " in shell(command, "--help").stdout.partition("Examples:")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "spring.yaml", "--no-such-option"),
        ("frobnicate",),
        ("run", "spring.yaml", "--limit", "-1"),
        ("run", "spring.yaml", "--limit", "many"),
        ("run", "spring.yaml", "--progress", "fancy"),
        ("run", "spring.yaml", "--deadline", "soon"),
        ("run", "spring.yaml", "--budget", "much", "--sandbox"),
        ("run", "spring.yaml", "--select", "colour:red"),
        ("run", "spring.yaml", "-V", "novalue"),
        ("resolve", "spring.yaml", "anna"),
        ("resolve", "spring.yaml", "anna", "--adopt", "t", "--abandon"),
        ("resolve", "spring.yaml", "anna", "ben", "--adopt", "t"),
        ("resolve", "spring.yaml", "anna", "--adopt", " "),
        ("voices", "spring.yaml", "nobody"),
        ("schema", "no/such"),
        ("sandbox", "--fault", "reset"),
        ("sandbox", "--fault", "nonsense=0.5"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_exit_2(shell: Shell, words: tuple[str, ...]) -> None:
    """The message goes to standard error, and nothing is done."""
    shell.write()
    finished = shell(*words, code=2)
    assert finished.stdout == ""
    assert "Error" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_command_alone_shows_its_help(shell: Shell) -> None:
    """`callsheet` without a command is a wrong command line that helps."""
    assert "validate" in shell(code=2).stderr


@pytest.mark.parametrize(
    ("name", "value", "words", "code"),
    [
        ("CALLSHEET_RUN_PROGRESS", "fancy", ("run", "spring.yaml"), 2),
        ("CALLSHEET_PLAN_EXIT_CODE", "1", ("plan", "spring.yaml"), 3),
        ("CALLSHEET_RUN_LIMIT", "none", ("run", "spring.yaml"), 2),
        ("CALLSHEET_VALIDATE_FORMAT", "fancy", ("validate", "spring.yaml"), 2),
        ("CALLSHEET_RUN_DEADLINE", "soon", ("run", "spring.yaml"), 2),
    ],
)
def test_options_can_stand_in_the_environment(  # noqa: PLR0917  a table of many columns
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: tuple[str, ...], code: int
) -> None:
    """`CALLSHEET_<COMMAND>_<OPTION>`, named like the option that people type."""
    shell.write()
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("DIGITAL_HUMAN_TOKEN", "secret-token")
    shell(*words, code=code)


def test_the_name_of_every_variable_follows_from_its_option() -> None:
    """Also where our function calls it otherwise: `--json` is `CALLSHEET_STATUS_JSON`."""
    assert named("status", "--json") == "CALLSHEET_STATUS_JSON"
    assert named("run", "--wait-for-lock") == "CALLSHEET_RUN_WAIT_FOR_LOCK"
    assert named("run", "--var") == "CALLSHEET_RUN_VAR"
    assert named("sandbox", "--task-seconds") == "CALLSHEET_SANDBOX_TASK_SECONDS"


def named(command: str, word: str) -> object:
    """The environment variable of an option."""
    (option,) = (option for option in app.commands[command].params if word in option.opts)
    return option.envvar


def test_a_variable_and_an_option_say_the_same(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment gives what the command line gives; the command line wins."""
    shell.write()
    typed = shell.json("plan", "spring.yaml", "--json")
    monkeypatch.setenv("CALLSHEET_PLAN_JSON", "1")
    assert shell.json("plan", "spring.yaml") == typed
