"""Rows of a ledger in words of the chain, for findings; a damaged ledger may not have the words."""

import numpy as np

from arien_flows.ledger.view import View
from chains.tables import ScriptType


def transaction_words(view: View, transaction: int) -> str:
    """Return the id of a transaction as people read it."""
    if 0 <= transaction < view.counts.transactions:
        return view.txid_text(transaction)
    return f"transaction number {transaction}, which does not exist"


def input_words(view: View, row: int) -> str:
    """Return which input of which transaction a row is."""
    transaction = int(view.transactions_of_inputs(np.array([row]))[0])
    position = row - int(view.first_input[transaction])
    return f"input {position} of {transaction_words(view, transaction)}"


def address_words(view: View, address: int) -> str:
    """Return the canonical text of an address, or its number where its script is damaged."""
    if not 0 <= address < view.counts.addresses:
        return f"address number {address}, which does not exist"
    if view.script_type[address] < ScriptType.OP_RETURN:
        try:
            return str(view.address_text(address))
        except (ValueError, IndexError):
            pass
    return f"address number {address}, whose script is damaged"
