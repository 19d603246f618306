"""A sound ledger passes; a ledger with any one byte changed does not, and the place is named."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import LedgerDamagedError, StaleSnapshotError
from arien_flows.ledger import (
    verify_addresses,
    verify_blocks,
    verify_history,
    verify_indexes,
    verify_links,
    verify_reveals,
    verify_scripts,
    verify_spends,
)
from arien_flows.ledger.files import column_elements, run_path
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.lock import LOCK
from arien_flows.ledger.manifest import MANIFEST, Manifest, RunName, read_manifest
from arien_flows.ledger.schema import SCHEMA, UNSPENT, Column
from arien_flows.ledger.seals import SEALED_COLUMNS, SEALS, WORDS, seal, stretch
from arien_flows.ledger.verify import VerifyStep, verify
from arien_flows.ledger.verify_files import run_checksum, runs_of
from arien_flows.ledger.verify_result import MAX_FINDINGS, Finding, Findings, Verification
from arien_flows.ledger.verify_statements import STRETCHES, Statements, compare, statements
from arien_flows.ledger.view import Counts
from arien_flows.ledger.writer import LedgerWriter
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.tables import RevealKind
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.sample_ledger import sample_chain, write_ledger
from tests.ledgers import batch_of
from tests.regtest_chain import RegtestChain

FAMILIES = ("transactions", "addresses", "reveals", "history")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample")
    write_ledger(root, sample_chain())
    return root


@pytest.fixture
def broken(sample: Path, tmp_path: Path) -> Path:
    """Return a copy of the sample ledger that a test may break."""
    return Path(shutil.copytree(sample, tmp_path / "ledger"))


def manifest_of(root: Path) -> Manifest:
    manifest = read_manifest(root)
    assert manifest is not None
    return manifest


def publish(root: Path, manifest: Manifest) -> None:
    (root / MANIFEST).write_bytes(manifest.encode())


def failed(verification: Verification) -> set[str]:
    return {check.name for check in verification.checks if not check.ok}


def places(verification: Verification) -> list[str]:
    return [finding.place for finding in findings(verification)]


def findings(verification: Verification) -> list[Finding]:
    return [finding for check in verification.checks for finding in check.findings]


def size_of(root: Path, column: Column) -> int:
    """Return how many bytes of a column count."""
    manifest = manifest_of(root)
    rows = getattr(manifest.counts, column.table)
    elements = column_elements(column, rows, manifest.byte_counts)
    return elements * np.dtype(column.dtype).itemsize


@contextmanager
def flipped(file: Path, offset: int, mask: int) -> Iterator[None]:
    """Change a byte of a file, and change it back."""
    with file.open("r+b") as handle:
        handle.seek(offset)
        (byte,) = handle.read(1)
        handle.seek(offset)
        handle.write(bytes([byte ^ mask]))
    try:
        yield
    finally:
        with file.open("r+b") as handle:
            handle.seek(offset)
            handle.write(bytes([byte]))


def test_verify__passes_a_sound_ledger_and_covers_all_of_it(sample: Path) -> None:
    steps: list[VerifyStep] = []
    verification = verify(Ledger(sample), steps.append)
    assert failed(verification) == set()
    assert verification.ok
    counts = manifest_of(sample).counts
    assert all(count > 0 for count in counts.as_tuple())
    rows = {check.name: check.rows_checked for check in verification.checks}
    assert rows["headers"] == counts.blocks
    assert rows["merkle_roots"] == counts.transactions
    assert rows["inputs"] == counts.inputs
    assert rows["spends"] == counts.inputs + counts.outputs
    assert rows["scripts"] == counts.addresses
    assert rows["reveals"] == counts.reveals
    assert rows["links"] == counts.links
    assert all(rows.values())
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert verification.tip_hash == sample_chain().tip[::-1].hex()


def test_verify__passes_an_empty_ledger(tmp_path: Path) -> None:
    LedgerWriter(tmp_path, REGTEST).close()
    verification = verify(Ledger(tmp_path))
    assert verification.ok
    assert verification.tip_hash == ""


@pytest.mark.slow
@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.data())
def test_verify__passes_whatever_the_writer_wrote(
    tmp_path_factory: pytest.TempPathFactory, random: Random, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    chain = random_chain(random, 12)
    height = data.draw(st.integers(-1, len(chain.blocks) - 1))
    start = 0
    with LedgerWriter(root, REGTEST) as writer:
        while start < len(chain.blocks):
            stop = start + data.draw(st.integers(1, 4))
            writer.append(batch_of(chain.blocks[start:stop]))
            start = stop
        writer.roll_back(height)
        assert failed(verify(Ledger(root))) == set()
        if data.draw(st.booleans()):
            for block in chain.blocks[height + 1 :]:
                writer.append(batch_of([block]))
    assert failed(verify(Ledger(root))) == set()


@pytest.mark.slow
def test_verify__passes_the_chain_of_a_real_node(
    regtest_chain: RegtestChain, tmp_path: Path
) -> None:
    source = BlockFiles(regtest_chain.datadir, REGTEST, batch_bytes=20_000)
    with LedgerWriter(tmp_path, REGTEST) as writer:
        ingest(writer, source)
    verification = verify(Ledger(tmp_path))
    assert failed(verification) == set()
    assert verification.tip_hash == regtest_chain.blocks[-1]["hash"]


@pytest.mark.slow
@pytest.mark.parametrize("column", SCHEMA, ids=lambda column: column.path)
def test_verify__finds_a_changed_byte_in_any_column(sample: Path, column: Column) -> None:
    size = size_of(sample, column)
    random = Random(column.path)
    offsets = {0, size - 1, *(random.randrange(size) for _ in range(4))}
    for offset in sorted(offsets):
        with flipped(sample / column.path, offset, 1 << random.randrange(8)):
            found = [place for place in places(verify(Ledger(sample))) if column.path in place]
        assert found, f"byte {offset}"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_verify__finds_a_changed_byte_in_any_index_run(sample: Path, family: str) -> None:
    random = Random(family)
    for run in getattr(manifest_of(sample).runs, family):
        path = run_path(family, run)
        size = (sample / path).stat().st_size
        for offset in {0, size - 1, *(random.randrange(size) for _ in range(6))}:
            with flipped(sample / path, offset, 1 << random.randrange(8)):
                try:
                    found = path in places(verify(Ledger(sample)))
                except LedgerDamagedError as error:
                    found = path in str(error)
            assert found, f"{path} byte {offset}"


@pytest.mark.slow
def test_verify__finds_a_changed_byte_anywhere_in_the_checksums(sample: Path) -> None:
    size = manifest_of(sample).segments * WORDS * 8
    random = Random(SEALS)
    for offset in {0, size - 1, *(random.randrange(size) for _ in range(30))}:
        with flipped(sample / SEALS, offset, 1 << random.randrange(8)):
            found = [place for place in places(verify(Ledger(sample))) if SEALS in place]
            # Where a count of rows was changed, rows are what no longer fits its checksum.
            found += [f.message for f in findings(verify(Ledger(sample))) if SEALS in f.message]
        assert found, f"byte {offset}"


@pytest.mark.slow
def test_verify__finds_a_changed_byte_anywhere_in_the_manifest(sample: Path) -> None:
    random = Random(MANIFEST)
    for offset in random.sample(range((sample / MANIFEST).stat().st_size), 60):
        with (
            flipped(sample / MANIFEST, offset, 1 << random.randrange(8)),
            pytest.raises(LedgerDamagedError, match=MANIFEST),
        ):
            Ledger(sample)


def test_verify__no_file_of_a_ledger_is_left_out_above(sample: Path) -> None:
    manifest = manifest_of(sample)
    known = {column.path for column in SCHEMA} | {SEALS, MANIFEST}
    known |= {
        run_path(family, run) for family in FAMILIES for run in getattr(manifest.runs, family)
    }
    files = {str(file.relative_to(sample)) for file in sample.rglob("*") if file.is_file()}
    assert files - known == {LOCK}
    assert known <= files


# --- ledgers larger than what is taken at a time


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checks take a few rows at a time, so that a small ledger has many stretches."""
    for module, steps in {
        verify_addresses: ("TRANSACTION_STEP",),
        verify_blocks: ("TRANSACTION_STEP", "HEADER_STEP"),
        verify_history: ("TOUCH_STEP", "ENTRY_STEP"),
        verify_indexes: ("INDEX_STEP", "PART_ENTRIES"),
        verify_links: ("EVENTS",),
        verify_reveals: ("REVEAL_STEP", "ADDRESS_STEP"),
        verify_scripts: ("ADDRESS_STEP",),
        verify_spends: ("INPUT_STEP", "WORD_STEP"),
    }.items():
        for size, step in enumerate(steps, 2):
            monkeypatch.setattr(module, step, size)


