"""Options that mean the same in every command that follows money."""

from collections.abc import Callable
from pathlib import Path

import click

from arien_flows.cli.session import C

policy_option = click.option(
    "--policy",
    type=click.Choice(
        ["fifo", "lifo", "haircut", "poison", "tiho", "seniority", "reverse_seniority"]
    ),
    default="fifo",
    show_default=True,
    help="The accounting convention; none is a fact.",
)

_FEE_OPTIONS = (
    click.option(
        "--fee-mode",
        type=click.Choice(["track", "drop", "track_coinbase"]),
        default="track",
        show_default=True,
        help="List each traced fee, tell their sum only, or follow fees into coinbases.",
    ),
    click.option(
        "--subsidy-order",
        type=click.Choice(["first", "last"]),
        default="first",
        show_default=True,
        help="With track_coinbase: whether a coinbase's new money comes before or after the fees.",
    ),
)

_TIME_OPTIONS = (
    click.option(
        "--since", metavar="TIME", help="Ignore what is earlier: 2026-03-01, or with a time."
    ),
    click.option(
        "--until", metavar="TIME", help="Ignore what is later; a date means its end (UTC)."
    ),
)


def fee_options(command: C) -> C:
    """Give a command the options that say what becomes of fees."""
    for option in reversed(_FEE_OPTIONS):
        command = option(command)
    return command


def time_options(command: C) -> C:
    """Give a command the options that limit the time."""
    for option in reversed(_TIME_OPTIONS):
        command = option(command)
    return command


def files_option(files: str) -> Callable[[C], C]:
    """Return the option that names the folder for the files of an answer."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=f"Write {files} there.",
    )
