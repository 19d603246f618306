"""Markets of a ledger: the wallets that tags name, and those that their escrow keys lead to.

A tag names an address, and by inference its entity. Markets rarely gather all of their coins in one
place, so that the tagged entities are a part. More is reached by the key that a market puts into
its 2-of-3 escrows: where commissions of escrows with one key arrive at an entity that a tag calls
a market, the key is that market's, and other entities at which its commissions arrive are its
wallets, if several sellers' escrows pay there and no tag says otherwise. All of that is an
inference; what rests on a tag alone and what rests on a key is told apart everywhere.

A market key that no tag ties to a market makes a market without a name: shown, never scored.

Fails where somebody plays a market: keys are public once a script was shown, and whoever settles
escrows of two made-up sellers with a known market's key, paying its rate to a stranger, makes that
stranger's entity one of the market's wallets. It costs him the money that he pays, and a tag of the
stranger prevents it. Every payment that rests on a key says so, and the thresholds `key_ties` and
`key_wallet_sellers` of the policy can be raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.attribution.snapshot import Attribution
from arien_flows.attribution.tag import Tag
from arien_flows.vendors.chain_escrows import Escrows
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_policy import VendorPolicy
from arien_flows.vendors.chain_tags import market_name
from chains.types import Int64Array, UInt32Array
from heuristics.columns import UInt16Array
from heuristics.market_flows import MOST_GROUPS

MOST_MARKETS = MOST_GROUPS
"""Groups that one pass over the chain tells apart."""


@dataclass(frozen=True, kw_only=True)
class Market:
    """A market and its wallets."""

    name: str
    """The actor, or the label where the tags name none; the key of a market without a name."""

    is_named: bool
    """Whether a tag names it."""

    tagged: Int64Array
    """Entities that a tag names, ascending."""

    by_key: Int64Array
    """Entities at which commissions of its key arrive, and that no tag names; ascending."""

    tags: tuple[Tag, ...]
    """The tags that name it, the best first."""

    keys: tuple[int, ...] = ()
    """Its escrow keys, as `Escrows` numbers them."""

    ties: int = 0
    """Commissions of these keys that arrive at tagged entities."""


def markets_of(ground: VendorGround, escrows: Escrows, policy: VendorPolicy) -> tuple[Market, ...]:
    """Return the markets: those with names by name, then those without by their key."""
    named = _tagged_markets(ground.attribution, policy)
    owner = {root: place for place, each in enumerate(named) for root in each.tagged.tolist()}
    share_holder = ground.holders(escrows.share_output)
    spoken_for = set(ground.attribution.root.tolist())
    unnamed: list[Market] = []
    for key in sorted(escrows.commissions):
        mine = escrows.settled_market_key == key
        by_key = _wallets(share_holder[mine], escrows.settled_seller_key[mine], policy)
        by_key = by_key[[root not in spoken_for for root in by_key.tolist()]]
        ties = np.array([owner.get(root, -1) for root in share_holder[mine].tolist()])
        tied = np.bincount(ties[ties >= 0], minlength=len(named))
        place = int(np.argmax(tied)) if len(named) else 0
        # A key that is tied to two markets is neither's.
        is_tied = np.count_nonzero(tied) == 1 and tied[place] >= policy.least("key_ties")
        if not is_tied:
            unnamed.append(_unnamed(ground, escrows, key, by_key))
            continue
        known = named[place]
        named[place] = replace(
            known,
            by_key=np.union1d(known.by_key, by_key),
            keys=(*known.keys, key),
            ties=known.ties + int(tied[place]),
        )
    return _apart((*named, *unnamed))


def _apart(markets: tuple[Market, ...]) -> tuple[Market, ...]:
    """Take entities that the keys of several markets lead to away from all of them."""
    roots = np.concatenate([np.empty(0, np.int64), *(market.by_key for market in markets)])
    found, times = np.unique(roots, return_counts=True)
    shared = found[times > 1]
    return tuple(replace(market, by_key=np.setdiff1d(market.by_key, shared)) for market in markets)


def _unnamed(ground: VendorGround, escrows: Escrows, key: int, by_key: Int64Array) -> Market:
    text = escrows.key_text(ground.view.revealed, key)
    return Market(
        name=f"market of escrow key {text}",
        is_named=False,
        tagged=np.empty(0, np.int64),
        by_key=by_key,
        tags=(),
        keys=(key,),
    )


def _wallets(holder: Int64Array, seller: Int64Array, policy: VendorPolicy) -> Int64Array:
    """Return entities at which commissions of several sellers' escrows arrive, ascending."""
    pairs = np.unique(np.stack([holder, seller], axis=1)[seller >= 0], axis=0)
    roots, sellers = np.unique(pairs[:, 0], return_counts=True)
    wallets: Int64Array = roots[(sellers >= policy.least("key_wallet_sellers")) & (roots >= 0)]
    return wallets


def _tagged_markets(attribution: Attribution, policy: VendorPolicy) -> list[Market]:
    """Return the markets that tags name. An entity that two name is the better tag's."""
    names = [market_name(said, policy) for said in attribution.statements]
    chosen = [name is not None for name in names]
    places = np.flatnonzero(np.array(chosen, np.bool_)[attribution.statement])
    by_name: dict[str, list[int]] = {}
    taken: dict[int, str] = {}
    for place in places.tolist():
        name = names[int(attribution.statement[place])]
        assert name is not None  # noqa: S101 - chosen so
        taken.setdefault(int(attribution.holder[place]), name)
        by_name.setdefault(name, []).append(place)
    found = []
    for name in sorted(by_name):
        roots = sorted(root for root, owner in taken.items() if owner == name)
        found.append(
            Market(
                name=name,
                is_named=True,
                tagged=np.array(roots, np.int64),
                by_key=np.empty(0, np.int64),
                tags=tuple(attribution.tag(place) for place in by_name[name]),
            )
        )
    return found


def groups_of(markets: Sequence[Market], labels: UInt32Array) -> UInt16Array:
    """Return the number of the market of each address, from 1; 0 for most."""
    of_root = np.zeros(len(labels), dtype=np.uint16)
    for number, market in enumerate(markets[:MOST_MARKETS], start=1):
        of_root[market.by_key] = number
        of_root[market.tagged] = number
    groups: UInt16Array = of_root[labels]
    return groups
