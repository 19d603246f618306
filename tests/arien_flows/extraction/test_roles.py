import tomllib
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.extraction.context import (
    MOST_SITES,
    AddressProof,
    Context,
    PageOwner,
    SignedStretch,
)
from arien_flows.extraction.decision import ATTRIBUTING, Decision, Role
from arien_flows.extraction.deny import deny_list
from arien_flows.extraction.finding import Found, Scan
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.role_rules import RULES
from arien_flows.extraction.role_words import _patterns
from arien_flows.extraction.roles import EXCLUDING, MOST_JUDGED, REQUESTING, asked_for, judge
from arien_flows.extraction.self_naming import names_himself
from arien_flows.extraction.text import DocumentText
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import network
from scripts.planted_pages import ATTRIBUTED, measure_roles

A = "1FeexV6bDHb8we2SC5tXLm1bXvQp3YtLHo"
B = "bc1q2s3rjwvam9dt2ftt4sqxqjf3twav0gdx0k0q2etxflx38c3x8tnssdmnjq"
E = "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"
MONERO = (
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7ot"
    "Xft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
)
SENTENCES = Path(__file__).parents[2] / "vectors" / "role_sentences.toml"
SHOP = PageOwner(name="Shop", market="Market", begin=1, end=5)


def found_at(document: DocumentText, *addresses: str) -> Scan:
    """Return the scan that finds plainly written addresses, and nothing else."""
    found: list[Found] = []
    for address in addresses:
        start = document.text.find(address)
        while start >= 0:
            stop = start + len(address)
            begin, end = document.bytes_of(start, stop)
            name = "ethereum" if address == E else "monero" if address == MONERO else "bitcoin"
            found.append(
                Found(
                    networks=(name,),
                    address=address,
                    form="p2pkh",
                    start=start,
                    stop=stop,
                    begin=begin,
                    end=end,
                    rules=(),
                    factor=Fraction(1),
                )
            )
            start = document.text.find(address, stop)
    return Scan(found=tuple(found), secrets=(), partials=(), cut=())


def judged(
    text: str, *addresses: str, context: Context | None = None, media_type: str = "text/plain"
) -> list[Decision]:
    raw = text.encode()
    document = read_text(raw, media_type)
    return list(judge(document, found_at(document, *(addresses or (A,))), context or Context()))


def on_page(words: str, *addresses: str, context: Context | None = None) -> list[Decision]:
    """Judge words that stand in the terms of the shop's page."""
    page = f"<h1>Shop</h1><div class=terms><p>{words}</p></div>"
    return judged(page, *addresses, context=context or Context(owner=SHOP), media_type="text/html")


def shown(text: str, decision: Decision) -> str:
    return text.encode()[decision.begin : decision.end].decode()


@pytest.mark.parametrize(
    ("words", "rule", "shows"),
    [
        ("Send payment to {}.", "pay-request", "Send payment to"),
        ("pay <b>0.25 BTC</b> to this address:<br>{}", "pay-request", "pay <b>0.25 BTC</b> to"),
        ("Finalise by sending the coins to {}", "pay-request", "sending the coins to"),
        ("Use {} for all payments", "pay-request", " for all payments"),
        ("My wallet is {}", "own-address", "My wallet is"),
        ("{} is our bitcoin address", "own-address", " is our bitcoin address"),
        ("<a href='bitcoin:{}?amount=0.1'>here</a>", "pay-link", "bitcoin:"),
        ("BTC: {}", "label", "BTC:"),
        ("Never pay to any other address than my address {}", "pay-request", "my address"),
        ("Bitte das Geld an {} überweisen, Zahlung an {}", "pay-request", "Zahlung an"),
        ("Nur hier bezahlen, an {}", "pay-request", "bezahlen, an"),
        ("Le paiement se fait à l'adresse {}", "pay-request", "paiement"),
        ("Betaal naar {}", "pay-request", "Betaal naar"),
        ("Отправьте на адрес {}", "pay-request", "Отправьте на адрес"),
    ],
)
def test_judge__attributes_what_the_shop_asks_to_be_paid_at(
    words: str, rule: str, shows: str
) -> None:
    text = words.replace("{}", A)
    page = f"<h1>Shop</h1><div class=terms><p>{text}</p></div>"
    decision = on_page(text)[-1]
    assert (decision.role, decision.rule) == (Role.PAY_TO, rule)
    assert shows.strip() in shown(page, decision)
    assert decision.attributes
    assert (decision.owner, decision.market, decision.confidence) == ("Shop", "Market", "web_crawl")
    assert (decision.owner_begin, decision.owner_end) == (1, 5)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("Do NOT send to {}", "warning"),
        ("Don\u2019t ever pay to {}, it is fake", "warning"),
        ("If you sent to {} you sent to a scammer", "warning"),
        ("Avoid {} at all cost, send payment to us", "warning"),
        ("Report to support whoever asks you to pay to {}", "warning"),
        ("This is not my address: {}", "warning"),
        ("If someone asks you to send money to {}, ask me first", "reported"),
        ("He told me to send the coins to {}", "reported"),
        ("A customer wrote: my address is {}", "reported"),
        ("We received the mail \u201csend 2 BTC to {}\u201d today", "reported"),
        ("Should I send the payment to {}?", "question"),
        ("My old address {} is closed, orders by mail", "retired"),
        ("Write the address in full, for example {}", "example"),
        ("Donations: send to {}", "donation"),
        ("send your coins to the exchange's deposit wallet {}", "someone-elses"),
        ("Please refund me, send it to {}", "refund"),
        ("yesterday I have sent 0.2 BTC to {}", "past-payment"),
        ("all of it went to\n{}", "past-payment"),
        ("To fund the escrow send 0.1 BTC to {}", "market-payment"),
        ("Your deposit address is {}, send at least 0.001 BTC to it", "market-payment"),
        ("Nicht an {} zahlen", "warning"),
        ("N'envoyez rien \u00e0 {}, c'est une arnaque", "warning"),
        ("{} was seen in the news", "unclear"),
    ],
)
def test_judge__attributes_nothing_else(words: str, rule: str) -> None:
    decisions = on_page(words.replace("{}", A))
    assert [each.rule for each in decisions] == [rule]
    assert not decisions[0].attributes
    assert decisions[0].owner is None
    assert decisions[0].role not in ATTRIBUTING


