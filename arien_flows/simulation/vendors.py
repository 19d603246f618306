"""Vendors as a market shows them: names, products, the addresses they publish."""

import hashlib
from dataclasses import dataclass

from arien_flows.simulation.plan import Plan
from arien_flows.simulation.roles import ACTOR_NAMES, Actor, first_user, first_vendor
from arien_flows.simulation.state import MARKETS, PRICES_PER_VENDOR

FIRST_WORDS = (
    *("Quiet", "Northern", "Amber", "Velvet", "Copper", "Hollow", "Silver", "Winter", "Crimson"),
    *("Paper", "Marble", "Distant", "Early", "Broken", "Golden", "Salt", "Cedar", "Midnight"),
    *("Lucky", "Honest"),
)
SECOND_WORDS = (
    *("Harbor", "Fox", "Pharmacy", "Garden", "Lantern", "Gull", "Apothecary", "Mountain", "Bee"),
    *("Courier", "Orchard", "Chemist", "Tide", "Raven", "Greenhouse", "Compass", "Meadow", "Otter"),
    *("Station", "Mill"),
)
PRODUCTS = (
    *("MDMA crystal 1 g", "Amphetamine paste 5 g", "Cannabis flower 10 g", "Hash 5 g"),
    *("LSD blotter 10 pieces", "Cocaine 1 g", "Ketamine 2 g", "Psilocybin mushrooms 7 g"),
    *("2C-B 10 pills", "Cannabis vape 1 ml", "Diazepam 10 mg x 50", "DMT 0.5 g"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One line of a vendor's price list."""

    name: str
    price_sat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name under which a vendor sells on one market."""

    name: str
    market: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor: one wallet, one or two names."""

    owner: int
    aliases: tuple[Alias, ...]
    products: tuple[Product, ...]

    direct_address: int
    """Number of the address that he publishes for deals outside of the market; -1 for none."""

    fingerprint: str
    """Made-up fingerprint of his PGP key, the same under both names."""


def vendor_name(rank: int) -> str:
    """Return the `rank`-th vendor name; all are different."""
    words = len(FIRST_WORDS) * len(SECOND_WORDS)
    first = FIRST_WORDS[rank % len(FIRST_WORDS)]
    second = SECOND_WORDS[(rank // len(FIRST_WORDS) + rank) % len(SECOND_WORDS)]
    turn = rank // words
    return f"{first}{second}{turn + 1 if turn else ''}"


def vendors_of(plan: Plan) -> list[Vendor]:
    """Return the vendors, those with most customers first."""
    first, stop = first_vendor(plan.parameters), first_user(plan.parameters)
    found: list[Vendor] = []
    names = 0
    for owner in range(first, stop):
        row = plan.owners[owner]
        aliases: list[Alias] = []
        for place in range(MARKETS):
            if row["sells_on"][place]:
                market = Actor(Actor.MARKET_A + place)
                aliases.append(Alias(name=vendor_name(names), market=market))
                names += 1
        fingerprint = hashlib.sha256(f"{plan.parameters.seed} key of {owner}".encode()).hexdigest()
        found.append(
            Vendor(
                owner=owner,
                aliases=tuple(aliases),
                products=_products(owner, [int(price) for price in row["price_sat"]]),
                direct_address=int(row["direct_address"]),
                fingerprint=fingerprint[:40].upper(),
            )
        )
    return found


def _products(owner: int, prices: list[int]) -> tuple[Product, ...]:
    return tuple(
        Product(name=PRODUCTS[(owner * PRICES_PER_VENDOR + i) % len(PRODUCTS)], price_sat=price)
        for i, price in enumerate(prices)
    )


def owner_name(vendors: dict[int, Vendor], owner: int) -> str | None:
    """Return an owner's name, or None for those who have none."""
    if owner < len(Actor):
        return ACTOR_NAMES[Actor(owner)]
    if owner in vendors:
        return " / ".join(alias.name for alias in vendors[owner].aliases)
    return None
