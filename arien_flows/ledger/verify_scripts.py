"""Whether addresses are what their scripts say, and reveals what the spent outputs hide."""

import numpy as np

from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import View
from chains.bitcoin.hashing import hash160_into, sha256_into
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

P2PKH = int(ScriptType.P2PKH)
P2SH = int(ScriptType.P2SH)
P2WPKH = int(ScriptType.P2WPKH)
P2WSH = int(ScriptType.P2WSH)
P2TR = int(ScriptType.P2TR)
KEY = int(RevealKind.KEY)
REDEEM_SCRIPT = int(RevealKind.REDEEM_SCRIPT)
WITNESS_SCRIPT = int(RevealKind.WITNESS_SCRIPT)
TAP_LEAF = int(RevealKind.TAP_LEAF)


def check_locks(view: View) -> Check:
    """Check that type and payload of each address fit each other."""
    found = Findings()
    for start, stop in steps(view.counts.addresses):
        kind = view.script_type[start:stop]
        first = view.first_payload_byte[start : stop + 1]
        length = np.diff(first)
        wrong = (kind >= ScriptType.OP_RETURN) | ~_possible_lengths(kind, length)
        # These keep the whole script, so the type can be told from it again.
        whole = np.flatnonzero(
            np.isin(
                kind,
                (ScriptType.NONSTANDARD, ScriptType.MULTISIG, ScriptType.WITNESS_UNKNOWN),
            )
        )
        again, _, _ = classify_scripts(view.payload, first[whole], length[whole])
        wrong[whole[again != kind[whole]]] = True
        rows = start + np.flatnonzero(wrong)
        found.add_many(
            (
                (
                    f"addresses/script_type row {row}",
                    f"is {view.script_type[row]}, which a payload of "
                    f"{view.first_payload_byte[row + 1] - view.first_payload_byte[row]} bytes "
                    "like this one does not belong to",
                )
                for row in rows.tolist()
            ),
            len(rows),
        )
    found.rows_checked = view.counts.addresses
    return found.check(
        "scripts", "The type of every address fits the script or hash that is kept of it."
    )


def _possible_lengths(kind: UInt8Array, length: Int64Array) -> BoolArray:
    possible: BoolArray = np.ones(len(kind), dtype=np.bool_)
    for script_type, lengths in (
        (ScriptType.P2PK, (33, 65)),
        (ScriptType.P2PKH, (20,)),
        (ScriptType.P2SH, (20,)),
        (ScriptType.P2WPKH, (20,)),
        (ScriptType.P2WSH, (32,)),
        (ScriptType.P2TR, (32,)),
    ):
        possible &= (kind != script_type) | np.isin(length, lengths)
    return possible