@pytest.mark.parametrize(
    ("part", "rule", "role"),
    [
        ("<div class=feedback>pay to {}</div>", "feedback", Role.FEEDBACK),
        ("<footer>send payment to {}</footer>", "furniture", Role.BOILERPLATE),
        ("<blockquote>send payment to {}</blockquote>", "quotation", Role.QUOTED),
        ("<p hidden>send payment to {}</p>", "hidden", Role.BOILERPLATE),
        ("<!-- send payment to {} -->", "hidden", Role.BOILERPLATE),
        ("<i title='send payment to {}'>x</i>", "hidden", Role.BOILERPLATE),
        ("<p>-----BEGIN PGP MESSAGE-----\n{}\n-----END PGP MESSAGE-----", "key-block", Role.OTHER),
    ],
)
def test_judge__goes_by_the_place_before_the_words(part: str, rule: str, role: Role) -> None:
    page = f"<h1>Shop</h1><div class=terms>{part.replace('{}', A)}</div>"
    decisions = judged(page, context=Context(owner=SHOP), media_type="text/html")
    assert [(each.rule, each.role, each.attributes) for each in decisions] == [(rule, role, False)]
    if rule not in ("hidden", "key-block"):
        assert shown(page, decisions[0]) == part[: part.index(">") + 1]


def test_judge__attributes_nobody_on_a_page_of_nobody() -> None:
    decision = on_page(f"Send payment to {A}", context=Context())[0]
    assert (decision.role, decision.attributes) == (Role.PAY_TO, False)
    assert "not clear who is paid" in decision.note


def test_judge__attributes_nobody_outside_the_parts_that_the_owner_wrote() -> None:
    page = f"<h1>Shop</h1><p>Send payment to {A}</p>"
    decision = judged(page, context=Context(owner=SHOP), media_type="text/html")[0]
    assert (decision.role, decision.attributes) == (Role.PAY_TO, False)


@pytest.mark.parametrize(
    ("post", "owner"),
    [
        ("Bob_77 here. Send payment to {}", "Bob_77"),
        ("Hello.\nThis is Alice from the old place. Pay to my address\n{}", "Alice"),
        ("Vendor here. Send payment to {}", None),
        ("Anna here. Otto here. Send payment to {}", None),
        ("Bob here.\n\nSend payment to {}", None),
        ("is Bob here? Send payment to {}", None),
        ("Look here. My address is {}", None),
    ],
)
def test_judge__knows_an_author_who_names_himself(post: str, owner: str | None) -> None:
    text = post.replace("{}", A)
    decision = judged(text)[0]
    assert decision.owner == owner
    assert decision.attributes == (owner is not None)
    assert decision.market is None
    if owner:
        assert text.encode()[decision.owner_begin : decision.owner_end].decode() == owner


def test_judge__tells_requests_from_other_sentences() -> None:
    sentences = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
    for kind, wanted in (("asks_to_be_paid", True), ("does_not", False)):
        for sentence in sentences[kind]:
            told = on_page(sentence.replace("{}", A))
            assert [each.attributes for each in told] == [wanted], (sentence, told[0].rule)


