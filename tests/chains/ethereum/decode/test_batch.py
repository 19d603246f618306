import copy
import csv
import json
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import MalformedBlockError
from chains.ethereum.decode.batch import decode_blocks
from chains.ethereum.networks import ETHER_WEI, ETHEREUM, ETHEREUM_DEV
from chains.ethereum.tables import CallCoverage, Ordering, TransactionKind
from scripts.planted_ethereum import PlantedBlock, planted_blocks
from tests.chains.ethereum.batches import events_of, moves_of, name_of, story_of
from tests.chains.ethereum.decode.answers import (
    ALICE,
    BOB,
    CAROL,
    MINER,
    NULL,
    TOKEN,
    Chain,
    call,
    log,
    sent,
)

TRANSFER = "Transfer(address,address,uint256)"
GAS = [("GAS_BURNT", ALICE, None, None, 210_000), ("GAS_TIP", ALICE, MINER, None, 42_000)]


def test_decode_blocks__pays_and_burns_gas_last():
    chain = Chain()
    chain.add(sent(BOB, 5))
    assert moves_of(chain.batch(), 0) == [("CALL", ALICE, BOB, None, 5), *GAS]


def test_decode_blocks__gives_all_gas_to_the_miner_before_london():
    chain = Chain(baseFeePerGas=None)
    chain.add(sent(BOB, 5))
    assert moves_of(chain.batch(), 0)[1:] == [("GAS_TIP", ALICE, MINER, None, 252_000)]


def test_decode_blocks__burns_what_blobs_cost():
    chain = Chain()
    fee = {"blobGasUsed": hex(131_072), "blobGasPrice": hex(1 << 60)}
    chain.add(sent(BOB, 0, type="0x3"), **fee)
    burnt = 210_000 + 131_072 * (1 << 60)
    assert moves_of(chain.batch(), 0)[0] == ("GAS_BURNT", ALICE, None, None, burnt)


def test_decode_blocks__moves_nothing_but_gas_in_a_failed_transaction():
    chain = Chain()
    chain.add(sent(BOB, 5), {"calls": [call(BOB, CAROL, 3)]}, status="0x0")
    for traced in (True, False):
        batch = chain.batch(traced=traced)
        assert moves_of(batch, 0) == GAS
        assert not batch.succeeded[0]


def test_decode_blocks__stands_calls_and_events_in_order_of_execution():
    transfer = log(TOKEN, TRANSFER, [ALICE, BOB], [9], position="0x1")
    chain = Chain()
    chain.add(
        sent(BOB, 5),
        {"calls": [call(BOB, CAROL, 1), call(BOB, CAROL, 2)], "logs": [transfer]},
        [transfer],
    )
    batch = chain.batch()
    assert batch.ordering == Ordering.EXECUTION
    moved = [(kind, amount) for kind, *_, amount in moves_of(batch, 0)[:-2]]
    assert moved == [("CALL", 5), ("CALL", 1), ("TOKEN", 9), ("CALL", 2)]


def test_decode_blocks__stands_calls_first_where_the_trace_does_not_place_the_events():
    transfer = log(TOKEN, TRANSFER, [ALICE, BOB], [9])
    chain = Chain()
    chain.add(sent(BOB, 5), {"calls": [call(BOB, CAROL, 1)]}, [transfer])
    batch = chain.batch()
    assert batch.ordering == Ordering.CALLS_FIRST
    assert [kind for kind, *_ in moves_of(batch, 0)[:-2]] == ["CALL", "CALL", "TOKEN"]


def test_decode_blocks__does_not_place_events_by_a_trace_of_other_events():
    transfer = log(TOKEN, TRANSFER, [ALICE, BOB], [9], position="0x0")
    chain = Chain()
    chain.add(sent(BOB, 5), {"logs": [transfer | {"address": CAROL}]}, [transfer])
    assert chain.batch().ordering == Ordering.CALLS_FIRST


def test_decode_blocks__says_that_calls_are_missing():
    chain = Chain()
    chain.add(sent(BOB, 5), {"calls": [call(BOB, CAROL, 1)]})
    batch = chain.batch(traced=False)
    assert batch.calls == CallCoverage.MISSING
    assert moves_of(batch, 0) == [("CALL", ALICE, BOB, None, 5), *GAS]


