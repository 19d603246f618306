"""The score of a vendor's wallet: points of the items that hold, added up.

A wallet is *confirmed* from the policy's score on, if one of its core items holds: a wallet that
only behaves like a vendor's is a lead. An item that could not be measured gives nothing and takes
nothing, so a score says how much was shown, not how likely it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from arien_flows.entities.roles import Verdict
from arien_flows.vendors.chain_evidence import Finding
from arien_flows.vendors.chain_policy import VendorPolicy

Standing = Literal["confirmed", "lead", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A finding with its points."""

    finding: Finding
    points: int
    """Added to the score: those of the policy where the item holds, else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorScore:
    """What the findings come to."""

    items: tuple[Scored, ...]
    score: int
    """Sum of the points; may be negative."""

    highest: int
    """The score if everything undecided held that adds points."""

    standing: Standing


def vendor_score(findings: Sequence[Finding], policy: VendorPolicy) -> VendorScore:
    """Add up findings, one for each item of the policy; their order does not matter.

    ValueError where an item is missing or told twice, or holds without a row that shows it.
    """
    told = {finding.item: finding for finding in findings}
    if len(told) != len(findings) or set(told) != {item.name for item in policy.items}:
        raise ValueError("there must be one finding for each item of the policy")
    scored = []
    for item in policy.items:
        finding = told[item.name]
        holds = finding.verdict is Verdict.HOLDS
        if holds and not finding.rows:
            raise ValueError(f"{item.name} holds, but nothing shows it")
        scored.append(Scored(finding=finding, points=item.points if holds else 0))
    score = sum(each.points for each in scored)
    has_core = any(
        item.is_core and told[item.name].verdict is Verdict.HOLDS for item in policy.items
    )
    possible = sum(
        max(item.points, 0) for item in policy.items if told[item.name].verdict is Verdict.UNDECIDED
    )
    standing: Standing = "nothing"
    if score >= policy.confirmed and has_core:
        standing = "confirmed"
    elif score > 0:
        standing = "lead"
    return VendorScore(
        items=tuple(scored), score=score, highest=score + possible, standing=standing
    )
