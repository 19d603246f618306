"""The chain of a real node, told by an explorer account by account: balances are the node's."""

import pytest

from arien_flows.account_inquiry.joining import TipBlock, join_histories
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.memory import account_view_of
from chains.ethereum.lookups import AccountHistory
from chains.ethereum.networks import ETHEREUM_DEV
from chains.ethereum.parts import BlockPart, MovePart, TransactionPart, parts_of
from chains.ethereum.tables import MovementKind, TransactionKind
from chains.registry import open_account_blocks, open_account_lookups
from tests.dev_chain import DevChain
from tests.ethereum_explorer import StandIn, served, uri_of

DIFFERENCES = (MovementKind.DIFFERENCE_UP, MovementKind.DIFFERENCE_DOWN)


def blocks_of(chain: DevChain) -> list[BlockPart]:
    with open_account_blocks(chain.node.source, "ethereum-dev") as source:
        stop = source.tip().height + 1
        return [block for batch in source.batches(0, stop) for block in parts_of(batch)]


def balance_at(chain: DevChain, account: bytes, block: str) -> int:
    return int(chain.node.rpc("eth_getBalance", "0x" + account.hex(), block), 16)


@pytest.mark.slow
def test_joined_histories__come_to_the_balances_of_the_node(ethereum_chain: DevChain) -> None:
    blocks = blocks_of(ethereum_chain)
    people = [bytes.fromhex(text[2:]) for text in ethereum_chain.people.values()]
    moves = [move for block in blocks for tx in block.transactions for move in tx.moves]
    unsteady = {move.contract for move in moves if move.kind in DIFFERENCES}
    # The node does not tell what its genesis block allocated, and an explorer does.
    genesis = TransactionPart(tx_hash=blocks[0].block_hash, kind=TransactionKind.SYSTEM)
    for who in people:
        wei = balance_at(ethereum_chain, who, "0x0")
        genesis.moves.append(MovePart(MovementKind.GENESIS, None, who, None, wei))
    blocks[0].transactions.insert(0, genesis)
    stand_in = StandIn(blocks=blocks)
    with (
        served(stand_in) as server,
        open_account_lookups(uri_of(server, stand_in), "ethereum-dev") as source,
    ):
        found = dict(zip(people, source.histories(people, most=10_000), strict=True))
        stated = source.balances(people, None)
        tip = TipBlock(source.tip().height, source.tip().block_hash, source.tip_time())
    histories = {who: told for who, told in found.items() if isinstance(told, AccountHistory)}
    assert len(histories) == len(people)
    joined = join_histories("explorer", histories, tip)
    assert not joined.forgotten
    view = account_view_of([joined.batch], ETHEREUM_DEV)
    for who, balance in zip(people, stated, strict=True):
        account = view.find_account("0x" + who.hex())
        at_node = balance_at(ethereum_chain, who, "latest")
        assert view.index.totals(account, NATIVE).balance == at_node == balance
        for asset in view.index.assets_of(account).tolist():
            facts = view.asset_facts[asset]
            if facts.standard == MovementKind.TOKEN and facts.contract not in unsteady:
                got = sum(m.amount for m in moves if m.contract == facts.contract
                          and m.receiver == who)  # fmt: skip
                gave = sum(m.amount for m in moves if m.contract == facts.contract
                           and m.giver == who)  # fmt: skip
                assert view.index.totals(account, asset).balance == got - gave
