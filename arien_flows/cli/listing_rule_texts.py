"""The rules by which documents are read, as lines of text."""

from collections.abc import Iterable

from arien_flows.answers.listing_rules import ListingRules
from arien_flows.cli.output import pairs


def rule_lines(answer: ListingRules) -> Iterable[str]:
    """Return the rules about roles in the order in which they are asked, then those of writing."""
    yield "In what role an address stands; the first rule that holds decides:"
    for rule in answer.roles:
        yield ""
        yield f"{rule.name}: {rule.purpose}"
        yield from pairs(
            (
                ("  role", f"{rule.role}, {_attributes(rule.may_attribute)}"),
                ("  source", rule.source),
                ("  fails when", rule.fails_when),
            )
        )
    yield ""
    yield "Addresses that are not written plainly; confidence is multiplied:"
    yield from pairs((f"  {rule.name}", rule.factor) for rule in answer.writing)


def _attributes(may: bool) -> str:
    return "says whose it is where it is clear who is paid" if may else "attributes nobody"
