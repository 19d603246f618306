import csv
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.address import keccak256
from chains.ethereum.decode.batch import decode_blocks
from chains.ethereum.etl.source import EtlExport
from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from chains.ethereum.quantities import ints_of
from chains.ethereum.tables import CallCoverage, MovementKind, Ordering, TransactionKind
from chains.registry import open_account_blocks
from scripts.planted_ethereum import PlantedBlock, export, planted_blocks
from tests.chains.ethereum.batches import moves_of, name_of, story_of

FIRST = 17_173_049


def answered(planted: list[PlantedBlock], *, traced: bool):
    return decode_blocks(
        [one.block for one in planted],
        [one.receipts for one in planted],
        [one.traces for one in planted] if traced else None,
        ETHEREUM_DEV,
    )


def read(folder: Path, start: int, stop: int):
    with EtlExport(folder, ETHEREUM_DEV) as source:
        return list(source.batches(start, stop))


@given(
    blocks=st.integers(1, 4),
    transactions=st.integers(1, 8),
    seed=st.integers(0, 1000),
    traced=st.booleans(),
)
@settings(max_examples=15)
def test_etl_export__tells_what_a_node_tells(tmp_path_factory, blocks, transactions, seed, traced):
    planted = list(planted_blocks(blocks, transactions, accounts=5, seed=seed))
    folder = tmp_path_factory.mktemp("export")
    export(planted, folder, traces=traced)
    node = answered(planted, traced=traced)
    batches = read(folder, 1, blocks + 1)
    assert story_of(batches) == story_of([node])
    assert [row.tobytes() for row in batches[0].block_hash] == [
        row.tobytes() for row in node.block_hash
    ]
    assert batches[0].ordering == Ordering.CALLS_FIRST
    assert (batches[0].calls == CallCoverage.TRACED) == traced
    shutil.rmtree(folder)


def test_etl_export__reads_folders_of_ranges_compressed_files_and_parquet(tmp_path):
    planted = list(planted_blocks(4, 5, accounts=5))
    flat = tmp_path / "flat"
    export(planted, flat, traces=True)
    ranges, parquet = tmp_path / "ranges", tmp_path / "parquet"
    for at, part in ((1, planted[:2]), (3, planted[2:])):
        export(part, tmp_path / "part", traces=True, suffix=".csv.gz")
        for path in (tmp_path / "part").iterdir():
            table = path.name.removesuffix(".csv.gz")
            into = ranges / table / f"start_block={at:08}" / f"end_block={at + 1:08}"
            into.mkdir(parents=True)
            path.rename(into / f"{table}_{at:08}_{at + 1:08}.csv.gz")
    for path in flat.iterdir():
        (parquet / path.stem).mkdir(parents=True)
        pa_parquet.write_table(pa_csv.read_csv(path), parquet / path.stem / "part-0.parquet")
    expected = story_of([answered(planted, traced=True)])
    assert story_of(read(flat, 1, 5)) == expected
    assert story_of(read(ranges, 1, 5)) == expected
    assert [batch.block_count for batch in read(ranges, 1, 5)] == [2, 2]
    # Decimal text of more than 64 bits would have become a float.
    with pytest.raises(SourceUnavailableError, match=r"value|data"):
        read(parquet, 1, 5)
    for path in flat.iterdir():
        columns = pa_csv.read_csv(path).column_names
        as_text = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, "string"), strings_can_be_null=True
        )
        table = pa_csv.read_csv(path, convert_options=as_text)
        pa_parquet.write_table(table, parquet / path.stem / "part-0.parquet")
    assert story_of(read(parquet, 1, 5)) == expected


def test_etl_export__reads_any_stretch(tmp_path):
    planted = list(planted_blocks(5, 3, accounts=5))
    export(planted, tmp_path, traces=True)
    with EtlExport(tmp_path, ETHEREUM_DEV) as source:
        assert (source.first_height(), source.tip().height) == (1, 5)
        assert source.place(3).block_hash.hex() == planted[2].block["hash"][2:]
        with pytest.raises(ValueError, match="1 to 5, not 6"):
            source.place(6)
        for start, stop in ((0, 2), (3, 2), (4, 7)):
            with pytest.raises(ValueError, match="1 to 5, not"):
                source.batches(start, stop)
        assert list(source.batches(3, 3)) == []
        middle = list(source.batches(2, 4))
    assert story_of(middle) == story_of([answered(planted[1:3], traced=True)])