def test_judge__keeps_the_words_of_one_address_from_the_other() -> None:
    decisions = on_page(f"Send payment to {A}. Do not send to {B}, that is a thief.", A, B)
    assert [(each.rule, each.attributes) for each in decisions] == [
        ("pay-request", True),
        ("warning", False),
    ]


def test_judge__reads_a_warning_over_a_list() -> None:
    addresses = [A, B, E, MONERO[:-1]]
    lines = "<br>".join(f"BTC: {each}" for each in addresses)
    decisions = on_page(f"These are scammers:<br>{lines}", *addresses)
    assert {each.rule for each in decisions} == {"warning"}


def test_judge__lets_what_others_say_stand_apart() -> None:
    page = (
        f"<h1>Shop</h1><div class=terms>Send payment to {A}</div>"
        "<div class=feedback>scammer, stole my money</div>"
    )
    assert judged(page, context=Context(owner=SHOP), media_type="text/html")[0].attributes


def test_judge__takes_a_long_list_for_a_list() -> None:
    decisions = judged(f"Bob here. Pay to {A}\n" * (MOST_JUDGED + 1))
    assert {each.rule for each in decisions} == {"list"}


def test_judge__detects_only_what_is_not_followed() -> None:
    undenied = Context(owner=SHOP, denied={})
    decision = on_page(f"Send payment to {MONERO}", MONERO, context=undenied)[0]
    assert (decision.role, decision.attributes) == (Role.PAY_TO, False)
    assert "monero" in decision.note


@pytest.mark.parametrize(
    ("context", "role", "note"),
    [
        (Context(owner=SHOP, contradicted=frozenset({A})), Role.PAY_TO, "another capture"),
        (Context(owner=SHOP, doubt=lambda name, address: f"{name} {address}"), Role.PAY_TO, A),
        (Context(owner=SHOP, sites={A: MOST_SITES}), Role.BOILERPLATE, "10 unrelated sites"),
    ],
)
def test_judge__attributes_nobody_where_something_speaks_against_it(
    context: Context, role: Role, note: str
) -> None:
    decision = on_page(f"Send payment to {A}", context=context)[0]
    assert (decision.role, decision.attributes, decision.owner) == (role, False, None)
    assert note in decision.note
    assert on_page(f"Send payment to {A}", context=Context(owner=SHOP, sites={A: 9}))[0].attributes


def proof_on_page(address: str, message: str, before: str = "") -> tuple[Decision, AddressProof]:
    """Return what is decided of A in a proof of an address on the page of a shop."""
    words = f"Address: {A} Message: {message} Signature: xyz"
    page = f"<h1>Shop</h1><div class=terms><p>{before}{words}</p></div>"
    begin = page.index("Address")
    start = len("Shop\n") + len(before)
    proof = AddressProof(
        address=address,
        begin=begin,
        end=begin + len(words),
        start=start,
        stop=start + len(words),
        message=message,
    )
    context = Context(owner=SHOP, proofs=(proof,))
    return on_page(before + words, context=context)[0], proof


def test_judge__takes_a_verified_proof() -> None:
    decision, proof = proof_on_page(A, "I am Shop")
    assert (decision.role, decision.rule) == (Role.PROOF, "address-proof")
    assert (decision.attributes, decision.confidence) == (True, "manual_transaction")
    assert (decision.begin, decision.end) == (proof.begin, proof.end)
    assert proof_on_page(B, "I am Shop")[0].rule == "unclear"


@pytest.mark.parametrize(
    "message", ["I am CoinBay, in control of these", "Reserves of 2021", "Shop is a customer"]
)
def test_judge__gives_a_proof_to_nobody_but_whom_it_names(message: str) -> None:
    decision = proof_on_page(A, message)[0]
    assert (decision.rule, decision.attributes) == ("address-proof", False)
    assert "do not say who signs" in decision.note


def test_judge__hears_a_warning_before_a_proof() -> None:
    decision = proof_on_page(A, "I am Shop", before="Scammers post this. ")[0]
    assert (decision.rule, decision.attributes) == ("warning", False)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("I am Green Co and this is mine.", True),
        ("This is the vendor Green Co.", True),
        ("Green Co here, hello", True),
        ("New wallet.\n-- Green Co", True),
        ("I am Green Co customer", False),
        ("This is Green Co's fault", False),
        ("I paid Green Co", False),
        ("The wallet of Green Co", False),
        ("I am Green Cow", False),
    ],
)
def test_names_himself__wants_the_signer_to_say_who_he_is(message: str, said: bool) -> None:
    assert names_himself("Green Co", message) is said


