"""Keys of 2-of-3 escrows: whose they are, by how often they come back.

An order behind a 2-of-3 names three keys: the market's, the seller's and the buyer's. Where the
market does not derive a new one for each order its key is in very many scripts, a seller's in all
of his orders, a buyer's in few. So, counted over different scripts:

- the *market key* of a script is one that is in at least so many scripts and, in nearly all of
  them, is the most frequent of the three;
- the *seller's key* is then the more frequent of the other two, if it comes back at all and at
  least twice as often as the third.

Fails where keys are derived anew for each order (nothing comes back: nothing is said), where a
buyer orders more often than the seller sells under that key, and for wallets of one owner that
combine a few lasting keys, which is why a market key must meet several different seller's keys.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt8Array, read_only
from heuristics.jit import kernel

KEYS = 3
UNKNOWN_KEY = -1

MOST_OF_SCRIPTS_PERCENT = 95
"""In so many of its scripts a market's key has to be the most frequent one."""


class KeyLimits(NamedTuple):
    """How often keys have to come back."""

    market_scripts: int
    """Scripts that a market's key is in, at least."""

    market_partners: int
    """Different recurring keys that it meets, at least."""

    seller_scripts: int
    """Scripts that a seller's key is in, at least; 2 or more."""


class EscrowRoles(NamedTuple):
    """Whose keys each script names; keys are numbers, `UNKNOWN_KEY` where nothing tells."""

    market: Int64Array
    seller: Int64Array


@kernel
def _hash_of(raw: UInt8Array, begin: int, length: int) -> int:
    """Return a 32-bit hash (FNV-1a) of some bytes."""
    found = 2166136261
    for place in range(begin, begin + length):
        # Below 2**57, so that nothing wraps around.
        found = ((found ^ int(raw[place])) * 16777619) & 0xFFFFFFFF
    return found


@kernel
def _same(raw: UInt8Array, one: int, other: int, length: int) -> bool:
    k = 0
    while k < length and raw[one + k] == raw[other + k]:
        k += 1
    return k == length


@kernel
def _number(raw: UInt8Array, begins: Int64Array, table: Int64Array, first: Int64Array) -> int:
    """Number the keys of all scripts into `first` (rows of three); return how many there are.

    `table` is empty (-1) and has a power of two of slots, more than there are keys; a slot holds
    the place in `first` at which a key came up first. A key begins with its length.
    """
    mask = len(table) - 1
    known = 0
    starts = np.empty(first.size, dtype=np.int64)
    for script in range(len(begins)):
        at = begins[script] + 1
        for slot in range(3):
            length = int(raw[at]) + 1
            place = _hash_of(raw, at, length) & mask
            while table[place] >= 0 and not _same(raw, starts[table[place]], at, length):
                place = (place + 1) & mask
            if table[place] < 0:
                table[place] = known
                starts[known] = at
                known += 1
            first[script, slot] = table[place]
            at += length
    return known


def number_keys(revealed: UInt8Array, begins: Int64Array) -> tuple[Int64Array, int]:
    """Return the number of each of the three keys of scripts, and how many keys there are.

    Parameters
    ----------
    revealed
        Bytes that hold the scripts.
    begins
        Where each script begins. They must be m-of-3 with m from 1 to 3, which the caller has
        checked: nothing is checked here but that they end within the bytes.

    Equal numbers are equal keys, byte for byte; they count from 0 in the order of appearance.
    """
    if len(begins) and not 0 <= int(begins.min()) <= int(begins.max()) <= len(revealed) - 105:
        raise ValueError("a script lies outside of the bytes")
    keys = np.full((len(begins), KEYS), -1, dtype=np.int64)
    slots = 1 << max(4, int(2 * keys.size).bit_length())
    table = np.full(slots, -1, dtype=np.int64)
    count = int(_number(read_only(revealed), read_only(begins), table, keys))
    return keys, count


def key_roles(keys: Int64Array, limits: KeyLimits) -> EscrowRoles:
    """Return whose keys scripts name; `keys` are rows of three numbers, of different scripts."""
    scripts = len(keys)
    nobody = np.full(scripts, UNKNOWN_KEY, dtype=np.int64)
    if scripts == 0:
        return EscrowRoles(market=nobody, seller=nobody)
    # A script may name one key twice; it is still one script.
    ordered = np.sort(keys, axis=1)
    is_new = np.ones(keys.shape, dtype=np.bool_)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    total = int(keys.max()) + 1
    counts = np.bincount(ordered[is_new], minlength=total)
    is_market = _market_keys(keys, counts, limits)
    market_slot = np.argmax(np.where(is_market[keys], counts[keys], -1), axis=1)
    rows = np.arange(scripts)
    top = keys[rows, market_slot]
    has_market = is_market[top] & (np.count_nonzero(is_market[keys], axis=1) == 1)
    others = np.stack([keys[rows, (market_slot + k) % KEYS] for k in (1, 2)], axis=1)
    often = counts[others]
    seller = np.where(often[:, 0] >= often[:, 1], others[:, 0], others[:, 1])
    most, least = often.max(axis=1), often.min(axis=1)
    has_seller = has_market & (most >= max(2, limits.seller_scripts)) & (most >= 2 * least)
    return EscrowRoles(
        market=np.where(has_market, top, UNKNOWN_KEY),
        seller=np.where(has_seller, seller, UNKNOWN_KEY),
    )


def _market_keys(keys: Int64Array, counts: Int64Array, limits: KeyLimits) -> BoolArray:
    """Return which keys are markets'."""
    often = counts[keys]
    highest = often.max(axis=1)
    is_top = (often == highest[:, None]) & (
        np.count_nonzero(often == highest[:, None], axis=1) == 1
    )[:, None]
    tops = np.bincount(keys[is_top], minlength=len(counts))
    found = (counts >= limits.market_scripts) & (100 * tops >= MOST_OF_SCRIPTS_PERCENT * counts)
    partners = np.zeros(len(counts), dtype=np.int64)
    for slot in range(KEYS):
        pairs = np.stack(
            [np.repeat(keys[:, slot], KEYS - 1), np.delete(keys, slot, axis=1).ravel()], axis=1
        )
        recurs = (counts[pairs[:, 1]] >= max(2, limits.seller_scripts)) & found[pairs[:, 0]]
        if slot == 0:
            kept = [pairs[recurs]]
        else:
            kept.append(pairs[recurs])
    distinct = np.unique(np.concatenate(kept), axis=0)
    np.add.at(partners, distinct[:, 0], 1)
    is_market: BoolArray = found & (partners >= limits.market_partners)
    return is_market
