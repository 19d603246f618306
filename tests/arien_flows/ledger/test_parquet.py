"""Exports say what the ledger says, and come back byte for byte."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError, SourceError, StaleSnapshotError
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.parquet_export import ExportStep, Summary, export_ledger
from arien_flows.ledger.parquet_import import import_ledger, read_export
from arien_flows.ledger.parquet_schema import EXPORT_TABLES, MANIFEST_FILE, part_path
from arien_flows.ledger.parquet_texts import address_texts
from arien_flows.ledger.schema import TABLES, Table
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.address import address_text
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import BITCOIN, NETWORKS, REGTEST, Network
from chains.tables import RevealKind, ScriptType
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.sample_ledger import COIN, sample_chain, write_ledger
from tests.arien_flows.ledger.stores import columns_of, manifest_of
from tests.ledgers import Chain, Tx, batch_of
from tests.regtest_chain import RegtestChain

Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample")
    write_ledger(root, sample_chain())
    return root


@pytest.fixture(scope="module")
def exported(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export of the sample ledger in several parts."""
    directory = tmp_path_factory.mktemp("exports") / "export"
    export(sample, directory, part_transactions=10)
    return directory


@pytest.fixture
def broken(exported: Path, tmp_path: Path) -> Path:
    """Return a copy of the export that a test may break."""
    return Path(shutil.copytree(exported, tmp_path / "export"))


def export(root: Path, directory: Path, *, part_transactions: int = 500_000) -> Summary:
    ledger = Ledger(root)
    return export_ledger(
        ledger.view(),
        directory,
        is_current=ledger.is_current,
        part_transactions=part_transactions,
    )


def table_of(directory: Path, table: Table) -> pa.Table:
    parts = sorted((directory / table).glob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(part).read() for part in parts])


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


# --- there and back


@pytest.mark.parametrize("part_transactions", [1, 7, 10, 1000])
def test_import__gives_back_the_exported_columns(
    sample: Path, tmp_path: Path, part_transactions: int
) -> None:
    summary = export(sample, tmp_path / "export", part_transactions=part_transactions)
    steps: list[ExportStep] = []
    taken = import_ledger(tmp_path / "export", tmp_path / "copy", REGTEST, report=steps.append)
    assert taken == summary
    assert len(steps) == summary.parts
    assert columns_of(tmp_path / "copy") == columns_of(sample)
    copied, original = manifest_of(tmp_path / "copy"), manifest_of(sample)
    assert copied.counts == original.counts
    assert copied.byte_counts == original.byte_counts
    assert copied.unspent_sat == original.unspent_sat
    assert {path.name for path in tmp_path.iterdir()} == {"export", "copy"}


