"""Whether the type of every address fits the script or hash that is kept of it."""

from functools import partial

import numpy as np

from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import View
from chains.bitcoin.script import PAYLOAD_LENGTHS, classify_scripts
from chains.tables import ScriptType
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.jit import kernel

ADDRESS_STEP = 1 << 18

WHOLE = (ScriptType.NONSTANDARD, ScriptType.MULTISIG, ScriptType.WITNESS_UNKNOWN)
"""Types that keep the whole script, so that the type can be told from it again."""

ANY_LENGTH = 0
LENGTHS = np.full((256, 2), -1, dtype=np.int64)
"""The lengths that the payloads of each type have; no type of an address has lengths of -1."""
for script_type in ScriptType:
    if script_type < ScriptType.OP_RETURN:
        allowed = PAYLOAD_LENGTHS.get(script_type, (ANY_LENGTH,))
        LENGTHS[script_type] = allowed[0], allowed[-1]


def check_locks(view: View) -> Check:
    """Check that type and payload of each address fit each other."""
    found = Findings()
    for rows in in_order(partial(_misfits, view), steps(view.counts.addresses, ADDRESS_STEP)):
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


def _misfits(view: View, rows: tuple[int, int]) -> Int64Array:
    """Return the addresses of `[start, stop)` whose type their payload does not have."""
    start, stop = rows
    kind = view.script_type[start:stop]
    first = view.first_payload_byte[start : stop + 1]
    wrong = np.zeros(stop - start, dtype=np.bool_)
    _note_lengths(kind, first, LENGTHS, wrong)
    whole = np.flatnonzero(np.logical_or.reduce([kind == script_type for script_type in WHOLE]))
    again, _, _ = classify_scripts(view.payload, first[whole], first[whole + 1] - first[whole])
    wrong[whole[again != kind[whole]]] = True
    return start + np.flatnonzero(wrong)


@kernel
def _note_lengths(
    kind: UInt8Array, first: Int64Array, lengths: Int64Array, wrong: BoolArray
) -> None:
    for i in range(len(kind)):
        length = first[i + 1] - first[i]
        low, high = lengths[kind[i], 0], lengths[kind[i], 1]
        wrong[i] = low != ANY_LENGTH and length != low and length != high