def test_etl_export__is_opened_by_its_scheme(tmp_path):
    export(list(planted_blocks(1, 1, accounts=2)), tmp_path, traces=False)
    with open_account_blocks(f"etl:{tmp_path}", "ethereum-dev") as source:
        assert source.tip().height == 1
        assert source.name == f"the export in {tmp_path}"
        source.wait(0)
    with pytest.raises(SourceUnavailableError, match="etl:PATH"):
        open_account_blocks("etl:", "ethereum-dev")
    with pytest.raises(SourceUnavailableError, match="is no folder"):
        open_account_blocks(f"etl:{tmp_path}/nowhere", "ethereum-dev")


def test_etl_export__says_what_is_missing(tmp_path):
    export(list(planted_blocks(1, 5, accounts=5)), tmp_path, traces=True)
    assert len(EtlExport(tmp_path, ETHEREUM_DEV).notes()) == 1
    (tmp_path / "traces.csv").unlink()
    (tmp_path / "logs.csv").unlink()
    notes = " ".join(EtlExport(tmp_path, ETHEREUM_DEV).notes())
    assert "no traces" in notes
    assert "neither logs nor token_transfers" in notes
    (tmp_path / "receipts.csv").unlink()
    with pytest.raises(SourceUnavailableError, match="no receipts"):
        EtlExport(tmp_path, ETHEREUM_DEV)
    (tmp_path / "blocks.csv").unlink()
    with pytest.raises(SourceUnavailableError, match="no blocks"):
        EtlExport(tmp_path, ETHEREUM_DEV)


@pytest.mark.parametrize(("height", "is_said"), [(1_919_999, False), (1_920_000, True)])
def test_etl_export__without_traces_does_not_know_what_a_fork_moved(tmp_path, height, is_said):
    export(list(planted_blocks(1, 1, accounts=2)), tmp_path, traces=False)
    changed(tmp_path / "blocks.csv", 0, number=str(height))
    assert any("DAO" in note for note in EtlExport(tmp_path, ETHEREUM).notes()) == is_said
    assert not any("DAO" in note for note in EtlExport(tmp_path, ETHEREUM_DEV).notes())


def test_etl_export__knows_no_balances_and_what_tokens_claim(tmp_path):
    export(list(planted_blocks(1, 1, accounts=2)), tmp_path, traces=False)
    (tmp_path / "tokens.csv").write_text(
        f"address,symbol,name,decimals,total_supply\n0x{'1' * 40},USDT,Tether,6,1\n"
        f"0x{'2' * 40},ODD,,,1\n0x{'3' * 40},HUGE,,{'9' * 5_000},1\n"
    )
    with EtlExport(tmp_path, ETHEREUM_DEV) as source:
        (answer,) = source.balances(1, [bytes(20)], None)
        assert isinstance(answer, LookupFailedError)
        claims = source.assets([b"\x11" * 20, b"\x22" * 20, b"\x33" * 20, b"\x44" * 20])
    assert [(one.symbol, one.decimals) for one in claims] == [
        ("USDT", 6), ("ODD", None), ("HUGE", None), ("", None)
    ]  # fmt: skip


