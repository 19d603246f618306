"""Keys and phrases: every kind is found, and nothing that leaves says what they are."""

import base64
import codecs
import hashlib
import json
import random
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.documents.reading import items
from arien_flows.extraction.finding import Scan, SecretKind
from arien_flows.extraction.phrases import words
from arien_flows.extraction.scan import scan
from arien_flows.extraction.secrets import SHOWN, redacted, without_secrets
from arien_flows.extraction.text import Region, RegionKind
from arien_flows.vendors.reading import read_account
from chains.detect.base58 import encode_checked
from tests.arien_flows.extraction.test_scan import GENESIS, document

sys.path.append(str(Path(__file__).parents[3] / "scripts"))

from planting import extended_key, key

PRIVATE, PUBLIC, PHRASE = (
    SecretKind.PRIVATE_KEY,
    SecretKind.EXTENDED_PUBLIC_KEY,
    SecretKind.SEED_PHRASE,
)
SECRETS = (
    # BIP-32, first test vector: the wallet of the seed 000102…0f.
    (
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGq"
        "sefD265TMg7usUDFdp6W1EGMcet8",
        PUBLIC,
    ),
    (
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMR"
        "NNU3TGtRBeJgk33yuGBxrMPHi",
        PRIVATE,
    ),
    # The example of Bitcoin's wiki, long and short, and of BIP-38; the wiki's mini key.
    ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", PRIVATE),
    ("KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", PRIVATE),
    ("6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg", PRIVATE),
    ("S6c56bnXQiBjk9mqSYE7ykVQ7NzrRy", PRIVATE),
    # BIP-39, test vectors.
    ("legal winner thank year wave sausage worth useful legal winner thank yellow", PHRASE),
    (" ".join(["abandon"] * 11 + ["about"]), PHRASE),
    (" ".join(["zoo"] * 23 + ["vote"]), PHRASE),
)


def everything(found: Scan, text: str) -> str:
    """Return all that a scan gives away: its representation, its JSON, and the text it may show."""
    shown = redacted(text, found.secrets)
    as_json = json.dumps(asdict(found), default=str)
    return f"{found!r}\n{found}\n{as_json}\n{shown}"


@pytest.mark.parametrize(("secret", "kind"), SECRETS)
def test_scan__finds_a_secret_and_never_says_it(secret: str, kind: SecretKind):
    text = f"pay {GENESIS} or theirs: {secret}. Thanks"
    found = scan(document(text))
    (one,) = found.secrets
    assert (one.kind, one.is_checked) == (kind, True)
    assert text[one.start : one.stop] == secret
    assert [each.address for each in found.found] == [GENESIS]
    assert secret not in everything(found, text)
    assert redacted(text, found.secrets) == f"pay {GENESIS} or theirs: {SHOWN[kind]}. Thanks"
    assert without_secrets(text) == redacted(text, found.secrets)