def test_decode_blocks__takes_down_who_created_what():
    child = call(BOB, CAROL, 1, output="0xef0100" + "1" * 40) | {"type": "CREATE2"}
    chain = Chain()
    chain.add(sent(None, 4), {"output": "0x6001", "calls": [child]})
    batch = chain.batch()
    made = name_of(batch, batch.receiver[0])
    assert moves_of(batch, 0)[:2] == [
        ("CREATE", ALICE, made, None, 4),
        ("CREATE", BOB, CAROL, None, 1),
    ]
    assert [name_of(batch, one) for one in batch.code_account] == [made, CAROL]
    assert [name_of(batch, one) for one in batch.code_creator] == [ALICE, BOB]
    assert name_of(batch, batch.code_target[1]) == "0x" + "1" * 40


def test_decode_blocks__knows_a_creation_without_its_code_where_nothing_was_traced():
    chain = Chain()
    chain.add(sent(None, 4))
    batch = chain.batch(traced=False)
    assert batch.code_account.tolist() == batch.receiver.tolist()
    assert not batch.code_hash.any()


@pytest.mark.parametrize(
    ("since_cancun", "created_here", "left"),
    [(False, False, True), (True, False, False), (True, True, True)],
)
def test_decode_blocks__destroys_what_a_contract_left_itself_or_got_too_late(
    since_cancun, created_here, left
):
    later = {"withdrawalsRoot": "0x" + "1" * 64, "blobGasUsed": "0x0", "excessBlobGas": "0x0",
             "parentBeaconBlockRoot": "0x" + "2" * 64} if since_cancun else {}  # fmt: skip
    chain = Chain(**later)
    made = [call(BOB, CAROL, 0) | {"type": "CREATE"}] if created_here else []
    ends = [
        call(CAROL, CAROL, 9) | {"type": "SELFDESTRUCT"},
        call(BOB, CAROL, 3),
        call(CAROL, BOB, 1),
    ]
    chain.add(sent(BOB, 5), {"calls": [*made, *ends]})
    moved = [one for one in moves_of(chain.batch(), 0) if one[0] == "SELF_DESTRUCT"]
    gone = [("SELF_DESTRUCT", CAROL, None, None, 9), ("SELF_DESTRUCT", CAROL, None, None, 2)]
    assert moved == (gone if left else [])


def test_decode_blocks__pays_withdrawals_outside_transactions():
    chain = Chain(withdrawalsRoot="0x" + "1" * 64)
    paid = {"index": "0x1", "validatorIndex": "0x2", "address": BOB, "amount": "0x3"}
    chain.block(withdrawals=[paid, paid | {"amount": "0x0"}])
    chain.add(sent(BOB, 5))
    batch = chain.batch()
    assert batch.tx_kind.tolist() == [TransactionKind.FEE_MARKET, TransactionKind.SYSTEM]
    assert moves_of(batch, 1) == [("WITHDRAWAL", None, BOB, None, 3 * 10**9)]
    assert batch.tx_hash[1].tobytes() == batch.block_hash[0].tobytes()


def test_decode_blocks__allocates_the_genesis_block_before_its_transactions():
    chain = Chain(first=0)
    chain.block()
    batch = chain.batch(allocation={b"\xaa" * 20: 7, b"\xbb" * 20: 0})
    assert moves_of(batch, 0) == [("GENESIS", None, ALICE, None, 7)]
    assert not chain.batch().transaction_count


def test_decode_blocks__rewards_the_miner_of_the_main_net_before_the_merge():
    chain = Chain(first=5_000_000, baseFeePerGas=None)
    chain.block()
    assert moves_of(chain.batch(ETHEREUM), 0) == [("REWARD", None, MINER, None, 3 * ETHER_WEI)]
    assert not chain.batch(ETHEREUM_DEV).transaction_count