def changed(path: Path, row: int, **values: str) -> None:
    """Change fields of a row of a CSV file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row] |= values
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[row]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("table", "row", "values", "said"),
    [
        ("blocks", 1, {"number": "5"}, "block 2 is missing"),
        ("logs", 0, {"block_number": ""}, "block_number is empty in 1 rows"),
        ("logs", 0, {"block_number": "x"}, "block_number holds something"),
        ("blocks", 0, {"hash": "0x12"}, "blocks.hash has not 32 bytes in row 1"),
        ("transactions", 0, {"transaction_type": "255"}, "no type of Ethereum's"),
        ("transactions", 0, {"value": "1.5"}, "transactions.value"),
        ("transactions", 0, {"from_address": "0x12"}, "transactions.from_address"),
        ("receipts", 0, {"transaction_hash": "0x" + "1" * 64}, "receipts are not those"),
        ("receipts", 0, {"gas_used": ""}, "receipts.gas_used is missing"),
        ("receipts", 0, {"effective_gas_price": "1"}, "below baseFeePerGas"),
        ("receipts", 0, {"status": "0"}, "do not agree"),
        ("logs", 0, {"transaction_index": "99"}, "logs.transaction_index"),
        ("logs", 0, {"topics": "0x12"}, "logs.topics"),
        ("traces", 0, {"trace_type": "wish"}, "traces.trace_type"),
        ("traces", 0, {"trace_address": "0"}, "no trace of its own call"),
        ("traces", 0, {"trace_address": "x"}, "traces.trace_address"),
        ("logs", 0, {"log_index": str(1 << 31)}, "logs.log_index"),
        ("blocks", 1, {"withdrawals": '[{"address": "0x12", "amount": "1"}]'}, "withdrawals"),
        (
            "blocks",
            1,
            {"withdrawals": '[{"address": "%s", "amount": "-1"}]' % ("0x" + "1" * 40)},
            "withdrawals",
        ),
        ("traces", 0, {"to_address": "0xzz" + "0" * 38}, "traces.to_address"),
    ],
)
def test_etl_export__names_the_table_and_the_column_that_is_wrong(
    tmp_path, table, row, values, said
):
    export(list(planted_blocks(2, 6, accounts=5, seed=3)), tmp_path, traces=True)
    read(tmp_path, 1, 3)
    changed(tmp_path / f"{table}.csv", row, **values)
    with pytest.raises(SourceUnavailableError, match=said):
        read(tmp_path, 1, 3)


def test_etl_export__refuses_a_block_that_is_there_twice(tmp_path):
    export(list(planted_blocks(2, 1, accounts=5)), tmp_path, traces=True)
    path = tmp_path / "blocks.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(SourceUnavailableError, match="there twice"):
        read(tmp_path, 1, 3)


@pytest.mark.parametrize("table", ["logs", "traces", "token_transfers"])
def test_etl_export__refuses_rows_of_two_exports(tmp_path, table):
    export(list(planted_blocks(2, 6, accounts=5, seed=3)), tmp_path, traces=True)
    if table == "token_transfers":
        (tmp_path / "logs.csv").unlink()
        with (tmp_path / "transactions.csv").open(newline="") as file:
            tx_hash = next(csv.DictReader(file))["hash"]
        row = f"0x{'1' * 40},0x{'2' * 40},0x{'3' * 40},7,{tx_hash},0,1\n"
        (tmp_path / "token_transfers.csv").write_text(
            f"token_address,from_address,to_address,value,transaction_hash,log_index,block_number\n{row}"
        )
    read(tmp_path, 1, 3)
    shutil.copy(tmp_path / f"{table}.csv", tmp_path / f"{table}_2.csv")
    with pytest.raises(SourceUnavailableError, match="there twice: are there two exports"):
        read(tmp_path, 1, 3)


def told(batch):
    """Return the story without what an export has not: genesis and delegations."""
    return [
        (*facts, [one for one in events if one["kind"] != "DELEGATION"])
        for *facts, events in story_of([batch])
    ]


def test_etl_export__tells_what_a_real_node_tells(ethereum_chain, tmp_path):
    rpc = ethereum_chain.node.rpc
    options = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    answers = [
        PlantedBlock(
            block,
            rpc("eth_getBlockReceipts", block["number"]),
            rpc("debug_traceBlockByNumber", block["number"], options),
        )
        for block in ethereum_chain.blocks
    ]
    export(answers, tmp_path, traces=True)
    (batch,) = read(tmp_path, 0, len(answers))
    node = answered(answers, traced=True)
    assert told(batch) == told(node)
    assert batch.code_hash.tolist() == node.code_hash.tolist()
    assert {"SELF_DESTRUCT", "CREATE", "WRAP"} <= {
        MovementKind(int(kind)).name for kind in batch.kind
    }


def test_etl_export__refuses_a_table_without_a_column_that_it_needs(tmp_path):
    export(list(planted_blocks(1, 6, accounts=5)), tmp_path, traces=True)
    path = tmp_path / "logs.csv"
    path.write_text(path.read_text().replace("topics", "subjects", 1))
    with pytest.raises(SourceUnavailableError, match=r"logs.csv has no column topics"):
        read(tmp_path, 1, 2)


def test_etl_export__knows_the_code_of_what_transactions_created(tmp_path):
    export(list(planted_blocks(1, 2, accounts=5, seed=1)), tmp_path, traces=False)
    changed(tmp_path / "transactions.csv", 0, to_address="")
    changed(tmp_path / "receipts.csv", 0, status="1")
    (unknown,) = read(tmp_path, 1, 2)
    assert not unknown.code_hash.any()
    made = name_of(unknown, unknown.code_account[0])
    (tmp_path / "contracts.csv").write_text(f"address,bytecode,block_number\n{made},0x6001,\n")
    (batch,) = read(tmp_path, 1, 2)
    assert batch.code_hash[0].tobytes() == keccak256(b"\x60\x01")
    assert name_of(batch, batch.code_creator[0]) == name_of(batch, batch.sender[0])


def test_etl_export__takes_withdrawals_from_a_table_of_their_own(tmp_path):
    export(list(planted_blocks(2, 1, accounts=5)), tmp_path, traces=False)
    (tmp_path / "withdrawals.csv").write_text(
        f"block_number,address,amount\n2,0x{'1' * 40},7\n1,0x{'2' * 40},0\n"
    )
    (batch,) = read(tmp_path, 1, 3)
    assert batch.tx_kind.tolist() == [2, 2, TransactionKind.SYSTEM]
    assert moves_of(batch, 2) == [("WITHDRAWAL", None, "0x" + "1" * 40, None, 7 * 10**9)]


def test_etl_export__destroys_and_allocates_as_traces_say(tmp_path):
    export(list(planted_blocks(1, 1, accounts=5, seed=1)), tmp_path, traces=True)
    with (tmp_path / "traces.csv").open(newline="") as file:
        (root,) = csv.DictReader(file)
    heir, dao = "0x" + "8" * 40, "0x" + "9" * 40
    blank = dict.fromkeys(root, "") | {"block_number": "1", "status": "1"}
    inner = root | {"trace_address": "0", "from_address": root["to_address"], "value": "40"}
    rows = [
        root,
        inner | {"trace_type": "suicide", "call_type": "", "to_address": heir},
        blank | {"trace_type": "reward", "to_address": heir, "value": "5"},
        blank | {"trace_type": "genesis", "to_address": heir, "value": "6"},
        blank | {"trace_type": "daofork", "from_address": dao, "to_address": heir, "value": "7"},
    ]
    with (tmp_path / "traces.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(root))
        writer.writeheader()
        writer.writerows(rows)
    (batch,) = read(tmp_path, 1, 2)
    assert moves_of(batch, 0) == [
        ("GENESIS", None, heir, None, 6),
        ("CALL", dao, heir, None, 7),
    ]
    assert ("SELF_DESTRUCT", root["to_address"], heir, None, 40) in moves_of(batch, 1)
    assert moves_of(batch, 2) == [("REWARD", None, heir, None, 5)]


def test_etl_export__drops_what_stands_under_a_failure_in_whatever_order(tmp_path):
    """Exports by older versions have no column that says which frames took effect."""
    export(list(planted_blocks(1, 1, accounts=5, seed=1)), tmp_path, traces=True)
    with (tmp_path / "traces.csv").open(newline="") as file:
        (root,) = csv.DictReader(file)
    a, b = "0x" + "8" * 40, "0x" + "9" * 40
    inner = root | {"from_address": a, "to_address": b, "status": ""}
    rows = [
        root | {"status": ""},
        inner | {"trace_address": "0", "value": "40", "error": "Reverted"},
        inner | {"trace_address": "0,0", "value": "41"},
        inner | {"trace_address": "1", "value": "42", "call_type": "delegatecall"},
        inner | {"trace_address": "2", "value": "43"},
        inner | {"trace_address": "10", "value": "44"},
    ]
    for ordered in (rows, rows[::-1]):
        with (tmp_path / "traces.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(root))
            writer.writeheader()
            writer.writerows(ordered)
        (batch,) = read(tmp_path, 1, 2)
        assert [amount for *_, gets, _, amount in moves_of(batch, 0) if gets == b] == [43, 44]


def test_etl_export__refuses_files_of_two_chains(tmp_path):
    for name, seed, part in (("one", 1, slice(0, 2)), ("two", 2, slice(2, 4))):
        planted = list(planted_blocks(4, 3 + seed, accounts=5, seed=seed))
        planted[2].block["parentHash"] = "0x" + "1" * 64
        export(planted[part], tmp_path / name, traces=False)
    with pytest.raises(SourceUnavailableError, match="block 3 does not follow block 2"):
        read(tmp_path, 1, 5)


def resource(shared: Path, name: str) -> list[str]:
    with tarfile.open(shared / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        return archive.extractfile(f"resources/{name}").read().decode().splitlines()


def written(shared: Path, folder: Path, source: str, tables: tuple[str, ...]) -> None:
    """Write the lines of JSON of a test of ethereum-etl as its CSV files."""
    for table in tables:
        lines = resource(shared, f"test_stream/{source}/expected_{table}.json")
        rows = [json.loads(line) for line in lines if line]
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            for row in rows:
                joined = {
                    name: ",".join(map(str, value)) if name in ("topics", "trace_address") else
                    json.dumps(value) if isinstance(value, list) else value
                    for name, value in row.items()
                }  # fmt: skip
                writer.writerow(joined)


Transfer = tuple[str, int, str, str, str, int]


def transfers_of(batch) -> Iterator[Transfer]:
    amounts, ids = (
        ints_of(batch.amount),
        dict(zip(batch.token_row.tolist(), ints_of(batch.token_id), strict=True)),
    )
    owner = np.repeat(np.arange(batch.transaction_count), np.diff(batch.first_movement))
    for row in np.flatnonzero(np.isin(batch.kind, [MovementKind.TOKEN, MovementKind.NFT])):
        yield (
            "0x" + batch.tx_hash[owner[row]].tobytes().hex(),
            int(batch.log_index[row]),
            name_of(batch, batch.asset[row]),
            name_of(batch, batch.giver[row]),
            name_of(batch, batch.gets[row]),
            ids.get(int(row), amounts[row]),
        )


@pytest.mark.parametrize("tables", [("logs",), ("token_transfers",)])
def test_etl_export__finds_the_token_transfers_of_real_blocks(shared_data, tmp_path, tables):
    source = "blocks_17173049_17173050"
    written(shared_data, tmp_path, source, ("blocks", "transactions", *tables))
    lines = resource(shared_data, f"test_stream/{source}/expected_token_transfers.json")
    expected = {
        (one["transaction_hash"], one["log_index"], one["token_address"], one["from_address"],
         one["to_address"], one["value"])
        for one in map(json.loads, lines)
    }  # fmt: skip
    (batch,) = EtlExport(tmp_path, ETHEREUM).batches(FIRST, FIRST + 2)
    found = list(transfers_of(batch))
    assert len(found) == len(expected) == 291
    assert set(found) == expected


def test_etl_export__conserves_the_coin_of_real_blocks(shared_data, tmp_path):
    source = "blocks_17173049_17173050"
    written(shared_data, tmp_path, source, ("blocks", "transactions", "logs"))
    (batch,) = EtlExport(tmp_path, ETHEREUM).batches(FIRST, FIRST + 2)
    blocks = [
        json.loads(line)
        for line in resource(shared_data, f"test_stream/{source}/expected_blocks.json")
    ]
    moves = [moves_of(batch, at) for at in range(batch.transaction_count)]
    paid = [sum(amount for kind, *_, amount in one if kind.startswith("GAS")) for one in moves]
    is_own = batch.tx_kind != TransactionKind.SYSTEM
    assert [
        int(used) * int(price)
        for used, price in zip(batch.gas_used[is_own], batch.gas_price[is_own], strict=True)
    ] == [one for one, own in zip(paid, is_own, strict=True) if own]
    burnt = sum(amount for one in moves for kind, *_, amount in one if kind == "GAS_BURNT")
    assert burnt == sum(one["gas_used"] * one["base_fee_per_gas"] for one in blocks)
    withdrawn = sum(amount for one in moves for kind, *_, amount in one if kind == "WITHDRAWAL")
    assert withdrawn == sum(w["amount"] for one in blocks for w in one["withdrawals"]) * 10**9


def test_etl_export__moves_what_real_traces_moved(shared_data, tmp_path):
    """A block of 2015 with a creation, a payment, and rewards for a block and an uncle."""
    source = "blocks_508110_508110"
    written(shared_data, tmp_path, source, ("traces",))
    traces = [
        json.loads(line)
        for line in resource(shared_data, f"test_stream/{source}/expected_traces.json")
    ]
    block = json.loads(
        "".join(
            resource(
                shared_data,
                f"test_stream/{source}/web3_response.eth_getBlockByNumber_0x7c0ce_false.json",
            )
        )
    )["result"]
    tables = {
        "blocks": [{"number": 508_110, "hash": block["hash"], "parent_hash": block["parentHash"],
                    "sha3_uncles": block["sha3Uncles"], "miner": block["miner"],
                    "timestamp": int(block["timestamp"], 16)}],
        "transactions": [
            {"hash": one["transaction_hash"], "nonce": 0, "block_number": 508_110,
             "transaction_index": at, "from_address": one["from_address"],
             "to_address": one["to_address"] if one["trace_type"] == "call" else "",
             "value": one["value"], "gas": 100_000, "gas_price": 1, "input": one["input"],
             "receipt_gas_used": 50_000}
            for at, one in enumerate(traces[:2])
        ],
    }  # fmt: skip
    for table, rows in tables.items():
        with (tmp_path / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (batch,) = EtlExport(tmp_path, ETHEREUM).batches(508_110, 508_111)
    moved = [one for at in range(3) for one in moves_of(batch, at) if one[0] != "GAS_TIP"]
    names = {"call": "CALL", "reward": "REWARD"}
    assert moved == [
        (names[one["trace_type"]], one["from_address"], one["to_address"], None, one["value"])
        for one in traces
        if one["value"]
    ]
    assert [name_of(batch, one) for one in batch.code_account] == [traces[0]["to_address"]]
