import base64
import json
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin import generic_messages
from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.generic_messages import Spending
from chains.bitcoin.hashing import hash160
from chains.bitcoin.networks import BITCOIN, REGTEST
from chains.bitcoin.script import script_of
from chains.bitcoin.signed_messages import Verdict, check_message, message_digest
from chains.tables import ScriptType

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "bip322.json").read_text())
KEY = PrivateKey(bytes(range(1, 33)))
PUBLIC = KEY.public_key.format()
KEY_HASH = hash160(PUBLIC)
HEADERS = {
    27: (ScriptType.P2PKH, hash160(KEY.public_key.format(compressed=False))),
    31: (ScriptType.P2PKH, KEY_HASH),
    35: (ScriptType.P2SH, hash160(b"\x00\x14" + KEY_HASH)),
    39: (ScriptType.P2WPKH, KEY_HASH),
}


def compact(message, header, key=KEY):
    made = key.sign_recoverable(message_digest(message), hasher=None)
    return base64.b64encode(bytes([header + made[64]]) + made[:64]).decode()


def full(spending, spent):
    stack = bytes([len(spending.witness)]) + b"".join(
        bytes([len(item)]) + item for item in spending.witness
    )
    raw = (
        struct.pack("<I", spending.version)
        + b"\x00\x01\x01"
        + spent
        + struct.pack("<I", 0)
        + bytes([len(spending.script)])
        + spending.script
        + struct.pack("<I", spending.sequence)
        + b"\x01"
        + struct.pack("<q", 0)
        + b"\x01\x6a"
        + stack
        + struct.pack("<I", spending.lock_time)
    )
    return base64.b64encode(raw).decode()


def to_sign_id(message: bytes, script: bytes) -> bytes:
    """Return the id of the unsigned transaction that spends `to_spend`, as it is stored."""
    spent = generic_messages.to_spend_id(message, script) + struct.pack("<I", 0)
    raw = (
        struct.pack("<I", 0)
        + b"\x01"
        + spent
        + b"\x00"
        + struct.pack("<I", 0)
        + b"\x01"
        + struct.pack("<q", 0)
        + b"\x01\x6a"
        + struct.pack("<I", 0)
    )
    return sha256(sha256(raw).digest()).digest()


@pytest.mark.parametrize("vector", VECTORS["hashes"], ids=lambda each: repr(each["message"]))
def test_generic_messages__hash_as_the_standard_does(vector):
    message = vector["message"].encode()
    script = script_of(*parse_address(vector["address"], BITCOIN))
    assert generic_messages.message_hash(message).hex() == vector["message_hash"]
    assert generic_messages.to_spend_id(message, script)[::-1].hex() == vector["to_spend"]
    assert to_sign_id(message, script)[::-1].hex() == vector["to_sign"]


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda each: each["signature"][:12])
def test_check_message__knows_the_standards_signatures(vector):
    found = check_message(
        vector["address"], vector["message"].encode(), vector["signature"], BITCOIN
    )
    assert (found.verdict, found.scheme) == (Verdict.VALID, "bip322-simple")


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda each: each["why"])
def test_check_message__refuses_what_the_standard_refuses(vector):
    found = check_message(
        vector["address"], vector["message"].encode(), vector["signature"], BITCOIN
    )
    assert found.verdict is Verdict.INVALID


@pytest.mark.parametrize("header", HEADERS)
@given(message=st.binary(max_size=400))
def test_check_message__proves_each_kind_of_address_by_its_header(header, message):
    address = address_text(*HEADERS[header], BITCOIN)
    signature = compact(message, header)
    assert check_message(address, message, signature, BITCOIN).verdict is Verdict.VALID
    assert check_message(address, message + b"!", signature, BITCOIN).verdict is Verdict.INVALID
    for other, locking in HEADERS.items():
        if other != header:
            found = check_message(address_text(*locking, BITCOIN), message, signature, BITCOIN)
            # Wallets write the header of a plain compressed key for segwit addresses, too.
            lenient = header == 31 and other in (35, 39)
            assert (found.verdict is Verdict.VALID) == lenient


def test_check_message__agrees_with_bitcoin_core():
    # The expected signature of Bitcoin Core's test/functional/rpc_signmessagewithprivkey.py.
    found = check_message(
        "mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB",
        b"This is just a test message",
        "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0=",
        REGTEST,
    )
    assert (found.verdict, found.scheme) == (Verdict.VALID, "bip137")


def test_check_message__takes_taproot_for_what_compact_signatures_cannot_prove():
    address = address_text(ScriptType.P2TR, PUBLIC[1:], BITCOIN)
    found = check_message(address, b"x", compact(b"x", 39), BITCOIN)
    assert found.verdict is Verdict.INCONCLUSIVE


