"""`callsheet sandbox`."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.exits import Exit


class _WithKinds(click.Command):
    """A command whose help ends with the table of faults."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every kind of fault and what it does, by the time when it strikes."""
        from runner.sandbox.faults import kinds_by_stage  # noqa: PLC0415  for the help of this command alone

        super().format_epilog(ctx, formatter)
        for stage, kinds in kinds_by_stage().items():
            with formatter.section(f"Kinds of faults: {stage}"):
                formatter.write_dl(kinds)


@click.command(cls=_WithKinds)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the APIs; 0 takes a free one.",
)
@click.option(
    "--cdn-port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the CDN; 0 takes a free one.",
)
@click.option(
    "--task-seconds",
    "task_s",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="How long a task takes.",
)
@click.option(
    "--task-jitter",
    "task_jitter_s",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Up to this many seconds more.",
)
@click.option(
    "--shape",
    default="data.data",
    show_default=True,
    type=click.Choice(["flat", "data", "data.data"]),
    help="How answers about a digital human are wrapped.",
)
@click.option("--max-in-flight", type=click.IntRange(min=1), help="Refuse more tasks at once, of all APIs together.")
@click.option("--kling-parallel", type=click.IntRange(min=1), help="Answer 1303 to more Kling avatars at once.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="Refuse more submissions a minute.")
@click.option(
    "--list-order",
    default="newest",
    show_default=True,
    type=click.Choice(["newest", "oldest"]),
    help="Which of Kling's tasks stand on the first page of a list.",
)
@click.option(
    "--list-lag",
    "list_lag_s",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds until a task of Kling stands in a list.",
)
@click.option(
    "--lookup-lag",
    "lookup_lag_s",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds until Kling finds a task by the client's own id.",
)
@click.option(
    "--clock-skew",
    "clock_skew_s",
    default=0.0,
    show_default=True,
    type=float,
    help="Seconds that the sandbox's clock is ahead; JWTs are judged by it.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND=RATE",
    help="Misbehave with this probability, for example reset=0.1; 1 is always. May be repeated. The kinds stand below.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the probabilities.")
@click.option(
    "--url-lifetime", "url_lifetime_s", type=click.FloatRange(min=0), help="Seconds that an address of a result works."
)
@click.option(
    "--ledger",
    "ledger_path",
    type=click.Path(dir_okay=False),
    help="Append everything that was asked to this JSON Lines file.",
)
@click.option("one_film", "--one-film", is_flag=True, help="Give the same video for every task (for measurements).")
def sandbox(host: str, port: int, **options: Any) -> int:
    """Serve the generation APIs on loopback: real HTTP, real small videos, faults on request, no cost.

    Point an account at it with `base_url: http://127.0.0.1:8765` and `download_origins`, as it prints them. A word such as
    `sandbox:reset` in a job's text, prompt or address makes that job misbehave; `sandbox:reset@2` does so twice, and `sandbox:slow=3`
    gives a number. --fault does so at random.
    """
    import asyncio  # noqa: PLC0415  the work is imported when it is done
    import signal  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from runner.cli.screen import say  # noqa: PLC0415
    from runner.sandbox.options import SandboxOptions  # noqa: PLC0415
    from runner.sandbox.serve import serve_forever  # noqa: PLC0415

    options["faults"] = _rates(options["faults"])
    path = options["ledger_path"]
    options["ledger_path"] = None if path is None else Path(path)
    try:
        settings = SandboxOptions(**options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        number = asyncio.run(
            serve_forever(
                settings, host, port, lambda it: say(f"base_url: {it.base_url}\ndownload_origins: [{it.cdn_origin}]")
            )
        )
    except OSError as error:
        raise click.UsageError(f"the sandbox cannot listen: {error}") from error
    return Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED


def _rates(faults: tuple[str, ...]) -> dict[str, float]:
    rates = {}
    for fault in faults:
        kind, _, rate = fault.partition("=")
        try:
            rates[kind] = float(rate)
        except ValueError:
            raise click.UsageError(f"--fault {fault!r}: give KIND=RATE, for example reset=0.1") from None
    return rates
