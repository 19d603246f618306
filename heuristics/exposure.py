"""Whose money is it: value followed to the first named owner, pro rata and to the last satoshi.

Where a trace answers where one sum went, an exposure asks of everything that somebody received (or
paid) who stands at the other end. So all of it is followed at once: in each transaction what comes
from different receipts is one amount, and a ledger is gone through once, however many receipts
there are. A coin holds one amount for each *distance*, counted in entities: money that moves inside
one entity comes no further.

The money that is asked about is what the subject's transactions move across its border. Backward,
the outputs that a transaction pays to the subject; forward, the inputs that it spends of the
subject. Pro rata, a part of it comes from (goes to) the subject itself: this is change, and no
part of the question. Of a CoinJoin nobody can tell what is change, so there all of it counts.

Distances start where money leaves the subject's own entity; until then no limit applies, so that
what comes from or goes to a named owner directly is complete, whatever the limits.

Of a coin, what is certain is asked before limits are; but whether the transaction that made it is a
coinbase or a CoinJoin is known only when it is entered, so a coin below the smallest amount counts
as that.
"""

import numpy as np

from heuristics.columns import Int64Array, UInt8Array, UInt32Array, read_only
from heuristics.conservation import ConservationError
from heuristics.exposure_kernel import WINDOW_BITS, walk
from heuristics.exposure_terms import MOST_HOPS, ExposureTerms, Moved, Owners, Reached
from heuristics.stops import SpendColumns, share_columns
from heuristics.sweep_calendar import new_calendar

VERSION = 1
"""Raised whenever the pass can give another answer."""

_LEAST_FILTER = 1 << 10
_FILTER_ROOM = 16


def owners_of(
    labels: UInt32Array,
    *,
    subject_address: Int64Array,
    subject_root: Int64Array,
    own_root: Int64Array,
    named_address: Int64Array,
    named_root: Int64Array,
) -> Owners:
    """Return who is asked about and who is named; all but `labels` ascend."""
    named = np.concatenate([named_address, named_root])
    size = _LEAST_FILTER
    while size < _FILTER_ROOM * len(named):
        size *= 2
    bits = np.zeros(size, np.uint8)
    bits[named & (size - 1)] = 1
    return Owners(labels, subject_address, subject_root, own_root, named_address, named_root, bits)


def expose(
    terms: ExposureTerms, columns: SpendColumns, marks: UInt8Array, owners: Owners, moved: Moved
) -> Reached:
    """Follow the money that is asked about to the first named owners.

    Parameters
    ----------
    terms
        Direction and limits.
    columns
        A ledger of whole blocks.
    marks
        Non-zero for CoinJoins; transactions past its end were not looked at.
    owners
        From `owners_of`.
    moved
        What each transaction pays to (backward) or spends of (forward) the subject.

    Raises
    ------
    ValueError
        If the arguments contradict each other.
    ConservationError
        If the amounts do not add up: a bug, never bad input.
    """
    _check(terms, columns, owners, moved)
    reached = walk(
        terms,
        share_columns(columns),
        read_only(marks),
        Owners._make(read_only(array) for array in owners),
        Moved._make(read_only(array) for array in moved),
        new_calendar((len(columns.first_input) - 1 >> WINDOW_BITS) + 1),
    )
    asked = int(moved.amount.sum()) - reached.inner
    parts = (
        reached.address_amount,
        reached.root_amount,
        reached.coinjoin_amount,
        reached.by_reason,
    )
    found = sum(int(part.sum()) for part in parts)
    if found != asked or any(np.any(part < 0) for part in parts):
        raise ConservationError(f"{asked} sat were followed and {found} sat accounted for")
    return reached


def _check(terms: ExposureTerms, columns: SpendColumns, owners: Owners, moved: Moved) -> None:
    transactions = len(columns.first_input) - 1
    if not 1 <= terms.max_hops <= MOST_HOPS:
        raise ValueError(f"max_hops must be between 1 and {MOST_HOPS}")
    if terms.min_value < 1 or terms.budget < 0:
        raise ValueError("the smallest amount is 1 at least, and the budget is not negative")
    for name in ("subject_address", "subject_root", "own_root", "named_address", "named_root"):
        if np.any(np.diff(getattr(owners, name)) <= 0):
            raise ValueError(f"{name} must ascend, each once")
    if not np.all(np.isin(owners.subject_root, owners.own_root)):
        raise ValueError("an entity that is asked about is the subject's own")
    if not len(moved.transaction) == len(moved.root) == len(moved.amount):
        raise ValueError("what is moved must have rows of one length")
    if len(moved.transaction) == 0:
        return
    first, last = int(moved.transaction[0]), int(moved.transaction[-1])
    if not 0 <= first <= last < transactions or np.any(np.diff(moved.transaction) < 0):
        raise ValueError("what is moved must name transactions of the ledger, ascending")
    if np.any(moved.amount <= 0):
        raise ValueError("an amount that is moved is positive")
    if not np.all(np.isin(moved.root, owners.own_root)):
        raise ValueError("what is moved must be of the subject's own entities")
