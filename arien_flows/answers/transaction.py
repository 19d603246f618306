"""A decoded transaction: what it spends, what it pays, and what stands out about it.

Inputs and outputs are pages of one answer, because a transaction may have many thousands; what
is left out is said. A flag is a remark with its certainty: that a transaction signals
replacement is a fact, that it looks like a CoinJoin an inference of a named rule.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.coinjoin_flags import coinjoin_flags
from arien_flows.answers.entity import lag
from arien_flows.answers.facts import Flag, block_of, script_type_name, sighting
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.state import as_of
from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from arien_flows.workspace import Reading
from chains.tables import InputFlag, ScriptType, SighashClass
from chains.types import Int64Array, shown_txid

REPLACEABLE_BELOW = 0xFFFF_FFFE
"""A sequence below this signals that the transaction may be replaced (BIP 125)."""

ANYONE_CAN_PAY = 0x80
"""Set in the sighash of an input whose signer does not commit to the other inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAnswer(Shape):
    """One input."""

    position: int
    """From 0, as in the transaction."""

    outpoint: str | None
    """The output that is spent, as `txid:vout`; nothing where it lies before the ledger."""

    address: str | None
    """Who had the spent output; for a script without an address its descriptor."""

    script_type: str
    """Kind of script that was unlocked."""

    value: str
    """What the spent output held, in base units."""

    sequence: int
    """As serialised."""

    sighash: str
    """What the signatures commit to."""

    marks: tuple[str, ...]
    """`witness`, `compressed_key`, `uncompressed_key`, `taproot_script_path`, `annex`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputAnswer(Shape):
    """One output."""

    position: int
    """From 0, as in the transaction; with the id it is `txid:vout`."""

    address: str | None
    """Who is paid; nothing for data that nobody can spend."""

    script_type: str
    """Kind of script."""

    value: str
    """In base units."""

    spent_by: str | None
    """The transaction that spends it, as far as the ledger reaches; nothing: unspent there."""

    voided_by: str | None = None
    """A later coinbase with the same id, which made this output unspendable (BIP 30)."""

    data_hex: str | None = None
    """For `op_return`: what follows the opcode."""

    spender_asked: bool = True
    """Whether it is known if anything spends it; false only where transactions were fetched one
    by one and nobody asked for this output's spender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionAnswer(ChainAnswer):
    """A transaction with its inputs and outputs."""

    network: str
    """Name of the network."""

    txid: str
    """Transaction id as people read it."""

    height: int
    """Height of its block."""

    block_hash: str
    """Hash of its block."""

    time: datetime
    """The time that the block's header states."""

    position: int
    """Position in the block; 0 is the coinbase."""

    confirmations: int
    """Blocks from its own to the last one of the ledger, both counted."""

    coinbase: bool
    """Whether it creates coins and spends none."""

    version: int
    """Transaction version."""

    locktime: int
    """As serialised."""

    size: int
    """Bytes with witness."""

    virtual_size: int
    """A quarter of the weight, rounded up: what fees are charged for."""

    input_count: int
    """Inputs; 0 for a coinbase."""

    output_count: int
    """Outputs."""

    input_value: str
    """Sum of all inputs, in base units."""

    output_value: str
    """Sum of all outputs, in base units."""

    fee: str
    """Inputs minus outputs; 0 for a coinbase."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Certainty of all the above: always `fact`."""

    inputs: tuple[InputAnswer, ...]
    """The inputs of this page, in order."""

    outputs: tuple[OutputAnswer, ...]
    """The outputs of this page, in order."""

    flags: tuple[Flag, ...]
    """What stands out, each with its own certainty."""


