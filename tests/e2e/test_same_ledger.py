"""One chain of a real node, one ledger: whatever way the blocks come in, and what the node says."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arien_flows.cli.main import run
from arien_flows.ledger.beginning import before_ledger
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.schema import EXTERNAL
from arien_flows.ledger.verify import verify
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.access import DIRECT
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.core.place import Transport
from chains.bitcoin.core.source import CoreNode
from chains.bitcoin.networks import COIN_SAT, REGTEST
from chains.endpoint import Endpoint
from chains.source import BlockSource
from chains.tables import ScriptType
from tests.arien_flows.ledger.late import transactions_of
from tests.arien_flows.ledger.stores import QuickDisk, everything_of
from tests.nodes import Node, bitcoind
from tests.regtest_chain import RegtestChain

pytestmark = pytest.mark.slow

BATCH_BYTES = 20_000
"""Small, so that the chain makes a few commits."""

UNUSUAL_MULTISIG = "514c21"
"""How the multisig begins whose key is pushed in an unusual way; the node reads it leniently."""

SCRIPT_TYPES = {
    "pubkey": ScriptType.P2PK,
    "pubkeyhash": ScriptType.P2PKH,
    "scripthash": ScriptType.P2SH,
    "multisig": ScriptType.MULTISIG,
    "witness_v0_keyhash": ScriptType.P2WPKH,
    "witness_v0_scripthash": ScriptType.P2WSH,
    "witness_v1_taproot": ScriptType.P2TR,
    "witness_unknown": ScriptType.WITNESS_UNKNOWN,
    "anchor": ScriptType.WITNESS_UNKNOWN,
    "nonstandard": ScriptType.NONSTANDARD,
}
"""What the node calls the kinds of script."""

Opener = Callable[[Node], BlockSource]


def over(transport: Transport) -> Opener:
    def opened(node: Node) -> BlockSource:
        endpoint = Endpoint.parse(node.source)
        return CoreNode(endpoint, REGTEST, DIRECT, transport=transport, batch_bytes=BATCH_BYTES)

    return opened


def from_files(node: Node) -> BlockSource:
    return BlockFiles(node.datadir, REGTEST, batch_bytes=BATCH_BYTES)


NODE_FORMS = {transport.value: over(transport) for transport in Transport}


def filled(root: Path, source: BlockSource, start: int = 0) -> View:
    with source, LedgerWriter(root, REGTEST, QuickDisk(root)) as writer:
        writer.begin_at(start)
        ingest(writer, source)
    return Ledger(root).view()


@pytest.fixture(scope="module")
def by_files(regtest_chain: RegtestChain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("by-files")
    filled(root, from_files(regtest_chain.node))
    return root


@pytest.mark.parametrize("form", NODE_FORMS)
def test_ledger__is_the_same_whatever_way_the_blocks_come_in(
    form: str, by_files: Path, regtest_chain: RegtestChain, tmp_path: Path
) -> None:
    filled(tmp_path, NODE_FORMS[form](regtest_chain.node))
    ours, theirs = everything_of(tmp_path), everything_of(by_files)
    assert ours.keys() == theirs.keys()
    assert [path for path in ours if ours[path] != theirs[path]] == []
    # One commit would make the comparison of cuts worth little.
    assert len(Ledger(tmp_path).view().histories.runs) > 2


def sat(amount: Decimal) -> int:
    return int(Decimal(amount) * COIN_SAT)


def assert_script(view: View, address: int, script: dict[str, Any]) -> None:
    """Compare an output's script with what the node says of it."""
    if script["hex"].startswith("6a"):
        assert view.address_text(address) is None
        return
    if "address" in script:
        assert view.address_text(address) == script["address"]
    if not script["hex"].startswith(UNUSUAL_MULTISIG):
        assert view.lock(address)[0] is SCRIPT_TYPES[script["type"]]


def test_ledger__says_of_every_transaction_what_the_node_says(
    by_files: Path, regtest_chain: RegtestChain
) -> None:
    view = Ledger(by_files).view()
    number = 0
    for block in regtest_chain.blocks:
        row = view.blocks_of(np.array([number]))[0]
        assert view.block_hash(row) == block["hash"]
        assert view.block_height[row] == block["height"]
        assert int(view.median_times[row]) == block["mediantime"]
        for position, told in enumerate(block["tx"]):
            assert view.position_of(number) == position
            assert_transaction(view, number, told)
            number += 1
    assert number == view.counts.transactions


