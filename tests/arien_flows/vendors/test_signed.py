import base64
import html
import time

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pysequoia import Profile, SignatureMode, Tsk, sign

from arien_flows.vendors.keys import read_key
from arien_flows.vendors.signed import (
    CHOSEN_CONFIDENCE,
    SIGNED_CONFIDENCE,
    SignedState,
    bitcoin_signed_blocks,
    prove_address,
    signed_messages,
)
from arien_flows.vendors.signed_ethereum import check_personal_message, personal_digest
from chains.bitcoin.address import address_text
from chains.bitcoin.hashing import hash160
from chains.bitcoin.networks import BITCOIN
from chains.bitcoin.signed_messages import Verdict, message_digest
from chains.ethereum.address import keccak256
from chains.tables import ScriptType

KEY = PrivateKey(bytes(range(1, 33)))
ADDRESS = address_text(ScriptType.P2WPKH, hash160(KEY.public_key.format()), BITCOIN)
ACCOUNT = "0x" + keccak256(KEY.public_key.format(compressed=False)[1:])[12:].hex()


@pytest.fixture(scope="module")
def holder():
    return Tsk.generate("GreenShop <green@example.org>")


@pytest.fixture(scope="module")
def other():
    return Tsk.generate("Other <other@example.org>")


def public(secret):
    return read_key(bytes(secret.extract_certificate()))


def clear(secret, text):
    return sign(secret.signer(), text.encode(), mode=SignatureMode.CLEAR)


def test_signed_messages__verifies_under_a_known_key(holder, other):
    raw = b"intro\n" + clear(holder, "Pay to my address.\nNothing else.") + b"\nend"
    (found,) = signed_messages(raw, [public(other), public(holder)], "utf-8")
    assert found.state is SignedState.VERIFIED
    assert found.fingerprint == public(holder).fingerprint
    assert found.text == "Pay to my address.\nNothing else."
    assert found.signed_at is not None
    assert raw[found.begin : found.end].startswith(b"-----BEGIN PGP SIGNED")
    assert raw[found.begin : found.end].endswith(b"-----END PGP SIGNATURE-----")


def test_signed_messages__verifies_keys_of_version_6():
    secret = Tsk.generate("v6", profile=Profile.RFC9580)
    key = public(secret)
    assert (key.version, len(key.fingerprint)) == (6, 64)
    (found,) = signed_messages(clear(secret, "words"), [key], "utf-8")
    assert (found.state, found.fingerprint) == (SignedState.VERIFIED, key.fingerprint)


def test_signed_messages__does_not_trust_a_key_that_nobody_showed(holder, other):
    (found,) = signed_messages(clear(holder, "words"), [public(other)], "utf-8")
    assert (found.state, found.fingerprint) == (SignedState.UNKNOWN_KEY, None)


def test_signed_messages__says_that_a_changed_text_does_not_verify(holder):
    raw = clear(holder, "send to A").replace(b"send to A", b"send to B")
    (found,) = signed_messages(raw, [public(holder)], "utf-8")
    assert (found.state, found.fingerprint) == (SignedState.UNTRUSTED, None)
    assert found.text == "send to B"


@pytest.mark.parametrize("line_end", ["<br>\n", "<br />", "\n", "\r\n", "<br/>\r\n"])
def test_signed_messages__reads_what_a_page_made_of_the_lines(holder, line_end):
    text = "Price & terms:\n\n<b>5 g</b> for 30\nmy \u00fcbliche address"
    shown = html.escape(clear(holder, text).decode()).replace("\n", line_end)
    raw = f"<pre class='x'>{shown}</pre>".encode()
    (found,) = signed_messages(raw, [public(holder)], "utf-8")
    assert found.state is SignedState.VERIFIED
    assert found.text == text


def test_signed_messages__finds_a_message_behind_an_unclosed_mark(holder):
    raw = b"-----BEGIN PGP SIGNED MESSAGE-----\nnever closed\n" + clear(holder, "words")
    (found,) = signed_messages(raw, [public(holder)], "utf-8")
    assert found.state is SignedState.VERIFIED


@given(junk=st.binary(max_size=200))
def test_signed_messages__never_verifies_arbitrary_bytes(junk, holder):
    raw = (
        b"-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n-----BEGIN PGP SIGNATURE-----\n\n"
        + base64.b64encode(junk)
        + b"\n-----END PGP SIGNATURE-----"
    )
    (found,) = signed_messages(raw, [public(holder)], "utf-8")
    assert found.state is not SignedState.VERIFIED


def compact(message):
    made = KEY.sign_recoverable(message_digest(message), hasher=None)
    return base64.b64encode(bytes([39 + made[64]]) + made[:64]).decode()


def personal(message):
    made = KEY.sign_recoverable(personal_digest(message), hasher=None)
    return "0x" + (made[:64] + bytes([27 + made[64]])).hex()


