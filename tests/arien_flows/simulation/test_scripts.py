"""Keys, scripts and signatures, against hashlib and python-bitcoinlib."""

import hashlib

import numpy as np
import pytest
from bitcoin.core import CScript
from bitcoin.core.script import OP_CHECKMULTISIG
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation.keys import OWNER_KEYS, Keyring, new_keyring, put_key
from arien_flows.simulation.rng import seeded
from arien_flows.simulation.scripts import (
    has_witness,
    put_input_script,
    put_locking_script,
    put_signature,
    put_witness,
)
from arien_flows.simulation.serialise import put_count, put_height
from arien_flows.simulation.state import ADDRESS, ESCROW, PLAIN, TWIN, UNCOMPRESSED
from arien_flows.simulation.wallets import Form
from chains.bitcoin.hashing import hash160
from chains.bitcoin.script import script_of
from chains.tables import ScriptType
from chains.types import UInt8Array

SEED = 7


def key(number: int, *, long: bool = False) -> bytes:
    """Return a public key as the module's documentation says."""
    message = SEED.to_bytes(8, "little") + number.to_bytes(8, "little")
    x = hashlib.sha256(message + b"\0").digest()
    if long:
        return b"\x04" + x + hashlib.sha256(message + b"\1").digest()
    return bytes([2 + x[31] % 2]) + x


def multisig(needed: int, keys: list[bytes]) -> bytes:
    """Return an m-of-n script."""
    return bytes(CScript([needed, *keys, len(keys), OP_CHECKMULTISIG]))


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    """Return the keys of one address of each form, and of special ones."""
    rows = [(form, PLAIN) for form in Form]
    rows += [
        (Form.P2PK, UNCOMPRESSED),
        (Form.P2PKH, UNCOMPRESSED),
        (Form.P2PKH, PLAIN),
        (Form.P2WPKH, TWIN),
        (Form.P2WSH_MULTISIG, ESCROW),
    ]
    addresses = np.zeros(len(rows), dtype=ADDRESS)
    for i, (form, flags) in enumerate(rows):
        addresses[i]["form"], addresses[i]["flags"] = form, flags
        addresses[i]["owner"], addresses[i]["party"] = 2, 30
    return new_keyring(SEED, addresses)


def expected(keyring: Keyring, address: int) -> tuple[ScriptType, bytes, bytes]:
    """Return an address's type, payload, and the key or script behind it."""
    form, flags = (int(keyring.addresses[address][name]) for name in ("form", "flags"))
    number = (address - 1 if flags & TWIN else address) * 4
    one = key(number, long=bool(flags & UNCOMPRESSED))
    three = [key(number + slot) for slot in range(3)]
    if flags & ESCROW:
        three[:2] = [key(OWNER_KEYS + 2), key(OWNER_KEYS + 30)]
    script, bare = multisig(2, three), multisig(1, three[:2])
    nested = b"\x00\x14" + hash160(one)
    return {
        Form.P2PK: (ScriptType.P2PK, one, one),
        Form.P2PKH: (ScriptType.P2PKH, hash160(one), one),
        Form.P2SH_P2WPKH: (ScriptType.P2SH, hash160(nested), one),
        Form.P2SH_MULTISIG: (ScriptType.P2SH, hash160(script), script),
        Form.P2WPKH: (ScriptType.P2WPKH, hash160(one), one),
        Form.P2WSH_MULTISIG: (ScriptType.P2WSH, hashlib.sha256(script).digest(), script),
        Form.P2TR: (ScriptType.P2TR, one[1:], one),
        Form.MULTISIG: (ScriptType.MULTISIG, bare, bare),
    }[Form(form)]


def written(out: UInt8Array, end: int) -> bytes:
    """Return what was written to the start of a buffer."""
    assert not out[end:].any()
    return out[:end].tobytes()


@pytest.mark.slow
def test_locking_scripts__are_those_of_the_keys(keyring: Keyring) -> None:
    for address in range(len(keyring.addresses)):
        kind, payload, _ = expected(keyring, address)
        out = np.zeros(200, dtype=np.uint8)
        assert written(out, put_locking_script(keyring, address, out, 0)) == script_of(
            kind, payload
        )
        start, stop = keyring.payload_start[address : address + 2]
        assert keyring.payload[start:stop].tobytes() == payload


