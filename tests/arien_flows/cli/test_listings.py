"""Commands about collected documents, told to people and to programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from arien_flows.cli.main import run
from tests.arien_flows.intake.desk import FIRST, MARKET, SECRET, page

Do = Callable[..., tuple[str, str]]


@pytest.fixture
def do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Do:
    """Run a command on a data folder that holds nothing; return its output and messages."""

    def done(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
        assert run(["--data", str(tmp_path / "data"), *map(str, arguments)]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return done


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "alice.html").write_bytes(page("Alice", FIRST, more=f"<p>{SECRET}</p>"))
    (folder / "z.pdf").write_bytes(b"%PDF-1.4")
    return folder


def test_listings__from_import_to_withdrawal(do: Do, pages: Path):
    said = ("--market", MARKET, "--captured-at", "2021-04-05")
    out, _ = do("listings", "scan", pages, *said, code=3)
    assert f"is Alice @ {MARKET}'s" in out
    assert "refused: it is a PDF" in out
    assert do("listings", "list")[0].startswith("Nothing was collected yet")
    out, _ = do("listings", "import", pages, *said, "--collector", "somebody", code=3)
    assert "SECRETS: 1 key or seed phrase" in out
    assert "2 items (1 imported, 1 refused)" in out
    out, _ = do("tags", "of", FIRST)
    assert f"Alice @ {MARKET}" in out
    (row,) = json.loads(do("listings", "list", "--json")[0])["items"]
    assert row["attributing"] == row["secrets"] == 1
    assert row["captured_at"] == "2021-04-05T00:00:00Z"
    assert row["collector"] == "somebody"
    sha256 = row["sha256"]
    for name in (sha256, sha256[:12], row["listing"]):
        out, _ = do("listings", "show", name)
        assert "send payment to my address" in out
        assert "SECRET: private key, hidden" in out
    out, _ = do("listings", "withdraw", sha256, "--reason", "a forgery")
    assert "are withdrawn (import 1)" in out
    assert "No source in the casebook names it" in do("tags", "of", FIRST)[0]
    out, _ = do("listings", "show", sha256)
    assert "WITHDRAWN" in out
    assert "a forgery" in out
    assert do("evidence", "verify")[0]


def test_listings__nothing_that_is_shown_holds_a_secret(do: Do, pages: Path):
    told = ""
    for command in (
        ("listings", "scan", pages),
        ("listings", "import", pages, "--market", MARKET),
    ):
        told += do(*command, "--json", code=3)[0] + do(*command, code=3)[0]
    for command in (("listings", "list"), ("evidence", "log"), ("tags", "export")):
        told += do(*command)[0]
    sha256 = json.loads(do("listings", "list", "--json")[0])["items"][0]["sha256"]
    told += do("listings", "show", sha256)[0] + do("listings", "show", sha256, "--json")[0]
    rows = json.loads(do("evidence", "log", "--kind", "secret_viewed", "--json")[0])["acts"]
    assert [row["told"]["document_sha256"] for row in rows] == [sha256, sha256]
    assert {row["told"]["reason"] for row in rows} == {"listings show"}
    assert SECRET not in told
    assert "[private key hidden]" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--captured-at", "yesterday"), "is no moment"),
        (("--captured-at", "2999-01-01"), "in the future"),
        (("--market", " "), "--market is empty"),
        (("--network", "moon"), "moon"),
    ],
)
def test_listings__what_cannot_be_meant_is_refused(
    do: Do, pages: Path, arguments: tuple[str, ...], says: str
):
    _, message = do("listings", "import", pages, *arguments, code=2)
    assert says in message
    assert message.count("\n") == 1


def test_listings__a_table_is_read_by_a_mapping_file(do: Do, tmp_path: Path):
    table, mapping = tmp_path / "t.csv", tmp_path / "m.toml"
    table.write_text(f"Who,Words\nAlice,Please send payment to my address {FIRST}\n")
    out, _ = do("listings", "import", table, "--market", MARKET, code=2)
    assert "--mapping MAPPING.toml" in out
    mapping.write_text('[columns]\nvendor = "Who"\ndescription = "Words"\n')
    do("listings", "import", table, "--market", MARKET, "--mapping", mapping)
    said = do("tags", "of", FIRST)[0]
    assert f"Alice @ {MARKET}" in said
    sha256 = json.loads(do("listings", "list", "--json")[0])["items"][0]["sha256"]
    assert f"   Document    {sha256} (`listings show` shows the bytes)" in said
    assert "which this program made of it" in said
    mapping.write_text("[columns\n")
    _, message = do("listings", "import", table, "--mapping", mapping, code=2)
    assert "m.toml: not valid TOML" in message


def test_listings__that_nobody_knows_are_not_found(do: Do, pages: Path):
    do("listings", "import", pages, "--market", MARKET, code=3)
    for name in ("0" * 64, "abcdef12", "no such listing"):
        assert "listings list" in do("listings", "show", name, code=2)[1]
    assert "listings list" in do("listings", "withdraw", "0" * 64, "--reason", "x", code=2)[1]
    assert "--reason" in do("listings", "withdraw", "0" * 64, "--reason", " ", code=2)[1]


def test_listings__are_listed_page_by_page(do: Do, tmp_path: Path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"page {number}")
    do("listings", "import", folder, "--market", MARKET)
    first = json.loads(do("listings", "list", "--limit", "2", "--json")[0])
    assert len(first["items"]) == 2
    rest = json.loads(do("listings", "list", "--cursor", first["next_cursor"], "--json")[0])
    assert [item["path"] for item in rest["items"]] == ["many/2.txt"]
    assert rest["next_cursor"] is None
    assert "There are more" in do("listings", "list", "--limit", "1")[0]
    assert do("listings", "list", "--market", "other")[0].startswith("Nothing")
