"""Ethereum addresses: EIP-55's own vectors, and what a wrong case is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.errors import AddressError
from chains.ethereum.address import checksummed, keccak256, parse_ethereum_address

MIXED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
"""Of EIP-55."""

ONE_CASE = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
)


@pytest.mark.parametrize("text", MIXED)
def test_parse_ethereum_address__reads_the_checksum_of_eip_55(text: str):
    assert parse_ethereum_address(text) == (text.lower(), True)


@pytest.mark.parametrize("text", ONE_CASE)
def test_parse_ethereum_address__takes_one_case_for_unchecked(text: str):
    assert parse_ethereum_address(text) == (text.lower(), False)


@given(st.binary(min_size=20, max_size=20), st.integers(2, 41))
def test_parse_ethereum_address__reads_what_was_written_and_no_other_case(raw: bytes, place: int):
    text = checksummed("0x" + raw.hex())
    assert parse_ethereum_address(text).text == "0x" + raw.hex()
    other = text[:place] + text[place].swapcase() + text[place + 1 :]
    if other != text and other[2:] not in (other[2:].lower(), other[2:].upper()):
        with pytest.raises(AddressError, match="EIP-55"):
            parse_ethereum_address(other)


@pytest.mark.parametrize("text", ["", "0x", MIXED[0][2:], MIXED[0] + "0", MIXED[0][:-1] + "g"])
def test_parse_ethereum_address__refuses_other_shapes(text: str):
    with pytest.raises(AddressError, match="40 hexadecimal"):
        parse_ethereum_address(text)


def test_keccak256__is_the_hash_before_it_became_sha_3():
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty
