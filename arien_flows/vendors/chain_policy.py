"""The policy of chain-side vendor evidence: every threshold and every point, in a file.

It has a name and a hash, and both stand in every answer: another policy may say otherwise of the
same wallet. See `vendor_score_1.toml`.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from arien_flows.attribution.categories import standard_categories
from arien_flows.errors import InputError
from heuristics.escrow_keys import KeyLimits

POLICY = "vendor_score_1.toml"
"""The policy of this version, beside this module."""

ITEMS = (
    "market_payouts",
    "published_address",
    "price_list",
    "activity_hours",
    "consolidation_habits",
    "exchange_share",
    "service",
)
"""What may be scored, in the order in which it is shown."""

_THRESHOLDS = (
    "least_tag_confidence",
    "payouts",
    "payout_days",
    "commission_payouts",
    "commission_percent",
    "market_key_escrows",
    "market_key_partners",
    "seller_key_escrows",
    "key_ties",
    "key_wallet_sellers",
    "most_seller_keys",
    "price_receipts",
    "price_percent",
    "price_tolerance_permille",
    "most_pieces",
    "most_by_chance_percent",
    "hour_events",
    "hour_overlap_percent",
    "closure_days",
    "closure_payouts",
    "consolidations",
    "habit_percent",
    "exchange_payments",
    "exchange_percent",
    "pair_weeks",
    "pair_days",
    "pair_error_per_million",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that may be scored."""

    name: str
    points: int
    says: str
    """What is asked, in words."""

    is_core: bool
    """Whether a confirmed vendor needs it, or another such item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPolicy:
    """Points and thresholds."""

    name: str
    sha256: str
    """Of the file's bytes."""

    source: str
    """Where the numbers are from."""

    confirmed: int
    """The score from which a wallet is called confirmed."""

    items: tuple[Item, ...]
    market_categories: frozenset[str]
    exchange_categories: frozenset[str]
    vendor_categories: frozenset[str]
    service_roles: frozenset[str]
    thresholds: Mapping[str, int]

    def least(self, name: str) -> int:
        """Return a threshold."""
        return self.thresholds[name]

    def item(self, name: str) -> Item:
        """Return an item by its name."""
        return next(item for item in self.items if item.name == name)

    @property
    def key_limits(self) -> KeyLimits:
        """How often keys of escrows have to come back."""
        return KeyLimits(
            market_scripts=self.least("market_key_escrows"),
            market_partners=self.least("market_key_partners"),
            seller_scripts=self.least("seller_key_escrows"),
        )


@cache
def standard_policy() -> VendorPolicy:
    """Return the policy of this version."""
    return read_policy((files("arien_flows.vendors") / POLICY).read_bytes())


def read_policy(document: bytes) -> VendorPolicy:
    """Read a policy; `InputError` says what is wrong with one."""
    try:
        told = tomllib.loads(document.decode(), parse_float=Decimal)
        items = tuple(_item(each) for each in told["item"])
        policy = VendorPolicy(
            name=str(told["name"]),
            sha256=hashlib.sha256(document).hexdigest(),
            source=str(told["source"]),
            confirmed=_whole(told, "confirmed"),
            items=items,
            market_categories=_categories(told, "market_categories"),
            exchange_categories=_categories(told, "exchange_categories"),
            vendor_categories=_categories(told, "vendor_categories"),
            service_roles=frozenset(told["service_roles"]),
            thresholds={name: _whole(told["thresholds"], name) for name in _THRESHOLDS},
        )
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the policy of vendor scores is not TOML: {error}") from error
    except KeyError as error:
        raise InputError(f"the policy of vendor scores lacks {error}") from error
    if tuple(item.name for item in items) != ITEMS:
        raise InputError(f"the policy of vendor scores must list the items {', '.join(ITEMS)}")
    return policy


def _whole(table: Mapping[str, Any], name: str) -> int:
    value = table[name]
    if type(value) is not int or value < 0:
        raise InputError(f"{name} in the policy of vendor scores is no whole number from 0 on")
    return value


def _categories(told: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return names of risk categories; `InputError` where the map has no such category."""
    return frozenset(standard_categories().category(each).name for each in told[name])


def _item(told: Mapping[str, Any]) -> Item:
    if type(told["points"]) is not int:
        raise InputError(f"points of {told['name']} in the policy of vendor scores are not whole")
    return Item(
        name=str(told["name"]),
        points=told["points"],
        says=str(told["says"]),
        is_core=bool(told.get("core", False)),
    )
