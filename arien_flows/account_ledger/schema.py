"""The tables and columns of an account ledger on disk: the one place that says what there is.

A plain column has `width` elements a row. An offsets column has one element more than its table
has rows: the children of row `i` are `[column[i], column[i + 1])`; a bytes column holds the
children of one. All columns are written by appending only, little-endian.

Amounts of movements are two words, for what is below 2**128; the few that are larger stand in a
table of their own (`large`) in four, as do token ids (`token_ids`).
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

ACCOUNT_FORMAT = 1
"""Raised whenever an account ledger is written otherwise; a program reads its own and no other."""

UNKNOWN_DECIMALS = -1

FAMILIES = ("transactions", "addresses", "touches")
"""The indexes: ids of transactions, addresses, and what touches an account (`touches`)."""


class Rows(NamedTuple):
    """Rows of each table, by the names of the tables."""

    blocks: int = 0
    transactions: int = 0
    movements: int = 0
    events: int = 0
    codes: int = 0
    accounts: int = 0
    assets: int = 0
    large: int = 0
    token_ids: int = 0
    marks: int = 0
    text: int = 0
    """Bytes of what contracts say of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountColumn:
    """One fact of a table."""

    table: str
    name: str
    dtype: str
    """NumPy name of the element type; always little-endian on disk."""

    meaning: str
    width: int = 1
    """Elements a row."""

    is_offsets: bool = False

    @property
    def path(self) -> str:
        """Return the file of the column, relative to the ledger's folder."""
        return f"{self.table}/{self.name}"

    @property
    def row_bytes(self) -> int:
        """Return the bytes that one row takes."""
        return np.dtype(self.dtype).itemsize * self.width

    def elements(self, rows: Rows) -> int:
        """Return how many elements belong to so many rows."""
        count: int = getattr(rows, self.table)
        return count + 1 if self.is_offsets else count * self.width


_Fact = tuple[str, str, str] | tuple[str, str, str, int]


def _table(table: str, *facts: _Fact) -> tuple[AccountColumn, ...]:
    return tuple(
        AccountColumn(
            table=table,
            name=fact[0],
            dtype=fact[1].removeprefix("first "),
            meaning=fact[2],
            width=fact[3] if len(fact) == 4 else 1,
            is_offsets=fact[1].startswith("first "),
        )
        for fact in facts
    )


Table = Literal[
    "blocks", "transactions", "movements", "events", "codes", "accounts", "assets", "large",
    "token_ids", "marks", "text",
]  # fmt: skip

ACCOUNT_SCHEMA: tuple[AccountColumn, ...] = (
    *_table(
        "blocks",
        ("height", "int64", "distance from the genesis block"),
        ("block_hash", "uint8", "hash of the block's header", 32),
        ("parent_hash", "uint8", "hash of the block before it", 32),
        ("time", "int64", "seconds since 1970, as the header states"),
        ("fee_recipient", "uint32", "account that the header names"),
        ("first_transaction", "first int64", "number of the block's first transaction"),
        ("first_account", "first int64", "number of the first account that the block brings in"),
        ("calls", "uint8", "chains.ethereum.tables.CallCoverage"),
        ("ordering", "uint8", "chains.ethereum.tables.Ordering"),
        ("openings", "uint8", "chains.ethereum.tables.OpeningCoverage"),
    ),
    *_table(
        "transactions",
        ("tx_hash", "uint8", "transaction id; the block's hash for a system transaction", 32),
        ("tx_kind", "uint8", "chains.ethereum.tables.TransactionKind"),
        ("succeeded", "bool", "whether it took effect"),
        ("sender", "uint32", "account that signed it"),
        ("receiver", "uint32", "account it was sent to, or the contract that it created"),
        ("nonce", "uint64", "place among the sender's transactions"),
        ("selector", "uint32", "first four bytes of what it was sent with, big-endian"),
        ("gas_used", "uint64", "gas that it used"),
        ("gas_price", "uint64", "wei per gas that was paid"),
        ("first_movement", "first int64", "number of its first movement"),
        ("first_event", "first int64", "number of its first event"),
        ("first_code", "first int64", "number of its first code"),
    ),
    *_table(
        "movements",
        ("transaction", "uint32", "transaction that it belongs to"),
        ("kind", "uint8", "chains.ethereum.tables.MovementKind"),
        ("giver", "uint32", "account that gives; NO_ACCOUNT for new units"),
        ("receiver", "uint32", "account that receives; NO_ACCOUNT for what ceases to exist"),
        ("asset", "uint32", "asset number; 0 is the native coin"),
        ("log_index", "int32", "place of the event in its block, or -1"),
        ("low", "uint64", "lowest 64 bits of the amount in base units"),
        ("high", "uint64", "bits 64 to 127 of the amount"),
    ),
    *_table(
        "large",
        ("movement", "int64", "movement whose amount is 2**128 or more; ascending"),
        ("amount", "uint64", "the amount, lowest limb first", 4),
    ),
    *_table(
        "token_ids",
        ("movement", "int64", "movement that names a token id; ascending"),
        ("token_id", "uint64", "the id, lowest limb first", 4),
    ),
    *_table(
        "events",
        ("transaction", "uint32", "transaction that it belongs to"),
        ("kind", "uint8", "chains.ethereum.tables.EventKind"),
        ("log_index", "int32", "place of the event in its block"),
        ("contract", "uint32", "account that emitted it"),
        ("first", "uint32", "account, as EventKind says"),
        ("second", "uint32", "account, as EventKind says"),
        ("third", "uint32", "account, as EventKind says"),
        ("word", "uint8", "32 bytes, as EventKind says", 32),
        ("amount", "uint64", "number, as EventKind says, lowest limb first", 4),
    ),
    *_table(
        "codes",
        ("transaction", "uint32", "transaction that put it there"),
        ("account", "uint32", "account where it stands"),
        ("creator", "uint32", "who created it"),
        ("kind", "uint8", "chains.ethereum.tables.CodeKind"),
        ("code_hash", "uint8", "keccak-256 of the code without its trailer of metadata", 32),
        ("target", "uint32", "what a proxy or a delegation leads to, or NO_ACCOUNT"),
    ),
    *_table("accounts", ("address", "uint8", "the address", 20)),
    *_table(
        "assets",
        ("contract", "uint32", "account of the token's contract; NO_ACCOUNT for the coin"),
        ("standard", "uint8", "MovementKind of its first movement: CALL, TOKEN, NFT, MULTI_TOKEN"),
        ("first_movement", "int64", "its first movement; -1 for the coin"),
        ("decimals", "int16", "digits after the point that the contract states, or -1"),
        ("first_byte", "first int64", "where its texts start"),
        ("name_byte", "int64", "where its name starts; before it stands the symbol"),
    ),
    *_table(
        "marks",
        ("asset", "uint32", "asset whose transfers were found not to tell its balances"),
        ("block", "int64", "row of the block in which that was found; ascending"),
    ),
    *_table("text", ("content", "uint8", "symbols and names that contracts state, UTF-8")),
)
