"""The options of exposures: how far money is followed, and the request that they mean."""

from typing import TYPE_CHECKING, TypedDict

import click

from arien_flows.cli.flow_options import time_options
from arien_flows.cli.session import C
from arien_flows.cli.typed import moment, satoshi

if TYPE_CHECKING:
    from arien_flows.exposure.request import DirectionName, ExposureRequest


class Limits(TypedDict):
    """What every exposure is asked with, as it was typed."""

    since: str | None
    until: str | None
    horizon: int | None
    max_hops: int
    min_value: str | None
    budget: int
    min_confidence: int
    fan_out_outputs: int
    fan_out_percent: int


_LIMIT_OPTIONS = (
    click.option(
        "--horizon",
        type=click.IntRange(1),
        metavar="DAYS",
        help="Follow money this long before (out: after) what is counted; by default without end.",
    ),
    click.option(
        "--max-hops",
        type=click.IntRange(1),
        default=6,
        show_default=True,
        metavar="N",
        help="Entities up to the named owner, who is counted: 1 shows direct exposure only.",
    ),
    click.option(
        "--min-value",
        metavar="AMOUNT",
        help="Smallest amount followed: whole satoshi, or coins as 0.01BTC. By default as small as "
        "the budget allows.",
    ),
    click.option(
        "--budget",
        type=click.IntRange(1),
        default=2_000_000,
        show_default=True,
        metavar="N",
        help="Transactions that may be gone through in one direction, beyond the subject's own.",
    ),
    click.option(
        "--min-confidence",
        type=click.IntRange(0, 100),
        default=5,
        show_default=True,
        metavar="PERCENT",
        help="Confidence from which a tag names an owner.",
    ),
    click.option(
        "--fan-out-outputs",
        type=click.IntRange(1),
        default=200,
        show_default=True,
        metavar="N",
        help="A transaction with more outputs is a payout to many, ...",
    ),
    click.option(
        "--fan-out-percent",
        type=click.IntRange(0, 100),
        default=1,
        show_default=True,
        metavar="PERCENT",
        help="... not gone through where less than this part of it is followed.",
    ),
)

as_of_option = click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Answer as if this block were the ledger's last; tags are today's.",
)


def limit_options(command: C) -> C:
    """Give a command the options that say how far money is followed."""
    for option in reversed(_LIMIT_OPTIONS):
        command = option(command)
    return time_options(command)


def request_of(
    subjects: tuple[str, ...], direction: "DirectionName", limits: Limits
) -> "ExposureRequest":
    """Return the request that the options mean."""
    from arien_flows.exposure.request import ExposureRequest

    since, until, least = limits["since"], limits["until"], limits["min_value"]
    return ExposureRequest(
        subjects=subjects,
        direction=direction,
        since=None if since is None else moment(since),
        until=None if until is None else moment(until, end_of_day=True),
        horizon_days=limits["horizon"],
        max_hops=limits["max_hops"],
        min_value_sat=None if least is None else satoshi(least),
        budget=limits["budget"],
        min_confidence=limits["min_confidence"],
        fan_out_outputs=limits["fan_out_outputs"],
        fan_out_percent=limits["fan_out_percent"],
    )
