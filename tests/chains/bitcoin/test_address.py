import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chains.bitcoin.address import Locking, address_text, parse_address
from chains.bitcoin.descriptor import multisig_script, without_checksum
from chains.bitcoin.networks import BITCOIN, NETWORKS, REGTEST, SIGNET, TESTNET3, TESTNET4
from chains.bitcoin.script import classify_scripts, script_of
from chains.errors import AddressError
from chains.tables import ScriptType

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bech32.json").read_text())

networks = st.sampled_from(NETWORKS)


def fixed(length):
    return st.binary(min_size=length, max_size=length)


def of_type(script_type, payload):
    return payload.map(lambda drawn: Locking(script_type, drawn))


keys = st.one_of(
    st.builds(lambda first, rest: bytes([first]) + rest, st.sampled_from([2, 3]), fixed(32)),
    st.builds(lambda first, rest: bytes([first]) + rest, st.sampled_from([4, 6, 7]), fixed(64)),
)
multisigs = st.lists(keys, min_size=1, max_size=20).flatmap(
    lambda drawn: st.integers(1, len(drawn)).map(lambda needed: multisig_script(needed, drawn))
)
futures = st.builds(
    lambda version, program: bytes([0x50 + version, len(program)]) + program,
    st.integers(1, 16),
    st.binary(min_size=2, max_size=40),
)
lockings = st.one_of(
    of_type(ScriptType.P2PK, keys),
    of_type(ScriptType.P2PKH, fixed(20)),
    of_type(ScriptType.P2SH, fixed(20)),
    of_type(ScriptType.P2WPKH, fixed(20)),
    of_type(ScriptType.P2WSH, fixed(32)),
    of_type(ScriptType.P2TR, fixed(32)),
    of_type(ScriptType.MULTISIG, multisigs),
    of_type(ScriptType.WITNESS_UNKNOWN, futures.filter(lambda s: s[:2] != b"\x51\x20")),
)


def classified(script):
    types, starts, lengths = classify_scripts(
        np.frombuffer(script, dtype=np.uint8),
        np.zeros(1, dtype=np.int64),
        np.array([len(script)], dtype=np.int64),
    )
    start = int(starts[0])
    return Locking(ScriptType(int(types[0])), script[start : start + int(lengths[0])])


@given(lockings, networks)
def test_parse_address__undoes_address_text(locking, network):
    text = address_text(*locking, network)
    assert text is not None
    assert parse_address(text, network) == locking


@given(st.binary(max_size=80), networks)
def test_parse_address__undoes_address_text_for_any_script(script, network):
    locking = classified(script)
    text = address_text(*locking, network)
    if locking.script_type is ScriptType.OP_RETURN:
        assert text is None
    else:
        assert parse_address(text, network) == locking
        assert script_of(*locking) == script


@given(lockings, networks)
def test_parse_address__reads_every_script_written_out_in_full(locking, network):
    assert parse_address(f"raw({script_of(*locking).hex()})", network) == locking


@given(st.text(max_size=100))
def test_parse_address__fails_in_one_way_only(text):
    with pytest.raises(AddressError):
        parse_address(text, BITCOIN)


@given(lockings, networks, networks)
def test_parse_address__accepts_a_text_where_its_prefix_is_valid(locking, home, other):
    text = address_text(*locking, home)
    if address_text(*locking, other) == text:
        assert parse_address(text, other) == locking
    else:
        with pytest.raises(AddressError, match=f"address of .*{home.name}.*, not of {other.name}$"):
            parse_address(text, other)


@given(of_type(ScriptType.P2PKH, fixed(20)), st.data())
def test_parse_address__detects_one_wrong_character(locking, data):
    text = address_text(*locking, BITCOIN)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"))
    assume(other != text[place])
    with pytest.raises(AddressError):
        parse_address(text[:place] + other + text[place + 1 :], BITCOIN)


