import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import MalformedBlockError
from chains.ethereum.header import check_header, header_hash
from chains.ethereum.rlp import encode
from tests.chains.ethereum.decode.answers import Chain

items = st.recursive(
    st.binary(max_size=70) | st.integers(0, (1 << 256) - 1),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=30,
)


def decode(raw: bytes) -> tuple[object, bytes]:
    """Read one item by the rules of the yellow paper: its value, and what follows it."""
    head = raw[0]
    if head < 0x80:
        return raw[:1], raw[1:]
    is_list = head >= 0xC0
    size = head - (0xC0 if is_list else 0x80)
    start = 1
    if size > 55:
        start += size - 55
        size = int.from_bytes(raw[1:start], "big")
    body, rest = raw[start : start + size], raw[start + size :]
    if not is_list:
        return body, rest
    found = []
    while body:
        item, body = decode(body)
        found.append(item)
    return found, rest


def as_bytes(item: object) -> object:
    if isinstance(item, int):
        return item.to_bytes((item.bit_length() + 7) // 8, "big")
    return [as_bytes(part) for part in item] if isinstance(item, list) else item


@given(items)
def test_encode__is_read_back_by_the_rules(item):
    assert decode(encode(item)) == (as_bytes(item), b"")


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"", "80"),
        (0, "80"),
        (b"\x00", "00"),
        (15, "0f"),
        (1024, "820400"),
        (b"dog", "83646f67"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        (b"x" * 56, "b838" + "78" * 56),
        ([b"x" * 56], "f83ab838" + "78" * 56),
    ],
)
def test_encode__gives_the_examples_of_the_specification(item, encoded):
    assert encode(item).hex() == encoded


def test_check_header__holds_for_every_real_block(shared_data):
    heights = set()
    with tarfile.open(shared_data / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        for member in archive:
            if "web3_response.eth_getBlockByNumber" in member.name:
                header = json.load(archive.extractfile(member))["result"]
                check_header(header)
                heights.add(int(header["number"], 16))
    assert {0, 47_218, 483_920, 508_110, 1_755_635, 2_112_234} <= heights


def test_header_hash__changes_with_every_field():
    later = {"withdrawalsRoot": "0x" + "1" * 64, "blobGasUsed": "0x0", "excessBlobGas": "0x0",
             "parentBeaconBlockRoot": "0x" + "2" * 64, "requestsHash": "0x" + "3" * 64}  # fmt: skip
    chain = Chain(**later)
    chain.block()
    header = chain.blocks[0]
    hashed = [name for name in header if name not in ("hash", "transactions", "uncles")]
    assert len(hashed) == 21
    hashes = {
        header_hash(header | {name: header[name][:-1] + ("7" if header[name][-1] != "7" else "8")})
        for name in hashed
        if name != "extraData"
    }
    assert len(hashes | {header_hash(header)}) == len(hashed)


def test_header_hash__refuses_a_later_field_without_the_earlier_one():
    chain = Chain(baseFeePerGas=None)
    chain.block()
    with pytest.raises(MalformedBlockError, match="baseFeePerGas is missing"):
        header_hash(chain.blocks[0] | {"withdrawalsRoot": "0x" + "1" * 64})
