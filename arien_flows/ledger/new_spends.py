"""What the inputs of a batch spend, and what they show that was hidden before."""

import numpy as np

from arien_flows.errors import LedgerError, SourceError
from arien_flows.ledger.new_addresses import ExternalOutputs, spends_batch
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.rows import NewReveals, NumberedAddresses, Spends
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.unspent import UNRESOLVED, UnspentOutputs, spend_and_add, txid_prefixes
from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import BlockBatch, RevealKind, ScriptType, SpendFacts
from chains.types import BoolArray, Int64Array, UInt8Array, UInt32Array, shown_txid
from heuristics.jit import kernel

TAP_LEAF = int(RevealKind.TAP_LEAF)

MAX_OVERWRITES = 1 << 16
"""Outputs that repeated coinbase ids may void in one batch; the main chain has 2 in all."""


def resolve(
    batch: BlockBatch,
    base: View,
    unspent: UnspentOutputs,
    addresses: NumberedAddresses,
    external: ExternalOutputs | None,
) -> Spends:
    """Find what each input spends, and bring `unspent` to the end of the batch.

    Raises
    ------
    SourceError
        An input spends an output that is not there, and `external` does not tell of it or may
        not: batch or ledger hold the transaction that it names, without such an unspent output.
        Or `external` contradicts the ledger.
    """
    inputs = len(batch.spent_vout)
    output = np.empty(inputs, dtype=np.int64)
    value = np.zeros(inputs, dtype=np.int64)
    address = np.full(inputs, NO_ADDRESS, dtype=np.uint32)
    overwritten = np.empty((min(MAX_OVERWRITES, len(batch.value)), 2), dtype=np.int64)
    unspent.reserve(len(batch.value))
    voided = spend_and_add(
        unspent.slots,
        base.txid,
        base.first_output,
        batch.txid,
        txid_prefixes(batch.txid),
        batch.first_input,
        batch.first_output,
        batch.spent_txid,
        txid_prefixes(batch.spent_txid),
        batch.spent_vout,
        batch.value,
        addresses.of_outputs,
        output,
        value,
        address,
        overwritten,
    )
    if voided < 0:
        raise LedgerError(f"more than {MAX_OVERWRITES} outputs are voided by repeated coinbases")
    missing = np.flatnonzero(output == UNRESOLVED)
    unspent.count += int(np.count_nonzero(addresses.of_outputs != NO_ADDRESS))
    unspent.count -= inputs - len(missing) + voided
    if len(missing):
        if external is None:
            raise SourceError(_missing_text(batch, int(missing[0])))
        _refuse_spent_inside(batch, base, missing)
        output[missing] = EXTERNAL
        value[missing] = external.value_sat[missing]
        address[missing] = addresses.of_externals[missing]
    spends = Spends(output=output, value=value, address=address, overwritten=overwritten[:voided])
    if external is not None:
        _refuse_contradiction(batch, spends, addresses, external)
    return spends


def _refuse_spent_inside(batch: BlockBatch, base: View, missing: Int64Array) -> None:
    """Refuse inputs without an output, though batch or ledger hold the transaction they name."""
    inside = spends_batch(batch)[missing]
    wanted = txid_prefixes(batch.spent_txid[missing])
    for run in base.transactions_by_id.runs:
        place = np.searchsorted(run.key, wanted)
        place[place == len(run.key)] = 0
        for row in np.flatnonzero(run.key[place] == wanted).tolist():
            spent = batch.spent_txid[missing[row]]
            inside[row] |= any(
                np.array_equal(base.txid[number], spent)
                for number in base.transactions_by_id.candidates(int(wanted[row]))
            )
    if inside.any():
        raise SourceError(_missing_text(batch, int(missing[inside][0])))


def _refuse_contradiction(
    batch: BlockBatch, spends: Spends, addresses: NumberedAddresses, external: ExternalOutputs
) -> None:
    """Refuse a source that says of a spent output what the ledger knows to be otherwise."""
    told = addresses.of_externals != NO_ADDRESS
    differs = (spends.address != addresses.of_externals) | (spends.value != external.value_sat)
    wrong = np.flatnonzero(np.where(told, differs, spends.output == EXTERNAL))
    if len(wrong):
        spend = int(wrong[0])
        spent = shown_txid(batch.spent_txid[spend].tobytes())
        raise SourceError(
            f"what the source says of the output {spent}:{batch.spent_vout[spend]} is not what "
            "the chain says: check that node, or use another source"
        )


def _missing_text(batch: BlockBatch, spend: int) -> str:
    transaction = int(np.searchsorted(batch.first_input, spend, side="right")) - 1
    spent = shown_txid(batch.spent_txid[spend].tobytes())
    return (
        f"transaction {shown_txid(batch.txid[transaction].tobytes())} spends "
        f"{spent}:{batch.spent_vout[spend]}, which no earlier transaction makes or which is spent "
        "already: the blocks are not a complete, valid chain"
    )


def spent_types(base: View, addresses: NumberedAddresses, spends: Spends) -> UInt8Array:
    """Return the script type of what each input spends."""
    known = base.counts.addresses
    is_new = spends.address >= known
    types = np.empty(len(spends.address), dtype=np.uint8)
    types[~is_new] = base.script_type[spends.address[~is_new]]
    types[is_new] = addresses.new_locks.script_type[spends.address[is_new] - np.uint32(known)]
    return types


def first_reveals(
    batch: BlockBatch, facts: SpendFacts, spends: Spends, revealed: BoolArray
) -> NewReveals:
    """Return what the spends show for the first time, and mark it in `revealed`."""
    kept = np.zeros(len(facts.reveal_input), dtype=np.bool_)
    _keep_first(facts.reveal_input, facts.reveal_kind, spends.address, revealed, kept)
    kind = facts.reveal_kind[kept]
    start, length = facts.reveal_start[kept], facts.reveal_length[kept]
    rows = np.flatnonzero((kind == RevealKind.REDEEM_SCRIPT) | (kind == RevealKind.WITNESS_SCRIPT))
    inner_type, inner_start, inner_length = classify_scripts(batch.raw, start[rows], length[rows])
    names_class = inner_type != ScriptType.OP_RETURN
    scripts = Locks(
        source=batch.raw,
        script_type=inner_type[names_class],
        start=inner_start[names_class],
        length=inner_length[names_class],
    )
    return NewReveals(
        input=facts.reveal_input[kept],
        kind=kind,
        start=start,
        length=length,
        script_rows=rows[names_class],
        scripts=scripts,
        script_keys=scripts.keys(),
    )


@kernel
def _keep_first(
    reveal_input: Int64Array,
    reveal_kind: UInt8Array,
    input_address: UInt32Array,
    revealed: BoolArray,
    kept: BoolArray,
) -> None:
    """Keep what an address's first spend shows, and every leaf: leaves may differ each time."""
    i = 0
    while i < len(reveal_input):
        address = input_address[reveal_input[i]]
        known = revealed[address]
        spend = reveal_input[i]
        while i < len(reveal_input) and reveal_input[i] == spend:
            leaf = reveal_kind[i] == TAP_LEAF
            kept[i] = leaf or not known
            if not leaf:
                revealed[address] = True
            i += 1