def assert_transaction(view: View, number: int, told: dict[str, Any]) -> None:
    stripped, witness = int(view.stripped_size[number]), int(view.witness_size[number])
    assert view.txid_text(number) == told["txid"]
    assert int(view.version[number]) & 0xFFFF_FFFF == told["version"] & 0xFFFF_FFFF
    assert int(view.locktime[number]) == told["locktime"]
    assert stripped + witness == told["size"]
    assert 4 * stripped + witness == told["weight"]
    assert -(-(4 * stripped + witness) // 4) == told["vsize"]
    inputs = range(int(view.first_input[number]), int(view.first_input[number + 1]))
    if "coinbase" in told["vin"][0]:
        assert_coinbase(view, number, told["vin"][0])
    else:
        assert len(inputs) == len(told["vin"])
        assert int(view.fee[number]) == sat(told["fee"])
        for spend, said in zip(inputs, told["vin"], strict=True):
            assert_input(view, number, spend, said)
    outputs = range(int(view.first_output[number]), int(view.first_output[number + 1]))
    for output, said in zip(outputs, told["vout"], strict=True):
        assert int(view.output_value[output]) == sat(said["value"])
        assert_script(view, int(view.output_address[output]), said["scriptPubKey"])


def assert_coinbase(view: View, number: int, said: dict[str, Any]) -> None:
    row = int(view.blocks_of(np.array([number]))[0])
    assert view.is_coinbase(np.array([number])).all()
    assert int(view.fee[number]) == 0
    first, end = view.first_coinbase_byte[row], view.first_coinbase_byte[row + 1]
    assert view.coinbase_script[first:end].tobytes().hex() == said["coinbase"]
    assert int(view.coinbase_sequence[row]) == said["sequence"]


def assert_input(view: View, number: int, spend: int, said: dict[str, Any]) -> None:
    spent = int(view.spent_output[spend])
    assert view.outpoint_text(spent) == f"{said['txid']}:{said['vout']}"
    assert int(view.spenders(np.array([spent]))[0]) == number
    assert int(view.sequence[spend]) == said["sequence"]
    assert int(view.input_value[spend]) == sat(said["prevout"]["value"])
    assert int(view.input_value[spend]) == int(view.output_value[spent])
    assert int(view.input_address[spend]) == int(view.output_address[spent])
    assert_script(view, int(view.input_address[spend]), said["prevout"]["scriptPubKey"])


def test_ledger__the_unspent_outputs_are_the_nodes(
    by_files: Path, regtest_chain: RegtestChain
) -> None:
    view = Ledger(by_files).view()
    outputs = np.arange(view.counts.outputs)
    unspent = outputs[(view.spenders(outputs) < 0)]
    spent_by_mempool = {
        (vin["txid"], vin["vout"])
        for txid in regtest_chain.unconfirmed
        for vin in regtest_chain.rpc.getrawtransaction(txid, True)["vin"]
    }
    assert spent_by_mempool
    for output in unspent[1:].tolist():  # the genesis block's is in no node's set
        txid, _, vout = view.outpoint_text(output).rpartition(":")
        found = regtest_chain.rpc.gettxout(txid, int(vout), False)
        script = view.address_text(int(view.output_address[output]))
        assert (found is None) == (script is None)
    for txid, vout in spent_by_mempool:
        assert view.find_output(f"{txid}:{vout}") in unspent


@pytest.mark.parametrize("form", NODE_FORMS)
def test_late_ledger__of_a_real_node_says_what_the_whole_one_says(
    form: str, by_files: Path, regtest_chain: RegtestChain, tmp_path: Path
) -> None:
    whole = Ledger(by_files).view()
    height = whole.tip.height - 8
    view = filled(tmp_path, NODE_FORMS[form](regtest_chain.node), height)
    assert view.counts.blocks == 9
    assert int(np.count_nonzero(view.spent_output == EXTERNAL)) > 30
    assert transactions_of(view, height) == transactions_of(whole, height)
    found = verify(Ledger(tmp_path))
    assert found.ok, [check for check in found.checks if not check.ok]
    (cut,) = before_ledger(view)
    assert (cut.reason, cut.limit) == ("before_ledger", height)
    assert before_ledger(whole) == ()


def test_late_ledger__is_the_same_over_all_forms(
    regtest_chain: RegtestChain, tmp_path: Path
) -> None:
    height = len(regtest_chain.blocks) - 12
    states = []
    for form, opened in NODE_FORMS.items():
        filled(tmp_path / form, opened(regtest_chain.node), height)
        states.append(everything_of(tmp_path / form))
    assert states[0] == states[1] == states[2]


def test_late_ledger__of_a_pruned_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bitcoind(tmp_path / "node", "-prune=1", "-fastprune=1") as node:
        node.rpc.createwallet("w")
        wallet = node.rpc.wallet("w")
        node.rpc.generatetoaddress(400, wallet.getnewaddress())
        wallet.sendtoaddress(wallet.getnewaddress(), "60")
        node.rpc.generatetoaddress(200, wallet.getnewaddress())
        node.rpc.pruneblockchain(300)
        first = node.rpc.getblockchaininfo()["pruneheight"]
        assert first > 0
        command = ["ledger", "ingest", "--source", node.source, "--network", REGTEST.name]
        data = ["--data", str(tmp_path / "data")]
        assert run([*data, *command]) == 4
        told = capsys.readouterr().err
        assert "--from" in told
        assert "tests" not in told
        assert run([*data, *command, "--from", str(first)]) == 0
    root = tmp_path / "data" / REGTEST.name
    view = Ledger(root).view()
    assert (int(view.block_height[0]), view.tip.height) == (first, 600)
    assert int(np.count_nonzero(view.spent_output == EXTERNAL)) >= 1
    assert verify(Ledger(root)).ok