def test_decode_blocks__rewards_uncles_whose_headers_it_has():
    chain = Chain(first=5_000_000, baseFeePerGas=None)
    chain.block(miner=CAROL)
    uncle = dict(chain.blocks[0])
    chain.block(sha3Uncles="0x" + "e" * 64, uncles=[uncle["hash"]])
    with pytest.raises(MalformedBlockError, match="5000001: uncles"):
        chain.batch(ETHEREUM)
    batch = chain.batch(ETHEREUM, uncles={5_000_001: [uncle]})
    whole = 3 * ETHER_WEI
    assert moves_of(batch, 1) == [
        ("REWARD", None, MINER, None, whole + whole // 32),
        ("REWARD", None, CAROL, None, whole * 7 // 8),
    ]


def test_decode_blocks__believes_a_trace_about_success_before_byzantium():
    chain = Chain(baseFeePerGas=None)
    chain.add(sent(BOB, 5, gas=hex(21_000)), {"error": "out of gas"}, status=None)
    chain.add(sent(BOB, 5, gas=hex(21_000)), status=None)
    assert chain.batch().succeeded.tolist() == [False, True]
    # Untraced, a plain payment of exactly its gas passes for one that succeeded.
    assert chain.batch(traced=False).succeeded.tolist() == [True, True]


def test_decode_blocks__guesses_success_before_byzantium_by_the_gas():
    chain = Chain(baseFeePerGas=None)
    chain.add(sent(BOB, 5, input="0x01", gas=hex(50_000)), status=None, gasUsed=hex(50_000))
    chain.add(sent(BOB, 5, input="0x01", gas=hex(50_001)), status=None, gasUsed=hex(50_000))
    assert chain.batch(traced=False).succeeded.tolist() == [False, True]


@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 1000))
def test_decode_blocks__numbers_accounts_alike_however_blocks_are_cut(blocks, transactions, seed):
    planted = list(planted_blocks(blocks, transactions, accounts=6, seed=seed))
    whole = _decoded(planted)
    parts = [_decoded([one]) for one in planted]
    assert story_of([whole]) == story_of(parts)
    met: dict[bytes, None] = {}
    for part in parts:
        met.update(dict.fromkeys(row.tobytes() for row in part.address))
    assert [row.tobytes() for row in whole.address] == list(met)


def _decoded(planted: list[PlantedBlock]):
    return decode_blocks(
        [one.block for one in planted],
        [one.receipts for one in planted],
        [one.traces for one in planted],
        ETHEREUM_DEV,
    )


def test_decode_blocks__takes_no_block():
    batch = decode_blocks([], [], [], ETHEREUM_DEV)
    assert (batch.block_count, batch.transaction_count, len(batch.address)) == (0, 0, 0)


def _with(chain: Chain, path: list, value: object) -> Chain:
    """Return a chain with one part of its answers changed."""
    changed = copy.deepcopy(chain)
    target = getattr(changed, path[0])
    for step in path[1:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["blocks", 0, "miner"], BOB, "block 1: hash is .* hash to"),
        (["blocks", 0, "miner"], None, "block 1: miner is missing"),
        (["blocks", 0, "number"], "1", "number is '1'"),
        (["blocks", 0, "transactions"], None, "block 1: transactions is missing"),
        (["blocks", 0, "transactions", 0], "0x12", "transaction 0: transaction is"),
        (["blocks", 0, "transactions", 0, "type"], "0x7e", "transaction 0: type is 126"),
        (["blocks", 0, "transactions", 0, "value"], 5, "transaction 0: value is 5"),
        (["blocks", 0, "transactions", 0, "nonce"], hex(1 << 64), "transaction 0: nonce is"),
        (["receipts", 0, 0, "transactionHash"], "0x" + "1" * 64, "another transaction"),
        (["receipts", 0, 0, "gasUsed"], None, "transaction 0: gasUsed is missing"),
        (["receipts", 0, 0, "effectiveGasPrice"], "0x9", "below baseFeePerGas"),
        (["receipts", 0, 0, "status"], "0x2", "status is 2"),
        (["receipts", 0, 0, "status"], "0x0", "do not agree"),
        (["receipts", 0, 0, "logs", 0, "topics"], ["0x" + "1" * 64] * 5, "5 topics"),
        (["receipts", 0, 0, "logs", 0, "data"], "0x1", "data is '0x1'"),
        (["receipts", 0, 1, "logs", 0, "logIndex"], "0x0", "logIndex"),
        (["receipts", 0], [], "2 transactions and 0 receipts"),
        (["traces", 0], [], "2 transactions and traces of 0"),
        (["traces", 0], None, "trace is missing"),
        (["traces", 0, 0], {"error": "timeout"}, "could not trace"),
        (["traces", 0, 0, "result", "from"], BOB, "something else"),
        (["traces", 0, 0, "result", "value"], "0x6", "something else"),
        (["traces", 0, 0, "result", "to"], CAROL, "another receiver"),
        (["blocks", 1, "parentHash"], "0x" + "1" * 64, "block 2: hash is"),
    ],
)
def test_decode_blocks__names_the_block_and_the_field_that_is_wrong(path, value, said):
    chain = Chain()
    transfer = log(TOKEN, TRANSFER, [ALICE, BOB], [9])
    chain.add(sent(BOB, 5), logs=[transfer])
    chain.add(sent(BOB, 5), logs=[transfer])
    chain.block()
    assert chain.batch().transaction_count == 2
    with pytest.raises(MalformedBlockError, match=said):
        _with(chain, path, value).batch()


