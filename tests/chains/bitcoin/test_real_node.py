"""What we read from a real node's files, against what the node itself says."""

from decimal import Decimal

import numpy as np
import pytest

from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.headers import header_times, median_time_past
from chains.bitcoin.networks import COIN_SAT, NETWORKS, REGTEST
from chains.errors import AddressError, SourceUnavailableError
from chains.tables import ScriptType
from chains.types import raw_txid, shown_txid
from tests.nodes import bitcoind

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(regtest_chain):
    return BlockFiles(regtest_chain.datadir, REGTEST, batch_bytes=20_000)


@pytest.fixture(scope="module")
def batches(source):
    return list(source.batches(0, source.tip_height() + 1))


UNUSUAL_MULTISIG = "514c21"
"""How the multisig of the chain begins whose key is pushed in an unusual way. The node prints
`multi(…)` for it, which stands for another script; a text of ours stands for one script only."""


def sat(amount):
    return int(Decimal(amount) * COIN_SAT)


def outputs_of(regtest_chain):
    for block in regtest_chain.blocks:
        for transaction in block["tx"]:
            for output in transaction["vout"]:
                yield output["scriptPubKey"]


def test_block_files__hold_the_chain_that_the_node_follows(regtest_chain, source):
    rpc = regtest_chain.rpc
    assert source.tip_height() == rpc.getblockcount()
    for height in range(source.tip_height() + 1):
        assert shown_txid(source.block_hash(height)) == rpc.getblockhash(height)
    assert source.notes() == ()


def test_block_files__leave_stale_blocks_out(regtest_chain, source):
    served = {shown_txid(source.block_hash(h)) for h in range(source.tip_height() + 1)}
    assert len(regtest_chain.stale) == 2
    assert served.isdisjoint(regtest_chain.stale)
    assert source.stale_count == len(regtest_chain.stale)


def test_block_files__are_several_and_obfuscated(regtest_chain):
    folder = regtest_chain.datadir / "regtest" / "blocks"
    assert len(list(folder.glob("blk*.dat"))) > 1
    assert any((folder / "xor.dat").read_bytes())
    assert (folder / "blk00000.dat").read_bytes()[:4] != REGTEST.magic


def test_work_above__is_the_nodes_chain_work(regtest_chain, source):
    tip = source.tip_height()
    whole = int(regtest_chain.blocks[tip]["chainwork"], 16)
    assert source.work_above(-1) == whole
    for height in (0, 100, tip - 1, tip):
        below = int(regtest_chain.blocks[height]["chainwork"], 16)
        assert source.work_above(height) == whole - below


def test_median_time_past__is_the_nodes(regtest_chain, batches):
    times = header_times(np.concatenate([batch.header for batch in batches]))
    assert times.tolist() == [block["time"] for block in regtest_chain.blocks]
    expected = [block["mediantime"] for block in regtest_chain.blocks]
    assert median_time_past(times).tolist() == expected


def test_batches__hold_the_nodes_transactions(regtest_chain, batches):
    txids = [shown_txid(txid.tobytes()) for batch in batches for txid in batch.txid]
    expected = [tx["txid"] for block in regtest_chain.blocks for tx in block["tx"]]
    assert txids == expected
    vouts = [int(vout) for batch in batches for vout in batch.spent_vout]
    inputs = [vin for block in regtest_chain.blocks for tx in block["tx"] for vin in tx["vin"]]
    assert vouts == [vin["vout"] for vin in inputs if "txid" in vin]
    values = [int(value) for batch in batches for value in batch.value]
    outputs = [out for block in regtest_chain.blocks for tx in block["tx"] for out in tx["vout"]]
    assert values == [sat(output["value"]) for output in outputs]


def test_batches__give_the_nodes_fees(regtest_chain, batches):
    value_of, ours = {}, {}
    for batch in batches:
        for row in range(batch.transaction_count):
            txid = batch.txid[row].tobytes()
            outputs = batch.value[batch.first_output[row] : batch.first_output[row + 1]].tolist()
            value_of.update({(txid, vout): value for vout, value in enumerate(outputs)})
            spent = [
                value_of[batch.spent_txid[place].tobytes(), int(batch.spent_vout[place])]
                for place in range(batch.first_input[row], batch.first_input[row + 1])
            ]
            if spent:
                ours[shown_txid(txid)] = sum(spent) - sum(outputs)
    theirs = {
        tx["txid"]: sat(tx["fee"])
        for block in regtest_chain.blocks
        for tx in block["tx"]
        if "fee" in tx
    }
    assert len(theirs) > 70
    assert ours == theirs


def test_subsidy__is_what_coinbases_take_beside_the_fees(regtest_chain):
    for height, block in enumerate(regtest_chain.blocks[1:], start=1):
        taken = sum(sat(output["value"]) for output in block["tx"][0]["vout"])
        fees = sum(sat(tx["fee"]) for tx in block["tx"][1:])
        assert taken == REGTEST.subsidy(height) + fees
    assert REGTEST.subsidy(len(regtest_chain.blocks)) < REGTEST.subsidy(0)