@pytest.mark.slow
def test_verify__passes_a_sound_ledger_in_many_small_stretches(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch)
    assert failed(verify(Ledger(sample))) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "dtype"),
    [
        ("blocks/header", "<u1"),
        ("transactions/txid", "<u1"),
        ("transactions/fee", "<i8"),
        ("transactions/stripped_size", "<u4"),
        ("inputs/spent_output", "<i8"),
        ("inputs/sighash", "<u1"),
        ("outputs/value", "<i8"),
        ("outputs/address", "<u4"),
        ("outputs/spender", "<u4"),
        ("addresses/script_type", "<u1"),
        ("addresses/payload", "<u1"),
        ("reveals/input", "<i8"),
        ("reveals/kind", "<u1"),
        ("reveals/revealed", "<u1"),
        ("links/earlier", "<u4"),
    ],
)
def test_verify__finds_the_same_in_many_small_stretches(
    broken: Path, monkeypatch: pytest.MonkeyPatch, path: str, dtype: str
) -> None:
    random = Random(path)
    size = (broken / path).stat().st_size // np.dtype(dtype).itemsize
    for row in {0, size - 1, random.randrange(size)}:
        before = int(np.fromfile(broken / path, dtype)[row])
        word(broken, path, dtype, row, before ^ 1)
        at_once = findings(verify(Ledger(broken)))
        with monkeypatch.context() as patches:
            narrow(patches)
            piecemeal = findings(verify(Ledger(broken)))
        assert at_once
        assert set(piecemeal) == set(at_once), row
        word(broken, path, dtype, row, before)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["reveals/revealed", "addresses/payload"])