@pytest.mark.parametrize(
    ("text", "network", "script_type", "payload"),
    [
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            BITCOIN,
            ScriptType.P2PKH,
            "62e907b15cbf27d5425399ebf6f0fb50ebb88f18",
        ),
        (
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            BITCOIN,
            ScriptType.P2SH,
            "b472a266d0bd89c13706a4132ccfb16f7c3b9fcb",
        ),
        (
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            TESTNET3,
            ScriptType.P2PKH,
            "243f1394f44554f4ce3fd68649c19adc483ce924",
        ),
        (
            "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
            REGTEST,
            ScriptType.P2SH,
            "4e9f39ca4688ff102128ea4ccda34105324305b0",
        ),
        (
            "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
            BITCOIN,
            ScriptType.P2WSH,
            "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        ),
        (
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            SIGNET,
            ScriptType.P2WPKH,
            "751e76e8199196d454941c45d1b3a323f1433bd6",
        ),
        ("bc1pfeessrawgf", BITCOIN, ScriptType.WITNESS_UNKNOWN, "51024e73"),
        ("1111111111111111111114oLvT2", BITCOIN, ScriptType.P2PKH, "00" * 20),
    ],
)
def test_parse_address__reads_known_addresses(text, network, script_type, payload):
    assert parse_address(text, network) == (script_type, bytes.fromhex(payload))
    assert address_text(script_type, bytes.fromhex(payload), network) == text


@pytest.mark.parametrize(("text", "script"), VECTORS["valid_addresses"])
def test_parse_address__reads_the_vectors_of_bip_350(text, script):
    network = BITCOIN if text.lower().startswith("bc1") else TESTNET4
    locking = parse_address(text, network)
    assert script_of(*locking).hex() == script
    assert address_text(*locking, network) == text.lower()


@pytest.mark.parametrize(("text", "fault"), VECTORS["invalid_addresses"])
def test_parse_address__names_the_fault_of_invalid_vectors(text, fault):
    network = TESTNET3 if text.startswith("tb1") else BITCOIN
    with pytest.raises(AddressError) as caught:
        parse_address(text, network)
    assert fault in str(caught.value)


GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


@pytest.mark.parametrize(
    "text",
    [
        f"  {GENESIS}\n",
        f"bitcoin:{GENESIS}",
        f"BITCOIN:{GENESIS}?amount=0.1&label=x",
        f"bitcoin://{GENESIS}",
        f"addr({GENESIS})",
        "raw(76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac)",
    ],
)
def test_parse_address__accepts_other_ways_to_write_it(text):
    assert address_text(*parse_address(text, BITCOIN), BITCOIN) == GENESIS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("bitcoin:?amount=1", "holds no address"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN", "missing"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a", r"character 33 \('0'\)"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7\u200bDivfNa", r"character 29 \(U\+200B\)"),
        ("1A1z P1eP5QGefi2DMPTfTL5SLmv7DivfNa", "character 5 is white space"),
        (GENESIS[:20], "26 to 35"),
        ("1" * 30, "decodes to 30 bytes"),
        (f"{GENESIS} {GENESIS}", "one address"),
        ("bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "mixed"),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "bitcoin-testnet3, .* or bitcoin-regtest, not of"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "or bitcoin-signet, not of bitcoin"),
        ("LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", "Litecoin"),
        ("DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "Dogecoin"),
        ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "Litecoin"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "Ethereum address"),
        ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "20 bytes"),
        ("0x" + "ab" * 32, "Ethereum transaction"),
        ("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", "transaction id"),
        ("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b:0", "one output"),
        ("02" + "79" * 32, "public key"),
        ("lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq", "Lightning"),
        ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "Bitcoin Cash"),
        ("raw(6a0461626364)", "OP_RETURN"),
        ("raw(6)", "two a byte"),
        ("raw(51)x", "has the form"),
        ("rawtr(51)", "32 bytes"),
        ("pk(\u00e9)#aaaaaaaa", "'\u00e9' cannot occur in a descriptor"),
        ("multi(1)", "names 0 keys"),
        ("multi(3,02" + "11" * 32 + ")", "number of signatures"),
        ("multi(1,06" + "11" * 64 + ")", "public key in hexadecimal"),
        ("wpkh(02" + "11" * 32 + ")", "one output script"),
        ("pk(02" + "11" * 32 + ")#aaaaaaaa", "checksum of the descriptor"),
        ("addr(addr(" * 5000, "name|character"),
    ],
)
def test_parse_address__says_what_is_wrong(text, fault):
    with pytest.raises(AddressError, match=fault):
        parse_address(text, BITCOIN)


