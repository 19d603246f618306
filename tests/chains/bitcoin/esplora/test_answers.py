import copy
import json
from contextlib import suppress

import numpy as np
import pytest
from bitcoin.core import CBlockHeader, COutPoint, CTransaction, CTxIn, CTxOut
from bitcoin.core.script import CScript
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.decode import header_hashes
from chains.bitcoin.esplora import answers as answers
from chains.bitcoin.esplora.json import UnexpectedAnswerError
from chains.lookups import Sighting, StatedOutput
from tests.chains.bitcoin.generated import coinbases, scripts, transactions

UINT32 = 0xFFFFFFFF
RECORDED = {
    "transactions-random.json": 4,
    "transactions-rbfs.json": 2,
    "transactions-replaced.json": 2,
    "non-standard-txs.json": 1,
}
"""Files of real answers of mempool.space, and how many transactions each holds."""

GENESIS = {
    "id": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "height": 0,
    "version": 1,
    "timestamp": 1231006505,
    "merkle_root": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
    "previousblockhash": None,
    "nonce": 2083236893,
    "bits": 486604799,
    "mediantime": 1231006505,
}
"""Block 0 of the main network, as Blockstream's server describes it."""

A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)


def described(
    made: CTransaction, prevouts: list[StatedOutput], *, signed: bool, nulls: bool
) -> dict:
    """Return a transaction as a server describes it, by python-bitcoinlib's reading of it."""
    empty = {"witness": []} if nulls else {}
    stacks = [list(each.scriptWitness.stack) for each in made.wit.vtxinwit]
    stacks += [[]] * (len(made.vin) - len(stacks))
    coinbase = made.vin[0].prevout.is_null()
    return {
        "txid": made.GetTxid()[::-1].hex(),
        "version": made.nVersion if signed else made.nVersion & UINT32,
        "locktime": made.nLockTime,
        "vin": [
            {
                "txid": spends.prevout.hash[::-1].hex(),
                "vout": spends.prevout.n,
                "prevout": None
                if coinbase
                else {"value": prevout.value_sat, "scriptpubkey": prevout.script.hex()},
                "scriptsig": bytes(spends.scriptSig).hex(),
                **({"witness": [item.hex() for item in stack]} if stack else empty),
                "is_coinbase": coinbase,
                "sequence": spends.nSequence,
            }
            for spends, stack, prevout in zip(made.vin, stacks, prevouts, strict=True)
        ],
        "vout": [
            {"scriptpubkey": bytes(output.scriptPubKey).hex(), "value": output.nValue}
            for output in made.vout
        ],
        "status": {"confirmed": False},
    }


def body(value: object) -> bytes:
    return json.dumps(value).encode()


@given(
    made=transactions(),
    prevout=st.builds(StatedOutput, value_sat=st.integers(0, 21 * 10**14), script=scripts),
    signed=st.booleans(),
    nulls=st.booleans(),
)
def test_read_transaction__puts_the_bytes_together_again(made, prevout, signed, nulls):
    prevouts = [prevout] * len(made.vin)
    read = answers.read_transaction(body(described(made, prevouts, signed=signed, nulls=nulls)))
    assert read.raw == made.serialize()
    assert read.hashed == read.sighting.txid == made.GetTxid()
    assert read.spent == tuple(prevouts)


@given(coinbases())
def test_read_transaction__of_a_coinbase_spends_nothing(made):
    read = answers.read_transaction(body(described(made, [None], signed=False, nulls=False)))
    assert read.raw == made.serialize()
    assert read.hashed == made.GetTxid()
    assert read.spent == ()


@pytest.mark.parametrize("count", [252, 253, 254, 65_535, 65_536])
def test_read_transaction__writes_counts_of_every_length(count):
    prevout = StatedOutput(value_sat=1, script=b"")
    many = CTransaction(
        [CTxIn(COutPoint(b"\1" * 32, 1), CScript(b"\x51" * count))],
        [CTxOut(1, CScript(b"\x52" * count))] * min(count, 300),
    )
    read = answers.read_transaction(body(described(many, [prevout], signed=True, nulls=False)))
    assert read.raw == many.serialize()


@given(transactions())
def test_read_transaction__without_all_prevouts_states_none(made):
    found = described(
        made, [StatedOutput(value_sat=1, script=b"")] * len(made.vin), signed=True, nulls=True
    )
    del found["vin"][-1]["prevout"]
    read = answers.read_transaction(body(found))
    assert read.spent is None
    assert read.hashed == made.GetTxid()


