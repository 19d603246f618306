"""The transactions of an entity, or of one of its addresses, gathered for its features.

An exchange has millions of addresses, and nobody waits for all of their transactions. So a bounded
part is read: of many addresses some, evenly spaced from the first to the last seen; of a long
history its end; and whoever asks is told which part it was. What is known without reading (how many
addresses and transactions, the balance) is always of the whole.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.entities.clustering import Clustering
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.bitcoin.script import multisig_parts
from chains.tables import ScriptType
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array
from heuristics.role_features import NOBODY, NOT_SPENT, Activity

MOST_ADDRESSES = 5_000
MOST_OF_HISTORY = 20_000
"""Transactions read of one address, the last ones."""

MOST_TRANSACTIONS = 100_000
MOST_ROWS = 4_000_000
"""Inputs and outputs that are read."""

MOST_SCRIPTS = 10_000
"""Spent addresses whose scripts are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is read of an activity."""

    addresses: int = MOST_ADDRESSES
    of_history: int = MOST_OF_HISTORY
    transactions: int = MOST_TRANSACTIONS
    rows: int = MOST_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose activity it is."""

    root: int
    """First-seen address of the entity."""

    addresses: UInt32Array
    """All addresses of the entity, or the one address that is asked about, ascending."""

    is_entity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An activity, or the part of it that was read."""

    activity: Activity
    subject: Subject
    transactions: Int64Array
    """Ascending; CoinJoins are left out."""

    coinjoins: int
    """CoinJoins that were left out."""

    addresses: Int64Array
    """The addresses that were read."""

    is_whole: bool
    """Whether all transactions of all addresses are here.

    Not where CoinJoins were left out: what is received or paid in one is not counted, so that a
    count is at least what is shown."""

    cut: str
    """What was not read; empty where all was."""


def entity_of(clustering: Clustering, address: int) -> Subject:
    """Return the entity of an address."""
    root = clustering.root_of(address)
    return Subject(root=root, addresses=clustering.members(root), is_entity=True)


def address_of(clustering: Clustering, address: int) -> Subject:
    """Return an address as a subject of its own."""
    own = np.array([address], dtype=np.uint32)
    return Subject(root=clustering.root_of(address), addresses=own, is_entity=False)


def gather(
    view: View, labels: UInt32Array, marks: UInt8Array, subject: Subject, bounds: Bounds
) -> Gathered:
    """Read the transactions of a subject.

    Parameters
    ----------
    view
        The ledger.
    labels
        The entity of each address; addresses past its end stand for themselves.
    marks
        Non-zero for each transaction that is taken for a CoinJoin.
    subject
        Whose.
    bounds
        How much is read.
    """
    found, read, cuts = _transactions(view, subject.addresses, bounds)
    mixed = marks[found] != 0
    coinjoins = int(np.count_nonzero(mixed))
    found = found[~mixed]
    sizes = _lengths(view.first_input, found) + _lengths(view.first_output, found)
    fits = np.cumsum(sizes[::-1])[::-1] <= bounds.rows
    if not fits.all():
        cuts.append(f"the last {np.count_nonzero(fits):,} of {len(found):,} transactions are read")
        found = found[fits]
    return Gathered(
        activity=_activity(view, labels, subject, found),
        subject=subject,
        transactions=found,
        coinjoins=coinjoins,
        addresses=read,
        is_whole=not cuts and coinjoins == 0,
        cut="; ".join(cuts),
    )


def _transactions(
    view: View, addresses: UInt32Array, bounds: Bounds
) -> tuple[Int64Array, Int64Array, list[str]]:
    """Return the transactions of addresses, which addresses were read, and what was cut."""
    most = min(len(addresses), bounds.addresses)
    chosen = addresses[np.arange(most) * len(addresses) // max(most, 1)].astype(np.int64)
    parts: list[AnyArray] = []
    entries = read = shortened = 0
    for address in chosen.tolist():
        if entries >= bounds.transactions:
            break
        most = min(bounds.of_history, bounds.transactions - entries)
        own = view.history(address, -most).transaction
        shortened += len(own) == most and view.totals(address).transaction_count > most
        parts.append(own)
        entries += len(own)
        read += 1
    cuts: list[str] = []
    if read < len(addresses):
        spaced = ", evenly spaced from the first to the last seen" if read == len(chosen) else ""
        cuts.append(f"{read:,} of {len(addresses):,} addresses are read{spaced}")
    if shortened:
        plural = "es" * (shortened != 1)
        cuts.append(f"of {shortened:,} address{plural} only the last transactions are read")
    joined = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)
    return np.unique(joined).astype(np.int64), chosen[:read], cuts


def _lengths(first: Int64Array, transactions: Int64Array) -> Int64Array:
    lengths: Int64Array = first[transactions + 1] - first[transactions]
    return lengths


def _rows(first: Int64Array, transactions: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the rows of transactions in a child table, and which transaction each belongs to."""
    lengths = _lengths(first, transactions)
    place = np.repeat(np.arange(len(transactions), dtype=np.int64), lengths)
    begin = np.cumsum(lengths) - lengths
    rows = np.arange(len(place), dtype=np.int64) - begin[place] + first[transactions][place]
    return rows, place