@pytest.mark.slow
@settings(max_examples=10)
@given(st.randoms(use_true_random=False), st.integers(1, 20))
def test_import__gives_back_any_ledger(
    tmp_path_factory: pytest.TempPathFactory, random: Random, part_transactions: int
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    write_ledger(folder / "ledger", random_chain(random, 8))
    export(folder / "ledger", folder / "export", part_transactions=part_transactions)
    import_ledger(folder / "export", folder / "copy", REGTEST)
    assert columns_of(folder / "copy") == columns_of(folder / "ledger")


@pytest.mark.slow
def test_import__a_ledger_goes_on_where_the_export_ended(tmp_path: Path) -> None:
    chain = sample_chain()
    short = Chain(blocks=chain.blocks[:7])
    write_ledger(tmp_path / "short", short)
    export(tmp_path / "short", tmp_path / "export")
    import_ledger(tmp_path / "export", tmp_path / "copy", REGTEST)
    with LedgerWriter(tmp_path / "copy", REGTEST) as writer:
        writer.append(batch_of(chain.blocks[7:]))
    write_ledger(tmp_path / "whole", chain)
    assert columns_of(tmp_path / "copy") == columns_of(tmp_path / "whole")


@pytest.mark.slow
def test_import__gives_back_the_real_chain(shared_data: Path, tmp_path: Path) -> None:
    source = BlockFiles(shared_data / "btc_blocks" / "chain_mainnet_0_4312.dat", BITCOIN)
    with LedgerWriter(tmp_path / "ledger", BITCOIN) as writer:
        ingest(writer, source)
    summary = export(tmp_path / "ledger", tmp_path / "export", part_transactions=1000)
    assert summary.parts == 5
    import_ledger(tmp_path / "export", tmp_path / "copy", BITCOIN)
    assert columns_of(tmp_path / "copy") == columns_of(tmp_path / "ledger")


@pytest.mark.slow
def test_import__gives_back_the_chain_of_a_real_node(
    regtest_chain: RegtestChain, tmp_path: Path
) -> None:
    source = BlockFiles(regtest_chain.datadir, REGTEST, batch_bytes=20_000)
    with LedgerWriter(tmp_path / "ledger", REGTEST) as writer:
        ingest(writer, source)
    view = Ledger(tmp_path / "ledger").view()
    # All kinds of reveals, those of taproot leaves too, are among what the import verifies.
    assert {RevealKind(int(kind)) for kind in view.reveal_kind} == set(RevealKind)
    export(tmp_path / "ledger", tmp_path / "export", part_transactions=50)
    import_ledger(tmp_path / "export", tmp_path / "copy", REGTEST)
    assert columns_of(tmp_path / "copy") == columns_of(tmp_path / "ledger")
    texts = table_of(tmp_path / "export", "addresses")["text"].to_pylist()
    assert texts == [view.address_text(number) for number in range(view.counts.addresses)]


def test_export__is_the_same_bytes_each_time(sample: Path, exported: Path, tmp_path: Path) -> None:
    export(sample, tmp_path / "again", part_transactions=10)
    assert files_of(tmp_path / "again") == files_of(exported)


# --- what it says


def test_export__has_documented_tables_cut_at_blocks(exported: Path) -> None:
    description = (exported / "schema.md").read_text()
    manifest = read_export(exported)
    assert len(manifest.parts) > 2
    for table in TABLES:
        content = table_of(exported, table)
        assert content.num_rows == getattr(manifest.counts, table)
        assert content.column_names == [field.name for field in EXPORT_TABLES[table]]
        assert f"## {table}\n" in description
        assert all(f"| {name} |" in description for name in content.column_names)
    for part in range(len(manifest.parts)):
        transactions = pq.ParquetFile(exported / part_path("transactions", part)).read()
        assert transactions["position"][0].as_py() == 0
        assert transactions.num_rows <= 10


def test_export__shows_what_the_ledger_shows(sample: Path, exported: Path) -> None:
    view = Ledger(sample).view()
    blocks = table_of(exported, "blocks").to_pylist()
    transactions = table_of(exported, "transactions").to_pylist()
    outputs = table_of(exported, "outputs").to_pylist()
    addresses = table_of(exported, "addresses").to_pylist()
    assert [row["block_hash"].hex() for row in blocks] == [
        view.block_hash(block) for block in range(view.counts.blocks)
    ]
    assert [int(row["time"].timestamp()) for row in blocks] == view.times_of_blocks(
        slice(None)
    ).tolist()
    assert [row["txid"].hex() for row in transactions] == [
        view.txid_text(number) for number in range(view.counts.transactions)
    ]
    assert [row["height"] for row in transactions] == view.heights_of(
        np.arange(view.counts.transactions)
    ).tolist()
    assert [row["text"] for row in addresses] == [
        view.address_text(number) for number in range(view.counts.addresses)
    ]
    assert [row["script_type"] for row in addresses] == [
        ScriptType(int(kind)).name.lower() for kind in view.script_type
    ]
    spenders = view.spenders(np.arange(view.counts.outputs)).tolist()
    assert [row["spender"] for row in outputs] == [n if n >= 0 else None for n in spenders]
    owned = (view.output_address != 0xFFFFFFFF).tolist()
    assert [row["address"] is not None for row in outputs] == owned


def test_export__of_a_snapshot_shows_no_later_spender(tmp_path: Path) -> None:
    chain = Chain.from_genesis()
    chain.add([Tx(name="coins", outputs=[("miner", 50 * COIN)])])
    with LedgerWriter(tmp_path / "ledger", REGTEST) as writer:
        writer.append(batch_of(chain.blocks))
        ledger = Ledger(tmp_path / "ledger")
        view = ledger.view()
        chain.add(
            [
                Tx(name="next", outputs=[("miner", 50 * COIN)]),
                Tx(name="pay", inputs=["coins:0"], outputs=[("bob", COIN)]),
            ]
        )
        writer.append(batch_of(chain.blocks[2:]))
    export_ledger(view, tmp_path / "export", is_current=ledger.is_current)
    assert table_of(tmp_path / "export", "outputs")["spender"].to_pylist() == [None, None]


@st.composite
def locks(draw: st.DrawFn) -> tuple[ScriptType, bytes]:
    lengths = {
        ScriptType.P2PKH: 20,
        ScriptType.P2SH: 20,
        ScriptType.P2WPKH: 20,
        ScriptType.P2WSH: 32,
        ScriptType.P2TR: 32,
    }
    kind = draw(st.sampled_from([*lengths, ScriptType.WITNESS_UNKNOWN, ScriptType.NONSTANDARD]))
    if kind is ScriptType.NONSTANDARD:
        return kind, draw(st.binary(max_size=5))
    if kind is ScriptType.WITNESS_UNKNOWN:
        program = draw(st.binary(min_size=2, max_size=40))
        version = draw(st.integers(2, 16))
        return kind, bytes([0x50 + version, len(program)]) + program
    # Zeros in front are what base58 treats apart.
    zeros = draw(st.integers(0, lengths[kind]))
    rest = lengths[kind] - zeros
    return kind, bytes(zeros) + draw(st.binary(min_size=rest, max_size=rest))


@given(st.lists(locks(), max_size=12), st.sampled_from(NETWORKS))
def test_address_texts__are_those_of_address_text(
    case: list[tuple[ScriptType, bytes]], network: Network
) -> None:
    kinds = np.array([kind for kind, _ in case], dtype=np.uint8)
    payload = np.frombuffer(b"".join(content for _, content in case), dtype=np.uint8)
    first = np.cumsum([0, *(len(content) for _, content in case)]).astype(np.int64)
    texts = address_texts(kinds, payload, first, network).to_pylist()
    assert texts == [address_text(kind, content, network) for kind, content in case]


def test_address_texts__refuse_a_payload_of_the_wrong_length() -> None:
    with pytest.raises(ValueError, match="P2TR needs a payload of 32 bytes"):
        address_texts(
            np.array([ScriptType.P2TR], dtype=np.uint8),
            np.zeros(20, dtype=np.uint8),
            np.array([0, 20]),
            BITCOIN,
        )


# --- what is refused


def test_export__refuses_a_folder_that_holds_something(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        export(sample, tmp_path / "full")
    assert files_of(tmp_path) == {"full/note": b"mine"}


def test_export__refuses_an_empty_ledger(tmp_path: Path) -> None:
    LedgerWriter(tmp_path / "ledger", REGTEST).close()
    with pytest.raises(InputError, match="is empty"):
        export(tmp_path / "ledger", tmp_path / "export")


def view_from_the_middle() -> View:
    """Return a view whose one input spends an output that it does not hold."""
    chain = Chain.from_genesis()
    chain.add([Tx(name="coins", outputs=[("miner", 50 * COIN)])])
    chain.add([Tx(name="cb"), Tx(name="pay", inputs=["coins:0"], outputs=[("bob", COIN)])])
    batch = batch_of(chain.blocks[2:])
    outside = ExternalOutputs(
        value_sat=np.array([50 * COIN]),
        locks=Locks(
            source=batch.raw,
            script_type=np.array([ScriptType.NONSTANDARD], dtype=np.uint8),
            start=np.array([0]),
            length=np.array([1]),
        ),
    )
    return view_of(batch, REGTEST, heights=np.zeros(1, dtype=np.uint32), external=outside)


def test_export__refuses_a_ledger_with_a_past_that_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="complete from its genesis"):
        export_ledger(view_from_the_middle(), tmp_path / "export", is_current=lambda _: True)


def test_export__leaves_nothing_where_blocks_were_removed_meanwhile(
    sample: Path, tmp_path: Path
) -> None:
    view = Ledger(sample).view()
    with pytest.raises(StaleSnapshotError, match="export again"):
        export_ledger(view, tmp_path / "export", is_current=lambda _: False)
    assert list(tmp_path.iterdir()) == []


def test_import__refuses_another_network(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bitcoin-regtest, not of bitcoin"):
        import_ledger(exported, tmp_path / "copy", BITCOIN)


def test_import__refuses_a_place_that_is_taken(exported: Path, sample: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        import_ledger(exported, sample, REGTEST)


def test_import__refuses_what_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no export"):
        import_ledger(tmp_path, tmp_path / "copy", REGTEST)
    (tmp_path / MANIFEST_FILE).write_text('{"format": 1}')
    with pytest.raises(SourceError, match="damaged"):
        import_ledger(tmp_path, tmp_path / "copy", REGTEST)
    (tmp_path / MANIFEST_FILE).write_text('{"format": 2}')
    with pytest.raises(SourceError, match="formats up to 1"):
        import_ledger(tmp_path, tmp_path / "copy", REGTEST)


def spoil(directory: Path) -> None:
    path = directory / part_path("inputs", 1)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (spoil, "not the file that was exported"),
        (lambda d: (d / part_path("links", 2)).unlink(), "missing or does not belong"),
        (lambda d: (d / "schema.md").unlink(), "cannot read"),
        (
            lambda d: shutil.copy(d / part_path("blocks", 0), d / part_path("blocks", 99)),
            "missing or does not belong",
        ),
    ],
    ids=["changed", "missing", "description missing", "one too many"],
)
def test_import__refuses_damaged_and_incomplete_exports(
    broken: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(broken)
    with pytest.raises(SourceError, match=message):
        import_ledger(broken, tmp_path / "copy", REGTEST)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def rewrite(directory: Path, path: str, change: Callable[[Rows], None]) -> None:
    """Change rows of a file and give it a checksum that fits, as a forger would."""
    content = pq.ParquetFile(directory / path).read()
    rows = content.to_pylist()
    change(rows)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=content.schema), directory / path, store_schema=False
    )
    manifest = json.loads((directory / MANIFEST_FILE).read_text())
    for file in manifest["files"]:
        if file["path"] == path:
            file["sha256"] = hashlib.sha256((directory / path).read_bytes()).hexdigest()
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest))