def test_verify__names_the_reveal_that_does_not_hash_to_its_address(
    broken: Path, path: str
) -> None:
    view = Ledger(broken).view()
    rows = np.flatnonzero(view.reveal_kind != RevealKind.TAP_LEAF).tolist()
    first = view.first_reveal_byte
    for row in rows:
        address = int(view.input_address[view.reveal_input[row]])
        at = int(first[row] if path == "reveals/revealed" else view.first_payload_byte[address])
        byte = int(np.fromfile(broken / path, "<u1")[at])
        word(broken, path, "<u1", at, byte ^ 16)
        assert f"reveals/revealed row {row}" in places(verify(Ledger(broken)))
        word(broken, path, "<u1", at, byte)


# --- damage whose checksums were computed anew: the structure has to show it


def reseal(root: Path) -> None:
    """Give a damaged ledger checksums that fit, as a bug of the writer would."""
    ledger = Ledger(root)
    view, manifest = ledger.view(), ledger.manifest
    rows = np.fromfile(root / SEALS, dtype="<i8").reshape(-1, WORDS)
    begin = Counts()
    for row in rows:
        end = Counts(**dict(zip(Counts.__dataclass_fields__, row.tolist(), strict=False)))
        row[:] = seal(end, stretch(view, begin, end))
        begin = end
    rows.tofile(root / SEALS)
    runs = {
        family: tuple(
            replace(name, checksum=run_checksum(run))
            for name, run in zip(getattr(manifest.runs, family), runs_of(view, family), strict=True)
        )
        for family in FAMILIES
    }
    publish(root, replace(manifest, runs=replace(manifest.runs, **runs)))