def test_prove_address__is_sure_only_of_words_that_we_chose():
    message = "I am GreenShop. Nonce 8f2c."
    signature = compact(message.encode())
    proof = prove_address(ADDRESS, "bitcoin", message, signature)
    assert (proof.confidence, proof.check.scheme) == (SIGNED_CONFIDENCE, "bip137")
    asked = prove_address(ADDRESS, "bitcoin", message, signature, chosen="8f2c")
    assert asked.confidence == CHOSEN_CONFIDENCE
    foreign = prove_address(ADDRESS, "bitcoin", message, signature, chosen="other words")
    assert foreign.confidence == SIGNED_CONFIDENCE
    assert prove_address(ADDRESS, "bitcoin", message + "!", signature).confidence == 0


def test_prove_address__reads_the_line_ends_that_pages_change():
    signature = compact(b"one\r\ntwo")
    proof = prove_address(ADDRESS, "bitcoin", " one\ntwo\n", signature)
    assert proof.check.verdict is Verdict.VALID


@given(message=st.text(max_size=60))
def test_check_personal_message__agrees_with_its_signer(message):
    signature = personal(message.encode())
    assert check_personal_message(ACCOUNT, message.encode(), signature).verdict is Verdict.VALID
    changed = check_personal_message(ACCOUNT, message.encode() + b"x", signature)
    assert changed.verdict is Verdict.INVALID


def test_check_personal_message__knows_the_vector_of_web3():
    # web3.js documentation, `eth.accounts.sign("Some data", …)`.
    found = check_personal_message(
        "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
        b"Some data",
        "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
        "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
    )
    assert found.verdict is Verdict.VALID


@pytest.mark.parametrize("signature", ["", "0x", "0xzz", "ab" * 64, "ab" * 64 + "1d", "00" * 65])
def test_check_personal_message__refuses_what_is_no_signature(signature):
    assert check_personal_message(ACCOUNT, b"m", signature).verdict is Verdict.INVALID


def test_bitcoin_signed_blocks__finds_what_wallets_print():
    text = (
        "see\n-----BEGIN BITCOIN SIGNED MESSAGE-----\nI am GreenShop.\n"
        f"-----BEGIN SIGNATURE-----\n{ADDRESS}\n{compact(b'I am GreenShop.')}\n"
        "-----END BITCOIN SIGNED MESSAGE-----\nend"
    )
    (block,) = bitcoin_signed_blocks(text)
    proof = prove_address(block["address"], "bitcoin", block["message"], block["signature"])
    assert proof.confidence == SIGNED_CONFIDENCE


def test_bitcoin_signed_blocks__finds_the_innermost_of_marks_that_do_not_close():
    opening = "-----BEGIN BITCOIN SIGNED MESSAGE-----\n"
    block = f"{opening}words\n-----BEGIN SIGNATURE-----\n{ADDRESS}\nxyz\n"
    text = f"{opening}lost\n{block}-----END BITCOIN SIGNED MESSAGE-----"
    (found,) = bitcoin_signed_blocks(text)
    assert (found["message"], found["start"]) == ("words", text.index(block))
    assert bitcoin_signed_blocks(block) == []


def test_prove_address__checks_no_other_networks():
    message = "I am GreenShop."
    signature = personal(message.encode())
    assert prove_address(ACCOUNT, "ethereum", message, signature).confidence == SIGNED_CONFIDENCE
    proof = prove_address(ACCOUNT, "litecoin", message, signature)
    assert (proof.check.verdict, proof.confidence) == (Verdict.INCONCLUSIVE, 0)


HOSTILE = {
    "blanks": "-----BEGIN PGP SIGNED MESSAGE-----\n\n" + " " * 100_000 + "x\n",
    "lines of blanks": "-----BEGIN PGP SIGNED MESSAGE-----\n\n" + "  \n" * 30_000,
    "an entity without end": "-----BEGIN PGP SIGNED MESSAGE-----\n\n&#" + "1" * 100_000,
    "equals": "-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n",
}
SIGNATURE_END = "\n-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----"


@pytest.mark.parametrize("which", HOSTILE)
def test_signed_messages__takes_time_that_grows_with_the_text(which):
    body = "=" * 100_000 + "x" if which == "equals" else "AAAA"
    raw = (HOSTILE[which] + SIGNATURE_END.format(body)).encode()
    begun = time.process_time()
    (found,) = signed_messages(raw, [], "utf-8")
    assert found.state is SignedState.UNREADABLE
    assert time.process_time() - begun < 3


def test_bitcoin_signed_blocks__takes_time_that_grows_with_the_text():
    marks = "-----BEGIN BITCOIN SIGNED MESSAGE-----\n-----BEGIN SIGNATURE-----\n"
    begun = time.process_time()
    assert bitcoin_signed_blocks(marks * 10_000) == []
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("break_", [" <br> <br>\n", "\n   <br>", "\t\r\n <br/>", " \n <p>"])
def test_signed_messages__takes_blanks_around_a_break_for_part_of_it(break_, holder):
    signed = clear(holder, "one\n\ntwo" if break_.count("<") == 2 else "one\ntwo").decode()
    between = "one\n\ntwo" if break_.count("<") == 2 else "one\ntwo"
    raw = signed.replace(between, f"one{break_}two").encode()
    (found,) = signed_messages(raw, [public(holder)], "utf-8")
    assert found.state is SignedState.VERIFIED
