"""A whole-ledger taint as files: its answer, its sources, every coin, and every fee.

Files are made in a folder beside the one that is asked for and put in their place when all of them
are whole. A run that is broken off, or fails, leaves nothing.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arien_flows.attribution.ownership import roots_of
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.tracing.answer import canonical_json
from arien_flows.tracing.manifest import run_manifest
from arien_flows.tracing.sweep import Swept
from arien_flows.tracing.sweep_answer import TaintAnswer
from arien_flows.tracing.sweep_request import SOURCES_FILE
from chains.types import Int64Array
from heuristics.taint import Stop

COINS_FILE = "coins.parquet"
FEES_FILE = "fees.parquet"
ANSWER_FILE = "taint.json"
MANIFEST_FILE = "manifest.json"

ROWS_AT_ONCE = 1 << 17

COIN_SCHEMA = pa.schema(
    [
        pa.field("outpoint", pa.string(), nullable=False),
        pa.field("address", pa.string()),
        pa.field("entity", pa.string()),
        pa.field("value", pa.int64(), nullable=False),
        pa.field("tainted", pa.int64(), nullable=False),
        pa.field("segments", pa.int32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("height", pa.int64(), nullable=False),
    ]
)
"""Amounts in base units; a source stands here for what returned to it (`retainted`), and again if
taint rests on it. `height` is that of the block that pays the coin."""

FEE_SCHEMA = pa.schema(
    [
        pa.field("txid", pa.string(), nullable=False),
        pa.field("tainted", pa.int64(), nullable=False),
        pa.field("height", pa.int64(), nullable=False),
    ]
)
"""Tainted fees, in base units; where fees are followed, what coinbases did not claim of them."""


@contextmanager
def folder_in_the_making(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, whose files come to stand in `folder` at the end.

    Nothing is left of it when the body raises, and files of the same names in `folder` stay.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the results")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield making
        folder.mkdir(exist_ok=True)
        for file in sorted(making.iterdir()):
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(making, ignore_errors=True)


class FeeRows:
    """Writes tainted fees to a file as they come, so that they need no memory."""

    def __init__(self, view: View, folder: Path) -> None:
        self._view = view
        self._writer = _writer(folder / FEES_FILE, FEE_SCHEMA)

    def take(self, transactions: Int64Array, amounts: Int64Array) -> None:
        """Write some more rows."""
        for start in range(0, len(transactions), ROWS_AT_ONCE):
            rows = transactions[start : start + ROWS_AT_ONCE]
            columns = [
                pa.array(self._view.txid_texts(rows), pa.string()),
                pa.array(amounts[start : start + ROWS_AT_ONCE]),
                pa.array(self._view.heights_of(rows)),
            ]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=FEE_SCHEMA))

    def __enter__(self) -> "FeeRows":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()


def write_answer(swept: Swept, answer: TaintAnswer, folder: Path) -> None:
    """Write the answer, and what `arien-flows replay` makes it again from."""
    (folder / ANSWER_FILE).write_bytes(canonical_json(answer) + b"\n")
    made_by = run_manifest(answer.request, answer.manifest)
    (folder / MANIFEST_FILE).write_bytes(canonical_json(made_by) + b"\n")
    (folder / SOURCES_FILE).write_bytes(swept.request.sources_file)


def write_coins(swept: Swept, folder: Path) -> None:
    """Write every coin at which taint came to rest, in chain order."""
    with _writer(folder / COINS_FILE, COIN_SCHEMA) as writer:
        for start in range(0, len(swept.found.output), ROWS_AT_ONCE):
            writer.write_table(_coin_rows(swept, slice(start, start + ROWS_AT_ONCE)))


def _coin_rows(swept: Swept, these: slice) -> pa.Table:
    view, found = swept.ground.view, swept.found
    outputs = found.output[these]
    transactions = view.transactions_of_outputs(outputs)
    txids = view.txid_texts(transactions)
    vouts = (outputs - view.first_output[transactions]).tolist()
    address = view.output_address[outputs].astype(np.int64)
    reasons = [Stop(reason).name.lower() for reason in found.reason[these].tolist()]
    return pa.Table.from_arrays(
        [
            pa.array([f"{txid}:{vout}" for txid, vout in zip(txids, vouts, strict=True)]),
            pa.array(view.address_texts(address), pa.string()),
            pa.array(view.address_texts(roots_of(swept.ground.entities, address)), pa.string()),
            pa.array(view.output_value[outputs]),
            pa.array(found.amount[these]),
            pa.array(found.segments[these]),
            pa.array(reasons),
            pa.array(view.heights_of(transactions)),
        ],
        schema=COIN_SCHEMA,
    )


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)