# Bytes of these stand nowhere else in the ledger: only their checksums can show that they changed.
WITHOUT_TWIN = {
    "blocks/coinbase_sequence",
    "blocks/coinbase_script",
    "transactions/version",
    "transactions/locktime",
    "transactions/stripped_size",
    "transactions/witness_size",
    "inputs/sequence",
    "inputs/sighash",
    "inputs/flags",
    "op_returns/data",
    "blocks/first_coinbase_byte",
    "op_returns/first_byte",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "column",
    [column for column in SCHEMA if column.path not in WITHOUT_TWIN],
    ids=lambda column: column.path,
)
def test_verify__finds_damage_that_the_checksums_cover(
    sample: Path, tmp_path: Path, column: Column
) -> None:
    size = size_of(sample, column)
    if column.path == "blocks/header":
        # No block commits to the last header; only its proof of work would show, and on regtest
        # every other hash has enough.
        size -= 80
    random = Random(column.path)
    for offset in sorted({0, size - 1, *(random.randrange(size) for _ in range(4))}):
        root = Path(shutil.copytree(sample, tmp_path / str(offset)))
        with flipped(root / column.path, offset, 1 << random.randrange(8)):
            reseal(root)
            assert failed(verify(Ledger(root))) - {"column_checksums"}, f"byte {offset}"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_verify__finds_index_damage_that_the_checksums_cover(
    sample: Path, tmp_path: Path, family: str
) -> None:
    random = Random(family)
    runs: tuple[RunName, ...] = getattr(manifest_of(sample).runs, family)
    for number, run in enumerate(runs):
        path = run_path(family, run)
        size = (sample / path).stat().st_size
        # The first word of a history run is its shape, without which nothing can be read.
        for offset in {random.randrange(8 if family == "history" else 0, size) for _ in range(6)}:
            root = Path(shutil.copytree(sample, tmp_path / f"{number}-{offset}"))
            with flipped(root / path, offset, 1 << random.randrange(8)):
                reseal(root)
                assert failed(verify(Ledger(root))), f"{path} byte {offset}"


def word(root: Path, path: str, dtype: str, row: int, value: int) -> None:
    """Write one element of a column."""
    column = np.memmap(root / path, dtype=dtype, mode="r+")
    column[row] = value
    column.flush()


@pytest.mark.parametrize("addresses", [-2, -1, 0, 1, 1 << 62])
def test_verify__finds_a_history_run_of_another_shape(broken: Path, addresses: int) -> None:
    path = run_path("history", manifest_of(broken).runs.history[0])
    word(broken, path, "<i8", 0, addresses)
    try:
        found = path in places(verify(Ledger(broken)))
    except LedgerDamagedError as error:
        found = path in str(error)
    assert found


def test_verify__names_the_output_whose_spender_was_lost(broken: Path) -> None:
    view = Ledger(broken).view()
    output = int(view.spent_output[7])
    word(broken, "outputs/spender", "<u4", output, UNSPENT)
    verification = verify(Ledger(broken))
    assert failed(verification) == {"spends", "amounts"}
    assert f"outputs/spender row {output} ({view.outpoint_text(output)})" in places(verification)


def test_verify__finds_a_spender_left_over_from_an_undone_block(broken: Path) -> None:
    view = Ledger(broken).view()
    output = int(np.flatnonzero(view.spender == UNSPENT)[0])
    word(broken, "outputs/spender", "<u4", output, view.counts.transactions)
    verification = verify(Ledger(broken))
    assert failed(verification) == {"spender_words"}
    assert f"outputs/spender row {output}" in places(verification)[0]


