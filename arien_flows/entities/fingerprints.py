"""Fingerprints of a ledger's transactions, and which of its addresses are multisig."""

import numpy as np

from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import Int64Array, UInt8Array
from heuristics.fingerprint import FingerprintColumns

_REVEALS_AT_ONCE = 1 << 20
_OP_CHECKMULTISIG = 0xAE


def multisig_reveals(view: View) -> Int64Array:
    """Return the rows of reveals that show an m-of-n script behind a hash, ascending."""
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, view.counts.reveals, _REVEALS_AT_ONCE):
        stop = min(start + _REVEALS_AT_ONCE, view.counts.reveals)
        kind = view.reveal_kind[start:stop]
        rows = start + np.flatnonzero(
            (kind == RevealKind.REDEEM_SCRIPT) | (kind == RevealKind.WITNESS_SCRIPT)
        )
        # Nearly all reveals are keys, and a multisig script ends with its opcode.
        rows = rows[view.revealed[view.first_reveal_byte[rows + 1] - 1] == _OP_CHECKMULTISIG]
        begin, end = view.first_reveal_byte[rows], view.first_reveal_byte[rows + 1]
        script_type, _, _ = classify_scripts(view.revealed, begin, end - begin)
        found.append(rows[script_type == ScriptType.MULTISIG])
    return np.concatenate(found)


def multisig_bits(view: View, reveals: Int64Array) -> UInt8Array:
    """Return one bit for each address, set where a reveal of `multisig_reveals` is of it.

    An address shows its script when it is first spent. A fingerprint asks about what the
    transaction itself spends, so that it never learns from a later one.
    """
    bits = np.zeros((view.counts.addresses + 7) // 8, dtype=np.uint8)
    address = view.input_address[view.reveal_input[reveals]].astype(np.int64)
    np.bitwise_or.at(bits, address >> 3, (1 << (address & 7)).astype(np.uint8))
    return bits


def fingerprint_columns(view: View, multisig: UInt8Array | None = None) -> FingerprintColumns:
    """Return the columns of a view that fingerprints read.

    `multisig` is what `multisig_bits` gave for the view; it is made where it is not given.
    """
    return FingerprintColumns(
        first_transaction=view.first_transaction,
        first_input=view.first_input,
        first_output=view.first_output,
        txid=view.txid,
        version=view.version,
        locktime=view.locktime,
        witness_size=view.witness_size,
        spent_output=view.spent_output,
        sequence=view.sequence,
        input_address=view.input_address,
        output_address=view.output_address,
        output_value_sat=view.output_value,
        script_type=view.script_type,
        first_payload_byte=view.first_payload_byte,
        payload=view.payload,
        multisig=multisig_bits(view, multisig_reveals(view)) if multisig is None else multisig,
    )
