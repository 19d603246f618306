import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.batch.subjects import Refusal, Subject, named_network, read_subject, suggestion_for
from chains.detect.base58 import encode_checked
from tests.arien_flows.batch.samples import BASE58, ETHER, SCRIPT, TXID, WITNESS

BOTH = ("bitcoin", "ethereum")
REGTEST = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def read(text: str, named: str | None = None, networks: tuple[str, ...] = BOTH) -> tuple[str, ...]:
    found = read_subject(text, named, networks)
    if isinstance(found, Refusal):
        return (found.code,)
    return found.kind, found.network, found.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE58, ("address", "bitcoin", BASE58)),
        (SCRIPT, ("address", "bitcoin", SCRIPT)),
        (WITNESS.upper(), ("address", "bitcoin", WITNESS)),
        (ETHER, ("address", "ethereum", ETHER.lower())),
        (ETHER.replace("0x", "0X"), ("address", "ethereum", ETHER.lower())),
        (TXID, ("transaction", "bitcoin", TXID)),
        (f"0x{TXID}", ("transaction", "ethereum", f"0x{TXID}")),
        (f"{TXID}:0", ("output", "bitcoin", f"{TXID}:0")),
        (f"bitcoin:{BASE58}?amount=1.5", ("address", "bitcoin", BASE58)),
        (f"ethereum:{ETHER}@1", ("address", "ethereum", ETHER.lower())),
        (f"https://explorer.example/btc/address/{BASE58}", ("address", "bitcoin", BASE58)),
        (f"'{BASE58}',", ("address", "bitcoin", BASE58)),
    ],
)
def test_read_subject__knows_what_is_asked(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (BASE58[:-1] + "U", "checksum"),
        (WITNESS[:-1] + "p", "checksum"),
        (ETHER.replace("d8dA", "D8da"), "checksum"),
        ("hello", "unknown_format"),
        ("vitalik.eth", "unknown_format"),
        ("1.23457E+17", "rounded_number"),
        ("LhK2kQwiaAvhjWY799cZvMyYwnQAcxkarr", "unsupported_chain"),
        ("DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "unsupported_chain"),
        ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "unsupported_chain"),
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "unsupported_chain"),
        (REGTEST, "network_mismatch"),
    ],
)
def test_read_subject__says_what_is_wrong(text, code):
    assert read(text) == (code,)


def test_read_subject__believes_the_row_that_names_a_network():
    assert read(BASE58, "ethereum") == ("network_mismatch",)
    assert read(TXID, "ethereum") == ("transaction", "ethereum", f"0x{TXID}")
    assert read(f"{TXID}:0", "ethereum") == ("network_mismatch",)
    assert read(f"0x{TXID}", "bitcoin") == ("network_mismatch",)
    assert read(REGTEST, "bitcoin-regtest", ("bitcoin-regtest",))[1] == "bitcoin-regtest"


@given(st.binary(min_size=20, max_size=20), st.sampled_from([0, 5]))
def test_read_subject__reads_every_address(payload, version):
    text = encode_checked(bytes([version]) + payload)
    assert read(text) == ("address", "bitcoin", text)


@given(st.text(max_size=80))
def test_read_subject__repeats_no_more_than_a_character(text):
    found = read_subject(text.strip(), None, BOTH)
    if isinstance(found, Refusal) and len(text.strip()) > 30:
        assert text.strip() not in found.detail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE58.replace("o", "0", 1), BASE58),
        (BASE58.replace("B", "\u0412", 1), BASE58),
        (f"{BASE58[:10]} {BASE58[10:]}", BASE58),
        (WITNESS[:-4] + WITNESS[-4:].upper(), WITNESS),
        (ETHER[2:], ETHER.lower()),
        (f"O{ETHER[1:]}", ETHER.lower()),
        (BASE58[:-1], ""),
        ("hello", ""),
    ],
)
def test_suggestion_for__is_made_where_one_address_is_meant(text, expected):
    assert suggestion_for(text) == expected


@pytest.mark.parametrize(
    ("word", "networks", "expected"),
    [
        ("", BOTH, None),
        ("BTC", BOTH, "bitcoin"),
        (" eth ", BOTH, "ethereum"),
        ("btc", ("bitcoin-regtest",), "bitcoin-regtest"),
        ("ETH", ("bitcoin",), "network_mismatch"),
        ("bitcoin-signet", BOTH, "network_mismatch"),
        ("LTC", BOTH, "unsupported_chain"),
        ("foo", BOTH, "bad_value"),
    ],
)
def test_named_network__is_one_of_the_run(word, networks, expected):
    found = named_network(word, networks)
    assert (found.code if isinstance(found, Refusal) else found) == expected


def test_read_subject__says_what_it_dropped():
    found = read_subject(f"bitcoin:{BASE58}?amount=1.5", None, BOTH)
    assert isinstance(found, Subject)
    assert found.remarks == (
        "taken out of a bitcoin: URI",
        "what else the URI says was not read",
    )
