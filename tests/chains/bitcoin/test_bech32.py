import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import bech32
from chains.bitcoin.bech32 import Checksum
from chains.errors import AddressError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bech32.json").read_text())

prefixes = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)
prefixes = prefixes.map(str.lower)
symbols = st.lists(st.integers(0, 31), max_size=60)
programs = st.one_of(
    st.tuples(
        st.just(0), st.sampled_from([20, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
    ),
    st.tuples(st.integers(1, 16), st.binary(min_size=2, max_size=40)),
)


@given(prefixes, symbols, st.sampled_from(Checksum))
def test_decode__undoes_encode(prefix, data, checksum):
    text = bech32.encode(prefix, data, checksum)
    assert bech32.decode(text) == (prefix, data, checksum)
    assert bech32.decode(text.upper()) == (prefix, data, checksum)


@given(programs, st.sampled_from(["bc", "tb", "bcrt"]))
def test_decode_witness__undoes_encode_witness(program, prefix):
    text = bech32.encode_witness(prefix, *program)
    assert bech32.decode_witness(text) == (prefix, *program)


@given(symbols, st.sampled_from(Checksum), st.data())
def test_decode__detects_and_locates_one_wrong_character(values, checksum, data):
    text = bech32.encode("bc", values, checksum)
    place = data.draw(st.integers(3, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in bech32.CHARSET if c != text[place]]))
    with pytest.raises(AddressError) as caught:
        bech32.decode(text[:place] + other + text[place + 1 :])
    message = str(caught.value)
    assert "checksum does not match" in message
    # Now and then a change elsewhere would also explain it in the other variant.
    assert f"character {place + 1} is probably" in message or "a character is wrong" in message


@given(symbols.filter(lambda s: len(s) >= 4), st.sampled_from(Checksum), st.data())
def test_decode__detects_up_to_four_wrong_characters(values, checksum, data):
    text = list(bech32.encode("bc", values, checksum))
    places = data.draw(st.sets(st.integers(3, len(text) - 1), min_size=1, max_size=4))
    for place in places:
        text[place] = data.draw(st.sampled_from([c for c in bech32.CHARSET if c != text[place]]))
    # Four wrong characters never give the same variant again; the other one is 3 or more away.
    try:
        _, _, found = bech32.decode("".join(text))
    except AddressError:
        return
    assert found is not checksum


@pytest.mark.parametrize("text", VECTORS["valid_bech32"])
def test_decode__accepts_the_bech32_vectors(text):
    prefix, values, checksum = bech32.decode(text)
    assert checksum is Checksum.BECH32
    assert bech32.encode(prefix, values, checksum) == text.lower()


@pytest.mark.parametrize("text", VECTORS["valid_bech32m"])
def test_decode__accepts_the_bech32m_vectors(text):
    prefix, values, checksum = bech32.decode(text)
    assert checksum is Checksum.BECH32M
    assert bech32.encode(prefix, values, checksum) == text.lower()


@pytest.mark.parametrize(("text", "fault"), VECTORS["invalid"])
def test_decode__names_the_fault_of_invalid_vectors(text, fault):
    with pytest.raises(AddressError) as caught:
        bech32.decode(text)
    assert fault in str(caught.value)


@pytest.mark.parametrize(("text", "script"), VECTORS["valid_addresses"])
def test_decode_witness__gives_the_scripts_of_the_vectors(text, script):
    _, version, program = bech32.decode_witness(text)
    opcode = 0x50 + version if version else 0
    assert (bytes([opcode, len(program)]) + program).hex() == script


@pytest.mark.parametrize(("version", "length"), [(0, 21), (1, 1), (1, 41), (17, 20), (-1, 20)])
def test_encode_witness__refuses_what_bip_141_does_not_know(version, length):
    with pytest.raises(ValueError, match="witness"):
        bech32.encode_witness("bc", version, bytes(length))
