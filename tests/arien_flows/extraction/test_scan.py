"""Addresses in documents: every published vector, every way of hiding one, and nothing else."""

import random
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.subjects import canonical_address
from arien_flows.extraction.addresses import BITCOIN_CASH, LITECOIN, MONERO, SOLANA, TRON
from arien_flows.extraction.finding import Found
from arien_flows.extraction.rules import FACTORS, factor_of
from arien_flows.extraction.scan import MOST_JOINS, scan
from arien_flows.extraction.text import DocumentText, Region, RegionKind
from chains.detect.base58 import encode

sys.path.append(str(Path(__file__).parents[3] / "scripts"))

from planting import ATTRIBUTED, FORMS, RULES, plant

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
MAIN, TEST = ("bitcoin",), ("bitcoin-testnet3", "bitcoin-testnet4", "bitcoin-signet")
BASE58_TEST = (*TEST, "bitcoin-regtest")
VALID = (
    (GENESIS, MAIN, "p2pkh"),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", MAIN, "p2sh"),
    ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", BASE58_TEST, "p2pkh"),
    ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", BASE58_TEST, "p2sh"),
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", MAIN, "p2wpkh"),
    ("bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", MAIN, "p2wsh"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", MAIN, "taproot"),
    ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", TEST, "p2wpkh"),
    ("BC1SW50QGDZ25J", MAIN, "future"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", MAIN, "future"),
    ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", ("ethereum",), "eip55"),
    ("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", ("ethereum",), "eip55"),
    ("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", ("ethereum",), "eip55"),
    ("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", ("ethereum",), "eip55"),
    ("0x52908400098527886E0F7030069857D2E4169EE7", ("ethereum",), "unchecked"),
    ("0xde709f2102306220921060314715629080e2fb77", ("ethereum",), "unchecked"),
    (
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2w"
        "fn3RVGQBEP3A",
        ("monero",),
        "standard",
    ),
    (
        "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQU"
        "iyoogDavup3H",
        ("monero",),
        "subaddress",
    ),
    (
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        ("bitcoin-cash",),
        "p2pkh",
    ),
)
INVALID = (
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
)
PROSE = (
    "Home | My Orders (3) | Best quality MDMA since 2014, 3.5g at 25.00 USD per gram; 10g for 60.",
    "Доставка по всей России, оплата только в биткоинах. Пишите в телеграм после 18:00!",
    "Ships from NL to EU. iPhone pics on request - see PGP block & terms (1/2), v2.0_final.",
)


def document(text: str, *regions: Region) -> DocumentText:
    """Return a text whose characters come from its own bytes in UTF-8."""
    lengths = [len(letter.encode("utf-8", "surrogatepass")) for letter in text]
    return DocumentText(
        text=text,
        byte_at=np.cumsum([0, *lengths], dtype=np.int64),
        regions=regions,
        encoding="utf-8",
        undecodable=0,
    )


def only(text: str, *, is_ocr: bool = False) -> Found:
    """Return the one address in a text."""
    (found,) = scan(document(text), is_ocr=is_ocr).found
    return found


@pytest.mark.parametrize(("text", "networks", "form"), VALID)
def test_scan__finds_every_published_vector_where_it_stands(
    text: str, networks: tuple[str, ...], form: str
):
    whole = f"\u00fcber: ({text}), thanks"
    found = only(whole)
    assert (found.networks, found.form, found.rules) == (networks, form, ())
    assert found.factor == (Fraction(4, 5) if form == "unchecked" else 1)
    assert whole[found.start : found.stop] == text
    assert whole.encode()[found.begin : found.end] == text.encode()
    if not set(found.networks) & {MONERO, LITECOIN, BITCOIN_CASH, TRON, SOLANA}:
        assert found.address == canonical_address(text, found.networks[0])


@pytest.mark.parametrize("text", INVALID)
def test_scan__finds_none_that_is_invalid(text: str):
    assert scan(document(f"send to {text} please")).found == ()


@pytest.mark.parametrize(
    "text",
    [
        f"x{GENESIS}",
        f"{GENESIS}2",
        "0x" + "ab" * 32,
        "ab" * 20,
        "00x" + "ab" * 20,
        "0x" + "ab" * 19,
    ],
)
def test_scan__needs_the_end_of_the_letters_on_both_sides(text: str):
    assert scan(document(text)).found == ()


@given(
    st.sampled_from([*FORMS]),
    st.sampled_from(PROSE),
    st.sampled_from(PROSE),
    st.integers(0, 2**32),
)
def test_scan__finds_exactly_the_address_that_was_planted(
    form: str, before: str, after: str, seed: int
):
    planted = plant(random.Random(seed), form, "plain")
    assert planted
    found = only(f"{before} Address: {planted.written} {after}")
    assert (found.address, found.rules) == (planted.address, ())


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "plain"])
@given(
    form=st.sampled_from(ATTRIBUTED),
    before=st.sampled_from(PROSE),
    after=st.sampled_from(PROSE),
    seed=st.integers(0, 2**32),
)
def test_scan__finds_exactly_the_address_that_was_hidden(
    rule: str, form: str, before: str, after: str, seed: int
):
    planted = plant(random.Random(seed), form, rule)
    if planted is None:
        return
    found = only(f"{before} Address: {planted.written} | {after}", is_ocr=rule == "misread")
    assert (found.address, found.rules) == (planted.address, planted.rules)
    assert found.factor == factor_of(planted.rules)


@given(st.text(max_size=400), st.booleans())
def test_scan__finds_nothing_in_random_text(text: str, is_ocr: bool):
    assert scan(document(text), is_ocr=is_ocr).found == ()


