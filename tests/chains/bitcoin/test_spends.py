import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bitcoin.core import COutPoint, CTransaction, CTxIn, CTxInWitness, CTxOut, CTxWitness
from bitcoin.core.script import CScript, CScriptWitness
from bitcoin.core.serialize import VarIntSerializer
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.decode import decode_blocks, decode_transactions
from chains.bitcoin.script import classify_scripts
from chains.bitcoin.spends import inspect_spends
from chains.tables import BlockBatch, InputFlag, RevealKind, ScriptType, SighashClass, SpendFacts
from tests.chains.bitcoin import generated
from tests.chains.bitcoin.generated import push
from tests.reference import bitcoin as reference

Spend = tuple[ScriptType, bytes, list[bytes]]


def batch_of(spends: list[Spend]) -> BlockBatch:
    """Return a batch of one transaction that makes these spends."""
    transaction = CTransaction(
        [
            CTxIn(COutPoint(b"\x01" * 32, i), CScript(script))
            for i, (_, script, _) in enumerate(spends)
        ],
        [CTxOut(1, CScript(b""))],
        0,
        2,
        CTxWitness([CTxInWitness(CScriptWitness(stack)) for _, _, stack in spends]),
    )
    raw = np.frombuffer(transaction.serialize(), np.uint8).copy()
    return decode_transactions(raw, np.array([0]), np.array([len(raw)]))


def revealed(batch: BlockBatch, facts: SpendFacts) -> Iterator[tuple[int, RevealKind, bytes]]:
    columns = (facts.reveal_input, facts.reveal_kind, facts.reveal_start, facts.reveal_length)
    for i, kind, start, length in zip(*(column.tolist() for column in columns), strict=True):
        yield i, RevealKind(kind), batch.raw[start : start + length].tobytes()


def inspect(spends: list[Spend]) -> list[reference.Shown]:
    """Return what each spend shows, in the reference's form."""
    batch = batch_of(spends)
    facts = inspect_spends(batch, np.array([kind for kind, _, _ in spends], np.uint8))
    assert (np.diff(facts.reveal_input) >= 0).all()
    shown: list[reference.Shown] = [
        (SighashClass(seen), InputFlag(flags), [])
        for seen, flags in zip(facts.sighash.tolist(), facts.flags.tolist(), strict=True)
    ]
    for i, kind, content in revealed(batch, facts):
        shown[i][2].append((kind, content))
    return shown


@st.composite
def likely_spends(draw: st.DrawFn) -> Spend:
    """Draw a spend whose script and witness have about the form that its type asks for."""
    kind = draw(st.sampled_from(ScriptType))
    inner = draw(generated.inner_scripts)[:255]
    signed = draw(st.lists(generated.signatures(), min_size=1, max_size=3))
    key = draw(generated.keys)
    match kind:
        case ScriptType.P2PK:
            return kind, push(signed[0]), []
        case ScriptType.P2PKH:
            return kind, push(signed[0]) + push(key), []
        case ScriptType.P2SH:
            nested = draw(st.sampled_from([[signed[0], key], [b"", *signed, inner], []]))
            return kind, b"\x00" + b"".join(map(push, signed)) + push(key) + push(inner), nested
        case ScriptType.P2WPKH:
            return kind, b"", [signed[0], key]
        case ScriptType.P2WSH:
            return kind, b"", [b"", *signed, inner]
        case ScriptType.P2TR:
            proofs = draw(st.lists(generated.schnorr, min_size=1, max_size=2))
            leaf = [inner, draw(generated.controls)] if draw(st.booleans()) else []
            return kind, b"", [*proofs, *leaf, *draw(st.sampled_from([[], [b"\x50\x01"]]))]
    return kind, b"\x00" + b"".join(map(push, signed)), []


any_spends = st.tuples(st.sampled_from(ScriptType), generated.input_scripts(), generated.stacks)


@given(st.lists(likely_spends() | any_spends, min_size=1, max_size=5))
def test_inspect_spends__agrees_with_reference(spends):
    assert inspect(spends) == [reference.inspect_spend(*spend) for spend in spends]