def _holders(labels: UInt32Array, address: Int64Array) -> Int64Array:
    """Return the entity of each address, `NOBODY` for `NO_ADDRESS`."""
    holder = np.where(address == NO_ADDRESS, NOBODY, address)
    labelled = (holder >= 0) & (holder < len(labels))
    holder[labelled] = labels[holder[labelled]]
    return holder


def _activity(
    view: View, labels: UInt32Array, subject: Subject, transactions: Int64Array
) -> Activity:
    blocks = view.blocks_of(transactions)
    inputs, input_place = _rows(view.first_input, transactions)
    outputs, output_place = _rows(view.first_output, transactions)
    spendable = view.output_address[outputs] != NO_ADDRESS
    outputs, output_place = outputs[spendable], output_place[spendable]
    input_address = view.input_address[inputs].astype(np.int64)
    output_address = view.output_address[outputs].astype(np.int64)
    input_holder, output_holder = _holders(labels, input_address), _holders(labels, output_address)
    if subject.is_entity:
        input_is_own, output_is_own = input_holder == subject.root, output_holder == subject.root
    else:
        own = int(subject.addresses[0])
        input_is_own, output_is_own = input_address == own, output_address == own
    spent_clock = np.full(len(outputs), NOT_SPENT, dtype=np.int64)
    spender_place = np.full(len(outputs), NOBODY, dtype=np.int64)
    kept = np.flatnonzero(output_is_own)
    spender = view.spenders(outputs[kept])
    kept, spender = kept[spender >= 0], spender[spender >= 0]
    spent_clock[kept] = view.median_times[view.blocks_of(spender)]
    place = np.searchsorted(transactions, spender)
    held = (place < len(transactions)) & (
        transactions[np.minimum(place, len(transactions) - 1)] == spender
    )
    spender_place[kept[held]] = place[held]
    return Activity(
        time=view.times_of_blocks(blocks),
        clock=view.median_times[blocks],
        height=view.block_height[blocks].astype(np.int64),
        is_coinbase=view.is_coinbase(transactions),
        input_place=input_place,
        input_holder=input_holder,
        input_is_own=input_is_own,
        input_sat=view.input_value[inputs].astype(np.int64),
        output_place=output_place,
        output_holder=output_holder,
        output_address=output_address,
        output_is_own=output_is_own,
        output_sat=view.output_value[outputs].astype(np.int64),
        spent_clock=spent_clock,
        spender_place=spender_place,
    )


def payments_in_kind(view: View, gathered: Gathered) -> int:
    """Return how many payments pay others at a script of the type that the subject spends."""
    activity = gathered.activity
    inputs, place = _rows(view.first_input, gathered.transactions)
    own = activity.input_is_own
    spent_type = np.full(len(gathered.transactions), -1, dtype=np.int64)
    spent_type[place[own]] = view.script_type[view.input_address[inputs[own]]]
    paid_type = view.script_type[activity.output_address].astype(np.int64)
    alike = ~activity.output_is_own & (paid_type == spent_type[activity.output_place])
    return len(np.unique(activity.output_place[alike]))


def multisig_forms(view: View, gathered: Gathered) -> tuple[dict[tuple[int, int], int], int]:
    """Return how many spent addresses of a subject are m-of-n, by (m, n), and of how many.

    A script behind a hash is known once it was spent from, and the ledger keeps what was shown
    first. At most `MOST_SCRIPTS` addresses are looked at, the first by number.
    """
    inputs, _ = _rows(view.first_input, gathered.transactions)
    own = gathered.activity.input_is_own
    addresses, first = np.unique(view.input_address[inputs[own]], return_index=True)
    spends = inputs[own][first]
    forms: dict[tuple[int, int], int] = {}
    looked = addresses[:MOST_SCRIPTS].tolist()
    for address, spend in zip(looked, spends[:MOST_SCRIPTS].tolist(), strict=True):
        form = _multisig_form(view, address, spend)
        if form is not None:
            forms[form] = forms.get(form, 0) + 1
    return forms, len(looked)


def _multisig_form(view: View, address: int, spend: int) -> tuple[int, int] | None:
    """Return m and n of an address that one of its inputs opens, if it is multisig."""
    kind, payload = view.lock(address)
    scripts = [payload] if kind is ScriptType.MULTISIG else []
    if kind in (ScriptType.P2SH, ScriptType.P2WSH):
        begin, end = np.searchsorted(view.reveal_input, [spend, spend + 1]).tolist()
        scripts = [
            view.revealed[view.first_reveal_byte[row] : view.first_reveal_byte[row + 1]].tobytes()
            for row in range(begin, end)
        ]
    for script in scripts:
        try:
            needed, keys = multisig_parts(script)
        except ValueError:
            continue
        return needed, len(keys)
    return None
