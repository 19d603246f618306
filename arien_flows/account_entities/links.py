"""Links: two accounts that a rule says have one owner, with what shows it.

All rules together propose links; what becomes of them is decided afterwards, the surest first
(see `clustering`). A link names up to two transactions that a reader can look at, and how many
more cases of the same there are.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from chains.ethereum.tables import NO_ACCOUNT
from chains.types import Int64Array, UInt8Array, UInt32Array
from heuristics import airdrops, control, deposits, funding

NO_TRANSACTION = NO_ACCOUNT
"""In place of a second transaction that there is not."""


class AccountRule(IntEnum):
    """Rules that join accounts (stored on disk)."""

    DEPOSIT_REUSE = 0
    SAME_CREATOR = 1
    AIRDROP = 2
    GAS_FUNDING = 3
    SELF_AUTHORISATION = 4


NAME_OF_RULE = {
    AccountRule.DEPOSIT_REUSE: "deposit-reuse",
    AccountRule.SAME_CREATOR: "same-creator",
    AccountRule.AIRDROP: "airdrop",
    AccountRule.GAS_FUNDING: "gas-funding",
    AccountRule.SELF_AUTHORISATION: "self-authorisation",
}
"""The names under which `heuristics.rules` documents them."""

VERSION_OF_RULE = {
    AccountRule.DEPOSIT_REUSE: deposits.VERSION,
    AccountRule.SAME_CREATOR: control.VERSION,
    AccountRule.AIRDROP: airdrops.VERSION,
    AccountRule.GAS_FUNDING: funding.VERSION,
    AccountRule.SELF_AUTHORISATION: control.VERSION,
}


class Links(NamedTuple):
    """One row a link."""

    a: UInt32Array
    b: UInt32Array
    rule: UInt8Array
    """`AccountRule`."""

    confidence_ppm: UInt32Array
    """How sure the rule is, in millionths: not a measured share of right answers."""

    transaction: UInt32Array
    """What shows it, or the first half of it."""

    other_transaction: UInt32Array
    """The second half, or `NO_TRANSACTION`."""

    cases: UInt32Array
    """How many times the chain shows it; at least 1."""


_DTYPES = ("uint32", "uint32", "uint8", "uint32", "uint32", "uint32", "uint32")


def links_of(
    rule: AccountRule,
    a: UInt32Array,
    b: UInt32Array,
    transaction: UInt32Array,
    *,
    confidence_ppm: int | Int64Array,
    other_transaction: UInt32Array | None = None,
    cases: Int64Array | None = None,
) -> Links:
    """Return the links of one rule."""
    rows = len(a)
    return Links(
        a.astype(np.uint32),
        b.astype(np.uint32),
        np.full(rows, rule, np.uint8),
        np.broadcast_to(np.asarray(confidence_ppm, np.uint32), rows).copy(),
        transaction.astype(np.uint32),
        np.full(rows, NO_TRANSACTION, np.uint32)
        if other_transaction is None
        else other_transaction.astype(np.uint32),
        np.ones(rows, np.uint32) if cases is None else cases.astype(np.uint32),
    )


def surest_first(parts: Sequence[Links]) -> Links:
    """Return links in the order in which they are heeded.

    The surest come first, of these the oldest; ties go to the smaller accounts and rule, so that
    the order depends on nothing else.
    """
    none = Links._make(np.empty(0, dtype) for dtype in _DTYPES)
    links = Links._make(map(np.concatenate, zip(none, *parts, strict=True)))
    sure = -links.confidence_ppm.astype(np.int64)
    order = np.lexsort((links.rule, links.b, links.a, links.transaction, sure))
    return Links._make(column[order] for column in links)