@given(made=transactions(), other=transactions())
def test_read_transaction__of_a_false_description_shows_it(made, other):
    found = described(
        made, [StatedOutput(value_sat=1, script=b"")] * len(made.vin), signed=True, nulls=True
    )
    found["txid"] = other.GetTxid()[::-1].hex()
    read = answers.read_transaction(body(found))
    assert (read.hashed == read.sighting.txid) == (made.GetTxid() == other.GetTxid())


def test_read_transaction__of_real_answers_gives_their_ids(shared_data):
    counts = {}
    for name in RECORDED:
        recorded = json.loads((shared_data / "btc_api_json" / name).read_bytes())
        counts[name] = len(recorded)
        for stated in recorded:
            read = answers.read_transaction(body(stated))
            assert read.hashed.hex() == bytes.fromhex(stated["txid"])[::-1].hex()
            assert read.hashed == read.sighting.txid
            assert len(read.raw) == stated["size"]
            assert sum(spent.value_sat for spent in read.spent) - stated["fee"] == sum(
                output["value"] for output in stated["vout"]
            )
            assert read.sighting.height == stated["status"].get("block_height")
    assert counts == RECORDED


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("version",), "2", "version is '2' and not a whole number"),
        (("version",), 1 << 32, "version is 4294967296"),
        (("locktime",), -1, "locktime is -1"),
        (("vin", 0, "vout"), 1.0, r"vin\[0\]\.vout is 1\.0"),
        (("vin", 0, "txid"), "ab", r"vin\[0\]\.txid is 'ab' and not 64"),
        (("vin", 0, "sequence"), None, r"vin\[0\]\.sequence is null"),
        (("vin", 0, "scriptsig"), "0", r"vin\[0\]\.scriptsig is not hexadecimal"),
        (("vin", 0, "witness"), {}, r"vin\[0\]\.witness is \{\} and not a list"),
        (("vin", 0, "prevout"), [], r"vin\[0\]\.prevout is \[\] and not an object"),
        (("vin",), {}, "vin is {} and not a list"),
        (("vout", 0, "value"), True, r"vout\[0\]\.value is True"),
        (("vout", 0, "value"), 21 * 10**14 + 1, r"vout\[0\]\.value is 2100000000000001"),
        (("vout", 0, "value"), -1, r"vout\[0\]\.value is -1"),
        (("vout", 0, "scriptpubkey"), None, r"vout\[0\]\.scriptpubkey is null"),
        (("status",), None, "status is null"),
        (("status", "confirmed"), "yes", r"status\.confirmed is 'yes'"),
        (("status",), {"confirmed": True}, "status has no 'block_height'"),
        (("txid",), 5, "txid is 5"),
    ],
)
def test_read_transaction__names_what_is_wrong(place, value, message):
    found = {
        "txid": A,
        "version": 2,
        "locktime": 0,
        "vin": [{"txid": B, "vout": 0, "scriptsig": "", "sequence": 0, "prevout": None}],
        "vout": [{"value": 5, "scriptpubkey": "51"}],
        "status": {"confirmed": False},
    }
    answers.read_transaction(body(found))
    changed = found
    for step in place[:-1]:
        changed = changed[step]
    changed[place[-1]] = value
    with pytest.raises(UnexpectedAnswerError, match=message):
        answers.read_transaction(body(found))


READERS = [
    (answers.read_transactions, [{"txid": A, "version": 2, "locktime": 0, "vin": [
        {"txid": B, "vout": 0, "scriptsig": "", "sequence": 0, "witness": ["aa"],
         "prevout": {"value": 5, "scriptpubkey": "51"}}],
        "vout": [{"value": 5, "scriptpubkey": "51"}],
        "status": {"confirmed": True, "block_height": 7}}]),
    (answers.read_counts, {"chain_stats": {"tx_count": 3}, "mempool_stats": {"tx_count": 0}}),
    (answers.read_spenders, [{"spent": True, "txid": A, "status": {"confirmed": False}}]),
    (answers.read_branch, {"block_height": 9, "merkle": [A, B], "pos": 3}),
    (answers.read_blocks, [GENESIS]),
]  # fmt: skip


