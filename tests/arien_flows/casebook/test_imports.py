"""Documents come in once and whole, and nothing that was imported is ever lost."""

import hashlib
import tarfile
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.casebook.book import NO_TAGS, Casebook
from arien_flows.casebook.engine import database_url, reading
from arien_flows.casebook.models import documents
from arien_flows.casebook.records import TagFilter
from arien_flows.errors import CasebookError, InputError, NotFoundError
from chains.bitcoin.address import Locking, parse_address
from chains.bitcoin.networks import BITCOIN
from chains.tables import ScriptType
from tests.arien_flows.casebook.packs import (
    ETHEREUM,
    FIRST,
    GENESIS,
    SCRIPT,
    TAPROOT,
    WITNESS,
    bring_in,
    pack,
    row,
)


def labels(casebook: Casebook, network: str = "bitcoin") -> list[str]:
    found = casebook.page(TagFilter(network=network), 0, 1_000)
    return [stored.tag.label for _number, stored in found]


def test_import__keeps_the_document_and_says_where_each_tag_stands(casebook: Casebook):
    raw = pack(
        row(GENESIS, "Satoshi", actor="satoshi", concepts="[miner]"),
        row(WITNESS.upper(), "Exchange", lastmod="2024-05-06", confidence="service_data"),
    )
    outcome = bring_in(casebook, raw)
    assert (outcome.is_new, outcome.faults) == (True, ())
    record = outcome.record
    assert (record.tags, record.current, record.faulty, record.repeated) == (2, 2, 0, 0)
    assert (record.title, record.creator, record.network) == ("Services", "the tests", "bitcoin")
    assert (record.imported_at, record.imported_by) == (FIRST, "an analyst")
    assert record.document_sha256 == hashlib.sha256(raw).hexdigest()
    (stored,) = casebook.tags_of("bitcoin", [WITNESS])
    assert stored.tag.address == WITNESS
    assert (stored.tag.label, stored.tag.lastmod) == ("Exchange", date(2024, 5, 6))
    assert (stored.document_sha256, stored.row) == (record.document_sha256, 2)
    assert (stored.document_name, stored.import_id) == ("pack.yaml", record.id)
    with reading(casebook._engine) as connection:
        kept = connection.execute(documents.select()).one()
    assert (bytes(kept.content), kept.size) == (raw, len(raw))


def test_import__of_the_same_file_changes_nothing(casebook: Casebook):
    raw = pack(row(GENESIS, "Satoshi"), row("nonsense", "Nobody"))
    first = bring_in(casebook, raw)
    revision = casebook.revision("bitcoin")
    again = bring_in(casebook, raw, name="copy.yaml", days=1)
    assert not again.is_new
    assert (again.record, again.faults) == (first.record, first.faults)
    assert casebook.revision("bitcoin") == revision
    assert len(casebook.imports(limit=10)) == 1