def test_address_text__is_what_the_node_prints(regtest_chain, batches):
    ours = [
        address_text(ScriptType(int(kind)), batch.raw[start : start + length].tobytes(), REGTEST)
        for batch in batches
        for kind, start, length in zip(
            batch.script_type, batch.payload_start, batch.payload_length, strict=True
        )
    ]
    seen = set()
    for script, text in zip(outputs_of(regtest_chain), ours, strict=True):
        seen.add(script["type"])
        if "address" in script:
            assert text == script["address"]
        elif script["type"] == "nulldata" or script["hex"].startswith("6a"):
            assert text is None
        elif script["hex"].startswith(UNUSUAL_MULTISIG):
            assert text == f"raw({script['hex']})"
        else:
            assert text == script["desc"].partition("#")[0]
    assert seen >= {
        "pubkey",
        "pubkeyhash",
        "scripthash",
        "multisig",
        "witness_v0_keyhash",
        "witness_v0_scripthash",
        "witness_v1_taproot",
        "witness_unknown",
        "anchor",
        "nulldata",
        "nonstandard",
    }


def test_parse_address__reads_every_descriptor_that_the_node_prints(regtest_chain):
    for script in outputs_of(regtest_chain):
        if script["hex"].startswith("6a"):
            with pytest.raises(AddressError, match="OP_RETURN"):
                parse_address(script["desc"], REGTEST)
            continue
        locking = parse_address(script["desc"], REGTEST)
        if not script["hex"].startswith(UNUSUAL_MULTISIG):
            assert locking == parse_address(f"raw({script['hex']})", REGTEST)
        if "address" in script:
            assert locking == parse_address(script["address"], REGTEST)


def test_regtest_chain__holds_what_it_promises(regtest_chain):
    confirmed = {tx["txid"]: tx for block in regtest_chain.blocks for tx in block["tx"]}
    kinds = regtest_chain.transactions
    for kind in (
        *("pay", "deposit", "batch", "op_return", "consolidation", "bumped", "coinjoin"),
        *("bare_multisig", "p2sh_multisig", "p2wsh_multisig", "p2sh_p2wsh_multisig"),
        *("taproot_script", "p2pk", "multi_input"),
    ):
        assert kinds[kind]
        assert all(txid in confirmed for txid in kinds[kind])
    (joined,) = (confirmed[txid] for txid in kinds["coinjoin"])
    assert len(joined["vin"]) == 4
    assert sum(output["value"] == Decimal("0.1") for output in joined["vout"]) == 4
    assert any(len(confirmed[txid]["vin"]) > 1 for txid in kinds["multi_input"])
    assert set(regtest_chain.rpc.getrawmempool()) == set(regtest_chain.unconfirmed)
    assert raw_txid(kinds["pay"][0]) not in {raw_txid(txid) for txid in regtest_chain.unconfirmed}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_networks__have_the_constants_of_a_real_node(network, tmp_path):
    chain = {"bitcoin": "main", "bitcoin-testnet3": "test"}.get(
        network.name, network.name.removeprefix("bitcoin-")
    )
    with bitcoind(tmp_path, chain=chain) as node:
        genesis = node.rpc.getblockhash(0)
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        addresses = {
            kind: wallet.getnewaddress("", kind)
            for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m")
        }
    assert shown_txid(network.genesis_hash) == genesis
    source = BlockFiles(tmp_path, network)
    assert source.tip_height() == 0
    assert shown_txid(source.block_hash(0)) == genesis
    types = [parse_address(text, network).script_type for text in addresses.values()]
    assert types == [ScriptType.P2PKH, ScriptType.P2SH, ScriptType.P2WPKH, ScriptType.P2TR]
    other = NETWORKS[0] if network is not NETWORKS[0] else REGTEST
    with pytest.raises(SourceUnavailableError, match=network.name):
        BlockFiles(tmp_path, other)


def test_block_files__may_be_read_while_the_node_writes(tmp_path):
    with bitcoind(tmp_path, "-fastprune=1") as node:
        node.rpc.createwallet("w")
        address = node.rpc.wallet("w").getnewaddress("", "bech32")
        previous = BlockFiles(tmp_path, REGTEST)
        for _ in range(10):
            node.rpc.generatetoaddress(7, address)
            source = BlockFiles(tmp_path, REGTEST)
            assert source.tip_height() == node.rpc.getblockcount() == previous.tip_height() + 7
            # The older source goes on serving what it found.
            held = list(previous.batches(0, previous.tip_height() + 1))
            assert sum(batch.block_count for batch in held) == previous.tip_height() + 1
            previous = source