def der(hash_type: int) -> bytes:
    body = b"\x02\x20" + b"\x11" * 32 + b"\x02\x20" + b"\x22" * 32
    return b"\x30" + bytes([len(body)]) + body + bytes([hash_type])


KEY = b"\x02" + b"\x33" * 32
LONG_KEY = b"\x04" + b"\x44" * 64
TWO_OF_TWO = b"\x52" + push(KEY) + push(LONG_KEY) + b"\x52\xae"
BOTH_KEYS = InputFlag.COMPRESSED_KEY | InputFlag.UNCOMPRESSED_KEY
KEY_PROGRAM = b"\x00\x14" + b"\x55" * 20
SCRIPT_PROGRAM = b"\x00\x20" + b"\x66" * 32
LEAF = b"\x20" + b"\x77" * 32 + b"\xac"
CONTROL = b"\xc0" + b"\x88" * 64
NOTHING = InputFlag(0)
COMPRESSED, WITNESS = InputFlag.COMPRESSED_KEY, InputFlag.WITNESS
LEAF_PATH = WITNESS | InputFlag.TAPROOT_SCRIPT_PATH


@pytest.mark.parametrize(
    ("spend", "sighash", "flags", "reveals"),
    [
        ((ScriptType.P2PK, push(der(1)), []), SighashClass.ALL, NOTHING, []),
        (
            (ScriptType.P2PKH, push(der(0x83)) + push(LONG_KEY), []),
            SighashClass.SINGLE_ANYONECANPAY,
            InputFlag.UNCOMPRESSED_KEY,
            [(RevealKind.KEY, LONG_KEY)],
        ),
        # The early chain has signatures that are not DER; their position tells.
        (
            (ScriptType.P2PKH, push(b"\x31" * 20 + b"\x04") + push(KEY), []),
            SighashClass.OTHER,
            COMPRESSED,
            [(RevealKind.KEY, KEY)],
        ),
        (
            (ScriptType.MULTISIG, b"\x00" + push(der(1)) + push(der(3)), []),
            SighashClass.MIXED,
            NOTHING,
            [],
        ),
        (
            (ScriptType.P2SH, b"\x00" + push(der(2)) * 2 + push(TWO_OF_TWO), []),
            SighashClass.NONE,
            BOTH_KEYS,
            [(RevealKind.REDEEM_SCRIPT, TWO_OF_TWO)],
        ),
        (
            (ScriptType.P2SH, push(KEY_PROGRAM), [der(1), KEY]),
            SighashClass.ALL,
            COMPRESSED | WITNESS,
            [(RevealKind.REDEEM_SCRIPT, KEY_PROGRAM), (RevealKind.KEY, KEY)],
        ),
        (
            (ScriptType.P2SH, push(SCRIPT_PROGRAM), [b"", der(1), der(1), TWO_OF_TWO]),
            SighashClass.ALL,
            BOTH_KEYS | WITNESS,
            [(RevealKind.REDEEM_SCRIPT, SCRIPT_PROGRAM), (RevealKind.WITNESS_SCRIPT, TWO_OF_TWO)],
        ),
        # Before segwit anybody could spend these without a witness.
        (
            (ScriptType.P2SH, push(SCRIPT_PROGRAM), []),
            SighashClass.NONE_SEEN,
            NOTHING,
            [(RevealKind.REDEEM_SCRIPT, SCRIPT_PROGRAM)],
        ),
        ((ScriptType.P2WPKH, b"", []), SighashClass.NONE_SEEN, NOTHING, []),
        ((ScriptType.P2TR, b"", []), SighashClass.NONE_SEEN, NOTHING, []),
        # Before BIP-16 the script could end in any opcode.
        ((ScriptType.P2SH, push(TWO_OF_TWO) + b"\x61", []), SighashClass.NONE_SEEN, NOTHING, []),
        ((ScriptType.P2SH, b"\x51", []), SighashClass.NONE_SEEN, NOTHING, []),
        ((ScriptType.P2SH, b"", []), SighashClass.NONE_SEEN, NOTHING, []),
        (
            (ScriptType.P2WPKH, b"", [der(0x81), KEY]),
            SighashClass.ALL_ANYONECANPAY,
            COMPRESSED | WITNESS,
            [(RevealKind.KEY, KEY)],
        ),
        (
            (ScriptType.P2WSH, b"", [b"\x01", b"\x51"]),
            SighashClass.NONE_SEEN,
            WITNESS,
            [(RevealKind.WITNESS_SCRIPT, b"\x51")],
        ),
        ((ScriptType.P2TR, b"", [bytes(64)]), SighashClass.DEFAULT, WITNESS, []),
        ((ScriptType.P2TR, b"", [bytes(64) + b"\x02"]), SighashClass.NONE, WITNESS, []),
        (
            (ScriptType.P2TR, b"", [bytes(64), b"\x50"]),
            SighashClass.DEFAULT,
            WITNESS | InputFlag.ANNEX,
            [],
        ),
        (
            (ScriptType.P2TR, b"", [bytes(64), bytes(64) + b"\x81", LEAF, CONTROL]),
            SighashClass.MIXED,
            LEAF_PATH,
            [(RevealKind.TAP_LEAF, LEAF)],
        ),
        (
            (ScriptType.P2TR, b"", [LEAF, CONTROL, b"\x50\x00"]),
            SighashClass.NONE_SEEN,
            LEAF_PATH | InputFlag.ANNEX,
            [(RevealKind.TAP_LEAF, LEAF)],
        ),
        ((ScriptType.WITNESS_UNKNOWN, b"", [der(1)]), SighashClass.NONE_SEEN, WITNESS, []),
    ],
)
def test_inspect_spends__shows_what_each_kind_of_spend_reveals(spend, sighash, flags, reveals):
    # The second input makes the transaction carry a witness section.
    shown = inspect([spend, (ScriptType.P2WPKH, b"", [der(1), KEY])])
    assert shown[0] == (sighash, flags, reveals)