@given(st.sampled_from(READERS), st.data())
def test_readers__of_damaged_answers_refuse_in_one_way(case, data):
    read, right = case
    read(body(right))
    damaged = copy.deepcopy(right)
    places = list(_places(damaged))
    holder, key = data.draw(st.sampled_from(places))
    match data.draw(st.integers(0, 2)):
        case 0:
            del holder[key]
        case 1:
            holder[key] = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.booleans())
        case _:
            holder[key] = data.draw(st.sampled_from([[], {}, [[]], 1.5, "00" * 32, 1 << 70]))
    # Any other error would be one of ours.
    with suppress(UnexpectedAnswerError):
        read(body(damaged))


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def test_read_block__rebuilds_the_genesis_header():
    read = answers.read_block(body(GENESIS))
    assert read.height == 0
    assert read.median_time == GENESIS["mediantime"]
    assert read.block_hash[::-1].hex() == GENESIS["id"]
    assert answers.read_blocks(body([GENESIS])) == [read]


@given(
    st.integers(-(2**31), 2**31 - 1), st.integers(0, UINT32), st.binary(min_size=32, max_size=32)
)
def test_read_block__rebuilds_any_header_with_a_signed_or_unsigned_version(version, at, root):
    mined = (CBlockHeader(version, b"\2" * 32, root, at, 0x207FFFFF, nonce) for nonce in range(200))
    # The easiest target leaves out one header in two.
    header = next(each for each in mined if each.GetHash()[-1] < 0x7F)
    for stated_version in (version, version & UINT32):
        stated = {
            "id": header.GetHash()[::-1].hex(),
            "height": 5,
            "version": stated_version,
            "timestamp": at,
            "merkle_root": root[::-1].hex(),
            "previousblockhash": "02" * 32,
            "nonce": header.nNonce,
            "bits": 0x207FFFFF,
        }
        read = answers.read_block(body(stated))
        assert read.header == header.serialize()
        assert read.block_hash == header.GetHash()
        assert read.median_time is None


def test_read_block__checks_the_work():
    # A header of no work: its hash is right, and above the target of difficulty 1.
    header = bytearray(80)
    header[72:76] = (486604799).to_bytes(4, "little")
    stated = GENESIS | {
        "id": "00" * 32,
        "version": 0,
        "timestamp": 0,
        "merkle_root": "00" * 32,
        "nonce": 0,
    }
    with pytest.raises(UnexpectedAnswerError, match="hashes to something else"):
        answers.read_block(body(stated))
    rows = np.frombuffer(bytes(header), np.uint8).reshape(1, 80)
    stated["id"] = header_hashes(rows).tobytes()[::-1].hex()
    with pytest.raises(UnexpectedAnswerError, match="does not meet its own target"):
        answers.read_block(body(stated))


def test_read_branch__turns_hashes_round():
    height, branch = answers.read_branch(
        body({"block_height": 9, "merkle": ["01" + "00" * 31], "pos": 1})
    )
    assert (height, branch.position, branch.path) == (9, 1, (bytes(31) + b"\x01",))


def test_read_branch__of_an_impossible_position_is_refused():
    for position, path in ((1, []), (2, [A]), (-1, [A])):
        with pytest.raises(UnexpectedAnswerError, match="pos"):
            answers.read_branch(body({"block_height": 9, "merkle": path, "pos": position}))
    with pytest.raises(UnexpectedAnswerError, match="33 levels"):
        answers.read_branch(body({"block_height": 9, "merkle": [A] * 33, "pos": 0}))


def test_read_spenders__tells_unspent_unconfirmed_and_confirmed():
    stated = [
        {"spent": False},
        {"spent": True, "txid": A, "vin": 0, "status": {"confirmed": False}},
        {"spent": True, "txid": B, "vin": 1, "status": {"confirmed": True, "block_height": 5}},
    ]
    unspent, unconfirmed, confirmed = answers.read_spenders(body(stated))
    assert unspent is None
    assert unconfirmed == Sighting(txid=bytes.fromhex(A), height=None)
    assert confirmed == Sighting(txid=bytes.fromhex(B), height=5)
    assert [answers.read_spender(body(each)) for each in stated] == [
        unspent,
        unconfirmed,
        confirmed,
    ]


def test_read_hash__takes_bare_text_only():
    shown = GENESIS["id"]
    assert answers.read_hash(f"{shown}\n".encode()) == bytes.fromhex(shown)[::-1]
    for text in (f'"{shown}"', shown[2:], "", "<html>", "\udcff" * 64):
        with pytest.raises(UnexpectedAnswerError):
            answers.read_hash(text.encode("utf-8", "surrogateescape"))


def test_read_counts__reads_both():
    stated = {"chain_stats": {"tx_count": 3}, "mempool_stats": {"tx_count": 2}}
    read = answers.read_counts(body(stated))
    assert (read.confirmed, read.unconfirmed) == (3, 2)