@pytest.mark.parametrize(
    ("words", "rule", "owner"),
    [
        ("Pay to my address {}", "signed-statement", "PGP key 0123"),
        ("Do not send to {}", "warning", None),
        ("Remember {}", "unclear", None),
    ],
)
def test_judge__takes_what_was_signed_for_the_signers_word(
    words: str, rule: str, owner: str | None
) -> None:
    text = words.replace("{}", A)
    stretch = SignedStretch(begin=0, end=len(text), signer="0123", asked=frozenset({A}))
    decision = judged(text, context=Context(signed=(stretch,)))[0]
    assert (decision.rule, decision.owner) == (rule, owner)
    assert decision.confidence == ("forensic" if owner else "")


def test_judge__does_not_take_for_signed_what_stands_between_the_marks() -> None:
    text = f"Pay to my address {A}"
    stretch = SignedStretch(begin=0, end=len(text), signer="0123", asked=frozenset({B}))
    decision = judged(text, context=Context(signed=(stretch,)))[0]
    assert (decision.rule, decision.attributes) == ("pay-request", False)


@pytest.mark.parametrize(
    ("key", "owner"), [("0123", "Shop"), ("4567", "PGP key 0123"), (None, "PGP key 0123")]
)
def test_judge__gives_a_statement_to_the_account_only_under_its_own_key(
    key: str | None, owner: str
) -> None:
    stretch = SignedStretch(begin=0, end=10_000, signer="0123", asked=frozenset({A}))
    context = Context(owner=replace(SHOP, key=key), signed=(stretch,))
    decision = on_page(f"Pay to my address {A}", context=context)[0]
    assert (decision.rule, decision.owner) == ("signed-statement", owner)


def test_judge__attributes_nothing_under_a_signature_that_was_not_verified() -> None:
    words = (
        f"-----BEGIN PGP SIGNED MESSAGE-----<br><br>Pay to my address {A}<br>"
        "-----BEGIN PGP SIGNATURE-----<br>x<br>-----END PGP SIGNATURE-----"
    )
    decision = on_page(words)[0]
    assert (decision.rule, decision.attributes) == ("pay-request", False)
    assert "no known key" in decision.note


def test_asked_for__returns_what_a_text_asks_for_and_nowhere_denies() -> None:
    text = read_text(f"Pay to my address {A}.\n\nPay to {B}.\n\nNever send to {B}".encode(), "")
    assert asked_for(text, found_at(text, A, B)) == {A}


@pytest.mark.parametrize(
    "words",
    [
        "Send exactly 0.01 BTC to {} to complete your purchase",
        "Your order total is 0.01 BTC. Pay to {}",
        "Send 0.01 BTC to {} . Time left: 14 minutes",
        "Pay to {} and wait for 2 confirmations",
        "Send payment to my address {} he wrote me",
    ],
)
def test_judge__attributes_no_address_of_one_order_nor_one_told_by_others(words: str) -> None:
    assert not on_page(words.replace("{}", A))[0].attributes


def test_deny_list__holds_addresses_in_canonical_text() -> None:
    for address in deny_list():
        if address.startswith("0x"):
            assert address == address.lower()
            assert len(address) == 42
        elif len(address) < 90:
            name = "bitcoin-testnet3" if address[:2] in ("tb", "mi", "mv", "2M") else "bitcoin"
            parse_address(address, network(name))
    decision = on_page(f"Send payment to {MONERO}", MONERO)[0]
    assert (decision.role, decision.rule) == (Role.DENIED, "deny-list")
    assert "Monero" in decision.note


def test_rules__are_documented_in_the_order_in_which_they_are_asked() -> None:
    words = {*EXCLUDING, *REQUESTING}
    assert set(_patterns()) - {"not-a-warning"} == words <= set(RULES)
    places = [list(RULES).index(rule) for rule in (*EXCLUDING, *REQUESTING)]
    assert all(one < other for one, other in pairwise(places))
    for rule, text in RULES.items():
        assert text.purpose.endswith("."), rule
        assert text.source, rule
        assert text.fails_when, rule


@given(st.text(max_size=60), st.text(max_size=60))
def test_judge__shows_bytes_of_the_document(before: str, after: str) -> None:
    text = f"{before} {A} {after}"
    raw = text.encode()
    document = read_text(raw, "text/plain")
    for decision in judge(document, found_at(document, A), Context()):
        assert 0 <= decision.begin < decision.end <= len(raw)
        assert not decision.attributes or decision.owner


@pytest.mark.slow
def test_judge__tells_every_planted_role() -> None:
    for row in measure_roles(200):
        assert row["planted"] == row["found"] == row["right_role"], row
        assert row["wrongly_attributed"] == 0, row
        assert row["attributed"] == (row["planted"] if row["truth"] in ATTRIBUTED else 0), row
