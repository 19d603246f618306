"""Many addresses read at once are what `parse_address` says of each."""

from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.address_reading import read_addresses
from chains.bitcoin.networks import BITCOIN, NETWORKS, Network
from chains.errors import AddressError
from chains.tables import ScriptType

WIDTHS = {
    ScriptType.P2PKH: 20,
    ScriptType.P2SH: 20,
    ScriptType.P2WPKH: 20,
    ScriptType.P2WSH: 32,
    ScriptType.P2TR: 32,
}

payloads = st.integers(0, 3).flatmap(
    lambda zeros: st.binary(min_size=32, max_size=32).map(lambda raw: bytes(zeros) + raw[zeros:])
)
addresses = st.builds(
    lambda kind, payload, network: address_text(kind, payload[: WIDTHS[kind]], network) or "",
    st.sampled_from(sorted(WIDTHS)),
    payloads,
    st.sampled_from(NETWORKS),
)
mistaken = st.builds(
    lambda text, place, letter: text[: place % len(text)] + letter + text[place % len(text) + 1 :],
    addresses,
    st.integers(0, 100),
    st.sampled_from("01lzZqé \n"),
)
texts = (
    addresses
    | mistaken
    | addresses.map(str.upper)
    | addresses.map(lambda text: "1" + text)
    | addresses.map(lambda text: text[1:])
    | st.text(max_size=70)
    | st.text("123456789abcdefghijkmn", min_size=25, max_size=36)
)


def agrees(text: str, network: Network, script_type: int, payload: bytes) -> bool:
    try:
        told = parse_address(text, network)
    except AddressError:
        return script_type == -1
    if script_type == -1:
        return True  # left to `parse_address`
    canonical = address_text(told.script_type, told.payload, network)
    return (told.script_type, told.payload) == (script_type, payload) and canonical == text


@given(st.lists(texts, max_size=12), st.sampled_from(NETWORKS))
def test_read_addresses__never_says_what_parse_address_does_not(some, network):
    found = read_addresses(some, network)
    for text, script_type, payload in zip(some, *found, strict=True):
        assert agrees(text, network, script_type, payload)


@given(st.lists(addresses, max_size=12))
def test_read_addresses__reads_every_plain_address_of_its_network(some):
    found = read_addresses(some, BITCOIN)
    for text, script_type in zip(some, found.script_type, strict=True):
        is_ours = text.startswith(("1", "3", "bc1"))
        assert (script_type != -1) == is_ours


def test_read_addresses__of_nothing_are_none():
    assert read_addresses([], BITCOIN) == ([], [])
