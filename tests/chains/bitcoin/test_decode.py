import json
from pathlib import Path

import numpy as np
import pytest
from bitcoin.core import CBlock, CTransaction, CTxOut, SerializationError
from bitcoin.core.script import CScript
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.decode import (
    PIECE_BYTES,
    compressions_needed,
    decode_blocks,
    decode_transactions,
    pieces,
)
from chains.errors import MalformedBlockError
from chains.tables import BlockBatch
from tests.chains.bitcoin import generated
from tests.reference import bitcoin as reference


def place(parts: list[bytes], gap: bytes = b"") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put byte strings into one buffer with `gap` around each; return it with their slices."""
    lengths = np.array([len(part) for part in parts], np.int64)
    starts = len(gap) + np.cumsum(lengths + len(gap)) - lengths - len(gap)
    raw = np.frombuffer(gap + b"".join(part + gap for part in parts), np.uint8).copy()
    return raw, starts, lengths


def slices(batch: BlockBatch, starts: np.ndarray, lengths: np.ndarray) -> list[bytes]:
    ends = zip(starts.tolist(), lengths.tolist(), strict=True)
    return [batch.raw[start : start + length].tobytes() for start, length in ends]


def rows_of(batch: BlockBatch) -> reference.Rows:
    """Return the batch as the reference decoder writes it."""
    return reference.Rows(
        header=[row.tobytes() for row in batch.header],
        block_hash=[row.tobytes() for row in batch.block_hash],
        first_transaction=batch.first_transaction.tolist(),
        coinbase_script=slices(batch, batch.coinbase_script_start, batch.coinbase_script_length),
        coinbase_sequence=batch.coinbase_sequence.tolist(),
        txid=[row.tobytes() for row in batch.txid],
        version=batch.version.tolist(),
        locktime=batch.locktime.tolist(),
        stripped_size=batch.stripped_size.tolist(),
        witness_size=batch.witness_size.tolist(),
        first_input=batch.first_input.tolist(),
        first_output=batch.first_output.tolist(),
        spent_txid=[row.tobytes() for row in batch.spent_txid],
        spent_vout=batch.spent_vout.tolist(),
        sequence=batch.sequence.tolist(),
        input_script=slices(batch, batch.input_script_start, batch.input_script_length),
        witness=slices(batch, batch.witness_start, batch.witness_length),
        value=batch.value.tolist(),
        script_type=batch.script_type.tolist(),
        payload=slices(batch, batch.payload_start, batch.payload_length),
    )


@given(st.lists(generated.blocks(), max_size=3))
def test_decode_blocks__agrees_with_python_bitcoinlib(blocks):
    batch = decode_blocks(*place(blocks, b"\xfd\xff"))
    assert rows_of(batch) == reference.decode_blocks(blocks)


@given(st.lists(st.integers(0, 2 * PIECE_BYTES), max_size=9))
def test_pieces__hold_all_blocks_in_order_and_little_more_than_fits(lengths):
    cuts = list(pieces(np.array(lengths, np.int64)))
    assert [height for first, last in cuts for height in range(first, last)] == list(
        range(len(lengths))
    )
    for first, last in cuts:
        assert first < last
        assert sum(lengths[first + 1 : last]) < PIECE_BYTES
    assert len(cuts) <= 1 + sum(lengths) // PIECE_BYTES


def sha256_blocks(length: int) -> int:
    """Return how many blocks SHA-256 twice makes of a message of that length."""
    return (length + 1 + 8 + 63) // 64 + 1


@given(st.lists(generated.blocks(), max_size=3))
def test_compressions_needed__counts_every_hash_of_a_block(blocks):
    expected = 0
    for block in map(CBlock.deserialize, blocks):
        lengths = [len(tx.serialize({"include_witness": False})) for tx in block.vtx]
        expected += sum(map(sha256_blocks, lengths)) + sha256_blocks(80)
        level = len(lengths)
        while level > 1:
            level = (level + 1) // 2
            expected += level * sha256_blocks(64)
    batch = decode_blocks(*place(blocks))
    assert compressions_needed(batch.stripped_size, batch.first_transaction) == expected


@given(st.lists(generated.transactions() | generated.coinbases(), max_size=3))
def test_decode_transactions__agrees_with_python_bitcoinlib(transactions):
    batch = decode_transactions(*place([transaction.serialize() for transaction in transactions]))
    expected = reference.Rows()
    for transaction in transactions:
        reference.add_transaction(expected, transaction)
    found = rows_of(batch)
    found.first_transaction = expected.first_transaction
    assert found == expected
    assert batch.block_count == 0
    assert batch.first_transaction.tolist() == [0]


@given(generated.blocks(), st.data())
def test_decode_blocks__refuses_every_prefix_and_anything_after(block, data):
    prefix = block[: data.draw(st.integers(0, len(block) - 1))]
    for wrong in (prefix, block + data.draw(st.binary(min_size=1, max_size=3))):
        with pytest.raises(MalformedBlockError, match="block 0 of the batch, byte"):
            decode_blocks(*place([wrong]))


@given(generated.blocks(), st.data())
def test_decode_blocks__notices_every_changed_byte_that_the_merkle_root_covers(block, data):
    batch = decode_blocks(*place([block]))
    txids = [row.tobytes() for row in batch.txid]
    at = data.draw(st.integers(36, len(block) - 1))
    changed = bytearray(block)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        accepted = decode_blocks(*place([bytes(changed)]))
    except MalformedBlockError:
        return
    # A time, target or nonce, or a byte of a witness.
    assert [row.tobytes() for row in accepted.txid] == txids
    assert 68 <= at < 80 or batch.witness_size.any()


def outcome(raw: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> reference.Rows | str:
    try:
        rows = rows_of(decode_transactions(raw, starts, lengths))
    except MalformedBlockError as error:
        return str(error)
    return rows


mutilated = generated.damaged(
    (generated.transactions() | generated.coinbases()).map(CTransaction.serialize)
)


@given(
    mutilated | st.binary(max_size=200), st.sampled_from([b"\x00" * 9, b"\x01" * 9, b"\xff" * 9])
)
def test_decode_transactions__depends_on_nothing_outside_the_slice(wrong, gap):
    assert outcome(*place([wrong])) == outcome(*place([wrong], gap))


@given(mutilated | st.binary(min_size=60, max_size=90))
def test_decode_transactions__accepts_only_what_python_bitcoinlib_reads_the_same_way(wrong):
    found = outcome(*place([wrong]))
    try:
        transaction = CTransaction.deserialize(wrong)
    except (SerializationError, ValueError):
        assert isinstance(found, str)
        return
    if not isinstance(found, str):
        expected = reference.Rows()
        reference.add_transaction(expected, transaction)
        found.first_transaction = expected.first_transaction
        assert found == expected


COINBASE = bytes.fromhex(
    "01000000" + "01" + "00" * 32 + "ffffffff" + "02" + "5151" + "ffffffff" + "01"
    "0000000000000000" + "00" + "00000000"
)
PLAIN = COINBASE.replace(bytes(32) + b"\xff" * 4, b"\x22" * 32 + bytes(4))


@pytest.mark.parametrize(
    ("transaction", "reason", "byte"),
    [
        (b"", "the bytes end too early", 0),
        (PLAIN[:59], "the bytes end too early", 0),
        (PLAIN[:-1], "the bytes end too early", 58),
        (PLAIN + b"\x00", "bytes are left over at the end", 62),
        (PLAIN[:4] + b"\x00\x00" + PLAIN[5:], "a transaction has no input", 4),
        (PLAIN[:4] + b"\x00\x02" + PLAIN[4:], "a transaction has an unknown flag", 4),
        (PLAIN[:4] + b"\x00\x01\x00" + PLAIN[5:], "a transaction has no input", 7),
        (PLAIN[:4] + b"\xfd\x01\x00" + PLAIN[5:], "a length is not in its shortest form", 4),
        (PLAIN[:4] + b"\xfe\x01\x00\x00\x00" + PLAIN[5:], "not in its shortest form", 4),
        (PLAIN[:4] + b"\xff" + bytes(8) + PLAIN[5:], "not in its shortest form", 4),
        (PLAIN[:4] + b"\xff" * 9 + PLAIN[5:], "larger than what is left", 4),
        (PLAIN[:4] + b"\xfe\xff\xff\xff\xff" + PLAIN[5:], "larger than what is left", 4),
        (PLAIN[:4] + b"\x03" + PLAIN[5:], "larger than what is left", 4),
        (PLAIN[:41] + b"\xfc" + PLAIN[42:], "larger than what is left", 41),
        (PLAIN[:48] + b"\x00" + PLAIN[49:], "a transaction has no output", 49),
        (PLAIN[:49] + b"\xff" * 8 + PLAIN[57:], "an amount is negative or above", 49),
        (
            PLAIN[:49] + (21 * 10**14 + 1).to_bytes(8, "little") + PLAIN[57:],
            "an amount is negative or above",
            49,
        ),
        (
            PLAIN[:4] + b"\x00\x01" + PLAIN[4:-4] + b"\x00" + bytes(4),
            "a witness section without any witness",
            60,
        ),
        (
            PLAIN[:4] + b"\x02" + PLAIN[5:48] + COINBASE[5:],
            "an input spends the null outpoint",
            48,
        ),
    ],
)
def test_decode_transactions__says_where_and_why_it_refuses(transaction, reason, byte):
    with pytest.raises(MalformedBlockError) as caught:
        decode_transactions(*place([PLAIN, transaction]))
    assert str(caught.value).startswith(f"transaction 1, byte {byte}: ")
    assert reason in str(caught.value)


def test_decode_transactions__accepts_the_largest_amount():
    most = PLAIN[:49] + (21 * 10**14).to_bytes(8, "little") + PLAIN[57:]
    assert decode_transactions(*place([PLAIN, most])).value.tolist() == [0, 21 * 10**14]


def block_of(*transactions: bytes) -> bytes:
    """Return a block, valid or not, with the merkle root of its transactions."""
    root, _ = reference.merkle_root([reference.double_sha256(raw) for raw in transactions] or [b""])
    header = bytes(36) + root.ljust(32, b"\x00") + bytes(12)
    return header + bytes([len(transactions)]) + b"".join(transactions)


@pytest.mark.parametrize(
    ("block", "reason", "byte"),
    [
        (bytes(79), "the bytes end too early", 0),
        (bytes(80), "the bytes end too early", 80),
        (block_of(), "there is no transaction", 81),
        (block_of(PLAIN), "the first transaction is not a coinbase", 81),
        (block_of(COINBASE, COINBASE), "a coinbase stands after the first transaction", 143),
        (block_of(COINBASE) + b"\x00", "bytes are left over at the end", 143),
        (bytes(80) + block_of(COINBASE)[80:], "its header states the merkle root 0000", 36),
        (block_of(COINBASE, PLAIN, PLAIN, PLAIN), "its transaction list is doubled (CVE-2012", 36),
    ],
)
def test_decode_blocks__says_where_and_why_it_refuses(block, reason, byte):
    with pytest.raises(MalformedBlockError) as caught:
        decode_blocks(*place([block_of(COINBASE), block]))
    assert str(caught.value).startswith(f"block 1 of the batch, byte {byte}")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("starts", "lengths"),
    [([0], [5]), ([-1], [2]), ([2], [-1]), ([5], [0]), ([2**62], [2**62]), ([0, 1], [2])],
)
def test_decode_blocks__refuses_slices_outside_the_buffer(starts, lengths):
    raw = np.zeros(4, np.uint8)
    for decode in (decode_blocks, decode_transactions):
        with pytest.raises(ValueError, match=r"reaches outside|differ in length"):
            decode(raw, np.array(starts, np.int64), np.array(lengths, np.int64))


def test_decode_blocks__refuses_arrays_of_other_types():
    with pytest.raises(ValueError, match="uint8"):
        decode_blocks(np.zeros(4, np.int8), np.zeros(1, np.int64), np.zeros(1, np.int64))


def test_decode_blocks__reads_counts_of_three_bytes():
    source = generated.CTxIn(generated.COutPoint(b"\x01" * 32, 0))
    outputs = [CTxOut(i, CScript(b"\x6a" + bytes(i))) for i in range(300)]
    coinbase = CTransaction.deserialize(COINBASE)
    block = generated.block_of([coinbase, CTransaction([source], outputs)]).serialize()
    assert rows_of(decode_blocks(*place([block]))) == reference.decode_blocks([block])


def single_blocks(shared_data: Path) -> dict[str, bytes]:
    folder = shared_data / "btc_blocks"
    found = {
        path.name: path.read_bytes()
        for path in sorted(folder.glob("*.raw"))
        if not path.name.endswith(".undo.raw")
    }
    assert len(found) > 20
    return found


@pytest.mark.slow
def test_decode_blocks__agrees_with_python_bitcoinlib_on_real_blocks(shared_data):
    manifest = json.loads((shared_data / "btc_blocks" / "manifest_single.json").read_text())
    stated = {entry["file"]: entry for entry in manifest}
    blocks = single_blocks(shared_data)
    for name, block in blocks.items():
        batch = decode_blocks(*place([block]))
        assert rows_of(batch) == reference.decode_blocks([block]), name
        assert batch.block_hash[0].tobytes()[::-1].hex() == stated[name]["hash"]
        assert batch.transaction_count == stated[name]["n_tx"]
        assert len(batch.value) == stated[name]["n_outputs"]


@pytest.mark.slow
def test_decode_blocks__decodes_many_blocks_as_it_does_each(shared_data):
    blocks = list(single_blocks(shared_data).values())
    together = rows_of(decode_blocks(*place(blocks)))
    assert together.txid == [
        txid for block in blocks for txid in rows_of(decode_blocks(*place([block]))).txid
    ]
    assert together.first_transaction[-1] == len(together.txid)


@pytest.mark.slow
def test_decode_blocks__follows_the_first_chain_from_output_to_spend(shared_data):
    content = (shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat").read_bytes()
    starts, lengths, at = [], [], 0
    while at + 8 <= len(content) and content[at : at + 4] == bytes.fromhex("f9beb4d9"):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > len(content):
            break
        starts.append(at + 8)
        lengths.append(length)
        at += 8 + length
    raw = np.frombuffer(content, np.uint8).copy()
    batch = decode_blocks(raw, np.array(starts), np.array(lengths))
    assert batch.block_count == 4313
    assert batch.transaction_count == 4371
    assert (batch.header[1:, 4:36] == batch.block_hash[:-1]).all()
    number = {txid.tobytes(): i for i, txid in enumerate(batch.txid)}
    unspent = int(batch.value.sum())
    for txid, vout in zip(batch.spent_txid, batch.spent_vout, strict=True):
        unspent -= int(batch.value[batch.first_output[number[txid.tobytes()]] + vout])
    assert unspent == 4313 * 50 * 10**8
