"""Deposit addresses of exchanges: who pays to the same one is the same customer.

An exchange gives each customer an address of its own to pay to, and soon after a payment empties it
into an account that serves all of them. So a payment `u -> d` that is followed by nearly the same
amount `d -> x`, where `x` is an exchange's, shows that `d` is a deposit address; and all who pay to
`d` act for one customer. The address is the exchange's by its key and the customer's by its use:
the rule joins the customer's accounts with it, and never with the exchange.

Rows are sorted by deposit address, asset and order in the chain, and each forward takes the latest
receipt that is not taken yet and satisfies the inequality. (Known implementations compare amounts
rounded to 0.1 ETH first, which loses pairs on both sides of a rounding edge and mixes others up.)
"""

from typing import NamedTuple

import numpy as np

from heuristics.columns import BoolArray, Int64Array, UInt32Array, read_only, read_only_columns
from heuristics.jit import kernel
from heuristics.wide import (
    LIMBS,
    SCRATCH_DIGITS,
    UInt64Array,
    Wide,
    is_less,
    is_zero,
    load,
    mul_div,
    subtract,
)

VERSION = 1
"""Raised whenever the same input can give another result."""

WINDOW_BLOCKS = 3_200
"""Blocks after a receipt in which it is forwarded: about eleven hours."""

LEAST_DIFFERENCE_WEI = 10**16
"""What may be missing from a forward in any case: 0.01 ether."""

GAS_UNITS = 3 * 21_000
"""What may be missing else: this much gas at the forward's own price, three plain payments'."""

MOST_SENDERS = 25
"""An address that more accounts pay to is no customer's own."""

MOST_ADDRESSES = 10
"""An account that pays to more deposit addresses is no customer: an exchange that no tag names pays
its own customers at every other one, and would make one of all of them."""

CERTAIN_PPM = 1_000_000
_HALF_PPM = 500_000
_NO_RECEIPT = -1
_HALF: Wide = (np.uint64(_HALF_PPM), np.uint64(0), np.uint64(0), np.uint64(0))


class DepositRows(NamedTuple):
    """Receipts and forwards of possible deposit addresses, by address, asset and chain order."""

    deposit: UInt32Array
    asset: UInt32Array
    is_forward: BoolArray
    height: Int64Array
    """Of the block; never falls within an address and asset."""

    amount: UInt64Array
    """Base units, shape (rows, 4)."""

    tolerance: UInt64Array
    """How much less a forward may be than its receipt, shape (rows, 4); 0 for tokens."""


class Matches(NamedTuple):
    """Which receipt each forward passed on."""

    forward: Int64Array
    """Rows of forwards that have a receipt, ascending."""

    receipt: Int64Array
    """The row of each one's receipt."""

    confidence_ppm: Int64Array
    """How near amounts and blocks are, in millionths; see `match_deposits`."""