def test_inspect_spends__refuses_types_that_do_not_fit_the_inputs():
    batch = batch_of([(ScriptType.P2TR, b"", [bytes(64)])])
    with pytest.raises(ValueError, match="2 spent types for 1 inputs"):
        inspect_spends(batch, np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="10 is not a script type"):
        inspect_spends(batch, np.array([10], np.uint8))


def spent_outputs(path: Path) -> tuple[list[int], list[bytes]]:
    """Read the outputs that a block spends: concatenated amounts and scripts."""
    values: list[int] = []
    scripts: list[bytes] = []
    with path.open("rb") as file:
        while amount := file.read(8):
            values.append(int.from_bytes(amount, "little"))
            scripts.append(file.read(VarIntSerializer.stream_deserialize(file)))
    return values, scripts


def real_spends(shared_data: Path) -> Iterator[tuple[str, BlockBatch, list[int], list[bytes]]]:
    """Yield real blocks with value and script of what they spend."""
    for path in sorted((shared_data / "btc_blocks").glob("*.undo.raw")):
        name = path.name.replace(".undo", "")
        raw = np.fromfile(path.with_name(name), np.uint8)
        batch = decode_blocks(raw, np.array([0]), np.array([len(raw)]))
        yield name, batch, *spent_outputs(path)


def types_of(scripts: list[bytes]) -> np.ndarray:
    lengths = np.array([len(script) for script in scripts])
    raw = np.frombuffer(b"".join(scripts), np.uint8)
    return classify_scripts(raw, np.cumsum(lengths) - lengths, lengths)[0]


HASHED_BY = {
    ScriptType.P2PKH: reference.hash160,
    ScriptType.P2SH: reference.hash160,
    ScriptType.P2WPKH: reference.hash160,
    ScriptType.P2WSH: lambda script: hashlib.sha256(script).digest(),
}


@pytest.mark.slow
def test_inspect_spends__reveals_exactly_what_real_outputs_hashed(shared_data):
    checked = 0
    for name, batch, _, scripts in real_spends(shared_data):
        facts = inspect_spends(batch, types_of(scripts))
        expected = [reference.classify(script) for script in scripts]
        hidden = {kind for kind in HASHED_BY if kind != ScriptType.P2WSH}
        showed = set(facts.reveal_input.tolist())
        assert showed == {i for i, (kind, _) in enumerate(expected) if kind in hidden}, name
        assert (facts.sighash == SighashClass.ALL).all(), name
        # Thousands of these are alike, and the reference's RIPEMD-160 is slow.
        for i, kind, content in list(revealed(batch, facts))[::5]:
            outer, payload = expected[i]
            if outer == ScriptType.P2SH and kind != RevealKind.REDEEM_SCRIPT:
                continue
            assert HASHED_BY[outer](content) == payload, (name, i)
            checked += 1
    assert checked > 5000


