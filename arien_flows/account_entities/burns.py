"""Accounts that destroy what is paid to them, because nobody can have their key.

Money ends there. It does not pass to whoever paid to the same address before or after: no rule
joins through it, no trace and no risk goes on from it. That a key is out of reach is seen from the
address's digits (or, of a precompiled contract, from the rules of the chain); a contract that only
never gives anything back is not meant here.
"""

import numpy as np

from arien_flows.account_entities.denied import deny_list, numbers_of
from arien_flows.account_ledger.columns import NULL_ACCOUNT
from arien_flows.account_ledger.view import AccountView
from chains.types import UInt32Array


def burn_accounts(view: AccountView) -> UInt32Array:
    """Return the accounts of a view that destroy what they receive, ascending; 0 is the first."""
    listed = numbers_of(view, deny_list().burns)
    return np.union1d(np.array([NULL_ACCOUNT], np.uint32), listed).astype(np.uint32)