@given(st.text("13bcqx0zPaA .-\n[]$\u0430\u200b\uff11", max_size=300), st.booleans())
def test_scan__finds_nothing_in_letters_of_addresses(text: str, is_ocr: bool):
    assert scan(document(text), is_ocr=is_ocr).found == ()


def test_scan__reads_misread_letters_only_where_a_machine_read():
    text = f"pay to {GENESIS.replace('5S', 'SS')} now"
    assert scan(document(text)).found == ()
    assert only(text, is_ocr=True).rules == ("misread",)


def test_scan__mends_two_letters_and_not_three():
    two = GENESIS.replace("5QG", "SQG").replace("5SL", "SSL")
    assert only(two, is_ocr=True).address == GENESIS
    assert scan(document(two.replace("A1z", "Alz")), is_ocr=True).found == ()


def test_scan__tells_full_width_letters_by_the_bytes():
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in GENESIS)
    raw = wide.encode()
    normal = DocumentText(
        text=GENESIS,
        byte_at=np.arange(0, len(raw) + 1, 3),
        regions=(),
        encoding="utf-8",
        undecodable=0,
    )
    (found,) = scan(normal, raw=raw).found
    assert (found.rules, found.factor) == (("full_width",), FACTORS["full_width"])
    assert (found.begin, found.end) == (0, len(raw))
    assert scan(normal).found[0].rules == ()


def test_scan__multiplies_the_factors_of_rules():
    hidden = GENESIS.replace("e", "\u0435")
    found = only(f"{hidden[:12]} {hidden[12:20]} {hidden[20:]}")
    assert found.rules == ("homoglyph", "joined")
    assert found.factor == Fraction(9, 10) * Fraction(19, 20)


def test_scan__reads_a_word_for_solana_only_beside_one():
    account = encode(bytes(range(7, 39)))
    assert scan(document(f"my account {account}")).found == ()
    found = only(f"SOL: {account}")
    assert (found.networks, found.form, found.factor) == (("solana",), "unchecked", Fraction(1, 4))


def test_scan__leaves_the_amount_of_a_payment_link_in_the_text():
    text = f"bitcoin:{GENESIS}?amount=0.5&label=Shop"
    found = only(text)
    assert found.rules == ()
    assert text[found.stop :] == "?amount=0.5&label=Shop"


def test_scan__keeps_hashes_apart():
    digits = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    found = scan(document(f"tx {digits}, eth 0x{digits.upper()}"))
    assert [each.text for each in found.hashes] == [digits, "0x" + digits]
    assert found.found == ()


@pytest.mark.parametrize(
    ("text", "prefix", "suffix"),
    [
        ("my wallet ends in f4T3, ask", "", "f4T3"),
        ("the address starts with bc1q9x7", "bc1q9x7", ""),
        ("BTC address: last 4 characters are Na7x", "", "Na7x"),
        ("paid to 1A1zP...DivfNa today", "1A1zP", "DivfNa"),
        ("0x5aAe\u2026".replace("\u2026", "...") + "BeAed", "0x5aAe", "BeAed"),
    ],
)
def test_scan__keeps_parts_of_addresses_apart(text: str, prefix: str, suffix: str):
    found = scan(document(text))
    (part,) = found.partials
    assert (part.prefix, part.suffix) == (prefix, suffix)
    assert text[part.start : part.stop].endswith(suffix or prefix)
    assert found.found == ()


@pytest.mark.parametrize("text", ["it ends in tears", "starts with Vendor A2 of 3", "wait...what"])
def test_scan__takes_no_word_for_a_part(text: str):
    assert scan(document(text)).partials == ()


@pytest.mark.slow
def test_scan__says_what_it_did_not_try():
    broken = " ".join(
        f"1A{number}zP1eP5QGefi2 DMPTfTL5SLmv7Di{number % 7 + 1}" for number in range(1, 3_000)
    )
    found = scan(document(f"{GENESIS[:17]} {GENESIS[17:]} . {broken}"))
    assert [each.address for each in found.found] == [GENESIS]
    (cut,) = found.cut
    assert f"{MOST_JOINS:,}" in cut
    hints = scan(document("my wallet ends in f4T3, " * 5_001))
    assert len(hints.partials) == 5_000
    assert "hints" in hints.cut[0]


@pytest.mark.slow
def test_scan__looks_for_broken_addresses_where_people_write_first():
    junk = " ".join(f"1A{number}zP1eP5QGefi2 DMPTfTL5SLmv7Di2" for number in range(1, 3_000))
    text = f"{junk} {GENESIS[:17]} {GENESIS[17:]}"
    block = Region(kind=RegionKind.KEY, start=0, stop=len(junk), rule="pgp")
    assert scan(document(text)).found == ()
    (found,) = scan(document(text, block)).found
    assert found.rules == ("joined",)


HOSTILE = (
    f"{GENESIS} KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617 ",
    "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98618 ",
    "1" * 50,
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb ",
    "aB1 ",
    "aB(",
    "0x",
    "bc1q",
    "a b ",
    "1aB2..",
    "\u0430\u200b",
    "zoo ",
)


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_scan__takes_time_that_grows_with_the_text_only(piece: str):
    def spent(size: int) -> float:
        text = document(piece * (size // len(piece)))
        begin = time.thread_time()
        scan(text)
        return time.thread_time() - begin

    spent(1_000)
    # Ten times the text may take fifty times as long before something is quadratic: this machine
    # does other things, too.
    assert spent(500_000) < 50 * max(spent(50_000), 0.01)
