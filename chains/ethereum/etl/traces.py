"""Calls, token transfers and code of an export.

Traces hold one row for each frame. A row with an error, and every row under it, moved nothing;
newer exports say so in a column, older ones leave it to the reader. The order of execution is that
of the frames' places in the tree of calls; rows may stand in any other, as they do where a database
wrote the files.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chains.errors import MalformedBlockError
from chains.ethereum.decode.calls import CallBook
from chains.ethereum.decode.frames import Frame
from chains.ethereum.decode.rows import (
    AFTER_CALLS,
    BlockRows,
    MoveRows,
    TransactionRows,
    coin_moves,
    joined,
)
from chains.ethereum.etl.rows import (
    PLACE_BITS,
    Stretch,
    StretchTransactions,
    check_places,
    transactions_at,
)
from chains.ethereum.etl.text import amounts, fixed_bytes, heights, is_there, texts
from chains.ethereum.quantities import ints_of
from chains.ethereum.tables import MovementKind
from chains.types import BoolArray, Int64Array, UInt8Array, UInt64Array

_TRACES = ("block_number", "transaction_index", "from_address", "to_address", "value", "output",
           "trace_type", "call_type", "trace_address", "error", "status")  # fmt: skip
_TRANSFERS = ("token_address", "from_address", "to_address", "value", "transaction_hash",
              "log_index", "block_number")  # fmt: skip
_SYSTEM = {
    "reward": MovementKind.REWARD,
    "genesis": MovementKind.GENESIS,
    "daofork": MovementKind.CALL,
}

_Names = NDArray[np.str_]
_Steps = tuple[int, ...]
"""The place of a frame in the tree of calls."""

_MOST_KNOWN = 1 << 16

Paid = tuple[int, MovementKind, bytes | None, bytes, int]
"""What moved outside transactions: block, kind, giver, receiver, wei."""


@dataclass(frozen=True, slots=True)
class StretchCalls:
    """What the traces of a stretch tell."""

    moves: MoveRows
    succeeded: BoolArray
    """Of each transaction."""

    system: list[Paid]


def read_traces(
    stretch: Stretch, blocks: BlockRows, transactions: StretchTransactions, book: CallBook
) -> StretchCalls:
    """Read the traces of a stretch; code that was created is taken down in `book`."""
    table = stretch.folder.rows("traces", _TRACES, stretch.first, stretch.last)
    kinds = _kinds(table["trace_type"])
    block = heights(table["block_number"], "traces.block_number") - stretch.first
    is_system = np.isin(kinds, list(_SYSTEM))
    system = _system(table.filter(pa.array(is_system)), kinds[is_system], block[is_system])
    table, kinds = table.filter(pa.array(~is_system)), kinds[~is_system]
    transaction = transactions_at(table, block[~is_system], blocks, "traces")
    order, steps = _in_execution(table["trace_address"], transaction)
    frames = _Frames(table.take(pa.array(order)), kinds[order], transaction[order], steps, stretch)
    frames.check(len(transactions.is_creation))
    succeeded = frames.effective[frames.root]
    stated = transactions.states_success
    if np.any(stated & (succeeded != transactions.rows.succeeded)):
        row = int(np.flatnonzero(stated & (succeeded != transactions.rows.succeeded))[0])
        tx_hash = transactions.rows.tx_hash[row].tobytes().hex()
        raise MalformedBlockError(
            f"traces and receipts do not agree on whether 0x{tx_hash} succeeded"
        )
    return StretchCalls(frames.moves(blocks, book), succeeded, system)


def _kinds(column: "pa.ChunkedArray") -> _Names:
    return np.asarray(texts(column).to_numpy(zero_copy_only=False)).astype("U12")


def _system(table: "pa.Table", kinds: _Names, block: Int64Array) -> list[Paid]:
    giver = fixed_bytes(table["from_address"], 20, "traces.from_address")
    there = is_there(table["from_address"])
    gets = fixed_bytes(table["to_address"], 20, "traces.to_address")
    values = ints_of(amounts(table["value"], "traces.value"))
    return [
        (
            int(block[row]),
            _SYSTEM[str(kinds[row])],
            giver[row].tobytes() if there[row] and kinds[row] == "daofork" else None,
            gets[row].tobytes(),
            values[row],
        )
        for row in range(len(values))
        if values[row]
    ]


class _Frames:
    """Frames in order of execution, transaction by transaction."""

    def __init__(
        self,
        table: "pa.Table",
        kinds: _Names,
        transaction: Int64Array,
        steps: list[_Steps],
        stretch: Stretch,
    ) -> None:
        self._table = table
        self._kinds = kinds
        self._transaction = transaction
        self._steps = steps
        self._pool = stretch.pool
        self.root = np.flatnonzero(np.diff(transaction, prepend=-1))
        self.effective = self._effective()

    def check(self, count: int) -> None:
        """See that every transaction has its frames, and its own call first."""
        is_whole = np.array_equal(self._transaction[self.root], np.arange(count))
        if not is_whole or any(self._steps[row] for row in self.root.tolist()):
            raise MalformedBlockError("a transaction has no trace of its own call; export all")

    def _effective(self) -> BoolArray:
        """Return which frames took effect."""
        failed = is_there(self._table["error"])
        effective: BoolArray = ~failed
        status = self._table["status"]
        effective &= np.asarray(
            pc.fill_null(pc.not_equal(texts(status), "0"), True).to_numpy(zero_copy_only=False)
        )
        owners = np.isin(self._transaction, np.unique(self._transaction[failed]))
        dropped: tuple[int, _Steps] | None = None
        for row in np.flatnonzero(owners).tolist():
            owner, address = int(self._transaction[row]), self._steps[row]
            if dropped and dropped[0] == owner and address[: len(dropped[1])] == dropped[1]:
                effective[row] = False
            elif failed[row]:
                dropped = (owner, address)
        return effective

    def moves(self, blocks: BlockRows, book: CallBook) -> MoveRows:
        """Return what moved; transactions with a self-destruct go through the book."""
        table, kinds = self._table, self._kinds
        known = np.isin(kinds, ["call", "create", "suicide"])
        if not known.all():
            raise MalformedBlockError(f"traces.trace_type is {kinds[~known][0]!r}")
        value = amounts(table["value"], "traces.value")
        giver = fixed_bytes(table["from_address"], 20, "traces.from_address")
        gets = fixed_bytes(table["to_address"], 20, "traces.to_address")
        is_call = (kinds == "call") & np.asarray(
            pc.equal(pc.fill_null(texts(table["call_type"]), "call"), "call").to_numpy(
                zero_copy_only=False
            )
        )
        counts = self.effective & (is_call | (kinds == "create"))
        ends = np.isin(self._transaction, self._transaction[kinds == "suicide"])
        self._take_down(book, blocks, np.flatnonzero(ends), giver, gets, value, is_call)
        for row in np.flatnonzero(self.effective & (kinds == "create") & ~ends).tolist():
            book.code(
                int(self._transaction[row]), gets[row].tobytes(), giver[row].tobytes(),
                self._code(row),
            )  # fmt: skip
        rows = np.flatnonzero(counts & ~ends & value.any(axis=1))
        kind = np.where(kinds[rows] == "create", MovementKind.CREATE, MovementKind.CALL)
        plain = coin_moves(
            self._transaction[rows],
            rows,
            kind.astype(np.uint8),
            self._pool.many(giver[rows]),
            self._pool.many(gets[rows]),
            value[rows],
        )
        return joined([plain, book.moves()])

    def _take_down(
        self,
        book: CallBook,
        blocks: BlockRows,
        rows: Int64Array,
        giver: UInt8Array,
        gets: UInt8Array,
        value: UInt64Array,
        is_call: BoolArray,
    ) -> None:
        values = ints_of(value[rows])
        by_transaction: dict[int, list[Frame]] = {}
        for at, row in enumerate(rows.tolist()):
            kind = _frame_kind(str(self._kinds[row]))
            if self.effective[row] and (is_call[row] or kind != MovementKind.CALL):
                code = self._code(row) if kind == MovementKind.CREATE else None
                frame = Frame(
                    row, kind, giver[row].tobytes(), gets[row].tobytes(), values[at], code
                )
                by_transaction.setdefault(int(self._transaction[row]), []).append(frame)
        for transaction, frames in by_transaction.items():
            block = int(np.searchsorted(blocks.first_transaction, transaction, "right")) - 1
            book.take(transaction, frames, keeps_destroyed=bool(blocks.keeps_destroyed[block]))

    def _code(self, row: int) -> bytes:
        text = self._table["output"][row].as_py() or "0x"
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            raise MalformedBlockError("traces.output is not hexadecimal") from None


def _frame_kind(name: str) -> MovementKind:
    if name == "suicide":
        return MovementKind.SELF_DESTRUCT
    return MovementKind.CREATE if name == "create" else MovementKind.CALL


def _in_execution(
    column: "pa.ChunkedArray", transaction: Int64Array
) -> tuple[Int64Array, list[_Steps]]:
    """Return rows by transaction and order of execution, and each one's place in its tree."""
    order = np.argsort(transaction, kind="stable")
    written = column.take(pa.array(order)).to_pylist()
    steps = [_steps(each if isinstance(each, str) else _joined(each)) for each in written]
    places = list(zip(transaction[order].tolist(), steps, strict=True))
    if any(after <= before for before, after in pairwise(places)):
        rows = sorted(range(len(places)), key=places.__getitem__)
        if any(places[before] == places[after] for before, after in pairwise(rows)):
            raise MalformedBlockError(
                "a frame of traces is there twice: are there two exports of the same blocks?"
            )
        order, steps = order[rows], [steps[row] for row in rows]
    return order, steps


