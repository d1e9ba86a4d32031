"""The list of commands."""

from __future__ import annotations

import click

import runner
from runner.cli.doctor import doctor
from runner.cli.explain import explain
from runner.cli.import_tasks import import_tasks
from runner.cli.init import init
from runner.cli.plan import plan
from runner.cli.report import report
from runner.cli.resolve import resolve
from runner.cli.run import run
from runner.cli.sandbox import sandbox
from runner.cli.schema import schema
from runner.cli.status import status
from runner.cli.validate import validate
from runner.cli.voices import voices


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
    commands=(
        init,
        validate,
        plan,
        run,
        status,
        report,
        resolve,
        import_tasks,
        voices,
        schema,
        explain,
        sandbox,
        doctor,
    ),
)
@click.version_option(runner.__version__, prog_name="callsheet")
def callsheet() -> None:
    """Make exactly the videos that a manifest asks for, once.

    A YAML manifest in git says which avatar, audio and voice jobs a campaign needs. `callsheet run` submits them to paid
    generation APIs, waits, downloads and verifies the results, and leaves a report. The same command again is resume: nothing
    that was paid is lost, and nothing is paid twice.
    """


def _name_environment_variables() -> None:
    """Let `CALLSHEET_<COMMAND>_<OPTION>` give every option, named as people type it and not as our functions call it."""
    for name, command in callsheet.commands.items():
        for option in command.params:
            if isinstance(option, click.Option):
                typed = max(option.opts, key=len).lstrip("-")
                option.envvar = f"CALLSHEET_{name}_{typed}".upper().replace("-", "_")


_name_environment_variables()
