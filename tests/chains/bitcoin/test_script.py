import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.script import (
    classify_scripts,
    disassemble,
    lock_hash,
    multisig_parts,
    script_of,
)
from chains.tables import ScriptType
from tests.chains.bitcoin import generated
from tests.reference import bitcoin as reference


def classify_all(scripts: list[bytes]) -> list[tuple[ScriptType, bytes]]:
    """Classify scripts that stand one after the other in a buffer."""
    raw = np.frombuffer(b"\x76" + b"".join(scripts) + b"\xac", np.uint8)
    lengths = np.array([len(script) for script in scripts], np.int64)
    starts = 1 + np.cumsum(lengths) - lengths
    kinds, firsts, sizes = classify_scripts(raw, starts, lengths)
    return [
        (ScriptType(kind), raw[first : first + size].tobytes())
        for kind, first, size in zip(kinds, firsts, sizes, strict=True)
    ]


@given(st.lists(generated.scripts, max_size=8))
def test_classify_scripts__agrees_with_reference(scripts):
    assert classify_all(scripts) == [reference.classify(script) for script in scripts]


@given(generated.scripts)
def test_script_of__rebuilds_what_was_classified(script):
    kind, payload = classify_all([script])[0]
    assert script_of(kind, payload) == script


KEY = b"\x02" + bytes(32)
LONG_KEY = b"\x04" + bytes(64)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (b"", ScriptType.NONSTANDARD),
        (b"\x21" + KEY + b"\xac", ScriptType.P2PK),
        (b"\x41" + LONG_KEY + b"\xac", ScriptType.P2PK),
        (b"\x21\x04" + bytes(32) + b"\xac", ScriptType.NONSTANDARD),
        (b"\x00\x14" + bytes(20), ScriptType.P2WPKH),
        (b"\x00\x15" + bytes(21), ScriptType.NONSTANDARD),
        (b"\x00\x02" + bytes(2), ScriptType.NONSTANDARD),
        (b"\x51\x20" + bytes(32), ScriptType.P2TR),
        (b"\x51\x02\x4e\x73", ScriptType.WITNESS_UNKNOWN),
        (b"\x60\x28" + bytes(40), ScriptType.WITNESS_UNKNOWN),
        (b"\x60\x29" + bytes(41), ScriptType.NONSTANDARD),
        (b"\x52\x01\x00", ScriptType.NONSTANDARD),
        (b"\x6a", ScriptType.OP_RETURN),
        (b"\x6a\x4d", ScriptType.OP_RETURN),
        (b"\x51\x21" + KEY + b"\x51\xae", ScriptType.MULTISIG),
        (b"\x52\x21" + KEY + b"\x51\xae", ScriptType.NONSTANDARD),
        (b"\x00\x21" + KEY + b"\x51\xae", ScriptType.NONSTANDARD),
        (b"\x51\x51\xae", ScriptType.NONSTANDARD),
        (b"\x51" + (b"\x21" + KEY) * 16 + b"\x60\xae", ScriptType.MULTISIG),
        (b"\x51" + (b"\x21" + KEY) * 17 + b"\x01\x11\xae", ScriptType.MULTISIG),
        (b"\x01\x14" + (b"\x21" + KEY) * 20 + b"\x01\x14\xae", ScriptType.MULTISIG),
        (b"\x51" + (b"\x21" + KEY) * 21 + b"\x01\x15\xae", ScriptType.NONSTANDARD),
        # 16 has an opcode of its own; a push of the byte is not its shortest form.
        (b"\x01\x10" + (b"\x21" + KEY) * 16 + b"\x60\xae", ScriptType.NONSTANDARD),
        # Core accepts any push of a key here, and nothing after OP_CHECKMULTISIG.
        (b"\x51\x4c\x21" + KEY + b"\x51\xae", ScriptType.MULTISIG),
        (b"\x51\x21" + KEY + b"\x51\xae\xae", ScriptType.NONSTANDARD),
    ],
)
def test_classify_scripts__follows_core_at_the_edges(script, kind):
    assert classify_all([script])[0][0] == kind


