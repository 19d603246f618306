"""What may have become of traced money that went into mixers: on request only, beside the answer.

The paths end at the pool, or at the router before it, whatever is found here. Both ends are dated
by the transaction in which the pool told of the deposit, so that transaction is what is asked
about. Pools are only known from whole blocks: what an explorer lists account by account shows
neither who else paid in nor who took out, and candidates would seem surer than they are.
"""

import numpy as np

from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.errors import InputError
from arien_flows.passages.mixers import MixerInferences, mixer_inferences

WHOLE_POOLS_ONLY = (
    "candidates behind mixers need a ledger of whole blocks: leave out --demix, or ask without "
    "--source"
)

_BEFORE_POOLS = (Reason.MIXER, Reason.CONTRACT)


def mixers_behind(traced: Traced) -> MixerInferences | None:
    """Return the candidates behind deposits at which paths ended; nothing where none was asked for.

    Raises `InputError` where the view does not hold whole blocks.
    """
    if not traced.request.lists_candidates:
        return None
    if traced.search.ground.fetched is not None:
        raise InputError(WHOLE_POOLS_ONLY)
    rows = [end.row for end in traced.ends if end.reason in _BEFORE_POOLS and end.row is not None]
    view = traced.search.ground.view
    transactions = view.movements.transaction[np.array(rows, np.int64)].astype(np.int64)
    return mixer_inferences(view, np.unique(transactions))
