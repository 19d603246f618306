"""What an exposure is told, and what it finds: limits, owners, money moved, and tables."""

from typing import NamedTuple

from heuristics.columns import Int64Array, UInt8Array, UInt32Array

MOST_HOPS = 12
"""Levels take four bits of an entry."""


class ExposureTerms(NamedTuple):
    """How far money is followed. Only what has left the subject's entity is subject to limits."""

    direction: int
    max_hops: int
    """Entities on a path, the named one among them; at most `MOST_HOPS`."""

    min_value: int
    """Coins that carry less of the money are not followed beyond their owner."""

    budget: int
    """Transactions that may be gone through."""

    crowded_width: int
    """A transaction with more outputs than this is a payout to many, ..."""

    crowded_percent: int
    """... and is not gone through where less than this percentage of it is the money."""

    first_transaction: int
    last_transaction: int
    """Nothing is followed through transactions outside these."""

    genesis_outputs: int = 0
    """The first so many outputs of the ledger are the genesis block's, which nobody can spend."""


class Owners(NamedTuple):
    """Who is asked about and who is named. All but `labels` and `filter` ascend."""

    labels: UInt32Array
    """Entity of each address; addresses past its end stand for themselves."""

    subject_address: Int64Array
    """Addresses that are asked about by themselves."""

    subject_root: Int64Array
    """Entities that are asked about with all their addresses."""

    own_root: Int64Array
    """Entities that any of them belongs to: moves inside these are no hop."""

    named_address: Int64Array
    """Addresses that a tag is written for."""

    named_root: Int64Array
    """Entities that hold an address that a tag speaks of."""

    filter: UInt8Array
    """At the low bits of each named number not 0; its length is a power of two."""


class Moved(NamedTuple):
    """The money that is asked about: what each transaction moves of an entity of the subject."""

    transaction: Int64Array
    """Ascending; several rows where several entities are asked about."""

    root: Int64Array
    amount: Int64Array


class Reached(NamedTuple):
    """Where the money came to. Tables are flat, with `max_hops + 1` columns each: by hops."""

    address_amount: Int64Array
    """By place in `named_address` and hops."""

    address_most: Int64Array
    """The most that one coin brought there, ..."""

    address_through: Int64Array
    """... and the transaction it was met at; -1 where there is nothing."""

    root_amount: Int64Array
    """By place in `named_root` and hops: coins at addresses that have no tag of their own."""

    root_most: Int64Array
    root_through: Int64Array
    coinjoin_amount: Int64Array
    """By hops: what came out of CoinJoins, or went in."""

    coinjoin_most: Int64Array
    coinjoin_through: Int64Array
    by_reason: Int64Array
    """By `Stop`: what ended without a name."""

    inner: int
    """What the subject moved to itself: change, which is no part of the question."""

    followed: int
    """Transactions that money went through after it left the subject's entity."""