@pytest.mark.slow
def test_inspect_spends__reveals_what_outputs_of_the_same_real_block_hashed(shared_data):
    seen: set[tuple[ScriptType, RevealKind]] = set()
    for name in ("mainnet_540107.raw", "mainnet_702861.raw", "mainnet_951658.raw"):
        raw = np.fromfile(shared_data / "btc_blocks" / name, np.uint8)
        batch = decode_blocks(raw, np.array([0]), np.array([len(raw)]))
        number = {txid.tobytes(): i for i, txid in enumerate(batch.txid)}
        spent_type = np.zeros(len(batch.spent_vout), np.uint8)
        payload: dict[int, bytes] = {}
        for i, (txid, vout) in enumerate(zip(batch.spent_txid, batch.spent_vout, strict=True)):
            if txid.tobytes() in number:
                output = int(batch.first_output[number[txid.tobytes()]] + vout)
                start, length = batch.payload_start[output], batch.payload_length[output]
                payload[i] = raw[start : start + length].tobytes()
                spent_type[i] = batch.script_type[output]
        for i, kind, content in revealed(batch, inspect_spends(batch, spent_type)):
            if i not in payload:
                continue
            outer = ScriptType(spent_type[i])
            seen.add((outer, kind))
            if outer == ScriptType.P2SH and kind == RevealKind.REDEEM_SCRIPT:
                program = content[2:]
            if outer == ScriptType.P2SH and kind != RevealKind.REDEEM_SCRIPT:
                digest = hashlib.sha256(content).digest()
                assert program in (digest, reference.hash160(content)), (name, i)
            elif outer != ScriptType.P2TR:
                assert HASHED_BY[outer](content) == payload[i], (name, i)
    assert seen == {
        (ScriptType.P2PKH, RevealKind.KEY),
        (ScriptType.P2SH, RevealKind.REDEEM_SCRIPT),
        (ScriptType.P2SH, RevealKind.KEY),
        (ScriptType.P2SH, RevealKind.WITNESS_SCRIPT),
        (ScriptType.P2WPKH, RevealKind.KEY),
        (ScriptType.P2WSH, RevealKind.WITNESS_SCRIPT),
        (ScriptType.P2TR, RevealKind.TAP_LEAF),
    }


@pytest.mark.slow
def test_real_blocks__create_no_coin_but_the_subsidy(shared_data):
    manifest = json.loads((shared_data / "btc_blocks" / "manifest_single.json").read_text())
    height = {entry["file"]: entry["height"] for entry in manifest}
    for name, batch, values, _ in real_spends(shared_data):
        spent = np.array(values)
        fees = 0
        for i in range(1, batch.transaction_count):
            inputs = slice(batch.first_input[i], batch.first_input[i + 1])
            outputs = slice(batch.first_output[i], batch.first_output[i + 1])
            fee = int(spent[inputs].sum()) - int(batch.value[outputs].sum())
            assert fee >= 0, (name, i)
            fees += fee
        claimed = int(batch.value[: batch.first_output[1]].sum())
        assert claimed == (50 * 10**8 >> height[name] // 210_000) + fees, name


@pytest.mark.slow
def test_inspect_spends__never_fails_on_real_inputs_whatever_they_are_said_to_spend(shared_data):
    for path in sorted((shared_data / "btc_blocks").glob("mainnet_*.raw")):
        if path.name.endswith(".undo.raw"):
            continue
        raw = np.fromfile(path, np.uint8)
        batch = decode_blocks(raw, np.array([0]), np.array([len(raw)]))
        for kind in ScriptType:
            facts = inspect_spends(batch, np.full(len(batch.spent_vout), kind, np.uint8))
            ends = facts.reveal_start + facts.reveal_length
            assert (facts.reveal_start >= 80).all()
            assert (ends <= len(raw)).all()
