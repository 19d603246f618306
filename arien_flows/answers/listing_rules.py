"""The rules by which documents are read: roles of addresses, and obfuscated writing."""

from dataclasses import dataclass

from arien_flows.extraction.decision import ATTRIBUTING
from arien_flows.extraction.role_owners import TOO_WEAK
from arien_flows.extraction.role_rules import RULES
from arien_flows.extraction.rules import FACTORS
from arien_flows.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule(Shape):
    """A rule that decides in what role an address stands."""

    name: str
    role: str
    """The role that it decides on."""

    may_attribute: bool
    """Whether an address of that role may be somebody's, where it is clear whose."""

    purpose: str
    source: str
    fails_when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingRule(Shape):
    """A rule that reads an address although it is not written plainly."""

    name: str
    factor: str
    """By what confidence is multiplied: a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRules(Shape):
    """All rules by which documents are read."""

    roles: tuple[RoleRule, ...]
    """In the order in which they are asked; the first that holds decides."""

    writing: tuple[WritingRule, ...]


def listing_rules() -> ListingRules:
    """Return the rules with their documentation."""
    return ListingRules(
        roles=tuple(
            RoleRule(
                name=name,
                role=rule.role.value,
                may_attribute=rule.role in ATTRIBUTING and name not in TOO_WEAK,
                purpose=rule.purpose,
                source=rule.source,
                fails_when=rule.fails_when,
            )
            for name, rule in RULES.items()
        ),
        writing=tuple(
            WritingRule(name=name, factor=str(factor)) for name, factor in FACTORS.items()
        ),
    )