@pytest.mark.parametrize(
    ("starts", "lengths"), [([0], [4]), ([-1], [1]), ([0], [-1]), ([4], [0]), ([0], [])]
)
def test_classify_scripts__refuses_slices_outside_the_buffer(starts, lengths):
    with pytest.raises(ValueError, match=r"script reaches outside|differ in length"):
        classify_scripts(
            np.zeros(3, np.uint8), np.array(starts, np.int64), np.array(lengths, np.int64)
        )


@pytest.mark.parametrize(
    ("kind", "length"),
    [(ScriptType.P2PK, 34), (ScriptType.P2PKH, 21), (ScriptType.P2TR, 20), (ScriptType.P2SH, 0)],
)
def test_script_of__refuses_payloads_of_another_length(kind, length):
    with pytest.raises(ValueError, match=f"{kind.name} payload has"):
        script_of(kind, bytes(length))


@given(generated.multisigs())
def test_multisig_parts__agrees_with_reference(script):
    expected = reference.multisig(script)
    if expected is None:
        with pytest.raises(ValueError, match="not m-of-n"):
            multisig_parts(script)
    else:
        assert multisig_parts(script) == expected


@given(generated.keys)
def test_lock_hash__is_one_for_all_forms_of_a_key(key):
    digest = reference.hash160(key)
    for script in (
        generated.push(key) + b"\xac",
        script_of(ScriptType.P2PKH, digest),
        script_of(ScriptType.P2WPKH, digest),
    ):
        raw = np.frombuffer(b"\x00" + script, np.uint8).copy()
        kinds, firsts, sizes = classify_scripts(raw, np.array([1]), np.array([len(script)]))
        out = np.zeros(20, np.uint8)
        assert lock_hash(raw, int(kinds[0]), int(firsts[0]), int(sizes[0]), out)
        assert out.tobytes() == digest


def test_lock_hash__leaves_other_types_alone():
    out = np.full(20, 7, np.uint8)
    assert not lock_hash(np.zeros(32, np.uint8), int(ScriptType.P2TR), 0, 32, out)
    assert (out == 7).all()


@given(st.binary(max_size=80) | generated.scripts)
def test_disassemble__shows_every_opcode_once(script):
    operations = reference.operations(script)
    text = disassemble(script)
    assert ("push cut short" in text) == any(opcode == -1 for opcode, _ in operations)
    words = text.split("[")[0].split()
    whole = [operation for operation in operations if operation[0] != -1]
    assert len(words) == len(whole)
    for word, (_, data) in zip(words, whole, strict=True):
        assert word.startswith("OP_") if not data else word == data.hex()


def test_disassemble__names_opcodes_and_says_where_a_push_is_cut_short():
    script = bytes.fromhex("76a914" + "11" * 20 + "88ac")
    shown = "OP_DUP OP_HASH160 " + "11" * 20 + " OP_EQUALVERIFY OP_CHECKSIG"
    assert disassemble(script) == shown
    assert disassemble(b"\x00\x51\xba\xfe") == "OP_0 OP_1 OP_CHECKSIGADD OP_UNKNOWN_fe"
    assert disassemble(b"\xb1\xb2") == "OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY"
    assert disassemble(b"\x51\x05\x01\x02") == "OP_1 [push cut short: 050102]"
    assert disassemble(b"") == ""


BLOCKSCI_NAMES = {
    "TxNullData": ScriptType.OP_RETURN,
    "TxPubkeyhash": ScriptType.P2PKH,
    "TxScripthash": ScriptType.P2SH,
    "TxWitnessV0Keyhash": ScriptType.P2WPKH,
    "TxWitnessV0Scripthash": ScriptType.P2WSH,
}


def test_classify_scripts__agrees_with_labels_of_real_scripts(shared_data):
    labels: dict[bytes, str] = {}
    with gzip.open(shared_data / "btc_coinjoin" / "txs.jsonl.gz", "rt") as lines:
        for line in lines:
            transaction = json.loads(line)
            for end in transaction["inputs"] + transaction["outputs"]:
                labels[bytes.fromhex(end["script"])] = end["type"]
    named = {script: name for script, name in labels.items() if name in BLOCKSCI_NAMES}
    assert len(named) > 10_000
    scripts = list(named)[:: 1 + len(named) // 2000]
    found = [kind for kind, _ in classify_all(scripts)]
    assert found == [BLOCKSCI_NAMES[named[script]] for script in scripts]
