import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.ethereum.address import keccak256
from chains.ethereum.decode.code import described, without_trailer
from chains.ethereum.tables import CodeKind

TARGET = bytes(range(1, 21))
MINIMAL = (
    bytes.fromhex("363d3d373d3d3d363d73") + TARGET + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
)


def trailer(key: bytes, value: bytes) -> bytes:
    """Return a trailer as Solidity writes it: a map of one key, and its length."""
    body = bytes((0xA1, 0x60 + len(key))) + key + bytes((0x58, len(value))) + value
    return body + len(body).to_bytes(2, "big")


def test_described__knows_a_minimal_proxy():
    assert described(MINIMAL) == (CodeKind.MINIMAL_PROXY, keccak256(MINIMAL), TARGET)


@pytest.mark.parametrize("code", [MINIMAL[:-1], MINIMAL + b"\x00", b"\x00" + MINIMAL[1:], b""])
def test_described__does_not_take_other_code_for_a_proxy(code):
    assert described(code).kind == CodeKind.PLAIN
    assert described(code).target is None


def test_described__knows_a_delegation():
    code = bytes.fromhex("ef0100") + TARGET
    assert described(code) == (CodeKind.DELEGATION, keccak256(code), TARGET)


def test_described__knows_the_proxy_of_a_safe():
    # Its first instructions: load the implementation, compare the selector with `masterCopy()`.
    code = bytes.fromhex(
        "608060405273ffffffffffffffffffffffffffffffffffffffff600054167fa619486e"
        + "00" * 28
        + "60003514156050578060005260206000f35b3660008037600080366000845af4"
    )
    assert described(code).kind == CodeKind.SAFE_PROXY
    assert described(code + bytes(1_000)).kind == CodeKind.PLAIN


@given(st.binary(min_size=1, max_size=60), st.binary(min_size=32, max_size=34))
def test_without_trailer__leaves_the_same_of_one_source(code, digest):
    for key in (b"bzzr0", b"bzzr1", b"ipfs", b"solc"):
        assert without_trailer(code + trailer(key, digest)) == code
    assert described(code + trailer(b"ipfs", digest)).code_hash == keccak256(code)


@pytest.mark.parametrize(
    "code",
    [b"", b"\x00", b"\x00\x02", bytes(40), b"\x60" + bytes.fromhex("a1646e6f706500000007"),
     bytes.fromhex("a264697066730033")],
)  # fmt: skip
def test_without_trailer__leaves_code_without_one_as_it_is(code):
    assert without_trailer(code) == code


def test_without_trailer__cuts_the_trailer_of_a_real_contract(shared_data):
    path = "resources/test_export_contracts_job/erc721_contract/expected_contracts.json"
    with tarfile.open(shared_data / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        contract = json.load(archive.extractfile(path))
    code = bytes.fromhex(contract["bytecode"][2:])
    assert len(code) - len(without_trailer(code)) == 43
    assert b"bzzr0" not in without_trailer(code)
