"""Addresses of chains that are only recognised: public vectors, and texts with a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.detect import base58
from chains.detect.cashaddr import cash_address, parse_cash_address
from chains.detect.monero import decode_blocks, encode_blocks, parse_monero_address
from chains.ethereum.address import keccak256

MONERO = {
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2w"
    "fn3RVGQBEP3A": "standard",
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQU"
    "iyoogDavup3H": "subaddress",
}
"""The Monero project's donation address of old, and a sub-address that it published."""

CASH = {
    "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a": "p2pkh",
    "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq": "p2sh",
}
"""Of the specification of CashAddr."""


@pytest.mark.parametrize(("text", "form"), MONERO.items())
def test_parse_monero_address__knows_its_forms(text: str, form: str):
    assert parse_monero_address(text) == (text, form)
    slip = text[:50] + ("2" if text[50] != "2" else "3") + text[51:]
    assert parse_monero_address(slip) is None
    assert parse_monero_address(text[:-1]) is None


def test_parse_monero_address__knows_payment_ids_and_no_other_network():
    body = bytes([19]) + bytes(72)
    found = parse_monero_address(encode_blocks(body + keccak256(body)[:4]))
    assert found
    assert found.form == "integrated"
    test_network = bytes([53]) + bytes(64)
    text = encode_blocks(test_network + keccak256(test_network)[:4])
    assert parse_monero_address(text) is None


@given(st.binary(max_size=80))
def test_blocks_of_base58__are_read_as_they_were_written(raw: bytes):
    assert decode_blocks(encode_blocks(raw)) == raw


@pytest.mark.parametrize("text", ["1", "0" * 11, "z" * 11, "zz"])
def test_decode_blocks__refuses_what_is_no_block(text: str):
    assert decode_blocks(text) is None


@pytest.mark.parametrize(("text", "form"), CASH.items())
def test_parse_cash_address__reads_it_with_and_without_prefix(text: str, form: str):
    assert parse_cash_address(text) == (text, form)
    assert parse_cash_address(text.upper()) == (text, form)
    assert parse_cash_address(text.partition(":")[2]) == (text, form)


@given(st.sampled_from([0, 8]), st.binary(min_size=20, max_size=20), st.integers(12, 53))
def test_parse_cash_address__reads_what_was_written_and_notices_a_slip(
    version: int, key_hash: bytes, place: int
):
    text = cash_address(version, key_hash)
    found = parse_cash_address(text)
    assert found
    assert found.text == text
    slip = text[:place] + ("q" if text[place] != "q" else "p") + text[place + 1 :]
    assert parse_cash_address(slip) is None


@pytest.mark.parametrize("text", ["", "bitcoincash:", "q" * 42, "Bitcoincash:" + "q" * 42])
def test_parse_cash_address__refuses_everything_else(text: str):
    assert parse_cash_address(text) is None


@given(st.binary(min_size=1, max_size=60))
def test_base58__is_read_as_it_was_written(raw: bytes):
    assert base58.decode(base58.encode(raw)) == raw
    assert base58.checked(base58.encode_checked(raw)) == raw


@pytest.mark.parametrize("text", ["", "0", "1111", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"])
def test_base58__refuses_a_wrong_checksum(text: str):
    assert base58.checked(text) is None