def setting(name: str, value: object) -> Callable[[Rows], None]:
    return lambda rows: rows[0].__setitem__(name, value)


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("transactions", lambda rows: rows.pop(), "rows instead of"),
        ("transactions", setting("transaction", 3), "does not count on"),
        ("transactions", setting("output_count", 7), "does not sum to"),
        ("transactions", setting("txid", bytes(32)), "merkle_roots"),
        ("transactions", setting("fee_sat", 1), "amounts"),
        ("transactions", setting("locktime", 1 << 32), "outside"),
        ("blocks", setting("header", bytes(80)), "does not follow"),
        ("inputs", setting("spent_output", 1 << 40), "outside"),
        ("inputs", setting("spent_output", 0), "contradicts itself"),
        ("inputs", setting("address", 1 << 32), "outside"),
        ("inputs", setting("value_sat", 7), "contradicts itself"),
        ("outputs", setting("value_sat", 7), "contradicts itself"),
        ("outputs", setting("address", -1), "outside"),
        ("addresses", setting("script_type", "p2zz"), "values other than"),
        ("addresses", setting("payload", bytes(20)), "contradicts itself"),
        ("reveals", setting("revealed", b"\x02" * 33), "reveals"),
        ("links", setting("rule", "inner_script"), "links"),
    ],
)
def test_import__refuses_rows_that_do_not_fit_together(
    broken: Path, tmp_path: Path, table: Table, change: Callable[[Rows], None], message: str
) -> None:
    rewrite(broken, part_path(table, 1), change)
    with pytest.raises(SourceError, match=message):
        import_ledger(broken, tmp_path / "copy", REGTEST)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_import__refuses_a_manifest_that_promises_another_tip(broken: Path, tmp_path: Path) -> None:
    manifest = json.loads((broken / MANIFEST_FILE).read_text())
    manifest["tip"]["block_hash"] = "00" * 32
    (broken / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(SourceError, match="do not add up"):
        import_ledger(broken, tmp_path / "copy", REGTEST)
