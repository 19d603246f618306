"""What the inputs of a batch spend, and what they show that was hidden before."""

import numpy as np

from arien_flows.errors import SourceError
from arien_flows.ledger.new_addresses import ExternalOutputs, spends_batch
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.rows import NewReveals, NumberedAddresses, Spends
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS, UNSPENT
from arien_flows.ledger.spent_inside import MAX_OVERWRITES, SpentInside
from arien_flows.ledger.unspent import (
    Found,
    Makers,
    Outpoints,
    UnspentOutputs,
    entries_of,
    id_words,
    txid_prefixes,
)
from arien_flows.ledger.unspent_table import UNRESOLVED
from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import BlockBatch, RevealKind, ScriptType, SpendFacts
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt32Array, shown_txid
from heuristics.bits import has_bit, set_bit
from heuristics.jit import kernel

TAP_LEAF = int(RevealKind.TAP_LEAF)


def resolve(
    batch: BlockBatch,
    inside: SpentInside,
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
    found, overwritten, spender = _spend_and_add(
        batch, inside, base, unspent, addresses, is_whole=external is None
    )
    output, value, address = found.output, found.value, found.address
    missing = np.flatnonzero(output == UNRESOLVED)
    if len(missing):
        if external is None:
            raise SourceError(_missing_text(batch, int(missing[0])))
        _refuse_spent_inside(batch, base, missing)
        output[missing] = EXTERNAL
        value[missing] = external.value_sat[missing]
        address[missing] = addresses.of_externals[missing]
    spends = Spends(
        output=output, value=value, address=address, overwritten=overwritten, spender=spender
    )
    if external is not None:
        _refuse_contradiction(batch, spends, addresses, external)
    return spends


def _spend_and_add(
    batch: BlockBatch,
    inside: SpentInside,
    base: View,
    unspent: UnspentOutputs,
    addresses: NumberedAddresses,
    *,
    is_whole: bool,
) -> tuple[Found, Int64Array, UInt32Array]:
    """Take what a batch spends out of the table, and put in what it leaves unspent.

    Unless the chain `is_whole`, an input may spend what the ledger never held.

    Returns what was found for each input, rows (output, batch-local transaction) of outputs that
    repeated coinbases void, and the spenders of the batch's own outputs.
    """
    first_transaction, first_output = base.counts.transactions, base.counts.outputs
    found = Found.nothing(len(batch.spent_vout), NO_ADDRESS)
    settled = np.flatnonzero(inside.output >= 0)
    local = inside.output[settled]
    found.output[settled] = local + first_output
    found.value[settled] = batch.value[local]
    found.address[settled] = addresses.of_outputs[local]
    makers = Makers(ids=id_words(base.txid), first_output=base.first_output)
    spent = Outpoints.of(batch.spent_txid, batch.spent_vout)
    unspent.spend(makers, spent, inside.outside, found, is_certain=is_whole)
    # What inputs before the repeated coinbase spend is gone by now; those behind it mean its own.
    voided = unspent.void_repeated(
        makers, batch, addresses.of_outputs, min(MAX_OVERWRITES, len(batch.value))
    )
    unspent.add(
        entries_of(
            Makers(ids=id_words(batch.txid), first_output=batch.first_output),
            range(batch.transaction_count),
            numbered_from=first_output,
            spender=inside.spender,
            limit=UNSPENT,
            value=batch.value,
            address=addresses.of_outputs,
            salt=unspent.salt,
        )
    )
    voided_inside = inside.voided + np.array([first_output, 0])
    overwritten = np.concatenate([voided_inside, voided])
    order = np.argsort(overwritten[:, 1], kind="stable")
    is_spent = inside.spender != UNSPENT
    spender = np.where(is_spent, inside.spender + np.uint32(first_transaction), UNSPENT)
    return found, overwritten[order], spender.astype(np.uint32)


def _refuse_spent_inside(batch: BlockBatch, base: View, missing: Int64Array) -> None:
    """Refuse inputs without an output, though batch or ledger hold the transaction they name."""
    inside = spends_batch(batch)[missing]
    wanted = txid_prefixes(batch.spent_txid[missing])
    runs = base.transactions_by_id.runs
    # The runs of the last batch may still be in the making.
    indexed = runs[-1].limit if runs else 0
    inside |= np.isin(_whole_ids(batch.spent_txid[missing]), _whole_ids(base.txid[indexed:]))
    for run in runs:
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


def _whole_ids(txid: UInt8Array) -> AnyArray:
    """Return ids as single elements that can be compared."""
    return np.ascontiguousarray(txid).view("V32").ravel()


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
    batch: BlockBatch, facts: SpendFacts, spends: Spends, revealed: UInt8Array
) -> NewReveals:
    """Return what the spends show for the first time, and mark it in the bits `revealed`."""
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
    revealed: UInt8Array,
    kept: BoolArray,
) -> None:
    """Keep what an address's first spend shows, and every leaf: leaves may differ each time."""
    i = 0
    while i < len(reveal_input):
        address = int(np.int64(input_address[reveal_input[i]]))
        known = has_bit(revealed, address)
        spend = reveal_input[i]
        while i < len(reveal_input) and reveal_input[i] == spend:
            leaf = reveal_kind[i] == TAP_LEAF
            kept[i] = leaf or not known
            if not leaf:
                set_bit(revealed, address)
            i += 1