def test_import__lists_what_it_cannot_use_and_takes_the_rest(casebook: Casebook):
    wrong = GENESIS[:-1] + "b"
    raw = pack(
        row(wrong, "Typo"),
        row(GENESIS, "Satoshi"),
        row(TAPROOT, "Bank", category="banker"),
        row("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "Elsewhere"),
    )
    outcome = bring_in(casebook, raw)
    assert labels(casebook) == ["Satoshi"]
    assert [fault.row for fault in outcome.faults] == [1, 3, 4]
    assert [fault.subject for fault in outcome.faults][:2] == [wrong, TAPROOT]
    assert "checksum" in outcome.faults[0].fault
    assert "'banker' is unknown" in outcome.faults[1].fault
    assert "--network bitcoin-regtest" in outcome.faults[2].fault
    assert casebook.faults_of(outcome.record.id) == list(outcome.faults)
    assert outcome.record.faulty == 3


def test_import__keeps_what_no_database_can_hold_in_words(casebook: Casebook):
    raw = pack(row(GENESIS, "Pool"), row('"a\\0b"', "Null"))
    record = bring_in(casebook, raw, name="p\udcff.yaml").record
    assert record.document_name == "p\\udcff.yaml"
    assert [fault.subject for fault in casebook.faults_of(record.id)] == ["a\\0b"]
    withdrawn = casebook.withdraw(record.id, reason="wr\0ng\udcff", now=FIRST, by="x\0")
    assert withdrawn.withdrawal is not None
    assert withdrawn.withdrawal.reason == "wr\\0ng\\udcff"
    wanted = TagFilter(network="a\0", subject="\udcff", label="\0\udcff", creator="\0")
    assert casebook.page(wanted, 0, 1) == []
    assert casebook.tags_of("a\0", ["\0"]) == []


def test_import__reads_btc_as_the_network_that_is_meant(casebook: Casebook):
    text = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
    raw = pack(row(text, "Test"), row(ETHEREUM, "Other", network="ETH", currency="USDT"))
    assert len(bring_in(casebook, raw).faults) == 1
    assert bring_in(casebook, raw, network="bitcoin-regtest").is_new
    assert [stored.tag.label for stored in casebook.tags_of("bitcoin-regtest", [text])] == ["Test"]
    (stored,) = casebook.tags_of("ethereum", [ETHEREUM.lower()])
    assert (stored.tag.network, stored.tag.currency) == ("ethereum", "USDT")
    assert casebook.count("bitcoin") == 0


def test_import__of_something_else_leaves_nothing_behind(casebook: Casebook):
    with pytest.raises(InputError, match=r"pack\.yaml: a TagPack is a mapping"):
        bring_in(casebook, b"- 1")
    assert casebook.imports(limit=10) == []
    assert casebook.version() is None


def test_import__takes_what_is_said_twice_once(casebook: Casebook):
    raw = pack(row(GENESIS, "Satoshi"), row(GENESIS, "Satoshi"), row(GENESIS, "Nakamoto"))
    record = bring_in(casebook, raw).record
    assert (record.tags, record.repeated) == (2, 1)
    assert labels(casebook) == ["Satoshi", "Nakamoto"]


def test_versions__the_last_confirmed_one_speaks_whatever_the_order(casebook: Casebook):
    old = pack(row(GENESIS, "Pool", lastmod="2020-01-01", confidence="web_crawl"))
    new = pack(row(GENESIS, "Pool", lastmod="2024-01-01", confidence="forensic"))
    undated = pack(row(GENESIS, "Pool", confidence="ownership"))
    for raw in (new, old, undated):
        bring_in(casebook, raw)
    (speaking,) = casebook.tags_of("bitcoin", [GENESIS])
    assert speaking.tag.confidence == "forensic"
    assert [record.current for record in casebook.imports(limit=10)] == [1, 0, 0]
    assert [record.tags for record in casebook.imports(limit=10)] == [1, 1, 1]


def test_versions__of_equal_age_the_last_imported_speaks(casebook: Casebook):
    for confidence in ("web_crawl", "forensic", "heuristic"):
        bring_in(casebook, pack(row(GENESIS, "Pool", confidence=confidence)))
    (speaking,) = casebook.tags_of("bitcoin", [GENESIS])
    assert speaking.tag.confidence == "heuristic"


def test_versions__another_label_source_or_creator_is_another_tag(casebook: Casebook):
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    bring_in(casebook, pack(row(GENESIS, "Miner"), row(GENESIS, "Pool", source="elsewhere")))
    bring_in(casebook, pack(row(GENESIS, "Pool"), creator="somebody else"))
    assert labels(casebook) == ["Pool", "Miner", "Pool", "Pool"]


def test_import__does_not_let_the_future_speak_first(casebook: Casebook):
    tomorrow, later = (FIRST + timedelta(days=days) for days in (1, 2))
    raw = pack(
        row(GENESIS, "Pool", lastmod=f"{tomorrow:%Y-%m-%d}"),
        row(GENESIS, "Pool", lastmod=f"{later:%Y-%m-%d}"),
    )
    (fault,) = bring_in(casebook, raw).faults
    assert fault.row == 2
    assert f"lastmod {later:%Y-%m-%d} lies in the future" in fault.fault
    assert labels(casebook) == ["Pool"]


def test_withdraw__keeps_everything_and_lets_the_older_version_speak_again(casebook: Casebook):
    before = bring_in(casebook, pack(row(GENESIS, "Pool", lastmod="2020-01-01")))
    revision = casebook.revision("bitcoin")
    wrong = bring_in(
        casebook, pack(row(GENESIS, "Pool", lastmod="2024-01-01"), row(SCRIPT, "Wrong"))
    )
    later = FIRST + timedelta(days=3)
    record = casebook.withdraw(wrong.record.id, reason="mistaken list", now=later, by="the head")
    assert (record.tags, record.current) == (2, 0)
    assert record.withdrawal is not None
    assert record.withdrawal.reason == "mistaken list"
    assert (record.withdrawal.withdrawn_at, record.withdrawal.withdrawn_by) == (later, "the head")
    (speaking,) = casebook.tags_of("bitcoin", [GENESIS, SCRIPT])
    assert speaking.import_id == before.record.id
    assert casebook.revision("bitcoin") == revision
    assert casebook.read_import(before.record.id).current == 1


def test_withdraw__only_once_and_only_what_is_there(casebook: Casebook):
    with pytest.raises(NotFoundError, match="nothing was imported"):
        casebook.withdraw(1, reason="x", now=FIRST, by="x")
    number = bring_in(casebook, pack(row(GENESIS, "Pool"))).record.id
    casebook.withdraw(number, reason="mistaken", now=FIRST, by="x")
    with pytest.raises(InputError, match="withdrawn before: mistaken"):
        casebook.withdraw(number, reason="again", now=FIRST, by="x")
    for absent in (7, 2**31, 2**70):
        with pytest.raises(NotFoundError, match=f"no import {absent}"):
            casebook.withdraw(absent, reason="x", now=FIRST, by="x")
    assert casebook.imports(after=10**18, limit=10) == []


def test_import__after_a_withdrawal_brings_the_same_document_in_anew(casebook: Casebook):
    raw = pack(row(GENESIS, "Pool"))
    first = bring_in(casebook, raw)
    casebook.withdraw(first.record.id, reason="mistaken", now=FIRST, by="x")
    second = bring_in(casebook, raw, days=1)
    assert second.is_new
    assert second.record.document_sha256 == first.record.document_sha256
    assert [record.current for record in casebook.imports(limit=10)] == [0, 1]


def test_revision__names_the_set_of_tags_whatever_the_order(address: str, tmp_path: Path):
    first, second = pack(row(GENESIS, "Pool")), pack(row(SCRIPT, "Shop"), title="More")
    one, other = (
        Casebook(database_url(address)),
        Casebook(database_url(f"sqlite:///{tmp_path / 'other.sqlite'}")),
    )
    assert one.revision("bitcoin") == other.revision("bitcoin") == NO_TAGS
    revisions = [NO_TAGS]
    for raw in (first, second):
        bring_in(one, raw)
        revisions.append(one.revision("bitcoin"))
    for raw in (second, first):
        bring_in(other, raw)
    assert len(set(revisions)) == 3
    assert one.revision("bitcoin") == other.revision("bitcoin")
    assert one.revision("ethereum") == NO_TAGS
    one.close()
    other.close()


def test_page__filters_and_goes_on_where_the_last_one_ended(casebook: Casebook):
    rows = [row(address, f"Shop {i}") for i, address in enumerate((GENESIS, WITNESS, SCRIPT))]
    bring_in(casebook, pack(*rows))
    bring_in(casebook, pack(row(TAPROOT, "100% Pöol"), creator="others"))
    whole = casebook.page(TagFilter(), 0, 100)
    first = casebook.page(TagFilter(), 0, 3)
    assert first + casebook.page(TagFilter(), first[-1][0], 3) == whole

    def found(**wanted: str) -> list[str | None]:
        return [stored.tag.address for _n, stored in casebook.page(TagFilter(**wanted), 0, 100)]

    assert found(label="shop") == [GENESIS, WITNESS, SCRIPT]
    assert found(label="0%") == found(label="PÖ") == [TAPROOT]
    assert found(creator="others") == [TAPROOT]
    assert found(network="bitcoin", subject=SCRIPT) == [SCRIPT]
    assert found(network="ethereum") == []


def test_table__holds_what_every_address_stands_for(casebook: Casebook):
    raw = pack(
        *(row(address, "Shop") for address in (GENESIS, WITNESS, SCRIPT, TAPROOT)),
        f"tx_hash: {'ab' * 32}, label: Theft",
    )
    bring_in(casebook, raw)
    table = casebook.table("bitcoin")
    assert table is not None
    assert casebook.table("bitcoin") is table
    assert [said.label for said in table.statements] == ["Shop"]
    assert (len(table.tag_id), table.other) == (4, 1)
    assert table.revision == casebook.revision("bitcoin")
    stored = casebook.tags_numbered(table.tag_id.tolist())
    lengths = {GENESIS: 20, WITNESS: 20, SCRIPT: 20, TAPROOT: 32}
    assert sorted(str(each.tag.address) for each in stored) == sorted(lengths)
    assert np.diff(table.first_payload_byte).tolist() == [
        lengths[str(each.tag.address)] for each in stored
    ]
    for place, each in enumerate(stored):
        begin, end = table.first_payload_byte[place : place + 2]
        locking = Locking(ScriptType(table.script_type[place]), table.payload[begin:end].tobytes())
        assert parse_address(str(each.tag.address), BITCOIN) == locking
    backwards = casebook.tags_numbered(table.tag_id[::-1].tolist())
    assert backwards == stored[::-1]
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    assert casebook.table("bitcoin") is not table


def test_casebook__that_does_not_exist_reads_as_empty(casebook: Casebook):
    assert casebook.version() is None
    assert casebook.revision("bitcoin") == NO_TAGS
    assert casebook.tags_of("bitcoin", [GENESIS]) == []
    assert casebook.table("bitcoin") is None
    assert list(casebook.export(None)) == []
    assert casebook.imports(limit=10) == []


def test_import__interrupted_leaves_nothing(casebook: Casebook):
    def stop(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    bring_in(casebook, pack(row(SCRIPT, "Shop")))
    revision = casebook.revision("bitcoin")
    with pytest.raises(KeyboardInterrupt):
        casebook.import_tagpack(
            pack(row(GENESIS, "Pool")),
            name="p",
            network="bitcoin",
            now=FIRST,
            by="x",
            report=stop,
        )
    assert casebook.revision("bitcoin") == revision
    assert labels(casebook) == ["Shop"]


def test_import__of_one_document_by_several_at_once_happens_once(address: str):
    raw = pack(*(row(address, "Shop") for address in (GENESIS, WITNESS, SCRIPT)))
    books = [Casebook(database_url(address)) for _ in range(4)]
    bring_in(books[0], pack(row(TAPROOT, "First")))
    outcomes: list[bool] = []
    threads = [
        Thread(target=lambda book=book: outcomes.append(bring_in(book, raw).is_new))
        for book in books
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]
    assert books[0].count("bitcoin") == 4
    for book in books:
        book.close()


def test_casebook__that_cannot_be_reached_says_so_without_the_password(tmp_path: Path):
    (tmp_path / "file").write_text("not a database, and longer than one header would be" * 9)
    book = Casebook(database_url(f"sqlite:///{tmp_path / 'file'}"))
    with pytest.raises(CasebookError, match="cannot be used: file is not a database"):
        book.revision("bitcoin")
    book.close()


def test_parse__of_the_stored_document_gives_the_stored_tags_again(casebook: Casebook):
    raw = pack(row(GENESIS, "Pool", context='"{\\"a\\": 1}"'), row(SCRIPT, "Shop"))
    bring_in(casebook, raw)
    again = parse_tagpack(raw, "again").tags
    stored = [stored.tag for _number, stored in casebook.page(TagFilter(), 0, 10)]
    assert [tag.statement for tag in stored] == [tag.statement for tag in again]


@pytest.mark.slow
def test_import__takes_public_packs_and_lists_their_few_faults(
    casebook: Casebook, shared_data: Path
):
    """Real packs of many hands: every row becomes a tag, or a fault that says why."""
    rows = tags = repeated = 0
    faults: list[str] = []
    with tarfile.open(shared_data / "tags_graphsense" / "packs_yaml.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.size < 400_000 else None
            raw = file.read() if file else b""
            if not member.name.endswith(".yaml") or b"tags:" not in raw:
                continue
            outcome = bring_in(casebook, raw, name=Path(member.name).name)
            rows += len(parse_tagpack(raw, member.name).rows)
            tags += outcome.record.tags
            repeated += outcome.record.repeated
            faults += [fault.fault for fault in outcome.faults]
    assert (rows, repeated) == (9_944, 6)
    assert tags + repeated + len(faults) == rows
    assert sorted(fault.split(":")[0] for fault in faults) == [
        "character 11 ('l') cannot occur in an address",
        "the address decodes to 26 bytes instead of 25",
        "this is an address of Tron, not an address of bitcoin",
    ]
    current = sum(record.current for record in casebook.imports(limit=1_000))
    assert current <= tags
    (hydra, *_) = casebook.page(TagFilter(label="hydra market"), 0, 1)
    assert hydra[1].tag.concepts[0] == "market"