def check_reveals(view: View) -> Check:
    """Check that every revealed key or script is the one that the spent output hides."""
    found = Findings()
    rows = view.counts.reveals
    seen: UInt8Array = np.zeros((view.counts.addresses + 7) // 8, dtype=np.uint8)
    input_before = -1
    for start, stop in steps(rows):
        shown_by = view.reveal_input[start:stop]
        order = np.diff(shown_by, prepend=input_before) < 0
        real = np.flatnonzero((shown_by >= 0) & (shown_by < view.counts.inputs))
        wrong = np.ones(stop - start, dtype=np.bool_)
        wrong[real] = _contradicts(view, start + real)
        repeated = np.zeros(stop - start, dtype=np.bool_)
        repeated[real] = _repeats(view, start + real, seen)
        for path, marked, message in (
            ("input", order, "stands after a reveal by a later input"),
            ("revealed", wrong, "does not hash to what the spent output asks for"),
            ("input", repeated, "shows a key or script that an earlier spend has shown"),
        ):
            marked_rows = start + np.flatnonzero(marked)
            found.add_many(
                ((f"reveals/{path} row {row}", message) for row in marked_rows.tolist()),
                len(marked_rows),
            )
        input_before = int(shown_by[-1])
    found.rows_checked = rows
    return found.check(
        "reveals",
        "Every revealed public key and script hashes to what the spent output commits to, and "
        "stands once, with the first input that shows it. For leaves of taproot outputs, whose "
        "proof is not kept, only the type of the output is checked.",
    )


def _contradicts(view: View, rows: Int64Array) -> BoolArray:
    """Return which reveals do not belong to the output that their input spends."""
    shown_by = view.reveal_input[rows]
    address = view.input_address[shown_by].astype(np.int64)
    usable = np.flatnonzero(address < view.counts.addresses)
    wrong: BoolArray = np.ones(len(rows), dtype=np.bool_)
    rows, address = rows[usable], address[usable]
    start, payload = view.first_reveal_byte[rows], view.first_payload_byte[address]
    answer = np.zeros(len(rows), dtype=np.bool_)
    _check_hashes(
        view.reveal_kind[rows],
        view.revealed,
        start,
        view.first_reveal_byte[rows + 1] - start,
        view.script_type[address],
        view.payload,
        payload,
        view.first_payload_byte[address + 1] - payload,
        answer,
    )
    wrong[usable] = answer
    return wrong


@kernel
def _check_hashes(
    kind: UInt8Array,
    revealed: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    script_type: UInt8Array,
    payload: UInt8Array,
    payload_start: Int64Array,
    payload_length: Int64Array,
    wrong: BoolArray,
) -> None:
    # A witness program (version, length, hash), and the hash that a P2SH output keeps of it.
    program = np.zeros(34, dtype=np.uint8)
    digest = np.zeros(32, dtype=np.uint8)
    for i in range(len(kind)):
        outer = script_type[i]
        if kind[i] == TAP_LEAF:
            wrong[i] = outer != P2TR
            continue
        size = 20
        if kind[i] == WITNESS_SCRIPT:
            sha256_into(revealed, start[i], length[i], digest, 0)
            size = 32
        elif kind[i] == KEY or kind[i] == REDEEM_SCRIPT:
            hash160_into(revealed, start[i], length[i], digest, 0)
        else:
            wrong[i] = True
            continue
        if outer == P2SH and kind[i] != REDEEM_SCRIPT:
            program[1] = size
            program[2 : 2 + size] = digest[:size]
            hash160_into(program, 0, 2 + size, digest, 0)
            size = 20
        elif not (
            (kind[i] == KEY and outer in (P2PKH, P2WPKH))
            or (kind[i] == REDEEM_SCRIPT and outer == P2SH)
            or (kind[i] == WITNESS_SCRIPT and outer == P2WSH)
        ):
            wrong[i] = True
            continue
        same = payload_length[i] == size
        if same:
            for k in range(size):
                if payload[payload_start[i] + k] != digest[k]:
                    same = False
        wrong[i] = not same


def _repeats(view: View, rows: Int64Array, seen: UInt8Array) -> BoolArray:
    repeated: BoolArray = np.zeros(len(rows), dtype=np.bool_)
    shown_by = view.reveal_input[rows]
    _mark_seen(shown_by, view.reveal_kind[rows], view.input_address[shown_by], seen, repeated)
    return repeated


@kernel
def _mark_seen(
    shown_by: Int64Array,
    kind: UInt8Array,
    address: UInt32Array,
    seen: UInt8Array,
    repeated: BoolArray,
) -> None:
    """Mark reveals of addresses in `seen`, one bit an address; one input may reveal twice."""
    for i in range(len(kind)):
        if kind[i] == TAP_LEAF:
            continue
        if i > 0 and shown_by[i] == shown_by[i - 1]:
            continue
        byte = np.int64(address[i]) >> 3
        if byte >= len(seen):
            continue
        bit = 1 << (np.int64(address[i]) & 7)
        repeated[i] = (np.int64(seen[byte]) & bit) != 0
        seen[byte] = np.int64(seen[byte]) | bit