SECRETS = [
    # Published examples: the Bitcoin wiki's WIF and mini key, vectors of BIP-32, BIP-38, BIP-39.
    ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "private key"),
    ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyT0", "private key"),
    ("KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", "private key"),
    ("S6c56bnXQiBjk9mqSYE7ykVQ7NzrRy", "private key"),
    ("6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg", "private key"),
    (
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU"
        "3TGtRBeJgk33yuGBxrMPHi",
        "extended private key",
    ),
    (
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD26"
        "5TMg7usUDFdp6W1EGMCet8",
        "extended public key",
    ),
    ("legal winner thank year wave sausage worth useful legal winner thank yellow", "seed phrase"),
    ("pk(5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ)", "public key in hexadecimal"),
    ("addr(KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617)", "private key"),
    ("bitcoin:KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", "private key"),
    ("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d", "32 bytes"),
]


@pytest.mark.parametrize(("secret", "fault"), SECRETS)
def test_parse_address__recognises_secrets_and_never_repeats_them(secret, fault):
    with pytest.raises(AddressError, match=fault) as caught:
        parse_address(secret, BITCOIN)
    message = str(caught.value)
    pieces = (secret[start : start + 8] for start in range(len(secret) - 7))
    assert not any(piece in message for piece in pieces)


def test_address_text__writes_scripts_without_an_address_as_bitcoin_core_does():
    key = bytes.fromhex("02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
    hybrid = b"\x06" + bytes(64)
    two = multisig_script(1, [key, key])
    assert address_text(ScriptType.P2PK, key, BITCOIN) == f"pk({key.hex()})"
    assert address_text(ScriptType.P2PK, hybrid, BITCOIN) == f"raw(41{hybrid.hex()}ac)"
    assert address_text(ScriptType.MULTISIG, two, BITCOIN) == f"multi(1,{key.hex()},{key.hex()})"
    assert address_text(ScriptType.NONSTANDARD, b"\x51", BITCOIN) == "raw(51)"
    assert address_text(ScriptType.NONSTANDARD, b"", BITCOIN) == "raw()"
    assert address_text(ScriptType.OP_RETURN, b"abc", BITCOIN) is None


def test_address_text__keeps_an_unusual_encoding_of_a_multisig_apart():
    key = b"\x02" + bytes(32)
    # The key is pushed by OP_PUSHDATA1, which Solver accepts and nobody would write.
    script = b"\x51\x4c\x21" + key + b"\x51\xae"
    locking = classified(script)
    assert locking.script_type is ScriptType.MULTISIG
    text = address_text(*locking, BITCOIN)
    assert text == f"raw({script.hex()})"
    assert parse_address(text, BITCOIN) == locking


@pytest.mark.parametrize("script_type", [ScriptType.P2PKH, ScriptType.P2TR, ScriptType.P2WSH])
def test_address_text__refuses_a_payload_that_does_not_fit(script_type):
    with pytest.raises(ValueError, match=script_type.name):
        address_text(script_type, bytes(21), BITCOIN)


def test_without_checksum__checks_the_vector_of_bip_380():
    assert without_checksum("raw(deadbeef)#89f8spxm") == "raw(deadbeef)"
    with pytest.raises(AddressError, match="checksum"):
        without_checksum("raw(deedbeef)#89f8spxm")
