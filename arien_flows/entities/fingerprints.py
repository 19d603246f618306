"""Fingerprints of a ledger's transactions, and which of its addresses are multisig."""

from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np

from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.fingerprint import FingerprintColumns

_REVEALS_AT_ONCE = 1 << 20
_HISTORY_PAGE = 256
_HASHES = (ScriptType.P2SH, ScriptType.P2WSH)
_OP_CHECKMULTISIG = 0xAE


def multisig_reveals(view: View) -> Int64Array:
    """Return the rows of reveals that show an m-of-n script behind a hash, ascending."""
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, view.counts.reveals, _REVEALS_AT_ONCE):
        stop = min(start + _REVEALS_AT_ONCE, view.counts.reveals)
        rows = start + np.flatnonzero(_are_scripts(view.reveal_kind[start:stop]))
        found.append(_multisig_among(view, rows))
    return np.concatenate(found)


def multisig_reveals_of(view: View, addresses: Iterable[int]) -> Int64Array:
    """Return those rows of `multisig_reveals` that are of some addresses, without the long pass.

    Of each address the history is read up to the first spend that shows something.
    """
    hashes = (each for each in addresses if view.script_type[each] in _HASHES)
    rows = np.array(sorted(row for each in hashes for row in _shown(view, each)), dtype=np.int64)
    return _multisig_among(view, rows[_are_scripts(view.reveal_kind[rows])])


def _shown(view: View, address: int) -> range:
    """Return the rows of what an address's spends show; all are of one input."""
    for spend in _spends(view, address):
        first, last = np.searchsorted(view.reveal_input, [spend, spend + 1]).tolist()
        if first < last:
            return range(first, last)
    return range(0)


def _spends(view: View, address: int) -> Iterator[int]:
    """Yield the inputs that spend from an address, in chain order."""
    for start in count(0, _HISTORY_PAGE):
        page = view.history(address, start, start + _HISTORY_PAGE).transaction.tolist()
        for transaction in page:
            begin, end = view.first_input[transaction : transaction + 2].tolist()
            yield from (begin + np.flatnonzero(view.input_address[begin:end] == address)).tolist()
        if len(page) < _HISTORY_PAGE:
            return


def _are_scripts(kind: UInt8Array) -> BoolArray:
    scripts: BoolArray = (kind == RevealKind.REDEEM_SCRIPT) | (kind == RevealKind.WITNESS_SCRIPT)
    return scripts


def _multisig_among(view: View, rows: Int64Array) -> Int64Array:
    """Return those of some reveals of scripts that show an m-of-n script."""
    # Few scripts are, and one that is ends with its opcode.
    rows = rows[view.revealed[view.first_reveal_byte[rows + 1] - 1] == _OP_CHECKMULTISIG]
    begin, end = view.first_reveal_byte[rows], view.first_reveal_byte[rows + 1]
    script_type, _, _ = classify_scripts(view.revealed, begin, end - begin)
    multisig: Int64Array = rows[script_type == ScriptType.MULTISIG]
    return multisig


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
