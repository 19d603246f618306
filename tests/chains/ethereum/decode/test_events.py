import json
import tarfile

import pytest

from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from chains.ethereum.quantities import ints_of
from chains.ethereum.tokens import listed_assets, listed_symbol
from tests.chains.ethereum.batches import events_of, moves_of
from tests.chains.ethereum.decode.answers import (
    ALICE,
    BOB,
    CAROL,
    NULL,
    TOKEN,
    Chain,
    call,
    log,
    sent,
    word,
)

TRANSFER = "Transfer(address,address,uint256)"
SINGLE = "TransferSingle(address,address,address,uint256,uint256)"
BATCH = "TransferBatch(address,address,address,uint256[],uint256[])"
DEPOSIT, WITHDRAWAL = "Deposit(address,uint256)", "Withdrawal(address,uint256)"
DESTROYED = "DestroyedBlackFunds(address,uint256)"
LARGEST = (1 << 256) - 1
HASH = "0x" + "ab" * 32


def moved(*logs, network=ETHEREUM_DEV, frame=None, value=0):
    """Return what events of one transaction move, its gas and its own value left out."""
    chain = Chain()
    chain.add(sent(BOB, value), frame, list(logs))
    batch = chain.batch(network)
    ids = dict(zip(batch.token_row.tolist(), ints_of(batch.token_id), strict=True))
    found = moves_of(batch, 0)
    return [
        (*one, ids[row]) if row in ids else one
        for row, one in enumerate(found)
        if one[0] not in ("GAS_BURNT", "GAS_TIP", "CALL")
    ]


def told(*logs):
    chain = Chain()
    chain.add(sent(BOB, 0), None, list(logs))
    return events_of(chain.batch(), 0)


@pytest.mark.parametrize("amount", [0, 1, 1 << 64, LARGEST])
@pytest.mark.parametrize("named", [0, 1, 2])
def test_told_by__moves_tokens_whatever_is_indexed(amount, named):
    words = [ALICE, BOB, amount]
    event = log(TOKEN, TRANSFER, words[:named], words[named:])
    assert moved(event) == [("TOKEN", ALICE, BOB, TOKEN, amount)]


def test_told_by__moves_one_of_a_kind():
    event = log(TOKEN, TRANSFER, [NULL, BOB, LARGEST], [])
    assert moved(event) == [("NFT", NULL, BOB, TOKEN, 1, LARGEST)]


def test_told_by__knows_a_listed_collectible_that_indexes_nothing():
    kitties = "0x" + listed_symbol("CK", 1).contract.hex()
    event = log(kitties, TRANSFER, [], [ALICE, BOB, 77])
    assert moved(event, network=ETHEREUM) == [("NFT", ALICE, BOB, kitties, 1, 77)]
    assert moved(event) == [("TOKEN", ALICE, BOB, kitties, 77)]


def test_told_by__moves_tokens_with_ids():
    single = log(TOKEN, SINGLE, [CAROL, ALICE, BOB], [7, 50])
    several = log(TOKEN, BATCH, [CAROL, ALICE, BOB], [64, 160, 2, 8, 9, 2, 100, LARGEST])
    assert moved(single, several) == [
        ("MULTI_TOKEN", ALICE, BOB, TOKEN, 50, 7),
        ("MULTI_TOKEN", ALICE, BOB, TOKEN, 100, 8),
        ("MULTI_TOKEN", ALICE, BOB, TOKEN, LARGEST, 9),
    ]


def test_told_by__moves_all_tokens_of_a_long_list():
    count = 10_001
    ids, amounts = [count, *range(count)], [count, *range(count, 2 * count)]
    event = log(TOKEN, BATCH, [CAROL, ALICE, BOB], [64, 96 + 32 * count, *ids, *amounts])
    found = moved(event)
    assert len(found) == count
    assert found[-1] == ("MULTI_TOKEN", ALICE, BOB, TOKEN, 2 * count - 1, count - 1)


def test_told_by__takes_from_blocked_accounts_what_the_issuer_of_usdt_destroyed():
    tether = "0x" + listed_symbol("USDT", 1).contract.hex()
    events = [log(each, DESTROYED, [], [ALICE, 5]) for each in (tether, TOKEN)]
    assert moved(*events, network=ETHEREUM) == [("TOKEN", ALICE, NULL, tether, 5)]
    assert moved(*events) == []


