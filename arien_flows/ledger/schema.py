"""The columns of a Bitcoin ledger, declared once.

A ledger is a set of tables; a table is a set of columns; a column is one little-endian array in a
file of its own. Row numbers are the ids: transactions, outputs, inputs and addresses are numbered
densely in chain order, from 0. Numbers are meaningful inside one ledger and one generation of it
only, and never leave the process.

Three shapes of column exist: a plain one holds one value (or a fixed number of bytes) a row; an
*offsets* column holds one entry more than rows and gives the children of row `i` as
`[column[i], column[i + 1])`; a *bytes* column holds the children of an offsets column.

All columns are written by appending only, but for `outputs/spender`, whose aligned 4-byte words
are written in place.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

FORMAT_VERSION = 2
"""Raised whenever a ledger is written otherwise; a program reads its own format and no other."""

NO_ADDRESS = 0xFFFF_FFFF
"""Address number of an output that nobody can ever spend (OP_RETURN)."""

UNSPENT = 0xFFFF_FFFF
"""Spender of an output that no transaction of the ledger spends."""

EXTERNAL = -1
"""Spent output of an input whose funding transaction lies outside the ledger."""

Table = Literal[
    "blocks", "transactions", "inputs", "outputs", "addresses", "reveals", "links",
    "op_returns", "overwrites",
]  # fmt: skip
TABLES: tuple[Table, ...] = (
    "blocks", "transactions", "inputs", "outputs", "addresses", "reveals", "links",
    "op_returns", "overwrites",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One fact of a table."""

    table: Table
    name: str
    dtype: str
    """NumPy name of the element type; always little-endian on disk."""

    meaning: str
    width: int = 1
    """Elements a row; txids are 32 bytes."""

    shape: Literal["plain", "offsets", "bytes"] = "plain"
    offsets: str = ""
    """For a bytes column: the offsets column of the same table that delimits its rows."""

    in_place: bool = False

    @property
    def path(self) -> str:
        """Return the file of the column, relative to the ledger's folder."""
        return f"{self.table}/{self.name}"

    @property
    def row_bytes(self) -> int:
        """Return the bytes that one element group takes."""
        return np.dtype(self.dtype).itemsize * self.width


def _column(table: Table, name: str, dtype: str, meaning: str, width: int = 1) -> Column:
    return Column(table=table, name=name, dtype=dtype, meaning=meaning, width=width)


def _offsets(table: Table, name: str, meaning: str) -> Column:
    return Column(table=table, name=name, dtype="int64", meaning=meaning, shape="offsets")


def _bytes(table: Table, name: str, offsets: str, meaning: str) -> Column:
    return Column(
        table=table, name=name, dtype="uint8", meaning=meaning, shape="bytes", offsets=offsets
    )


SCHEMA: tuple[Column, ...] = (
    _column("blocks", "header", "uint8", "the 80 bytes that the block hash covers", 80),
    _column("blocks", "height", "uint32", "distance from the genesis block"),
    _offsets("blocks", "first_transaction", "number of the block's first transaction"),
    _column("blocks", "coinbase_sequence", "uint32", "sequence of the coinbase input"),
    _offsets("blocks", "first_coinbase_byte", "where the block's coinbase script starts"),
    _bytes("blocks", "coinbase_script", "first_coinbase_byte", "scripts of coinbase inputs"),
    _column("transactions", "txid", "uint8", "transaction id in stored byte order", 32),
    _offsets("transactions", "first_input", "number of the first input; coinbases have none"),
    _offsets("transactions", "first_output", "number of the first output"),
    _column("transactions", "fee", "int64", "inputs minus outputs in satoshi; 0 for a coinbase"),
    _column("transactions", "version", "int32", "transaction version"),
    _column("transactions", "locktime", "uint32", "lock time as serialised"),
    _column("transactions", "stripped_size", "uint32", "bytes without witness"),
    _column("transactions", "witness_size", "uint32", "bytes of the witness, marker and flag in"),
    _column("inputs", "spent_output", "int64", "number of the spent output, or EXTERNAL"),
    _column("inputs", "sequence", "uint32", "sequence as serialised"),
    _column("inputs", "address", "uint32", "address number of the spent output"),
    _column("inputs", "value", "int64", "satoshi of the spent output"),
    _column("inputs", "sighash", "uint8", "chains.tables.SighashClass"),
    _column("inputs", "flags", "uint8", "chains.tables.InputFlag"),
    _column("outputs", "value", "int64", "satoshi"),
    _column("outputs", "address", "uint32", "address number, or NO_ADDRESS"),
    Column(
        table="outputs",
        name="spender",
        dtype="uint32",
        meaning="number of the spending transaction, or UNSPENT",
        in_place=True,
    ),
    _column("addresses", "script_type", "uint8", "chains.tables.ScriptType"),
    _offsets("addresses", "first_payload_byte", "where the script's payload starts"),
    _bytes("addresses", "payload", "first_payload_byte", "payloads, as ScriptType says"),
    _column("reveals", "input", "int64", "number of the input that shows it; ascending"),
    _column("reveals", "kind", "uint8", "chains.tables.RevealKind"),
    _offsets("reveals", "first_byte", "where the revealed key or script starts"),
    _bytes("reveals", "revealed", "first_byte", "revealed keys and scripts"),
    _column("links", "transaction", "uint32", "transaction that completes the proof; ascending"),
    _column("links", "address", "uint32", "address that the transaction brings in"),
    _column(
        "links", "earlier", "uint32", "lowest address met before that the same key or script opens"
    ),
    _column("links", "rule", "uint8", "LinkRule"),
    _column("op_returns", "output", "int64", "number of the output; ascending"),
    _offsets("op_returns", "first_byte", "where the data starts"),
    _bytes("op_returns", "data", "first_byte", "everything after the OP_RETURN opcode"),
    _column("overwrites", "output", "int64", "output that a later coinbase of the same id voids"),
    _column("overwrites", "transaction", "uint32", "that coinbase (BIP 30); ascending"),
)