def transaction_answer(
    reading: Reading, txid: str, *, limit: int, offset: int = 0
) -> TransactionAnswer:
    """Return a transaction with its inputs and outputs from `offset` on, `limit` of each."""
    view = reading.view
    transaction = view.find_transaction(txid)
    seen = sighting(view, transaction)
    block = block_of(view, transaction)
    inputs = _rows(view.first_input, transaction)
    outputs = _rows(view.first_output, transaction)
    size = int(view.stripped_size[transaction]) + int(view.witness_size[transaction])
    weight = 4 * int(view.stripped_size[transaction]) + int(view.witness_size[transaction])
    asset = asset_of(view.network.name)
    truncations = (
        *page_cut("inputs", len(inputs), offset, limit),
        *page_cut("outputs", len(outputs), offset, limit),
        *_unjudged(reading, transaction),
        *_unasked(reading, outputs[offset : offset + limit]),
        *reading.limits,
    )
    return TransactionAnswer(
        as_of=as_of(view),
        complete=not truncations,
        truncations=truncations,
        network=view.network.name,
        txid=seen.txid,
        height=seen.height,
        block_hash=view.block_hash(block),
        time=seen.time,
        position=view.position_of(transaction),
        confirmations=view.tip.height - seen.height + 1,
        coinbase=len(inputs) == 0,
        version=int(view.version[transaction]),
        locktime=int(view.locktime[transaction]),
        size=size,
        virtual_size=-(-weight // 4),
        input_count=len(inputs),
        output_count=len(outputs),
        input_value=str(int(view.input_value[inputs.start : inputs.stop].sum())),
        output_value=str(int(view.output_value[outputs.start : outputs.stop].sum())),
        fee=str(int(view.fee[transaction])),
        asset=asset.name,
        decimals=asset.decimals,
        certainty="fact",
        inputs=tuple(
            _input(reading, number, number - inputs.start)
            for number in inputs[offset : offset + limit]
        ),
        outputs=_outputs(reading, outputs[offset : offset + limit], offset),
        flags=(
            *_facts(reading, transaction, inputs, outputs),
            *coinjoin_flags(reading, transaction),
        ),
    )


def _rows(offsets: Int64Array, row: int) -> range:
    return range(int(offsets[row]), int(offsets[row + 1]))


def page_cut(where: str, count: int, offset: int, limit: int) -> tuple[Truncation, ...]:
    """Return what a page of a list leaves out."""
    if offset == 0 and count <= limit:
        return ()
    end = min(count, offset + limit)
    shown = f"{offset} to {end - 1}" if end > offset else "none"
    return (
        Truncation(
            where=where,
            reason="page",
            limit=limit,
            detail=f"positions shown: {shown}, of {count}; ask again with another offset",
        ),
    )


def _input(reading: Reading, number: int, position: int) -> InputAnswer:
    view = reading.view
    address = int(view.input_address[number])
    flags = InputFlag(int(view.input_flags[number]))
    return InputAnswer(
        position=position,
        outpoint=_spent_outpoint(reading, number),
        address=view.address_text(address),
        script_type=script_type_name(_type_of(view, address)),
        value=str(int(view.input_value[number])),
        sequence=int(view.sequence[number]),
        sighash=SighashClass(int(view.sighash[number])).name.lower(),
        marks=tuple(flag.name.lower() for flag in InputFlag if flag in flags and flag.name),
    )


def _spent_outpoint(reading: Reading, number: int) -> str | None:
    spent = int(reading.view.spent_output[number])
    if spent != EXTERNAL:
        return reading.view.outpoint_text(spent)
    if reading.fetched is None:
        return None
    txid, vout = reading.fetched.ledger.outpoint(number)
    return f"{shown_txid(txid)}:{vout}"


def _outputs(reading: Reading, numbers: range, first_position: int) -> tuple[OutputAnswer, ...]:
    rows = np.arange(numbers.start, numbers.stop, dtype=np.int64)
    spenders = reading.view.spenders(rows).tolist()
    asked = np.ones(len(rows), dtype=np.bool_)
    if reading.fetched is not None:
        asked = ~np.isin(rows, reading.fetched.unasked)
    return tuple(
        replace(
            _output(reading.view, number, first_position + index, spenders[index]),
            spender_asked=bool(asked[index]),
        )
        for index, number in enumerate(numbers)
    )


def _output(view: View, number: int, position: int, spender: int) -> OutputAnswer:
    address = int(view.output_address[number])
    later = None if spender < 0 else view.txid_text(spender)
    # A coinbase spends nothing: the ledger names one here only where it repeats an id.
    voided = later is not None and bool(view.is_coinbase(np.array([spender]))[0])
    return OutputAnswer(
        position=position,
        address=view.address_text(address),
        script_type=script_type_name(_type_of(view, address)),
        value=str(int(view.output_value[number])),
        spent_by=None if voided else later,
        voided_by=later if voided else None,
        data_hex=_data_hex(view, number) if address == NO_ADDRESS else None,
    )


def _type_of(view: View, address: int) -> int:
    return int(ScriptType.OP_RETURN if address == NO_ADDRESS else view.script_type[address])


def _data_hex(view: View, output: int) -> str:
    row = int(np.searchsorted(view.op_return_output, output))
    begin, end = view.first_op_return_byte[row], view.first_op_return_byte[row + 1]
    return view.op_return_data[begin:end].tobytes().hex()


def _facts(reading: Reading, transaction: int, inputs: range, outputs: range) -> list[Flag]:
    """Return what the chain itself says that an analyst should notice."""
    view = reading.view
    own = slice(inputs.start, inputs.stop)
    paid = view.output_address[outputs.start : outputs.stop]
    remarks = [
        (not inputs, "coinbase", "creates coins and pays the block's miner"),
        (
            bool((view.sequence[own] < REPLACEABLE_BELOW).any()),
            "signals_replacement",
            "its sender could have replaced it before it was confirmed (BIP 125)",
        ),
        (
            bool((view.sighash[own] & ANYONE_CAN_PAY).any()),
            "anyone_can_pay",
            "a signature does not commit to the other inputs, so others may have added theirs; "
            "its inputs are not taken to have one owner",
        ),
        (bool((paid == NO_ADDRESS).any()), "carries_data", "an output holds data (OP_RETURN)"),
        (
            reading.fetched is None and bool((view.spent_output[own] == EXTERNAL).any()),
            "spends_before_ledger",
            "spends outputs of transactions that lie before the ledger's first block",
        ),
        (int(view.witness_size[transaction]) > 0, "witness", "carries a segregated witness"),
    ]
    return [
        Flag(name=name, certainty="fact", detail=detail)
        for applies, name, detail in remarks
        if applies
    ]


def _unasked(reading: Reading, outputs: range) -> tuple[Truncation, ...]:
    """Say so where nobody has asked whether an output is spent."""
    if reading.fetched is None:
        return ()
    shown = np.arange(outputs.start, outputs.stop, dtype=np.int64)
    unasked = shown[np.isin(shown, reading.fetched.unasked)] - outputs.start
    if len(unasked) == 0:
        return ()
    return (
        Truncation(
            where="outputs",
            reason="not_fetched",
            detail=f"whether {len(unasked):,} of the {len(shown):,} outputs shown are spent was "
            f"not asked, from output {int(unasked[0])} on",
        ),
    )


def _unjudged(reading: Reading, transaction: int) -> tuple[Truncation, ...]:
    """Say so where no rule has looked at the transaction: no flag is not a clean bill."""
    if reading.clustering is None:
        return (Truncation(where="flags", reason="no_clustering", detail=reading.clustering_gap),)
    if transaction >= reading.clustering.manifest.counts["transactions"]:
        return lag(reading.view, reading.clustering, where="flags")
    return ()
