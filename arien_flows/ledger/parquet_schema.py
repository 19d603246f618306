"""The tables of a Parquet export: plain types that every reader of Parquet knows.

An export is the ledger for other programs (DuckDB, Polars, Spark, pandas) and for another machine.
What people know a thing by is there in the form that they know: transaction ids and block hashes in
the byte order in which they are shown, addresses as text. The numbers of transactions, inputs,
outputs and addresses are there as well, because joins on them are quick. They number one export in
chain order and mean nothing outside it: another ledger, or this one after a reorganisation, may
give them to others.
"""

from dataclasses import dataclass

import pyarrow as pa

from arien_flows.ledger.schema import TABLES, Table
from arien_flows.ledger.view import LinkRule
from chains.tables import RevealKind, ScriptType

EXPORT_FORMAT = 1
"""Raised when an older program could misread an export."""

MANIFEST_FILE = "export.json"
SCHEMA_FILE = "schema.md"

SCRIPT_TYPES = {kind.name.lower(): int(kind) for kind in ScriptType}
REVEAL_KINDS = {kind.name.lower(): int(kind) for kind in RevealKind}
LINK_RULES = {rule.name.lower(): int(rule) for rule in LinkRule}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of an exported table."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False


def _field(name: str, type_: pa.DataType, meaning: str, *, nullable: bool = False) -> Field:
    return Field(name=name, type=type_, meaning=meaning, nullable=nullable)


_NUMBER, _SMALL, _TIME = pa.int64(), pa.int32(), pa.timestamp("ms", tz="UTC")
_HASH, _BYTES, _TEXT = pa.binary(32), pa.binary(), pa.string()

EXPORT_TABLES: dict[Table, tuple[Field, ...]] = {
    "blocks": (
        _field("height", _SMALL, "distance from the genesis block"),
        _field("block_hash", _HASH, "in the byte order in which it is shown"),
        _field("header", pa.binary(80), "the bytes that the block hash is the double SHA-256 of"),
        _field("time", _TIME, "the header's own; a miner may set it up to two hours wrong"),
        _field("median_time", _TIME, "median time past: the chain's clock, never runs backwards"),
        _field("first_transaction", _NUMBER, "number of the block's first transaction"),
        _field("transaction_count", _SMALL, "transactions in the block"),
        _field("coinbase_sequence", _NUMBER, "sequence of the coinbase input"),
        _field("coinbase_script", _BYTES, "script of the coinbase input"),
    ),
    "transactions": (
        _field("transaction", _NUMBER, "number, in chain order"),
        _field("height", _SMALL, "height of its block"),
        _field("position", _SMALL, "place in its block; 0 is the coinbase"),
        _field("txid", _HASH, "in the byte order in which it is shown"),
        _field("input_count", _SMALL, "rows in inputs; 0 for a coinbase"),
        _field("output_count", _SMALL, "rows in outputs"),
        _field("fee_sat", _NUMBER, "inputs less outputs; 0 for a coinbase"),
        _field("version", _SMALL, "as serialised"),
        _field("locktime", _NUMBER, "as serialised"),
        _field("stripped_size", _NUMBER, "bytes without witness"),
        _field("witness_size", _NUMBER, "bytes of the witness, marker and flag included"),
    ),
    "inputs": (
        _field("input", _NUMBER, "number, in chain order"),
        _field("transaction", _NUMBER, "the spending transaction"),
        _field("position", _SMALL, "place in the transaction; coinbases have no inputs here"),
        _field("spent_output", _NUMBER, "number of the output that it spends"),
        _field("address", _NUMBER, "address number of that output"),
        _field("value_sat", _NUMBER, "amount of that output"),
        _field("sequence", _NUMBER, "as serialised"),
        _field("sighash", _SMALL, "class of its signatures, a SighashClass"),
        _field("flags", _SMALL, "marks of the input, an InputFlag"),
    ),
    "outputs": (
        _field("output", _NUMBER, "number, in chain order"),
        _field("transaction", _NUMBER, "the transaction that makes it"),
        _field("position", _SMALL, "place in the transaction (vout)"),
        _field("value_sat", _NUMBER, "amount"),
        _field("address", _NUMBER, "address number; null for OP_RETURN", nullable=True),
        _field(
            "spender",
            _NUMBER,
            "the transaction that spends it, or the coinbase that voids it (see overwrites); null "
            "where none up to the tip does",
            nullable=True,
        ),
    ),
    "addresses": (
        _field("address", _NUMBER, "number, in the order of first appearance"),
        _field("script_type", _TEXT, f"one of {', '.join(SCRIPT_TYPES)}"),
        _field("payload", _BYTES, "key, hash or whole script, as the type needs"),
        _field(
            "text",
            _TEXT,
            "the address as people write it; a descriptor for scripts that have no address",
        ),
    ),
    "reveals": (
        _field("input", _NUMBER, "the first input that shows it"),
        _field("kind", _TEXT, f"one of {', '.join(REVEAL_KINDS)}"),
        _field("revealed", _BYTES, "the key or script"),
    ),
    "links": (
        _field("transaction", _NUMBER, "the transaction that completes the proof"),
        _field("address", _NUMBER, "the address that it brings in"),
        _field("earlier_address", _NUMBER, "lowest address met before with the same key or script"),
        _field("rule", _TEXT, f"one of {', '.join(LINK_RULES)}"),
    ),
    "op_returns": (
        _field("output", _NUMBER, "number of the output"),
        _field("data", _BYTES, "everything after the OP_RETURN opcode"),
    ),
    "overwrites": (
        _field("output", _NUMBER, "output that a later coinbase of the same id voids (BIP 30)"),
        _field("transaction", _NUMBER, "that coinbase"),
    ),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Return the schema of an exported table."""
    return pa.schema(
        [
            pa.field(field.name, field.type, nullable=field.nullable)
            for field in EXPORT_TABLES[table]
        ]
    )


def part_path(table: Table, part: int) -> str:
    """Return the file of a part, relative to the export's folder."""
    return f"{table}/part-{part:05d}.parquet"


def schema_text() -> str:
    """Return the description that every export carries."""
    lines = [
        "# Tables of this export",
        "",
        "Each table is a folder of Parquet files, cut at the same blocks; read them together, as",
        "in DuckDB: `SELECT lower(hex(txid)), fee_sat FROM 'transactions/*.parquet' LIMIT 10`.",
        "Rows stand in chain order, and row groups are cut at the same blocks in every table, so",
        "a reader that asks for some heights or numbers passes over the groups of others.",
        "",
        "Amounts are satoshi. Ids and hashes are 32 bytes in the order in which they are shown,",
        "so that their hexadecimal form is what people paste. Columns called transaction, input,",
        "output, spent_output, spender and address hold numbers that join the tables of this",
        "export and mean nothing outside it: never store them, and never compare those of two",
        "exports.",
        f"`{MANIFEST_FILE}` names the network, the last block and the SHA-256 of every file.",
    ]
    for table in TABLES:
        lines += ["", f"## {table}", "", "| column | type | meaning |", "|---|---|---|"]
        for field in EXPORT_TABLES[table]:
            null = ", may be null" if field.nullable else ""
            lines.append(f"| {field.name} | {field.type}{null} | {field.meaning} |")
    return "\n".join(lines) + "\n"
