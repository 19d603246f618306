"""How the ends of a trace are said, in every text for people: the direction decides the words."""

from arien_flows.amounts import Asset, coins
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.timeline_answer import TimelineSlot

FEES = "spent on fees"
DESTROYED = "made unspendable"

FORWARD_ENDS = {
    "unspent": "unspent as of the last block",
    "service_reached": "paid to a service, where the money of many mixes",
    "coinjoin": "entered a CoinJoin",
    "mixer": "paid to a mixer",
    "bridge": "paid to a bridge to another chain",
    "contract": "paid to a contract that many use, or in which its way cannot be told",
    "exchanged": "given in an exchange to somebody who gave another asset for it",
    "converted": "converted to another asset, in which it is followed",
    "below_min": "in coins too small to follow",
    "hop_limit": "beyond the hop limit",
    "time_window": "outside the time window",
    "fan_out": "a small part of a payout to many",
    "dormant": "unspent for long",
    "not_fetched": "not fetched from the source",
    "budget": "not looked at before the budget was used up",
    "newly_mined": "newly mined: it begins here",
    "before_ledger": "from before the ledger begins",
    "retainted": "came back to a source",
    "fees": FEES,
    "destroyed": DESTROYED,
}
"""What each reason for an end means, where money is followed to where it went."""

BACKWARD_ENDS = FORWARD_ENDS | {
    "service_reached": "came from a service, where the money of many mixes",
    "coinjoin": "came out of a CoinJoin",
    "mixer": "came from a mixer",
    "bridge": "came from a bridge to another chain",
    "contract": "came from a contract that many use, or in which its way cannot be told",
    "exchanged": "got in an exchange from somebody who got another asset for it",
    "converted": "got for another asset, in which it is followed",
    "fan_out": "came out of a payout to many, of which it is a small part",
    "retainted": "came from another coin of the sources",
}
"""The same, where it is followed to where it came from."""


def meaning(reason: str, direction: str) -> str:
    """Return what a reason for an end means in a direction."""
    return (FORWARD_ENDS if direction == "forward" else BACKWARD_ENDS).get(reason, reason)


def period(slot: TimelineSlot, unit: str) -> str:
    """Return the day, month or year of a timeline's slot."""
    return slot.start.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]


def services_heading(direction: str) -> str:
    """Return what the list of a trace's services is called."""
    return "Services reached" if direction == "forward" else "Services it came from"


def end_rows(answer: TraceAnswer) -> list[tuple[str, str, str]]:
    """Return amount, meaning and reason of every kind of end, and their sum."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    totals = answer.totals
    rows = [
        (coins(amount, asset), meaning(reason, answer.request.direction), reason)
        for reason, amount in sorted(totals.by_reason.items(), key=lambda end: -int(end[1]))
    ]
    if totals.fees != "0":
        rows.append((coins(totals.fees, asset), FEES, "fees"))
    if totals.destroyed != "0":
        rows.append((coins(totals.destroyed, asset), DESTROYED, "destroyed"))
    if answer.request.policy != "poison":
        rows.append((coins(totals.source, asset), "in all, which is the source exactly", ""))
    return rows
