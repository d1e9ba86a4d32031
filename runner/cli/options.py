"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def manifest_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """The manifest's path."""
    return click.argument("manifest", type=click.Path(dir_okay=False))(command)


def variable_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-V name=value` and `--allow-files-outside`."""
    command = click.option(
        "--allow-files-outside",
        is_flag=True,
        help="Let the manifest name files outside its git repository (or its folder).",
    )(command)
    return click.option(
        "variables",
        "-V",
        "--var",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_pairs,
        help="Override a var by a value of the same kind. May be repeated.",
    )(command)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--select` and `--exclude`."""
    command = click.option(
        "--exclude", multiple=True, metavar="SELECTOR", help="Leave these jobs out. May be repeated (or)."
    )(command)
    return click.option(
        "--select",
        multiple=True,
        metavar="SELECTOR",
        help="Only these jobs and what they need: a job's name, an id pattern such as 'welcome/*/en', tag:NAME, state:failed or"
        " uses:PATTERN; a comma is and, a repeated option is or.",
    )(command)


def sandbox_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--sandbox`."""
    return click.option(
        "--sandbox",
        is_flag=True,
        help="Use the embedded sandbox: no credential, no cost, nothing leaves the machine; its state is kept apart.",
    )(command)


def check_urls_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--check-urls`."""
    return click.option(
        "--check-urls",
        is_flag=True,
        help="Ask every address that jobs send, without a credential: is it there, and is it what the API takes?",
    )(command)


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"`{value}` is not NAME=VALUE", ctx=context, param=parameter)
        pairs[name] = text
    return pairs