def match_deposits(rows: DepositRows, window_blocks: int = WINDOW_BLOCKS) -> Matches:
    """Accounts that pay to one deposit address of an exchange are one customer's.

    A receipt of `r` at block `s` is passed on by a forward of `f` at block `t` to an exchange if
    `0 <= r - f <= tolerance` and `0 <= t - s <= window`. The tolerance is 0.01 ether, or what three
    plain payments cost at the forward's gas price, if that is more; tokens are forwarded to the
    unit. Confidence of a match: `1 - (r - f) / tolerance / 2 - (t - s) / window / 2`, each part
    that is taken away rounded up to a millionth; that of an address is the mean of its matches.

    Left out are addresses that more than 25 accounts pay to or that pay to several exchanges, and
    payers that are contracts, exchanges, miners or deposit addresses themselves, or that pay to
    more than 10 deposit addresses. Profiles strict and standard also leave out addresses that ever
    pay to anybody but an exchange. A payment of tokens counts where the payer itself sent the
    transaction, and a forward of tokens where the address or the exchange did or, of a contract,
    where the token is listed: events alone can be invented.

    Assumes: the accounts of exchanges are named by tags, and a deposit address is one customer's.
    Fails when: somebody has a friend, an employer or a shop pay to his deposit address; an address
        is shared by customers who are told apart by a memo, and is seldom used; a person pays
        through a wallet of his own directly to an exchange's account.
    Source: Victor, Address Clustering Heuristics for Ethereum, FC 2020, with the parameters of
        Beres et al. (TUTELA); matching to the unit and the tolerance by gas price are this
        program's own.

    Parameters
    ----------
    rows
        Sorted by address and asset, each in chain order.
    window_blocks
        Blocks in which a receipt is passed on, at least 1.
    """
    count = len(rows.deposit)
    for name in ("asset", "is_forward", "height"):
        if getattr(rows, name).shape != (count,):
            raise ValueError(f"{name} must have {count} rows")
    if rows.amount.shape != (count, LIMBS) or rows.tolerance.shape != (count, LIMBS):
        raise ValueError(f"amounts must have {count} rows of {LIMBS} limbs")
    if window_blocks < 1:
        raise ValueError("the window must have a block")
    key = (rows.deposit.astype(np.int64) << 32) | rows.asset.astype(np.int64)
    same = key[1:] == key[:-1]
    if np.any(key[1:] < key[:-1]) or np.any(np.diff(rows.height)[same] < 0):
        raise ValueError("rows must be sorted by address, asset and block")
    begins = np.flatnonzero(np.concatenate([[True], ~same])) if count else np.empty(0, np.int64)
    receipt, confidence = _match(
        read_only_columns(rows), read_only(np.append(begins, count)), window_blocks
    )
    forward = np.flatnonzero(receipt != _NO_RECEIPT)
    return Matches(forward, receipt[forward], confidence[forward])


@kernel
def _match(
    rows: DepositRows, begins: Int64Array, window_blocks: int
) -> tuple[Int64Array, Int64Array]:
    """Return the receipt of each row, and how sure it is."""
    receipt = np.full(len(rows.deposit), _NO_RECEIPT, np.int64)
    confidence = np.zeros(len(rows.deposit), np.int64)
    # Receipts that are not taken form a list, the latest first.
    earlier = np.full(len(rows.deposit), _NO_RECEIPT, np.int64)
    scratch = np.empty(SCRATCH_DIGITS, np.uint64)
    for group in range(len(begins) - 1):
        latest = _NO_RECEIPT
        for row in range(begins[group], begins[group + 1]):
            if not rows.is_forward[row]:
                earlier[row] = latest
                latest = row
                continue
            wanted = load(rows.amount, row)
            tolerance = load(rows.tolerance, row)
            after = _NO_RECEIPT
            at = latest
            while at != _NO_RECEIPT and rows.height[row] - rows.height[at] <= window_blocks:
                had = load(rows.amount, at)
                if not is_less(had, wanted):
                    missing = subtract(had, wanted)
                    if not is_less(tolerance, missing):
                        receipt[row] = at
                        waited = rows.height[row] - rows.height[at]
                        confidence[row] = CERTAIN_PPM - _share(missing, tolerance, scratch)
                        confidence[row] -= (_HALF_PPM * waited + window_blocks - 1) // window_blocks
                        if after == _NO_RECEIPT:
                            latest = earlier[at]
                        else:
                            earlier[after] = earlier[at]
                        break
                after = at
                at = earlier[at]
    return receipt, confidence


@kernel
def _share(missing: Wide, tolerance: Wide, scratch: UInt64Array) -> int:
    """Return half of a share in millionths, rounded up; 0 of nothing."""
    if is_zero(missing):
        return 0
    quotient, rest = mul_div(_HALF, missing, tolerance, scratch)
    return int(np.int64(quotient[0])) + (0 if is_zero(rest) else 1)


def tolerances(gas_price_wei: UInt64Array, is_coin: BoolArray) -> UInt64Array:
    """Return by how much forwards may fall short, shape (rows, 4); 0 for tokens.

    A price of more than 2^48 wei a unit, which would make a payment cost 5.9 ether, counts as that.
    """
    price = np.minimum(gas_price_wei, np.uint64(1 << 48))
    column = np.zeros((len(price), LIMBS), np.uint64)
    column[:, 0] = np.maximum(price * np.uint64(GAS_UNITS), np.uint64(LEAST_DIFFERENCE_WEI))
    column[~is_coin, 0] = 0
    return column