@pytest.mark.parametrize(
    "event",
    [
        log(TOKEN, TRANSFER, [ALICE, BOB], [9, 9]),
        log(TOKEN, TRANSFER, [ALICE, BOB], []),
        log(TOKEN, TRANSFER, [HASH, BOB], [9]),
        log(TOKEN, TRANSFER, [ALICE], [9]),
        log(TOKEN, BATCH, [CAROL, ALICE, BOB], [64, 160, 2, 8, 9, 1, 100]),
        log(TOKEN, BATCH, [CAROL, ALICE, BOB], [64, LARGEST, 2, 8, 9, 1, 100]),
        log(TOKEN, BATCH, [CAROL, ALICE, BOB], [64, 160, LARGEST, 8, 9, 1, 100]),
        log(TOKEN, BATCH, [CAROL, ALICE, BOB], [1 << 40, 0, 0]),
        {"address": TOKEN, "topics": [], "data": "0x"},
        {"address": TOKEN, "topics": [HASH], "data": "0x00"},
    ],
)
def test_told_by__leaves_events_aside_that_are_not_of_the_form(event):
    real = log(TOKEN, TRANSFER, [ALICE, BOB], [3])
    assert moved(event, real) == [("TOKEN", ALICE, BOB, TOKEN, 3)]


def test_told_by__wraps_the_coin_of_a_listed_contract():
    weth = "0x" + listed_symbol("WETH", 1).contract.hex()
    events = log(weth, DEPOSIT, [ALICE], [5]), log(weth, WITHDRAWAL, [ALICE], [2])
    assert moved(*events, network=ETHEREUM) == [
        ("WRAP", NULL, ALICE, weth, 5),
        ("UNWRAP", ALICE, NULL, weth, 2),
    ]
    assert moved(*events) == []


def test_told_by__believes_an_unknown_contract_once_for_each_call_of_the_same_value():
    frame = {"calls": [call(BOB, TOKEN, 5), call(TOKEN, BOB, 2)]}
    deposit, withdrawal = log(TOKEN, DEPOSIT, [ALICE], [5]), log(TOKEN, WITHDRAWAL, [ALICE], [2])
    other = log(TOKEN, DEPOSIT, [ALICE], [6])
    assert moved(deposit, other, deposit, withdrawal, withdrawal, frame=frame) == [
        ("WRAP", NULL, ALICE, TOKEN, 5),
        ("UNWRAP", ALICE, NULL, TOKEN, 2),
    ]


def test_told_by__does_not_count_a_deposit_twice_that_a_transfer_tells_too():
    frame = {"calls": [call(BOB, TOKEN, 5)]}
    made, deposit = log(TOKEN, TRANSFER, [NULL, ALICE], [5]), log(TOKEN, DEPOSIT, [ALICE], [5])
    assert moved(made, deposit, frame=frame) == [("TOKEN", NULL, ALICE, TOKEN, 5)]


def event(kind, first=None, second=None, third=None, word="0" * 64, amount=0):
    return {
        "kind": kind, "contract": TOKEN, "first": first, "second": second, "third": third,
        "word": word, "amount": amount,
    }  # fmt: skip


def test_told_by__tells_approvals():
    assert told(
        log(TOKEN, "Approval(address,address,uint256)", [ALICE, BOB], [LARGEST]),
        log(TOKEN, "ApprovalForAll(address,address,bool)", [ALICE, BOB], [1]),
        # Of one collectible: no amount is approved.
        log(TOKEN, "Approval(address,address,uint256)", [ALICE, BOB, 7], []),
    ) == [
        event("APPROVAL", ALICE, BOB, amount=LARGEST),
        event("APPROVAL_FOR_ALL", ALICE, BOB, amount=1),
    ]


@pytest.mark.parametrize(
    ("text", "named", "rest", "first", "second"),
    [
        ("Swap(address,uint256,uint256,uint256,uint256,address)", [ALICE, BOB], [1, 0, 0, 2],
         ALICE, BOB),
        ("Swap(address,address,int256,int256,uint160,uint128,int24)", [ALICE, BOB],
         [1, LARGEST, 3, 4, 5], ALICE, BOB),
        ("Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)", [HASH, ALICE],
         [1, 2, 3, 4, 5, 6], ALICE, None),
        ("TokenExchange(address,int128,uint256,int128,uint256)", [ALICE], [0, 5, 1, 6], ALICE,
         None),
        ("Swap(bytes32,address,address,uint256,uint256)", [HASH, TOKEN, CAROL], [5, 6], None,
         None),
    ],
)  # fmt: skip
def test_told_by__tells_exchanges(text, named, rest, first, second):
    assert told(log(TOKEN, text, named, rest)) == [event("SWAP", first, second)]


def test_told_by__tells_what_a_mixer_does():
    deposit = log(TOKEN, "Deposit(bytes32,uint32,uint256)", [HASH], [42, 1_600_000_000])
    withdrawal = log(TOKEN, "Withdrawal(address,bytes32,address,uint256)", [CAROL], [BOB, HASH, 30])
    unrelayed = log(TOKEN, "Withdrawal(address,bytes32,address,uint256)", [NULL], [BOB, HASH, 0])
    assert told(deposit, withdrawal, unrelayed) == [
        event("MIXER_DEPOSIT", word=HASH[2:], amount=42),
        event("MIXER_WITHDRAWAL", BOB, CAROL, word=HASH[2:], amount=30),
        event("MIXER_WITHDRAWAL", BOB, None, word=HASH[2:]),
    ]


