"""Blocks of a ledger as the batch that they were taken in from."""

import numpy as np

from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import AccountBatch, CallCoverage, Ordering
from chains.types import Int64Array


def batch_of(view: AccountView, blocks: range) -> AccountBatch:
    """Return blocks of a view, whose accounts are named by their numbers in the ledger.

    Its list of addresses is that of the whole view. Token ids are left out, and so is what failed
    transactions would have moved, which ledgers do not keep.
    """
    it, transactions = slice(blocks.start, blocks.stop), view.transactions
    first = view.blocks.first_transaction[blocks.start : blocks.stop + 1]
    rows = slice(int(first[0]), int(first[-1]))
    moved, told, coded = (
        offsets[rows.start : rows.stop + 1]
        for offsets in (
            transactions.first_movement, transactions.first_event, transactions.first_code,
        )
    )  # fmt: skip
    m, e, c = _span(moved), _span(told), _span(coded)
    return AccountBatch(
        address=view.addresses,
        height=view.blocks.height[it],
        block_hash=view.blocks.block_hash[it],
        parent_hash=view.blocks.parent_hash[it],
        time=view.blocks.time[it],
        fee_recipient=view.blocks.fee_recipient[it],
        first_transaction=first - first[0],
        tx_hash=transactions.tx_hash[rows],
        tx_kind=transactions.tx_kind[rows],
        succeeded=transactions.succeeded[rows],
        sender=transactions.sender[rows],
        receiver=transactions.receiver[rows],
        nonce=transactions.nonce[rows],
        selector=transactions.selector[rows],
        value=np.zeros((rows.stop - rows.start, 4), np.uint64),
        gas_used=transactions.gas_used[rows],
        gas_price=transactions.gas_price[rows],
        first_movement=moved - moved[0],
        first_event=told - told[0],
        first_code=coded - coded[0],
        kind=view.movements.kind[m],
        giver=view.movements.giver[m],
        gets=view.movements.receiver[m],
        asset=view.assets.contract[view.movements.asset[m]],
        amount=view.amounts.of(m),
        log_index=view.movements.log_index[m],
        token_row=np.empty(0, np.int64),
        token_id=np.empty((0, 4), np.uint64),
        event_kind=view.events.kind[e],
        event_log_index=view.events.log_index[e],
        contract=view.events.contract[e],
        first=view.events.first[e],
        second=view.events.second[e],
        third=view.events.third[e],
        word=view.events.word[e],
        event_amount=view.events.amount[e],
        code_account=view.codes.account[c],
        code_creator=view.codes.creator[c],
        code_kind=view.codes.kind[c],
        code_hash=view.codes.code_hash[c],
        code_target=view.codes.target[c],
        calls=CallCoverage(int(view.blocks.calls[it].max(initial=0))),
        ordering=Ordering(int(view.blocks.ordering[it].max(initial=0))),
    )


def _span(offsets: Int64Array) -> slice:
    return slice(int(offsets[0]), int(offsets[-1]))
