"""The order in which a batch brings its accounts in, against a walk through the chain."""

from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.numbering import appearance
from chains.ethereum.tables import NO_ACCOUNT, AccountBatch
from tests.arien_flows.account_ledger.test_memory import story


def walked(batch: AccountBatch) -> list[int]:
    """Return the places of addresses in the order in which one who walks meets them."""
    met: dict[int, None] = {}

    def meet(*accounts) -> None:
        for account in accounts:
            if account != NO_ACCOUNT:
                met.setdefault(int(account))

    for block in range(batch.block_count):
        meet(batch.fee_recipient[block])
        for tx in range(batch.first_transaction[block], batch.first_transaction[block + 1]):
            meet(batch.sender[tx], batch.receiver[tx])
            for row in range(batch.first_movement[tx], batch.first_movement[tx + 1]):
                meet(batch.giver[row], batch.gets[row], batch.asset[row])
            for row in range(batch.first_event[tx], batch.first_event[tx + 1]):
                meet(batch.contract[row], batch.first[row], batch.second[row], batch.third[row])
            for row in range(batch.first_code[tx], batch.first_code[tx + 1]):
                meet(batch.code_account[row], batch.code_creator[row], batch.code_target[row])
    return list(met)


def test_appearance__is_that_of_a_walk_through_the_chain():
    batch = story().batch()
    assert appearance(batch).place.tolist() == walked(batch)


def test_accounts__have_the_same_numbers_however_the_blocks_are_cut():
    chain = story()
    whole = chain.view()
    cut = account_view_of([chain.batch(0, 1), chain.batch(1, 3)], chain.network)
    assert cut.addresses.tolist() == whole.addresses.tolist()
    assert cut.movements.giver.tolist() == whole.movements.giver.tolist()