def test_told_by__tells_operations_of_wallets():
    text = "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)"
    safe = "ExecutionSuccess(bytes32,uint256)"
    assert told(
        log(TOKEN, text, [HASH, ALICE, NULL], [3, 1, 99, 50]),
        log(TOKEN, text, [HASH, ALICE, BOB], [3, 0, 99, 50]),
        log(TOKEN, safe, [], [HASH, 0]),
        log(TOKEN, safe, [HASH], [0]),
    ) == [
        event("USER_OPERATION", ALICE, None, ALICE, HASH[2:], 99),
        event("USER_OPERATION", ALICE, BOB, None, HASH[2:], 99),
        event("SAFE_EXECUTION", word=HASH[2:]),
        event("SAFE_EXECUTION", word=HASH[2:]),
    ]


def memo(text):
    body = text.encode()
    padded = body + bytes(-len(body) % 32)
    return [len(body), *(int.from_bytes(padded[at : at + 32]) for at in range(0, len(padded), 32))]


def test_told_by__tells_bridges():
    out = "TransferOut(address,address,address,uint256,string)"
    chain = Chain()
    logs = [
        log(TOKEN, "Deposit(address,address,uint256,string)", [BOB, NULL],
            [9, 64, *memo("=:BTC.BTC:bc1q")]),
        log(TOKEN, out, [CAROL, BOB], [NULL, 9, 96, *memo("OUT:" + HASH[2:].upper())]),
        log(TOKEN, out, [CAROL, BOB], [NULL, 9, 96, *memo("OUT:nonsense")]),
        log(TOKEN, out, [CAROL, BOB], [NULL, 9, LARGEST]),
        log(TOKEN, "LogAnySwapIn(bytes32,address,address,uint256,uint256,uint256)",
            [HASH, CAROL, BOB], [9, 56, 1]),
        log(TOKEN, "Relay(bytes32,address,address,address,uint256,uint64,bytes32)", [],
            [1, ALICE, BOB, CAROL, 9, 56, HASH]),
    ]  # fmt: skip
    chain.add(sent(BOB), None, logs)
    batch = chain.batch()
    own = batch.tx_hash[0].tobytes().hex()
    assert events_of(batch, 0) == [
        event("BRIDGE", ALICE, word=own, amount=1),
        event("BRIDGE", BOB, word=HASH[2:], amount=2),
        event("BRIDGE", BOB, amount=2),
        event("BRIDGE", BOB, amount=2),
        event("BRIDGE", BOB, word=HASH[2:], amount=2),
        event("BRIDGE", BOB, word=HASH[2:], amount=2),
    ]


def stream(shared, name):
    with tarfile.open(shared / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        file = archive.extractfile(f"resources/test_stream/{name}")
        return file.read().decode()


def test_told_by__moves_what_an_independent_extraction_found(shared_data):
    folder = "blocks_1755634_1755635/"
    expected = [
        json.loads(line)
        for line in stream(shared_data, folder + "expected_token_transfers.json").splitlines()
        if line
    ]
    answers = [
        json.loads(stream(shared_data, f"{folder}web3_response.{name}.json"))["result"]
        for name in ("eth_getBlockByNumber_0x1ac9f2_true", "eth_getBlockByNumber_0x1ac9f3_true")
    ]
    receipts = [
        [
            json.loads(
                stream(
                    shared_data,
                    f"{folder}web3_response.eth_getTransactionReceipt_{one['hash']}.json",
                )
            )["result"]
            for one in block["transactions"]
        ]
        for block in answers
    ]
    chain = Chain()
    chain.blocks, chain.receipts = answers, receipts
    batch = chain.batch(ETHEREUM, traced=False)
    found = [
        one[1:]
        for at in range(batch.transaction_count)
        for one in moves_of(batch, at)
        if one[0] == "TOKEN"
    ]
    assert found == [
        (one["from_address"], one["to_address"], one["token_address"], one["value"])
        for one in expected
    ]
    # Both blocks were mined before the merge.
    assert [one[0] for one in moves_of(batch, 0)] == ["REWARD"]


def test_word__is_as_long_as_a_word():
    assert {len(word(one)) for one in (0, LARGEST, ALICE, HASH)} == {64}


def test_listed_assets__are_all_of_them_usable_in_events():
    assert all(len(asset.contract) == 20 for asset in listed_assets(1))
