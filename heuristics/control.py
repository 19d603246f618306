"""Control over accounts that the chain itself shows: approvals, and who put code where.

Both rules are about permission, and permission is often given to others: to a thief by mistake, to
a contract of many people, by a developer who works for somebody. So each has its guards.
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array

VERSION = 1
"""Raised whenever the same input can give another result."""

MOST_OWNERS = 10
"""A spender that more accounts than this approved is a service or a thief."""

MOST_INSTANCES = 20
"""Copies of one code that may be one owner's; more are somebody's product."""

AUTHORISED_PPM = 500_000
CREATED_PPM = 800_000


class CreatedCode(NamedTuple):
    """Contracts in the order of their creation."""

    contract: UInt32Array
    creator: UInt32Array
    """Who created it, which may be a contract."""

    deployer: UInt32Array
    """Who acted in the transaction."""

    software: Int64Array
    """Equal where the codes are equal but for the compiler's trailer; -1 where it is not known."""


class SameCreator(NamedTuple):
    """Pairs of rows of contracts that one account put there."""

    earlier: Int64Array
    later: Int64Array


def self_authorisations(
    owner: UInt32Array,
    spender: UInt32Array,
    may_approve: BoolArray,
    may_spend: BoolArray,
    most_owners: int = MOST_OWNERS,
) -> Int64Array:
    """An account of a key that may spend another's tokens is that one's.

    An approval of more than nothing, in a transaction that the owner itself sent, names another
    account of a key as spender. Left out are spenders that more than 10 owners approved, and those
    that any tag names. Off unless profile wide is asked for: since 2021 most such approvals are
    obtained by fraud.

    Assumes: people let only themselves spend their tokens.
    Fails when: the owner was tricked into the approval, and the spender is a thief; somebody lets
        an employee or a friend spend for him.
    Source: Victor, Address Clustering Heuristics for Ethereum, FC 2020; the limit of 10 owners and
        switching it off are this program's own. Its confidence of 50 is not calibrated.

    Parameters
    ----------
    owner, spender
        Of each approval that counts, in chain order.
    may_approve, may_spend
        By account: an account of a key that serves nobody else; and that no tag names.
    most_owners
        Owners that a spender may have.

    Returns
    -------
    The first row of each pair of accounts, ascending.
    """
    pair = (spender.astype(np.int64) << 32) | owner.astype(np.int64)
    pairs, first = np.unique(pair, return_index=True)
    owners = np.bincount(pairs >> 32, minlength=len(may_spend))
    rows = np.sort(first)
    chosen = may_approve[owner[rows]] & may_spend[spender[rows]] & (owner[rows] != spender[rows])
    kept: Int64Array = rows[chosen & (owners[spender[rows]] <= most_owners)]
    return kept


def same_creators(
    created: CreatedCode,
    is_key: BoolArray,
    may_join: BoolArray,
    most_instances: int = MOST_INSTANCES,
) -> SameCreator:
    """Contracts that one account of a key put there are controlled together.

    Either the account created them itself, or they are copies of one code, at most 20 on the whole
    chain, and one account acted in all the transactions that created them. The contracts are joined
    with each other, not with the account: who deploys may work for another. Contracts that serve
    many people, deposit addresses, and contracts that a tag names a service are left out. Other
    contracts with the same code are the same software, which is told and joins nobody.

    Assumes: who puts a contract there keeps control of it.
    Fails when: a developer deploys for several customers, or hands a contract over.
    Source: common practice; confidence of 80 and limit of 20 copies are this program's own.

    Parameters
    ----------
    created
        All contracts, in the order of their creation.
    is_key, may_join
        By account: whether it has a key; whether it may be joined with others.
    most_instances
        Copies of one code that may be one owner's.
    """
    count = len(is_key)
    direct = np.flatnonzero((created.creator < count) & may_join[created.contract])
    direct = direct[is_key[created.creator[direct]]]
    pairs = [_in_groups(direct, created.creator[direct].astype(np.int64))]
    software = created.software
    known = np.flatnonzero(software >= 0)
    families, which, copies = np.unique(software[known], return_inverse=True, return_counts=True)
    lowest = np.full(len(families), np.iinfo(np.int64).max)
    highest = np.full(len(families), -1)
    np.minimum.at(lowest, which, created.deployer[known].astype(np.int64))
    np.maximum.at(highest, which, created.deployer[known].astype(np.int64))
    small = (copies <= most_instances) & (lowest == highest) & (lowest < count)
    small[small] = is_key[lowest[small]]
    rows = known[small[which] & may_join[created.contract[known]]]
    pairs.append(_in_groups(rows, software[rows]))
    table = np.unique(np.concatenate(pairs), axis=0)
    table = table[np.lexsort((table[:, 0], table[:, 1]))]
    return SameCreator(table[:, 0], table[:, 1])


def _in_groups(rows: Int64Array, key: Int64Array) -> Int64Array:
    """Return each row beside the first one of its key, but for the first ones themselves."""
    if not len(rows):
        return np.empty((0, 2), np.int64)
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    table = np.stack([rows[first[which]], rows], axis=1)
    pairs: Int64Array = table[table[:, 0] != table[:, 1]]
    return pairs
