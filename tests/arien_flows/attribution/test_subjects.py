"""What a tag speaks of: networks by name, addresses in canonical text, or a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.subjects import (
    SubjectError,
    canonical_address,
    network_of,
    pack_name,
    subject_of,
)
from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.networks import NETWORKS
from chains.errors import AddressError
from chains.tables import ScriptType
from tests.arien_flows.tracing.chains import tag

WITNESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TRANSACTION = "AB" * 32

payloads = st.one_of(
    st.tuples(
        st.sampled_from([ScriptType.P2PKH, ScriptType.P2SH, ScriptType.P2WPKH]),
        st.binary(min_size=20, max_size=20),
    ),
    st.tuples(
        st.sampled_from([ScriptType.P2WSH, ScriptType.P2TR]),
        st.binary(min_size=32, max_size=32),
    ),
    st.tuples(st.just(ScriptType.P2PK), st.binary(min_size=32, max_size=32).map(b"\2".__add__)),
)


@given(payloads, st.sampled_from(NETWORKS), st.sampled_from(["plain", "upper", "uri", "spaces"]))
def test_subject__is_the_canonical_text_however_the_address_is_written(locking, known, form):
    canonical = str(address_text(*locking, known))
    written = {
        "upper": canonical.upper() if canonical.startswith(known.bech32_prefix) else canonical,
        "uri": f"bitcoin:{canonical}?label=x" if "(" not in canonical else canonical,
        "spaces": f" {canonical} ",
    }.get(form, canonical)
    found = subject_of(tag("a", "x", "", address=written), known.name)
    assert found.text == canonical
    assert (found.script_type, found.payload) == tuple(parse_address(written, known))
    assert found.network == known.name
    assert canonical_address(written, known.name) == canonical


@pytest.mark.parametrize(
    ("name", "assumed", "ours"),
    [
        ("BTC", "bitcoin", "bitcoin"),
        ("btc", "bitcoin-regtest", "bitcoin-regtest"),
        ("BITCOIN-SIGNET", "bitcoin", "bitcoin-signet"),
        ("ETH", "bitcoin", "ethereum"),
        ("LTC", "bitcoin", "ltc"),
    ],
)
def test_network__is_named_in_our_words_and_exported_in_theirs(name, assumed, ours):
    assert network_of(name, assumed) == ours
    assert network_of(pack_name(ours).upper()) == ours


def test_subject__of_ethereum_is_lower_case():
    text = "0x52908400098527886E0F7030069857D2E4169EE7"
    found = subject_of(tag("a", "x", "", address=text, network="ETH"), "bitcoin")
    assert (found.text, found.payload) == (text.lower(), None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"address": WITNESS[:-1] + "5"}, "checksum"),
        ({"address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}, "--network bitcoin-regtest"),
        ({"address": "0x12", "network": "ETH"}, "40 hexadecimal digits"),
        ({"address": WITNESS, "network": "a b"}, "no name of a network"),
        ({"address": "1" * 30_000}, "longer than"),
        ({"address": "raw(6a00)"}, "belongs to nobody"),
        ({"address": None, "tx_hash": "ab"}, "64 hexadecimal digits"),
        ({"address": None, "tx_hash": "ab" * 32, "network": "ETH"}, "0x and 64 hexadecimal"),
    ],
)
def test_subject__that_cannot_exist_is_refused(changes, message):
    with pytest.raises(SubjectError, match=message):
        subject_of(tag("a", "x", "", **changes), "bitcoin")


def test_subject__may_be_a_transaction():
    found = subject_of(tag("a", "x", "", address=None, tx_hash=TRANSACTION), "bitcoin")
    assert (found.text, found.is_transaction) == (TRANSACTION.lower(), True)
    other = tag("a", "x", "", address=None, tx_hash="Odd Id", network="XMR")
    assert subject_of(other, "bitcoin").text == "Odd Id"


def test_canonical_address__refuses_what_is_no_address():
    with pytest.raises(AddressError):
        canonical_address("nonsense", "bitcoin")
    assert canonical_address(" LTC1x ", "ltc") == "LTC1x"
