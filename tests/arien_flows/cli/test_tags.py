"""Commands about tags: with a SQLite file and a real server, told to people and to programs."""

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arien_flows.casebook.engine import open_engine, sqlite_url, writing
from arien_flows.casebook.schema import migrate
from arien_flows.cli.main import run
from tests.arien_flows.casebook.packs import GENESIS, SCRIPT, WITNESS, pack, row
from tests.postgres import PASSWORD
from tests.small_case import NETWORK, SmallCase, make_small_case

Do = Callable[..., tuple[str, str]]
_NUMBERS = itertools.count()


@pytest.fixture
def do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """Run a command on a data folder that holds nothing; return its output and messages."""

    def done(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
        command = ["--data", str(tmp_path / "data"), *map(str, arguments)]
        assert run(command) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return done


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str | None]:
    """Name a casebook on a server in the environment, or none."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"cli-{next(_NUMBERS)}"
    address = server.make_database(name)
    # The documented way: the password does not stand in the address.
    user, _, place = address.removeprefix("postgresql+psycopg://").rpartition("@")
    monkeypatch.setenv("ARIEN_CASEBOOK", f"postgresql://{user.partition(':')[0]}@{place}")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    yield name
    server.drop_database(name)


def written(folder: Path, name: str, raw: bytes) -> Path:
    file = folder / name
    file.write_bytes(raw)
    return file


def test_tags__from_import_to_withdrawal_without_a_ledger(
    do: Do, tmp_path: Path, database: str | None
):
    file = written(tmp_path, "pack.yaml", pack(row(GENESIS, "Pool", actor="pool")))
    out, _ = do("tags", "import", file)
    assert out == "pack.yaml: import 1, 1 tag taken over\n"
    out, _ = do("tags", "import", file)
    assert "already imported at 20" in out
    assert "as import 1; nothing was changed" in out
    out, _ = do("tags", "of", GENESIS)
    assert "Said of the address itself: Pool (actor pool), 5 of 100 by 1 source" in out
    assert "   Document    pack.yaml, tag 1\n" in out
    assert "Left out: tags (no_entity)" in out
    out, _ = do("tags", "list")
    assert "pack.yaml  proposed  in effect" in out
    out, _ = do("tags", "withdraw", "1", "--reason", "mistaken list")
    assert "Import 1 (pack.yaml) is withdrawn; its 1 tag and the document are kept" in out
    out, _ = do("tags", "list")
    assert "mistaken list" in out
    out, _ = do("tags", "of", GENESIS)
    assert "That does not mean that it is clean." in out
    out, _ = do("casebook", "status")
    assert "current (version" in out
    assert (f"/{database}" if database else "casebook.sqlite") in out
    assert PASSWORD not in out
    assert (tmp_path / "data" / "casebook.sqlite").exists() is (database is None)


def test_import__of_several_files_reports_each_and_ends_with_3(do: Do, tmp_path: Path):
    good = written(tmp_path, "good.yaml", pack(row(GENESIS, "Pool")))
    faulty = written(
        tmp_path, "faulty.yaml", pack(row(GENESIS[:-1] + "b", "Typo"), row(SCRIPT, "Shop"))
    )
    broken = written(tmp_path, "broken.yaml", b"title: [")
    out, _ = do("tags", "import", broken, faulty, good, code=3)
    assert "broken.yaml: refused. broken.yaml: not valid YAML" in out
    assert "faulty.yaml: import 1, 1 tag taken over; 1 not usable\n" in out
    assert "   tag 1 is not usable (1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb): the checksum" in out
    assert "good.yaml: import 2, 1 tag taken over\n" in out
    reports = json.loads(do("tags", "import", "--json", broken, faulty, good, code=3)[0])
    assert [report["result"] for report in reports] == [
        "refused",
        "already_imported",
        "already_imported",
    ]
    assert reports[1]["faults"][0]["row"] == 1
    do("tags", "import", broken, code=2)


def test_tags__cannot_colour_or_forge_what_a_terminal_shows(do: Do, tmp_path: Path):
    label = r'"\e[2JPool\nTrue as of block 1\u202e"'
    raw = pack(row(GENESIS, label), row(r'"\e]0;x\a"', "Typo"))
    out, _ = do("tags", "import", written(tmp_path, "pack.yaml", raw), code=3)
    assert r"tag 2 is not usable (\x1b]0;x\x07)" in out
    out += do("tags", "of", GENESIS)[0]
    assert r"Said of the address itself: \x1b[2JPool\nTrue as of block 1\u202e" in out
    assert not set(out) & set("\x1b\x07\u202e")


def test_import__shows_some_faults_and_says_how_to_see_all(do: Do, tmp_path: Path):
    rows = [row("x", f"Wrong {i}") for i in range(30)]
    file = written(tmp_path, "wrong.yaml", pack(*rows))
    out, _ = do("tags", "import", file, code=3)
    assert out.count("is not usable") == 20
    assert "10 more are not usable: add --json to see them all" in out
    (report,) = json.loads(do("tags", "import", file, "--json", code=3)[0])
    assert len(report["faults"]) == 30


def test_import__is_not_kept_out_by_the_same_bytes_in_a_wrong_format(do: Do, tmp_path: Path):
    pools = {"payout_addresses": {GENESIS: {"name": "Pool", "link": "https://example.org"}}}
    file = written(tmp_path, "pools.json", json.dumps(pools).encode())
    assert "import 1, 0 tags" in do("tags", "import", file, "--format", "etherscan", code=3)[0]
    out, _ = do("tags", "import", file, code=2)
    assert "import 1 holds these bytes, read as etherscan and not as mining-pools (0 tags)" in out
    do("tags", "withdraw", "1", "--reason", "read in a wrong format")
    assert "import 2, 1 tag" in do("tags", "import", file)[0]
    assert "already imported" in do("tags", "import", file)[0]


def test_export__is_imported_as_the_same_tags(do: Do, tmp_path: Path):
    first = pack(
        row(GENESIS, "Pool", lastmod="2024-05-06", concepts="[miner, exchange]"),
        row(WITNESS, "0x12", is_cluster_definer="true", context="{a: [1]}"),
        f"tx_hash: 0x{'ab' * 32}, label: Theft, tag_type: event, network: ETH",
    )
    do("tags", "import", written(tmp_path, "first.yaml", first))
    do("tags", "import", written(tmp_path, "other.yaml", pack(row(SCRIPT, "Shop"), creator="B/c")))
    _, err = do("tags", "export", code=2)
    assert "the tags have 2 creators" in err
    out, _ = do("tags", "export", "--creator", "the tests", "--network", "bitcoin")
    assert out.count("label:") == 2
    folder = tmp_path / "packs"
    folder.mkdir()
    _, err = do("tags", "export", "-o", folder)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["b-c.yaml", "the-tests.yaml"]
    assert err.count("Written: ") == 2
    again = ["--data", str(tmp_path / "again")]
    assert run([*again, "tags", "import", *map(str, files)]) == 0
    digests = [
        set(sqlite3.connect(book).execute("SELECT digest FROM tags").fetchall())
        for book in (
            tmp_path / "data" / "casebook.sqlite",
            tmp_path / "again" / "casebook.sqlite",
        )
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 4


def test_export__gives_each_creator_a_file_of_its_own(do: Do, tmp_path: Path):
    creators = ["a b", "A-B", "a-b-2", "+", "???"]
    for number, creator in enumerate(creators):
        raw = pack(row(GENESIS, f"Pool {number}"), creator=f'"{creator}"')
        do("tags", "import", written(tmp_path, "pack.yaml", raw))
    folder = tmp_path / "packs"
    folder.mkdir()
    do("tags", "export", "-o", folder)
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["a-b-2-2.yaml", "a-b-2.yaml", "a-b.yaml", "tags-2.yaml", "tags.yaml"]


def test_export__of_nothing_says_so(do: Do):
    _, err = do("tags", "export", code=2)
    assert "no tags to export" in err


def test_tags__of_what_is_no_address_or_network_is_refused(do: Do):
    _, err = do("tags", "of", "nonsense", code=2)
    assert "a base58 address has" in err
    _, err = do("tags", "of", "x", "--network", "dogecoin", code=2)
    assert "known are bitcoin" in err
    _, err = do("tags", "withdraw", "1", "--reason", " ", code=2)
    assert "--reason TEXT" in err
    _, err = do("tags", "withdraw", "1", "--reason", "x", code=2)
    assert "nothing was imported into the casebook" in err
    out, _ = do("tags", "list")
    assert "`arien-flows tags import FILE` does it" in out


def test_casebook__of_another_kind_is_refused_without_its_password(
    do: Do, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARIEN_CASEBOOK", "mysql://user:s3cret@host/name")
    for command in (("tags", "list"), ("ledger", "status"), ("casebook", "upgrade")):
        _, err = do(*command, code=2)
        assert "ARIEN_CASEBOOK names the database 'mysql'" in err
        assert "s3cret" not in err


def test_casebook__is_brought_up_to_date_by_a_command(do: Do, tmp_path: Path):
    out, _ = do("casebook", "status")
    assert "empty (version none)" in out
    _, err = do("casebook", "upgrade")
    assert "went from nothing to " in err
    _, err = do("casebook", "upgrade")
    assert "was up to date" in err
    file = tmp_path / "data" / "casebook.sqlite"
    engine = open_engine(sqlite_url(file))
    with writing(engine) as connection:
        migrate(connection, "0001")
    engine.dispose()
    _, err = do("tags", "list", code=1)
    assert "arien-flows casebook upgrade" in err
    out, _ = do("doctor", code=1)
    assert "WRONG  casebook" in out
    _, err = do("casebook", "upgrade")
    assert f"Copied first: {file}.0001.bak" in err
    out, _ = do("tags", "list")
    assert "Nothing was imported yet" in out


@pytest.fixture
def tagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> SmallCase:
    case = make_small_case(tmp_path)
    capsys.readouterr()
    return case


def test_tags__are_inherited_by_the_entity_and_shown_as_such(
    tagged: SmallCase, tmp_path: Path, capsys
):
    common = ["--data", str(tagged.data)]
    alice, other = tagged.address("alice"), tagged.address("alice-3")
    raw = pack(
        row(alice, "Alice", actor="alice", confidence="forensic"),
        row(alice, "Bob", actor="bob", source="elsewhere", confidence="web_crawl"),
    )
    file = written(tmp_path, "people.yaml", raw)
    assert run([*common, "--network", NETWORK, "tags", "import", str(file)]) == 0
    capsys.readouterr()
    assert run([*common, "tags", "of", other]) == 0
    out = capsys.readouterr().out
    assert "Disputed (attribution of another address of the entity)" in out
    assert f"Alice (attribution inherited from {alice})" in out
    assert run([*common, "--json", "address", other]) == 0
    naming = json.loads(capsys.readouterr().out)["naming"]
    assert (naming["label"], naming["disputed"], naming["inherited"]) == ("Alice", True, True)
    assert naming["combined_confidence"] == 20
    assert naming["as_of"] == "2011-02-03"


def test_trace__stops_at_a_service_of_the_casebook_until_it_is_withdrawn(tagged: SmallCase, capsys):
    common = ["--data", str(tagged.data), "--json"]
    answers = []
    for _ in range(2):
        assert run([*common, "trace", tagged.address("alice")]) == 0
        answers.append(json.loads(capsys.readouterr().out))
        run([*common, "tags", "withdraw", "1", "--reason", "mistaken"])
        capsys.readouterr()
    before, after = answers
    assert before["totals"]["by_reason"]["service_reached"] == "5000000000"
    assert before["services"][0]["label"] == "Exchange One"
    assert "service_reached" not in after["totals"]["by_reason"]
    assert before["manifest"]["tags_sha256"] != after["manifest"]["tags_sha256"]


def test_tags__of_a_table_are_imported_exported_and_never_overwrite(do: Do, tmp_path: Path) -> None:
    table = tmp_path / "tags.csv"
    table.write_text(f"address,label,concepts\n{GENESIS},Alice,vendor;dark_web\n")
    do("tags", "import", str(table), code=2)
    out, _ = do(
        "tags", "import", str(table), "--source", "https://example.org", "--licence", "MIT",
        "--as-of", "2024-05-06",
    )  # fmt: skip
    assert "1 tag taken over" in out
    out, _ = do("tags", "show", "1")
    assert "2024-05-06" in out
    assert "MIT" in out
    target = tmp_path / "out.yaml"
    do("tags", "export", "-o", str(target))
    assert "shop" in target.read_text()
    _, err = do("tags", "export", "-o", str(target), code=2)
    assert "--overwrite" in err
    do("tags", "export", "-o", str(target), "--overwrite", "--format", "csv")
    assert "vendor;dark_web" in target.read_text()


def test_tags__are_reviewed_by_a_second_person(
    do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pack.yaml"
    file.write_bytes(pack(row(GENESIS, "Pool"), row(SCRIPT, "Shop")))
    do("tags", "import", str(file))
    _, err = do("tags", "review", "1", "--approve", "--reason", "seen", code=2)
    assert "somebody else" in err
    monkeypatch.setenv("LOGNAME", "second")
    out, _ = do("tags", "review", "1", "--approve", "--reason", "seen")
    assert "second approved the import: seen" in out
    do("tags", "review", "1", "--row", "2", "--reject", "--reason", "not his")
    out, _ = do("tags", "of", SCRIPT)
    assert "No source" in out
    out, _ = do("tags", "of", GENESIS)
    assert "approved" in out
    file.write_bytes(file.read_bytes() + b"\n")
    out, _ = do("tags", "import", str(file))
    assert "2 tags taken over; 1 of them rejected before" in out
    out, _ = do("tags", "show", "2")
    assert "1 tag of it cannot speak" in out
    out, _ = do("tags", "policy", "--proposed", "ignore", "--reason", "court")
    assert "do not count" in out


def test_import__of_a_list_that_was_read_as_another_format_is_refused(
    do: Do, tmp_path: Path
) -> None:
    file = tmp_path / "list_XBT.json"
    file.write_text("[]")
    do("tags", "import", str(file), "--format", "ofac-list")
    out, _ = do("tags", "import", str(file), "--format", "mining-pools", code=2)
    assert "read as ofac-list and not as mining-pools" in out
    out, _ = do("tags", "import", str(file), "--format", "ofac-list")
    assert "already imported" in out