def test_decode_blocks__refuses_blocks_that_do_not_follow_each_other():
    chain, other = Chain(), Chain()
    chain.block()
    other.block(miner=BOB)
    chain.block()
    blocks = [other.blocks[0], chain.blocks[1]]
    with pytest.raises(MalformedBlockError, match="block 2: parentHash"):
        decode_blocks(blocks, [[], []], None, ETHEREUM_DEV)
    with pytest.raises(ValueError, match="receipts"):
        decode_blocks(blocks, [[]], None, ETHEREUM_DEV)


def test_decode_blocks__keeps_order_and_offsets_whole():
    planted = list(planted_blocks(3, 8, accounts=5))
    batch = _decoded(planted)
    for first, rows in (
        (batch.first_movement, len(batch.kind)),
        (batch.first_event, len(batch.event_kind)),
        (batch.first_code, len(batch.code_kind)),
    ):
        assert first[0] == 0
        assert first[-1] == rows
        assert np.all(np.diff(first) >= 0)
    assert {name_of(batch, one) for one in batch.fee_recipient} == {planted[0].block["miner"]}
    assert not any("NULL" in str(one) for one in events_of(batch, 0))
    assert NULL not in [name_of(batch, one) for one in batch.sender]


def test_decode_blocks__decodes_a_real_block_with_its_receipts(shared_data):
    """Block 483,920 of 2015: four transactions, two transfers of a token, no word on success."""
    found = {}
    with tarfile.open(shared_data / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        for member in archive:
            if "block_with_logs/web3" in member.name or "receipts_with_logs/web3" in member.name:
                answer = json.load(archive.extractfile(member))["result"]
                found[answer.get("transactionHash", "block")] = answer
        path = "resources/test_export_token_transfers_job/block_with_transfers/"
        text = archive.extractfile(path + "expected_token_transfers.csv").read().decode()
    block = found.pop("block")
    receipts = [found[one["hash"]] for one in block["transactions"]]
    batch = decode_blocks([block], [receipts], None, ETHEREUM)
    moved = [moves_of(batch, at) for at in range(batch.transaction_count)]
    assert [
        (asset, giver, gets, str(amount))
        for one in moved
        for kind, giver, gets, asset, amount in one
        if kind == "TOKEN"
    ] == [
        (row["token_address"], row["from_address"], row["to_address"], row["value"])
        for row in csv.DictReader(text.splitlines())
    ]
    assert batch.succeeded.all()
    tips = sum(amount for one in moved for kind, *_, amount in one if kind == "GAS_TIP")
    assert tips == sum(
        int(one["gasUsed"], 16) * int(sent["gasPrice"], 16)
        for one, sent in zip(receipts, block["transactions"], strict=True)
    )
    assert moved[-1] == [("REWARD", None, block["miner"], None, 5 * ETHER_WEI)]
