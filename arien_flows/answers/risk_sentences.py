"""The words of an explanation, such as a magistrate reads: what was measured, and what it means."""

from fractions import Fraction

from arien_flows.attribution.categories import standard_categories
from arien_flows.risk.inputs import Exposed, Inputs, OwnTag
from arien_flows.risk.policy import RiskPolicy
from arien_flows.risk.score import Contribution

LIMITS = (
    "The score is a means of putting cases in order. It is no finding about a person and no proof "
    "of a crime.",
    "It says with whom money moved, not that anybody knew where it came from.",
    "Amounts that mix in one transaction are divided pro rata: a convention, not a fact.",
    "Which addresses have one owner is inferred by rules that can be wrong.",
    "Who owns an address is what documents say; each is named, and can be wrong or withdrawn.",
    "Severities and weights are judgements of the policy that is named, and are not calibrated on "
    "cases.",
    "What has no name adds no points. That does not make it clean.",
)
"""What every score leaves open."""

MOST_NAMED = 5
"""Owners who make a floor together and are named in its sentence."""

BEHAVIOUR = {
    "rapid_pass_through": "Money left again within the hour in which it came, repeatedly",
    "mixer_then_exchange": "Money came from a mixing service, and afterwards went to an exchange",
    "structuring": "Many transfers within a day lay just below a round amount",
    "peel_chain": "Sums were paid out of one coin again and again, the rest going on",
    "chain_hopping": "Money moved across several chains within a day",
    "new_and_large": "Large sums came on the first day",
    "dormant_then_emptied": "After more than two years without a transaction it was emptied",
    "night_profile": "Activity does not fit the time zone that was declared",
    "dust_sending": "Tiny amounts were sent to many addresses",
}
"""What each behaviour is."""


def sentence(made: Contribution, inputs: Inputs, policy: RiskPolicy) -> str:
    """Return what a contribution says."""
    if made.exposed is not None:
        return f"{_moved(made.exposed, inputs)}."
    if made.flag is not None:
        return f"{behaviour(made.flag.name)}: {made.flag.measured}."
    assert made.floor is not None  # noqa: S101 it is one of the three
    height = f"{made.floor.score:.2f}"
    if made.floor.own is not None:
        own = made.floor.own
        return (
            f"{_called(own)}; by the policy the score is therefore at least {height} "
            f"(100 x severity {_decimal(policy.severity[own.category])} x confidence "
            f"{own.confidence} %). The line adds what was missing to that."
        )
    moved = "; ".join(_moved(each, inputs) for each in made.floor.exposed[:MOST_NAMED])
    more = len(made.floor.exposed) - MOST_NAMED
    if more > 0:
        moved += f"; and {more:,} more of such categories"
    return (
        f"{moved}; by the policy the score is therefore at least {height}. The line adds what was "
        "missing to that."
    )


def behaviour(name: str) -> str:
    """Return what a behaviour is."""
    return BEHAVIOUR.get(name, name)


def summary_of(category: str) -> str:
    """Return a category in words."""
    return standard_categories().category(category).summary


def _moved(part: Exposed, inputs: Inputs) -> str:
    share = Fraction(part.value, inputs.total(part.direction))
    moved = "received came" if part.direction == "in" else "paid went"
    way = "from" if part.direction == "in" else "to"
    distance = "directly"
    if part.hops > 1:
        between = part.hops - 1
        distance = f"through {between} other owner{'s' * (between != 1)}"
    return (
        f"{_percent(share)} of what it {moved} {distance} {way} {part.label} "
        f"({summary_of(part.category)}){_named_by(part)}"
    )


def _percent(share: Fraction) -> str:
    hundredths = int(share * 10_000)
    if not hundredths and share:
        return "Less than 0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def _named_by(part: Exposed) -> str:
    if not part.documents:
        return (
            f", by the rule {part.rule}; the least confidence that is published for any of its "
            f"designs is {part.confidence} %"
        )
    count = len(part.documents)
    whom = "by inference: another address of the entity is" if part.is_inferred else ""
    lowered = ""
    if part.stated is not None and part.stated > part.confidence:
        lowered = f" ({part.stated} % by these alone)"
    disputed = ", and disputed by others" if part.is_disputed else ""
    return (
        f", {whom} named by {count} document{'s' * (count != 1)} with a confidence of "
        f"{part.confidence} %{lowered}{disputed}"
    ).replace("  ", " ")


def _called(own: OwnTag) -> str:
    count = len(own.documents)
    whom = "the address itself"
    if own.is_inherited:
        whom = "another address of the entity (so by inference its owner)"
    disputed = ", and others dispute it" if own.is_disputed else ""
    return (
        f"{count} document{'s' * (count != 1)} call{'s' * (count == 1)} {whom} {own.label} "
        f"({summary_of(own.category)}) with a confidence of {own.confidence} %{disputed}"
    )


def _decimal(number: Fraction) -> str:
    return f"{float(number):.2f}"
