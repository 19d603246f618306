"""What every source of blocks must do, asked of all of them on one chain of a real node."""

import time
from contextlib import contextmanager
from decimal import Decimal

import pytest

from chains.access import Access, Secret
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.core.place import Transport
from chains.bitcoin.core.source import CoreNode
from chains.bitcoin.networks import COIN_SAT, REGTEST
from chains.endpoint import Endpoint
from chains.errors import ChainChangedError
from chains.types import raw_txid, shown_txid
from tests.contract.batches import facts, spent_scripts
from tests.nodes import bitcoind

pytestmark = pytest.mark.slow

BATCH_BYTES = 20_000
"""So little that the chain takes several batches."""

KINDS = ("blockfiles", *(f"core-{form}" for form in Transport))

SPENDING_KINDS = tuple(kind for kind in KINDS if kind.startswith("core-"))


def open_source(kind, node, network=REGTEST, batch_bytes=BATCH_BYTES):
    """Open what a node offers: its files, or itself in one of the forms."""
    if kind == "blockfiles":
        return BlockFiles(node.datadir, network, batch_bytes=batch_bytes)
    endpoint = Endpoint.parse(f"{node.source}?transport={kind.removeprefix('core-')}")
    return CoreNode(endpoint, network, batch_bytes=batch_bytes)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def source(kind, regtest_chain):
    with open_source(kind, regtest_chain.node) as opened:
        yield opened


@pytest.fixture(scope="module", params=SPENDING_KINDS)
def spending_source(request, regtest_chain):
    with open_source(request.param, regtest_chain.node) as opened:
        yield opened


@contextmanager
def young_node(folder):
    """Start a node with three blocks of its own, and an address to mine to."""
    with bitcoind(folder) as node:
        node.rpc.createwallet("w")
        address = node.rpc.wallet("w").getnewaddress()
        node.rpc.generatetoaddress(3, address)
        yield node, address


@pytest.fixture(scope="module")
def files(regtest_chain):
    return BlockFiles(regtest_chain.datadir, REGTEST, batch_bytes=BATCH_BYTES)


def test_source__sees_the_nodes_chain(source, regtest_chain):
    assert source.first_height() == 0
    hashes = [shown_txid(source.block_hash(h)) for h in range(source.tip_height() + 1)]
    assert hashes == [block["hash"] for block in regtest_chain.blocks]


def test_source__says_how_much_work_is_above(source, regtest_chain):
    tip = source.tip_height()
    whole = int(regtest_chain.blocks[tip]["chainwork"], 16)
    assert source.work_above(-1) == whole
    for height in (0, 1, 100, tip - 1, tip):
        below = int(regtest_chain.blocks[height]["chainwork"], 16)
        assert source.work_above(height) == whole - below


def test_batches__refuse_heights_that_the_source_does_not_hold(source):
    tip = source.tip_height()
    for height in (-2, tip + 1):
        with pytest.raises(ValueError, match="no block at height"):
            source.work_above(height)
    for start, stop in ((-1, 2), (2, 1), (0, tip + 2), (tip + 2, tip + 2)):
        with pytest.raises(ValueError, match=f"not among the {tip + 1} blocks"):
            source.batches(start, stop)


def test_batches__are_those_of_the_block_files(source, files):
    """Of other buffers, but with the same cuts, columns and bytes."""
    stop = source.tip_height() + 1
    ours = [facts(batch) for batch in source.batches(0, stop)]
    assert len(ours) > 3
    assert ours == [facts(batch) for batch in files.batches(0, stop)]


def test_batches__hold_the_very_blocks_of_the_node(source, regtest_chain):
    """The header and every transaction id, from the node's own JSON."""
    blocks = iter(regtest_chain.blocks)
    for batch in source.batches(0, source.tip_height() + 1):
        for row in range(batch.block_count):
            block = next(blocks)
            assert shown_txid(batch.block_hash[row].tobytes()) == block["hash"]
            first, last = batch.first_transaction[row : row + 2].tolist()
            txids = [shown_txid(txid.tobytes()) for txid in batch.txid[first:last]]
            assert txids == [tx["txid"] for tx in block["tx"]]
    assert next(blocks, None) is None


@pytest.mark.parametrize("start", [0, 1, 7, 100, 200])
def test_batches__cut_by_start_and_blocks_alone(source, regtest_chain, start):
    sizes = [block["size"] for block in regtest_chain.blocks]
    stop = source.tip_height() + 1
    counts = [batch.block_count for batch in source.batches(start, stop)]
    assert sum(counts) == stop - start
    height = start
    for count in counts:
        taken = sum(sizes[height : height + count])
        height += count
        assert count == 1 or taken <= BATCH_BYTES
        assert height == stop or taken + sizes[height] > BATCH_BYTES
    # A run that stopped after the first batch goes on with the same cuts.
    again = [batch.block_count for batch in source.batches(start + counts[0], stop)]
    assert again == counts[1:]


def test_batches__may_be_left_half_way(source):
    begun = source.batches(0, source.tip_height() + 1)
    assert next(begun).block_count > 0
    begun.close()
    (last,) = source.batches(source.tip_height(), source.tip_height() + 1)
    assert last.block_hash[0].tobytes() == source.block_hash(source.tip_height())


def test_batches__may_be_read_side_by_side(source):
    stop = source.tip_height() + 1
    pairs = list(zip(source.batches(0, stop), source.batches(0, stop), strict=True))
    assert len(pairs) > 3
    assert all(facts(left) == facts(right) for left, right in pairs)