def _joined(steps: list[int] | None) -> str:
    return ",".join(map(str, steps)) if steps else ""


@lru_cache(maxsize=_MOST_KNOWN)
def _steps(text: str) -> _Steps:
    """Return the place that a text says; a few of them are those of nearly all frames."""
    try:
        return tuple(int(step) for step in text.split(",") if step != "")
    except ValueError:
        raise MalformedBlockError(f"traces.trace_address is {ascii(text)[:40]}") from None


def own_moves(transactions: StretchTransactions) -> MoveRows:
    """Return what transactions themselves moved, where nothing was traced."""
    rows = transactions.rows
    chosen = np.flatnonzero(rows.succeeded & rows.value.any(axis=1))
    kind = np.where(transactions.is_creation[chosen], MovementKind.CREATE, MovementKind.CALL)
    return coin_moves(
        chosen,
        np.zeros(len(chosen), np.int64),
        kind.astype(np.uint8),
        rows.sender[chosen],
        rows.receiver[chosen],
        rows.value[chosen],
    )


def read_transfers(stretch: Stretch, transactions: TransactionRows) -> MoveRows:
    """Read token transfers, for an export without the events that they were made of."""
    table = stretch.folder.rows("token_transfers", _TRANSFERS, stretch.first, stretch.last)
    log_index = heights(table["log_index"], "token_transfers.log_index")
    block = heights(table["block_number"], "token_transfers.block_number") - stretch.first
    check_places(np.sort((block << PLACE_BITS) + log_index), log_index, "token_transfers")
    stated = fixed_bytes(table["transaction_hash"], 32, "token_transfers.transaction_hash")
    pool, count = stretch.pool, len(log_index)
    token = fixed_bytes(table["token_address"], 20, "token_transfers.token_address")
    giver = fixed_bytes(table["from_address"], 20, "token_transfers.from_address")
    gets = fixed_bytes(table["to_address"], 20, "token_transfers.to_address")
    return MoveRows(
        transaction=_by_hash(stated, transactions.tx_hash),
        sequence=log_index + AFTER_CALLS,
        kind=np.full(count, MovementKind.TOKEN, np.uint8),
        giver=pool.many(giver),
        gets=pool.many(gets),
        asset=pool.many(token),
        amount=amounts(table["value"], "token_transfers.value"),
        log_index=log_index.astype(np.int32),
        names_token=np.zeros(count, np.bool_),
        token_id=np.zeros((count, 4), np.uint64),
    )


def _by_hash(wanted: UInt8Array, hashes: UInt8Array) -> Int64Array:
    """Return the row of each hash among `hashes`."""
    if not len(wanted):
        return np.empty(0, np.int64)
    known = np.ascontiguousarray(hashes).view("S32").reshape(-1)
    order = np.argsort(known)
    place = np.searchsorted(known[order], np.ascontiguousarray(wanted).view("S32").reshape(-1))
    row = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros(0, np.int64)
    if not len(order) or not np.array_equal(hashes[row], wanted):
        raise MalformedBlockError("a token transfer is of a transaction that is not exported")
    return row