@given(st.integers(0, 2**32), st.sampled_from([key, extended_key]), st.integers(1, 5))
def test_scan__finds_keys_that_are_broken_into_lines(seed: int, make: object, cuts: int):
    dice = random.Random(seed)
    secret = make(dice)  # type: ignore[operator]
    places = sorted(dice.sample(range(8, len(secret) - 8), cuts))
    parts = [secret[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
    text = "my key is " + "\n".join(parts) + " . keep it"
    found = scan(document(text))
    assert [each.is_checked for each in found.secrets] == [True]
    shown = redacted(text, found.secrets)
    assert shown == f"my key is {SHOWN[found.secrets[0].kind]} . keep it"


def phrase_of(entropy: bytes) -> str:
    """Return the phrase that stands for 16 to 32 bytes."""
    check_length = len(entropy) // 4
    bits = int.from_bytes(entropy, "big") << check_length
    bits |= hashlib.sha256(entropy).digest()[0] >> 8 - check_length
    count = check_length * 3
    return " ".join(words()[bits >> 11 * (count - 1 - place) & 2047] for place in range(count))


@given(st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32))
def test_scan__finds_numbered_phrases(entropy: bytes):
    phrase = phrase_of(entropy).split()
    text = "Backup:\n" + "\n".join(f"{n}. {word.title()}" for n, word in enumerate(phrase, 1))
    found = scan(document(text))
    assert [(each.kind, each.is_checked) for each in found.secrets] == [(PHRASE, True)]
    assert redacted(text, found.secrets) == f"Backup:\n1. {SHOWN[PHRASE]}"


def test_scan__hides_what_may_be_a_secret_with_a_slip():
    wif = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
    slips = (
        wif.replace("Hue", "Hve"),
        SECRETS[0][0].replace("AqRb", "AqRc"),
        "legal winner thank year wave sausage worth useful legal winner thank zebra zoo cage",
    )
    for slip in slips:
        found = scan(document(f"it is {slip} ok")).secrets
        assert [each.is_checked for each in found] == [False], slip


def test_scan__takes_no_part_of_a_key_block_for_a_key():
    line = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98618"
    block = Region(kind=RegionKind.KEY, start=0, stop=60, rule="pgp")
    assert scan(document(f"  {line}  " + " " * 9, block)).secrets == ()
    assert len(scan(document(f"  {line}  ")).secrets) == 1


@pytest.mark.parametrize("kind", ["private key", "PrivKey", "secret_key"])
def test_scan__takes_a_hash_for_a_key_where_it_is_called_one(kind: str):
    found = scan(document(f"my {kind}: " + "1f" * 32))
    assert [each.kind for each in found.secrets] == [PRIVATE]
    assert found.hashes == ()


def test_scan__hides_the_words_beside_a_phrase_if_they_are_of_the_list():
    text = f"My seed phrase: {SECRETS[-2][0]} - about it"
    found = scan(document(text))
    assert redacted(text, found.secrets) == f"My {SHOWN[PHRASE]} it"


@pytest.mark.parametrize(
    "text",
    [
        "my_" + "very_" * 30 + "secret_mail@example.org",
        " ".join(words()[:40]),
        "the quick brown fox and the lazy dog will jump over a fence while you are on the way",
    ],
)
def test_scan__takes_no_prose_for_a_phrase(text: str):
    assert scan(document(text)).secrets == ()


def test_scan__hides_all_words_even_where_too_many_would_have_to_be_checked():
    dice = random.Random(3)
    text = " ".join(dice.choices(words(), k=9_000))
    (found,) = scan(document(text)).secrets
    assert (found.start, found.stop) == (0, len(text))


def test_words__are_those_of_bip_39():
    assert (len(words()), words()[0], words()[-1]) == (2_048, "abandon", "zoo")
    # The digest of the file as it is published with the proposal.
    published = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert (
        hashlib.sha256("".join(f"{word}\n" for word in words()).encode()).hexdigest() == published
    )
    assert list(words()) == sorted(words())
    assert len({word[:4] for word in words()}) == 2_048


@given(st.integers(0, 60), st.integers(0, 60))
def test_redacted__hides_what_a_part_of_a_text_holds_of_a_secret(first: int, length: int):
    text = f"ab {SECRETS[2][0]} cd"
    found = scan(document(text))
    part = text[first : first + length]
    shown = redacted(part, found.secrets, first=first)
    (secret,) = found.secrets
    held = max(min(first + len(part), secret.stop) - max(first, secret.start), 0)
    assert (SHOWN[PRIVATE] in shown) == (held > 0)
    assert len(shown) == len(part) - held + (len(SHOWN[PRIVATE]) if held else 0)


def test_without_secrets__leaves_other_texts_alone():
    other = encode_checked(b"\x30" + bytes(range(20)))
    text = f"title {GENESIS} {other} S" + "a" * 29
    assert without_secrets(text) == text


WIF = SECRETS[2][0]
HEXADECIMAL = "e9873d79c6d87dc0fb6a5778633389f4453213303da61f20bd67fc233aa33262"


@pytest.mark.parametrize(
    "writing",
    [
        WIF[::-1],
        codecs.encode(WIF, "rot13"),
        base64.b64encode(WIF.encode()).decode(),
        WIF.encode().hex(),
        f"PK: {HEXADECIMAL}",
        f"priv = {HEXADECIMAL}",
        f"clé privée {HEXADECIMAL}",
        f"wallet key 0x{HEXADECIMAL}",
        f"{HEXADECIMAL} is the private key",
    ],
)
def test_scan__hides_keys_however_they_are_written(writing: str):
    text = f"pay {GENESIS} or theirs: {writing} end"
    found = scan(document(text))
    assert [each.kind for each in found.secrets] == [PRIVATE]
    shown = everything(found, text)
    assert not any(each in shown for each in (WIF, WIF[::-1], HEXADECIMAL, WIF.encode().hex()))


def test_scan__takes_a_hash_beside_a_key_s_name_for_a_hash():
    found = scan(document(f"txid {HEXADECIMAL} (public key hash), thanks"))
    assert [each.text for each in found.hashes] == [HEXADECIMAL]
    assert found.secrets == ()


@pytest.mark.parametrize(
    "text",
    [
        f"http://x.onion/?privkey={HEXADECIMAL}",
        f"private key: 0x{HEXADECIMAL}",
        WIF[::-1],
        f"{HEXADECIMAL} was my private key",
    ],
)
def test_without_secrets__hides_what_is_called_a_key_or_turned(text: str):
    shown = without_secrets(text)
    assert SHOWN[PRIVATE] in shown
    assert HEXADECIMAL not in shown
    assert WIF[::-1] not in shown


def test_repr__of_what_is_read_says_nothing_that_stands_in_it():
    raw = f"vendor,title,price\nGreen,Thing,{WIF}\n".encode()
    (item,) = items(raw, name="a.csv")
    page = read_account(item, market="Nile")
    assert page is not None
    assert WIF not in repr(item) + repr(page) + repr(document(WIF))