def sign_segwit(message, spending, code, script):
    digest = generic_messages.segwit_digest(
        spending, generic_messages.to_spend_id(message, script), code
    )
    return KEY.sign(digest, hasher=None) + b"\x01"


@given(message=st.binary(max_size=100))
def test_check_message__reads_full_signatures(message):
    address = address_text(ScriptType.P2WPKH, KEY_HASH, REGTEST)
    script = script_of(ScriptType.P2WPKH, KEY_HASH)
    spent = generic_messages.to_spend_id(message, script)
    code = b"\x76\xa9\x14" + KEY_HASH + b"\x88\xac"
    bare = Spending(witness=(), version=2)
    signed = Spending(witness=(sign_segwit(message, bare, code, script), PUBLIC), version=2)
    found = check_message(address, message, full(signed, spent), REGTEST)
    assert (found.verdict, found.scheme) == (Verdict.VALID, "bip322-full")
    assert check_message(address, b"-" + message, full(signed, spent), REGTEST).verdict is (
        Verdict.INVALID
    )


def test_check_message__does_not_decide_about_time_locks_and_other_scripts():
    script = script_of(ScriptType.P2WPKH, KEY_HASH)
    address = address_text(ScriptType.P2WPKH, KEY_HASH, REGTEST)
    spent = generic_messages.to_spend_id(b"m", script)
    locked = Spending(witness=(b"\x30" * 70, PUBLIC), lock_time=500_000)
    assert check_message(address, b"m", full(locked, spent), REGTEST).verdict is (
        Verdict.INCONCLUSIVE
    )
    tapscript = Spending(witness=(b"a", b"b", b"\xc0" + bytes(32)))
    taproot = address_text(ScriptType.P2TR, PUBLIC[1:], REGTEST)
    spent = generic_messages.to_spend_id(b"m", script_of(ScriptType.P2TR, PUBLIC[1:]))
    assert check_message(taproot, b"m", full(tapscript, spent), REGTEST).verdict is (
        Verdict.INCONCLUSIVE
    )


@given(message=st.binary(max_size=60))
def test_check_message__reads_wrapped_and_legacy_spendings(message):
    wrapped = hash160(b"\x00\x14" + KEY_HASH)
    script = script_of(ScriptType.P2SH, wrapped)
    spent = generic_messages.to_spend_id(message, script)
    unlocking = b"\x16\x00\x14" + KEY_HASH
    bare = Spending(witness=(), script=unlocking)
    code = b"\x76\xa9\x14" + KEY_HASH + b"\x88\xac"
    signature = sign_segwit(message, bare, code, script)
    signed = Spending(witness=(signature, PUBLIC), script=unlocking)
    address = address_text(ScriptType.P2SH, wrapped, REGTEST)
    assert check_message(address, message, full(signed, spent), REGTEST).verdict is Verdict.VALID

    script = script_of(ScriptType.P2PKH, KEY_HASH)
    spent = generic_messages.to_spend_id(message, script)
    digest = generic_messages.legacy_digest(Spending(witness=()), spent, script)
    signature = KEY.sign(digest, hasher=None) + b"\x01"
    pushes = bytes([len(signature)]) + signature + bytes([len(PUBLIC)]) + PUBLIC
    signed = Spending(witness=(), script=pushes)
    address = address_text(ScriptType.P2PKH, KEY_HASH, REGTEST)
    assert check_message(address, message, full(signed, spent), REGTEST).verdict is Verdict.VALID


@given(raw=st.binary(max_size=300), message=st.binary(max_size=20))
def test_check_message__never_takes_arbitrary_bytes_for_a_proof(raw, message):
    for kind, payload in HEADERS.values():
        address = address_text(kind, payload, BITCOIN)
        found = check_message(address, message, base64.b64encode(raw).decode(), BITCOIN)
        assert found.verdict is not Verdict.VALID


def test_check_message__refuses_signatures_that_are_not_of_everything():
    message, script = b"m", script_of(ScriptType.P2WPKH, KEY_HASH)
    code = b"\x76\xa9\x14" + KEY_HASH + b"\x88\xac"
    good = sign_segwit(message, Spending(witness=()), code, script)
    raw = b"\x02" + bytes([len(good)]) + good[:-1] + b"\x83" + bytes([len(PUBLIC)]) + PUBLIC
    address = address_text(ScriptType.P2WPKH, KEY_HASH, BITCOIN)
    found = check_message(address, message, base64.b64encode(raw).decode(), BITCOIN)
    assert found.verdict is Verdict.INVALID