def test_verify__accepts_spenders_that_a_commit_under_way_has_announced(broken: Path) -> None:
    view = Ledger(broken).view()
    output = int(np.flatnonzero(view.spender == UNSPENT)[0])
    word(broken, "outputs/spender", "<u4", output, view.counts.transactions)
    (broken / "intent.json").write_text(json.dumps({"transactions": view.counts.transactions + 1}))
    assert verify(Ledger(broken)).ok


def test_verify__finds_a_transaction_id_twice(broken: Path) -> None:
    txid = np.memmap(broken / "transactions/txid", dtype=np.uint8, mode="r+").reshape(-1, 32)
    txid[9] = txid[8]
    txid.flush()
    reseal(broken)
    assert failed(verify(Ledger(broken))) == {
        "merkle_roots",
        "transaction_index",
    }


@pytest.mark.slow
@pytest.mark.parametrize("table", Counts.__dataclass_fields__)
@pytest.mark.parametrize("step", [-1, 1])
def test_verify__finds_a_changed_count(broken: Path, table: str, step: int) -> None:
    manifest = manifest_of(broken)
    counts = replace(manifest.counts, **{table: getattr(manifest.counts, table) + step})
    publish(broken, replace(manifest, counts=counts))
    try:
        found = "manifest" in failed(verify(Ledger(broken)))
    except LedgerDamagedError as error:
        found = step == 1 and "shorter than the manifest says" in str(error)
    assert found


@pytest.mark.slow
@pytest.mark.parametrize("table", Counts.__dataclass_fields__)
def test_verify__finds_a_changed_count_where_a_rollback_left_rows_without_checksum(
    tmp_path: Path, table: str
) -> None:
    root = tmp_path / "ledger"
    chain = sample_chain()
    with LedgerWriter(root, REGTEST) as writer:
        writer.append(batch_of(chain.blocks[:3]))
        writer.append(batch_of(chain.blocks[3:]))
        writer.roll_back(8)
    sound = verify(Ledger(root))
    assert failed(sound) == set()
    assert any("roll-back" in check.note for check in sound.checks)
    manifest = manifest_of(root)
    counts = replace(manifest.counts, **{table: getattr(manifest.counts, table) - 1})
    publish(root, replace(manifest, counts=counts))
    assert failed(verify(Ledger(root)))


@pytest.mark.parametrize(
    "change",
    [
        {"unspent_sat": 1},
        {"segments": 10},
        {"byte_counts": {}},
        {"sealed": Counts()},
    ],
    ids=str,
)
def test_verify__finds_any_other_changed_number_of_the_manifest(
    broken: Path, change: dict[str, object]
) -> None:
    publish(broken, replace(manifest_of(broken), **change))  # type: ignore[arg-type]
    assert failed(verify(Ledger(broken)))


@pytest.mark.parametrize("family", FAMILIES)
def test_verify__finds_a_run_that_is_missing_from_the_manifest(broken: Path, family: str) -> None:
    manifest = manifest_of(broken)
    runs = replace(manifest.runs, **{family: getattr(manifest.runs, family)[1:]})
    publish(broken, replace(manifest, runs=runs))
    assert failed(verify(Ledger(broken)))


def test_verify__says_that_the_rest_was_not_checked_where_offsets_are_damaged(
    broken: Path,
) -> None:
    word(broken, "transactions/first_output", "<i8", 5, 1 << 60)
    verification = verify(Ledger(broken))
    assert not verification.ok
    skipped = [check for check in verification.checks if check.skipped]
    assert len(skipped) == 1
    assert not skipped[0].ok
    assert "transactions/first_output row 6" in " ".join(places(verification))


# --- beside a writer


def test_verify__works_while_blocks_arrive(tmp_path: Path) -> None:
    blocks = sample_chain().blocks
    with LedgerWriter(tmp_path, REGTEST) as writer:
        for block in blocks[:6]:
            writer.append(batch_of([block]))
        rest = iter(blocks[6:])

        def append_one(_step: VerifyStep) -> None:
            block = next(rest, None)
            if block is not None:
                writer.append(batch_of([block]))

        verification = verify(Ledger(tmp_path), append_one)
    assert failed(verification) == set()
    assert verification.blocks == 6


