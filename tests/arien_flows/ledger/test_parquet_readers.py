"""Other programs read in an export what the ledger says: DuckDB and Polars, asked in SQL."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from arien_flows.ledger import parquet_export
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.parquet_export import export_ledger
from arien_flows.ledger.parquet_import import read_export
from arien_flows.ledger.parquet_schema import part_path
from arien_flows.ledger.schema import NO_ADDRESS, TABLES
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN
from tests.arien_flows.ledger.sample_ledger import sample_chain, write_ledger

Ask = Callable[[Path, str], list[tuple[object, ...]]]


def ask_duckdb(directory: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for table in TABLES:
            files = f"{directory / table}/*.parquet"
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{files}'")  # noqa: S608
        return connection.execute(query).fetchall()


def ask_polars(directory: Path, query: str) -> list[tuple[object, ...]]:
    frames = {table: pl.scan_parquet(directory / table / "*.parquet") for table in TABLES}
    with pl.SQLContext(frames) as context:
        return list(context.execute(query, eager=True).rows())


@pytest.fixture(params=[ask_duckdb, ask_polars], ids=["duckdb", "polars"])
def ask(request: pytest.FixtureRequest) -> Ask:
    reader: Ask = request.param
    return reader


def export(root: Path, directory: Path, part_transactions: int) -> tuple[View, Manifest]:
    ledger = Ledger(root)
    export_ledger(
        ledger.view(),
        directory,
        is_current=ledger.is_current,
        part_transactions=part_transactions,
    )
    return ledger.view(), ledger.manifest


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, View]:
    """Return an export of the sample ledger in several parts of several row groups."""
    folder = tmp_path_factory.mktemp("sample")
    write_ledger(folder / "ledger", sample_chain())
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(parquet_export, "GROUP_TRANSACTIONS", 4)
        view, _ = export(folder / "ledger", folder / "export", 10)
    return folder / "export", view


def mismatches(ask: Ask, directory: Path, query: str) -> object:
    return ask(directory, f"SELECT COUNT(*) FROM ({query}) AS wrong")[0][0]  # noqa: S608


def check_sums(ask: Ask, directory: Path, view: View, unspent_sat: int) -> None:
    """Compare counts and sums of every table with what the columns of the ledger give."""
    for table in TABLES:
        counted = ask(directory, f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        assert counted == [(getattr(view.counts, table),)], table
    assert ask(
        directory, "SELECT SUM(fee_sat), SUM(input_count), SUM(output_count) FROM transactions"
    ) == [(int(view.fee.sum()), view.counts.inputs, view.counts.outputs)]
    assert ask(directory, "SELECT SUM(value_sat) FROM inputs") == [(int(view.input_value.sum()),)]
    assert ask(directory, "SELECT SUM(value_sat), SUM(position), COUNT(address) FROM outputs") == [
        (
            int(view.output_value.sum()),
            int((np.arange(view.counts.outputs) - first_outputs(view)).sum()),
            int(np.count_nonzero(view.output_address != NO_ADDRESS)),
        )
    ]
    unspent = ask(directory, "SELECT SUM(value_sat) FROM outputs WHERE spender IS NULL")
    assert unspent == [(unspent_sat,)]


def first_outputs(view: View) -> np.ndarray:
    return np.repeat(view.first_output[:-1], np.diff(view.first_output))


SPEND_JOIN = """
SELECT i.input FROM inputs i LEFT JOIN outputs o ON o.output = i.spent_output
WHERE o.output IS NULL OR o.value_sat <> i.value_sat OR o.address <> i.address
   OR o.spender <> i.transaction
"""
FEE_JOIN = """
SELECT t.transaction FROM transactions t
JOIN (SELECT transaction, SUM(value_sat) AS sat FROM outputs GROUP BY transaction) o
  ON o.transaction = t.transaction
JOIN (SELECT transaction, SUM(value_sat) AS sat FROM inputs GROUP BY transaction) i
  ON i.transaction = t.transaction
WHERE i.sat - o.sat <> t.fee_sat
"""
SPENDING = "SELECT COUNT(*) FROM inputs i JOIN outputs o ON o.output = i.spent_output"


def test_readers__sum_to_what_the_ledger_says(ask: Ask, sample: tuple[Path, View]) -> None:
    directory, view = sample
    unspent = view.spenders(np.arange(view.counts.outputs)) < 0
    check_sums(ask, directory, view, int(view.output_value[unspent].sum()))


def test_readers__find_inputs_and_outputs_that_agree(ask: Ask, sample: tuple[Path, View]) -> None:
    directory, view = sample
    assert ask(directory, SPENDING) == [(view.counts.inputs,)]
    assert mismatches(ask, directory, SPEND_JOIN) == 0
    assert mismatches(ask, directory, FEE_JOIN) == 0


def test_readers__give_each_address_its_balance(ask: Ask, sample: tuple[Path, View]) -> None:
    directory, view = sample
    found = ask(
        directory,
        "SELECT a.text, SUM(o.value_sat) AS sat, COUNT(*) AS outputs "
        "FROM addresses a JOIN outputs o ON o.address = a.address GROUP BY a.text",
    )
    totals = {
        view.address_text(number): view.totals(number).received_sat
        for number in range(view.counts.addresses)
    }
    # A descriptor of a script without address stands for that one script, so texts are unique.
    assert {text: sat for text, sat, _ in found} == totals


def test_readers__know_what_a_null_is(ask: Ask, sample: tuple[Path, View]) -> None:
    directory, view = sample
    nobody = ask(
        directory,
        "SELECT COUNT(*) FROM outputs o JOIN op_returns r ON r.output = o.output "
        "WHERE o.address IS NULL",
    )
    assert nobody == [(view.counts.op_returns,)]
    assert view.counts.op_returns > 0


def test_export__row_groups_hold_the_same_whole_blocks_in_every_table(
    sample: tuple[Path, View],
) -> None:
    directory, _ = sample
    groups = 0
    last = -1
    for part in range(len(read_export(directory).parts)):
        heights = extents(directory / part_path("transactions", part), "height")
        assert heights == extents(directory / part_path("blocks", part), "height")
        for low, high in heights:
            assert low > last
            last = high
        whole = extents(directory / part_path("transactions", part), "transaction")
        assert extents(directory / part_path("outputs", part), "transaction") == whole
        for low, high in extents(directory / part_path("inputs", part), "transaction"):
            assert any(first <= low <= high <= end for first, end in whole)
        groups += len(whole)
    assert groups > len(read_export(directory).parts)


def extents(path: Path, column: str) -> list[tuple[int, int]]:
    """Return the lowest and highest value of a column in each row group, as its statistics say."""
    file = pq.ParquetFile(path)
    place = file.schema_arrow.names.index(column)
    groups = [file.metadata.row_group(i).column(place) for i in range(file.num_row_groups)]
    return [(group.statistics.min, group.statistics.max) for group in groups]


@pytest.mark.slow
def test_readers__sum_a_real_chain(ask: Ask, shared_data: Path, tmp_path: Path) -> None:
    source = BlockFiles(shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat", BITCOIN)
    with LedgerWriter(tmp_path / "ledger", BITCOIN) as writer:
        ingest(writer, source)
    view, manifest = export(tmp_path / "ledger", tmp_path / "export", 1000)
    check_sums(ask, tmp_path / "export", view, manifest.unspent_sat)
    assert mismatches(ask, tmp_path / "export", SPEND_JOIN) == 0