def test_batches__may_be_empty(source):
    assert list(source.batches(3, 3)) == []
    assert list(source.batches(source.tip_height() + 1, source.tip_height() + 1)) == []


def test_batches__of_one_block_each_where_none_fits_with_another(kind, regtest_chain):
    with open_source(kind, regtest_chain.node, batch_bytes=1) as source:
        batches = list(source.batches(95, 130))
    assert [batch.block_count for batch in batches] == [1] * 35


def test_batches__refuse_a_bound_of_nothing(kind, regtest_chain):
    with pytest.raises(ValueError, match="batch_bytes must be positive"):
        open_source(kind, regtest_chain.node, batch_bytes=0)


def test_refresh__sees_new_blocks_and_nothing_before_it(kind, tmp_path):
    with young_node(tmp_path) as (node, address), open_source(kind, node) as source:
        assert source.tip_height() == 3
        node.rpc.generatetoaddress(2, address)
        assert source.tip_height() == 3
        assert [batch.block_count for batch in source.batches(0, 4)] == [4]
        assert source.work_above(3) == 0
        with pytest.raises(ValueError, match="not among the 4 blocks"):
            source.batches(0, 5)
        source.refresh()
        assert source.tip_height() == 5
        assert shown_txid(source.block_hash(5)) == node.rpc.getbestblockhash()
        assert [batch.block_count for batch in source.batches(0, 6)] == [6]


def test_refresh__follows_a_reorganisation(kind, tmp_path):
    with young_node(tmp_path) as (node, _address), open_source(kind, node) as source:
        seen = [source.block_hash(height) for height in range(4)]
        work = source.work_above(-1)
        reorganise(node, 2)
        # What was seen is served as it was, or not at all.
        try:
            served = [
                block_hash.tobytes()
                for batch in source.batches(0, 4)
                for block_hash in batch.block_hash
            ]
        except ChainChangedError:
            assert kind != "blockfiles"
        else:
            assert served == seen
        source.refresh()
        assert source.tip_height() == 4
        hashes = [source.block_hash(height) for height in range(5)]
        assert hashes == [raw_txid(node.rpc.getblockhash(height)) for height in range(5)]
        assert hashes[:2] == seen[:2]
        assert hashes[2] != seen[2]
        assert source.work_above(-1) > work
        (batch,) = source.batches(0, 5)
        assert [bytes(block_hash) for block_hash in batch.block_hash] == hashes


def reorganise(node, height):
    """Replace the blocks from `height` on with a branch that is one block longer."""
    tip = node.rpc.getblockcount()
    node.rpc.invalidateblock(node.rpc.getblockhash(height))
    address = node.rpc.wallet("w").getnewaddress()
    for _ in range(tip + 2 - height):
        node.rpc.generatetoaddress(1, address)


def test_wait__returns_in_time(source):
    started = time.monotonic()
    source.wait(0.2)
    assert 0.15 <= time.monotonic() - started < 5


def test_spending_batches__are_the_batches(spending_source, files):
    stop = spending_source.tip_height() + 1
    ours = [facts(batch) for batch, _ in spending_source.spending_batches(0, stop)]
    assert ours == [facts(batch) for batch in files.batches(0, stop)]


@pytest.mark.parametrize("start", [0, 150])
def test_spending_batches__say_what_the_node_says(spending_source, regtest_chain, start):
    expected = [
        (
            int(Decimal(spending["prevout"]["value"]) * COIN_SAT),
            bytes.fromhex(spending["prevout"]["scriptPubKey"]["hex"]),
        )
        for block in regtest_chain.blocks[start:]
        for transaction in block["tx"]
        for spending in transaction["vin"]
        if "coinbase" not in spending
    ]
    ours = []
    for batch, spent in spending_source.spending_batches(start, len(regtest_chain.blocks)):
        assert len(spent.value) == len(batch.spent_txid)
        ours += spent_scripts(batch, spent)
    assert len(ours) > 100
    assert ours == expected


def test_spending_batches__say_what_the_blocks_themselves_say(spending_source, files):
    """Every output that is spent here was made in an earlier batch, or in the same one."""
    stop = spending_source.tip_height() + 1
    made = {}
    for batch in files.batches(0, stop):
        for row in range(batch.transaction_count):
            first, last = batch.first_output[row : row + 2].tolist()
            for place in range(first, last):
                start, length = int(batch.payload_start[place]), int(batch.payload_length[place])
                made[batch.txid[row].tobytes(), place - first] = (
                    int(batch.value[place]),
                    int(batch.script_type[place]),
                    batch.raw[start : start + length].tobytes(),
                )
    count = 0
    for batch, spent in spending_source.spending_batches(0, stop):
        for row in range(len(spent.value)):
            start, length = int(spent.payload_start[row]), int(spent.payload_length[row])
            told = (
                int(spent.value[row]),
                int(spent.script_type[row]),
                batch.raw[start : start + length].tobytes(),
            )
            assert told == made[batch.spent_txid[row].tobytes(), int(batch.spent_vout[row])]
            count += 1
    assert count > 100


def test_credentials__may_come_with_the_access(regtest_chain):
    bare = Endpoint.parse(f"core+http://127.0.0.1:{regtest_chain.rpc.connection.port}")
    access = Access(rpc_user="tests", rpc_password=Secret("tests"))
    with CoreNode(bare, REGTEST, access) as source:
        assert source.tip_height() == regtest_chain.rpc.getblockcount()
