"""Which tags speak after any history of imports and withdrawals: compared with the plain rule."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.snapshot import revision_of, tag_digest
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.records import TagFilter
from tests.arien_flows.casebook.packs import FIRST, GENESIS, SCRIPT, WITNESS, bring_in, pack, row

Row = tuple[str, str, int | None, str]
"""Address, label, age, confidence."""

rows = st.tuples(
    st.sampled_from([GENESIS, SCRIPT, WITNESS]),
    st.sampled_from(["Pool", "Shop"]),
    st.none() | st.integers(0, 2),
    st.sampled_from(["forensic", "web_crawl"]),
)
histories = st.lists(
    st.lists(rows, min_size=1, max_size=4) | st.integers(0, 4), min_size=1, max_size=6
)
"""Packs that are imported, and places in the list of imports that are withdrawn."""


def day(age: int | None) -> date | None:
    return None if age is None else date(2024, 1, 1) - timedelta(days=age)


def expected(imports: Sequence[tuple[int, Sequence[Row], bool]]) -> set[Row]:
    """Apply the rule as it is written: the last confirmed, then the last imported, then written."""
    speaking: dict[tuple[str, str], tuple[tuple[object, ...], Row]] = {}
    for number, found, is_withdrawn in imports:
        if is_withdrawn:
            continue
        # A row that says what an earlier one of its document says is not taken twice.
        for place, one in enumerate(dict.fromkeys(found)):
            confirmed = day(one[2]) or date.min
            rank = (confirmed, number, place)
            held = speaking.get(one[:2])
            if held is None or held[0] < rank:
                speaking[one[:2]] = rank, one
    return {one for _rank, one in speaking.values()}


@given(histories)
def test_current__is_what_the_rule_says_after_any_history(history):
    with TemporaryDirectory() as folder:
        casebook = Casebook(sqlite_url(Path(folder) / "casebook.sqlite"))
        imports: list[tuple[int, Sequence[Row], bool]] = []
        for step in history:
            if isinstance(step, int):
                if step < len(imports) and not imports[step][2]:
                    number, found, _ = imports[step]
                    casebook.withdraw(number, reason="x", now=FIRST, by="x")
                    imports[step] = number, found, True
                continue
            raw = pack(*map(written, step))
            outcome = bring_in(casebook, raw)
            if outcome.is_new:
                imports.append((outcome.record.id, step, False))
        stored = [each.tag for _number, each in casebook.page(TagFilter(), 0, 1_000)]
        found = [(tag.address, tag.label, tag.lastmod, tag.confidence) for tag in stored]
        wanted = {(one[0], one[1], day(one[2]), one[3]) for one in expected(imports)}
        assert len(found) == len(set(found))
        assert set(found) == wanted
        table = casebook.table("bitcoin")
        held = 0 if table is None else len(table.tag_id)
        assert held == casebook.count("bitcoin") == len(wanted)
        by_import: dict[int, list[str]] = {}
        for _number, each in casebook.page(TagFilter(), 0, 1_000):
            by_import.setdefault(each.import_id, []).append(tag_digest(each.tag))
        named = revision_of(map(revision_of, by_import.values()))
        assert casebook.revision("bitcoin") == named
        casebook.close()


def written(one: Row) -> str:
    confirmed = day(one[2])
    more = {} if confirmed is None else {"lastmod": confirmed.isoformat()}
    return row(one[0], one[1], confidence=one[3], **more)