@pytest.mark.slow
def test_input_scripts_and_witnesses__reveal_the_keys(keyring: Keyring) -> None:
    random = seeded(1, "test")
    for address in range(len(keyring.addresses)):
        form = Form(int(keyring.addresses[address]["form"]))
        kind, _, behind = expected(keyring, address)
        out = np.zeros(600, dtype=np.uint8)
        script = written(out, put_input_script(keyring, random, address, out, 0))
        pushed = [part if isinstance(part, bytes) else b"" for part in CScript(script)]
        out = np.zeros(600, dtype=np.uint8)
        stack = items(written(out, put_witness(keyring, random, address, out, 0)))
        assert has_witness(keyring, address) == bool(stack)
        if form == Form.P2TR:
            assert [len(item) for item in stack] == [64]
            continue
        signatures = [part for part in [*pushed, *stack] if part[:1] == b"\x30"]
        double = kind != ScriptType.MULTISIG and behind[0] == 0x52
        assert len(signatures) == (2 if double else 1)
        if form not in (Form.P2PK, Form.MULTISIG):
            assert behind in (pushed[-1:] if not stack else stack[-1:])
        if form == Form.P2SH_P2WPKH:
            assert pushed == [b"\x00\x14" + hash160(behind)]


def items(stack: bytes) -> list[bytes]:
    """Return the items of a serialised witness stack."""
    found, at = [], 1
    for _ in range(stack[0]):
        found.append(stack[at + 1 : at + 1 + stack[at]])
        at += 1 + stack[at]
    assert at == len(stack)
    return found


def check_der(signature: bytes) -> None:
    """Assert what nodes demand of a signature's encoding (BIP-66, low S, SIGHASH_ALL)."""
    assert signature[-1] == 1
    assert signature[0] == 0x30
    assert signature[1] == len(signature) - 3
    at = 2
    for _ in range(2):
        assert signature[at] == 2
        number = signature[at + 2 : at + 2 + signature[at + 1]]
        assert number[0] < 0x80
        assert number[0] > 0 or number[1] >= 0x80
        assert number[0] or len(number) == 33
        at += 2 + len(number)
    assert at == len(signature) - 1
    assert number[0] < 0x7F


@given(st.integers(0, 2**64 - 1))
def test_signatures__are_validly_encoded(seed: int) -> None:
    random = seeded(seed, "test")
    lengths = set()
    for _ in range(8):
        out = np.zeros(80, dtype=np.uint8)
        raw = written(out, put_signature(random, out, 0))
        assert raw[0] == len(raw) - 1
        check_der(raw[1:])
        lengths.add(len(raw))
    assert lengths <= {72, 73}


def test_put_key__is_sha256_of_seed_and_number() -> None:
    seed = np.frombuffer(SEED.to_bytes(8, "little"), dtype=np.uint8).copy()
    for number, length in ((0, 33), (12, 33), (OWNER_KEYS + 3, 65)):
        out = np.zeros(70, dtype=np.uint8)
        end = put_key(seed, number, length, out, 0)
        assert written(out, end) == key(number, long=length == 65)


@given(st.integers(1, 600_000))
def test_put_height__pushes_as_script_numbers_are_pushed(height: int) -> None:
    out = np.zeros(8, dtype=np.uint8)
    assert written_height(out, height) == bytes(CScript([height]))


def written_height(out: UInt8Array, height: int) -> bytes:
    """Return a pushed height; its last byte may be zero."""
    return out[: put_height(out, 0, height)].tobytes()


@pytest.mark.parametrize(
    ("count", "hexadecimal"), [(0, "00"), (252, "fc"), (253, "fdfd00"), (1024, "fd0004")]
)
def test_put_count__is_bitcoin_s_variable_length_integer(count: int, hexadecimal: str) -> None:
    out = np.zeros(8, dtype=np.uint8)
    assert out[: put_count(out, 0, count)].tobytes().hex() == hexadecimal
