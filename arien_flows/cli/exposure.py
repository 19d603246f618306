"""`arien-flows exposure`: whose money somebody received, and who received theirs."""

from typing import TYPE_CHECKING, cast

import click

from arien_flows.cli.flow_options import time_options
from arien_flows.cli.session import profile_option, session_of, session_options
from arien_flows.cli.typed import moment, satoshi

if TYPE_CHECKING:
    from arien_flows.exposure.request import DirectionName


@click.command()
@session_options
@profile_option
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--direction",
    type=click.Choice(["in", "out", "both"]),
    default="both",
    show_default=True,
    help="Where money came from, or where it went.",
)
@time_options
@click.option(
    "--horizon",
    type=click.IntRange(1),
    metavar="DAYS",
    help="Follow money this long before (out: after) what is counted; by default without end.",
)
@click.option(
    "--max-hops",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    metavar="N",
    help="Entities up to the named owner, who is counted: 1 shows direct exposure only.",
)
@click.option(
    "--min-value",
    metavar="AMOUNT",
    help="Smallest amount followed: whole satoshi, or coins as 0.01BTC. By default as small as the "
    "budget allows.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    metavar="N",
    help="Transactions that may be gone through in one direction, beyond the subject's own.",
)
@click.option(
    "--min-confidence",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="Confidence from which a tag names an owner.",
)
@click.option(
    "--fan-out-outputs",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="N",
    help="A transaction with more outputs is a payout to many, ...",
)
@click.option(
    "--fan-out-percent",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    metavar="PERCENT",
    help="... not gone through where less than this part of it is followed.",
)
@click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Answer as if this block were the ledger's last; tags are today's.",
)
@click.pass_context
def exposure(
    context: click.Context,
    profile: str,
    subjects: tuple[str, ...],
    direction: str,
    since: str | None,
    until: str | None,
    horizon: int | None,
    max_hops: int,
    min_value: str | None,
    budget: int,
    min_confidence: int,
    fan_out_outputs: int,
    fan_out_percent: int,
    as_of: int | None,
) -> None:
    """Show whose money somebody received, and who received theirs.

    SUBJECT is an address, or entity:ADDRESS (all addresses of its entity); several count as one.
    All that came from outside, or went there, is divided by the first named owner that its path
    meets, pro rata in every transaction. What is direct is complete whatever the limits; what is
    not attributed is told by reason.
    """
    from arien_flows.answers.exposure import exposure_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.exposure_texts import exposure_lines
    from arien_flows.cli.output import emit
    from arien_flows.exposure.request import ExposureRequest

    session = session_of(context)
    both: tuple[DirectionName, ...] = ("in", "out")
    requests = [
        ExposureRequest(
            subjects=subjects,
            direction=name,
            since=None if since is None else moment(since),
            until=None if until is None else moment(until, end_of_day=True),
            horizon_days=horizon,
            max_hops=max_hops,
            min_value_sat=None if min_value is None else satoshi(min_value),
            budget=budget,
            min_confidence=min_confidence,
            fan_out_outputs=fan_out_outputs,
            fan_out_percent=fan_out_percent,
        )
        for name in (both if direction == "both" else (cast("DirectionName", direction),))
    ]
    answer = asked(session, lambda it: exposure_answer(it, requests), profile=profile, height=as_of)
    emit(session, answer, exposure_lines)