@pytest.mark.parametrize(
    "path",
    ["transactions/locktime", "inputs/sequence", "inputs/value", "outputs/value", "blocks/header"],
)
def test_verify__finds_damage_that_was_done_while_blocks_arrived(tmp_path: Path, path: str) -> None:
    blocks = sample_chain().blocks
    with LedgerWriter(tmp_path, REGTEST) as writer:
        writer.append(batch_of(blocks[:6]))
        assert verify(Ledger(tmp_path)).ok
        with (tmp_path / path).open("r+b") as column:
            column.seek(5)
            (byte,) = column.read(1)
            column.seek(5)
            column.write(bytes([byte ^ 4]))
        for block in blocks[6:]:
            writer.append(batch_of([block]))
    verification = verify(Ledger(tmp_path))
    assert any(path in place for place in places(verification))


def test_verify__says_stale_where_blocks_are_removed_meanwhile(tmp_path: Path) -> None:
    write_ledger(tmp_path, sample_chain())
    with LedgerWriter(tmp_path, REGTEST) as writer:
        ledger = Ledger(tmp_path)
        with pytest.raises(StaleSnapshotError, match="verify it again"):
            verify(ledger, lambda step: writer.roll_back(5) if step.done == 3 else None)


# --- the parts


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    fact = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-1, 1)
    statement = st.tuples(st.integers(0, 5), fact, fact, fact)
    shared = draw(st.lists(statement, max_size=8))
    return (
        draw(st.permutations(shared + draw(st.lists(statement, max_size=2)))),
        draw(st.permutations(shared + draw(st.lists(statement, max_size=2)))),
    )


def as_statements(rows: list[tuple[int, ...]]) -> Statements:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return statements(*columns)


@given(sides())
def test_compare__finds_exactly_what_differs(
    case: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
) -> None:
    left, right = case
    found = compare(
        lambda: iter([as_statements(left)]),
        lambda: iter([as_statements(right[:1]), as_statements(right[1:])]),
        6,
    )
    missing, extra = list(left), list(right)
    for statement in left:
        if statement in extra:
            extra.remove(statement)
            missing.remove(statement)
    assert [d.statement for d in found.differences if d.only_left] == sorted(missing)
    assert [d.statement for d in found.differences if not d.only_left] == sorted(extra)
    assert not found.unresolved


@pytest.mark.slow
def test_compare__says_where_it_did_not_look_further() -> None:
    rows = 4 * STRETCHES
    every = np.arange(rows, dtype=np.int64)
    zeros = np.zeros(rows, dtype=np.int64)
    ones = np.ones(rows, dtype=np.int64)
    found = compare(
        lambda: iter([statements(every, zeros, zeros, zeros)]),
        lambda: iter([statements(every, zeros, zeros, ones)]),
        rows,
    )
    covered = {d.statement[0] for d in found.differences}
    covered.update(row for stretch in found.unresolved for row in stretch)
    assert covered == set(range(rows))


def test_compare__refuses_statements_about_nothing() -> None:
    one = as_statements([(6, 0, 0, 0)])
    with pytest.raises(ValueError, match="does not exist"):
        compare(lambda: iter([one]), lambda: iter([one]), 6)


def test_findings__describe_the_first_and_count_all() -> None:
    found = Findings()
    found.add("here", "first")
    found.add_many(((f"row {i}", "wrong") for i in range(100)), 100)
    found.add("there", "last")
    check = found.check("name", "covers")
    assert len(check.findings) == MAX_FINDINGS
    assert check.finding_count == 102
    assert not check.ok


def test_sealed_columns__are_all_but_the_spender() -> None:
    assert {c.path for c in SCHEMA} - {c.path for c in SEALED_COLUMNS} == {"outputs/spender"}
