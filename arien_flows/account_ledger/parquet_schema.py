"""The tables of an exported account ledger, for whoever reads it with other tools.

Addresses and hashes are bytes, as they stand in the chain. Amounts are 32 bytes, most significant
first, which compare as numbers do, and beside them decimal text: a decimal type of 256 bits holds
76 digits, and an amount has up to 78. Base units throughout.
"""

import pyarrow as pa

from chains.ethereum.tables import CodeKind, EventKind, MovementKind

EXPORT_FORMAT = 1
MANIFEST_FILE = "manifest.json"
SCHEMA_FILE = "SCHEMA.md"

_ADDRESS = pa.binary(20)
_HASH = pa.binary(32)
_AMOUNT = pa.binary(32)

_Field = tuple[str, pa.DataType, str]

EXPORT_TABLES: dict[str, tuple[_Field, ...]] = {
    "blocks": (
        ("height", pa.int64(), "distance from the genesis block"),
        ("block_hash", _HASH, "hash of the header"),
        ("parent_hash", _HASH, "hash of the block before it"),
        ("time", pa.timestamp("s", tz="UTC"), "as the header states"),
        ("fee_recipient", _ADDRESS, "whom the header names; null where nobody"),
        ("transactions", pa.int64(), "rows of the table of transactions that belong to it"),
        ("calls_known", pa.bool_(), "whether value that contracts passed on is known"),
        ("order_known", pa.bool_(), "whether the order inside transactions is that of execution"),
        ("openings_known", pa.bool_(), "whether accounts that appear have what they held before"),
    ),
    "transactions": (
        ("transaction", pa.int64(), "number, in chain order; other tables refer to it"),
        ("height", pa.int64(), "block"),
        ("tx_hash", _HASH, "id; the block's hash for what moved outside any transaction"),
        ("type", pa.int16(), "type byte of the envelope; 255 for what moved outside any"),
        ("succeeded", pa.bool_(), "whether it took effect"),
        ("sender", _ADDRESS, "who signed it"),
        ("receiver", _ADDRESS, "whom it was sent to, or the contract that it created"),
        ("nonce", pa.uint64(), "place among the sender's transactions"),
        ("selector", pa.uint32(), "first four bytes of its data, big-endian"),
        ("gas_used", pa.uint64(), "gas that it used"),
        ("gas_price", pa.uint64(), "wei per gas that was paid"),
    ),
    "movements": (
        ("transaction", pa.int64(), "transaction"),
        ("kind", pa.string(), "what moved the value: " + ", ".join(k.name for k in MovementKind)),
        ("giver", _ADDRESS, "null for new units"),
        ("receiver", _ADDRESS, "null for what ceases to exist"),
        ("contract", _ADDRESS, "of the token; null for the native coin"),
        ("amount", _AMOUNT, "base units, 32 bytes, most significant first"),
        ("amount_text", pa.string(), "the same as decimal digits"),
        ("token_id", _AMOUNT, "of an NFT or ERC-1155 token; null for others"),
        ("log_index", pa.int32(), "place of the event in its block; -1 for what no event tells"),
    ),
    "events": (
        ("transaction", pa.int64(), "transaction"),
        ("kind", pa.string(), "what happened: " + ", ".join(k.name for k in EventKind)),
        ("log_index", pa.int32(), "place of the event in its block"),
        ("contract", _ADDRESS, "who emitted it"),
        ("first", _ADDRESS, "account, as the kind says"),
        ("second", _ADDRESS, "account, as the kind says"),
        ("third", _ADDRESS, "account, as the kind says"),
        ("word", _HASH, "32 bytes, as the kind says"),
        ("amount", _AMOUNT, "number, as the kind says, most significant byte first"),
    ),
    "codes": (
        ("transaction", pa.int64(), "transaction that put it there"),
        ("account", _ADDRESS, "where it stands"),
        ("creator", _ADDRESS, "who created it"),
        ("kind", pa.string(), "what it is: " + ", ".join(k.name for k in CodeKind)),
        ("code_hash", _HASH, "keccak-256 of the code without the compiler's trailer"),
        ("target", _ADDRESS, "what a proxy or a delegation leads to"),
    ),
    "assets": (
        ("contract", _ADDRESS, "of the token"),
        ("first_transaction", pa.int64(), "first transaction that moved it"),
        ("symbol", pa.string(), "as the contract says, which proves nothing"),
        ("name", pa.string(), "as the contract says"),
        ("decimals", pa.int16(), "as the contract says; null where it does not"),
        ("not_conserving_from", pa.int64(), "height at which its transfers were found not to tell "
         "its balances; null where they do"),
    ),
}  # fmt: skip
"""The tables, each with its columns in order: name, type, meaning."""


def arrow_schema(table: str) -> pa.Schema:
    """Return the schema of a table."""
    return pa.schema([pa.field(name, kind) for name, kind, _ in EXPORT_TABLES[table]])


def part_path(table: str, part: int) -> str:
    """Return the file of a part, relative to the export's folder."""
    return f"{table}/part-{part:05d}.parquet"


def schema_text() -> str:
    """Return the description that an export carries."""
    lines = [
        "# Export of a ledger of accounts",
        "",
        "One folder a table, cut into parts at block boundaries; rows stand in chain order. "
        "Amounts are base units: 32 bytes, most significant first, and decimal text beside.",
    ]
    for table, fields in EXPORT_TABLES.items():
        lines += ["", f"## {table}", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {name} | {kind} | {meaning} |" for name, kind, meaning in fields]
    return "\n".join(lines) + "\n"
