"""`arien-flows exposure`: whose money somebody received, and who received theirs.

`exposure flows` puts the question for all owners of a category at once. It is found by its first
word, which is no address, so that a plain `exposure ADDRESS` stays what is typed most.
"""

from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

import click

from arien_flows.cli.flow_options import time_options
from arien_flows.cli.session import C, profile_option, session_of, session_options
from arien_flows.cli.typed import moment, satoshi

if TYPE_CHECKING:
    from arien_flows.exposure.request import DirectionName, ExposureRequest

FLOWS = "flows"


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

_as_of_option = click.option(
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


class _Exposure(click.Command):
    """The command for subjects, which hands `flows ...` on to the command for categories."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:  # fmt: skip
        """Return the context of the command that the first word means."""
        if args[:1] == [FLOWS]:
            return flows.make_context(f"{info_name} {FLOWS}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    cls=_Exposure,
    epilog="What owners of one category paid to owners of another: `arien-flows exposure flows`.",
)
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
@limit_options
@_as_of_option
@click.pass_context
def exposure(
    context: click.Context,
    profile: str,
    subjects: tuple[str, ...],
    direction: str,
    as_of: int | None,
    **limits: Unpack[Limits],
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

    session = session_of(context)
    both: tuple[DirectionName, ...] = ("in", "out")
    requests = [
        _request(subjects, name, limits)
        for name in (both if direction == "both" else (cast("DirectionName", direction),))
    ]
    answer = asked(session, lambda it: exposure_answer(it, requests), profile=profile, height=as_of)
    emit(session, answer, exposure_lines)


@click.command(FLOWS)
@session_options
@profile_option
@click.option(
    "--from", "origin", required=True, metavar="CATEGORY", help="Who paid: darknet_market."
)
@click.option(
    "--to", "destination", required=True, metavar="CATEGORY", help="Who was paid: exchange."
)
@limit_options
@_as_of_option
@click.pass_context
def flows(
    context: click.Context,
    profile: str,
    origin: str,
    destination: str,
    as_of: int | None,
    **limits: Unpack[Limits],
) -> None:
    """Show what named owners of one category paid to named owners of another.

    Each owner of the first is one subject, with all entities that go by its name, and each has
    the whole budget. Money counts where it meets an owner of the second before any other that is
    named. `heuristics categories` lists the categories.
    """
    from arien_flows.answers.flows import flows_answer
    from arien_flows.cli.asking import asked
    from arien_flows.cli.exposure_texts import flows_lines
    from arien_flows.cli.output import emit

    session = session_of(context)
    request = _request((f"category:{origin}",), "out", limits)
    answer = asked(
        session,
        lambda it: flows_answer(it, origin, destination, request),
        profile=profile,
        height=as_of,
    )
    emit(session, answer, flows_lines)


def _request(
    subjects: tuple[str, ...], direction: "DirectionName", limits: Limits
) -> "ExposureRequest":
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
