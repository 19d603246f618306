"""What the casebook does for watches, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.watch_records import (
    ADDRESSES,
    AlertActKind,
    Found,
    LaneStep,
    NewWatch,
    Watch,
    WatchChange,
)
from arien_flows.errors import ConflictError, LostUpdateError, NotFoundError
from tests.arien_flows.casebook.conftest import address as address
from tests.arien_flows.casebook.conftest import casebook as casebook

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEI = 2**200


def made(casebook: Casebook, *subjects: str, case_id: str | None = None) -> list[Watch]:
    new = [
        NewWatch(
            network="ethereum",
            lane=ADDRESSES,
            subject=subject,
            direction="both",
            min_value=WEI,
            asset="ETH",
            list_name=None,
            begins_at=5,
            until=None,
        )
        for subject in subjects
    ]
    return casebook.watches.add(new, owner="ann", case_id=case_id, now=NOW)


def found(watch: Watch, txid: str, block_hash: str = "0xa", height: int = 5) -> Found:
    return Found(
        watch=watch,
        txid=txid,
        height=height,
        block_hash=block_hash,
        block_time=NOW,
        direction="in",
        certainty="fact",
        detail="{}",
    )


def test_watches__are_read_back_as_they_were_made(casebook: Casebook):
    one, other = made(casebook, "0x1", "0x2")
    assert casebook.watches.read(one.id) == one
    assert one.min_value == WEI
    assert casebook.watches.open_lanes() == [("ethereum", ADDRESSES)]
    lane = casebook.watches.lane("ethereum", ADDRESSES)
    assert {it.id for it in casebook.watches.behind(lane, 10)} == {one.id, other.id}
    with pytest.raises(NotFoundError):
        casebook.watches.read("watch_0")


def test_advance__writes_all_of_a_step_or_nothing(casebook: Casebook):
    (watch,) = made(casebook, "0x1")
    book = casebook.watches
    lane = book.lane("ethereum", ADDRESSES)
    step = LaneStep(blocks={4: "0x4", 5: "0xa"}, clustering=None, settled_height=5)
    assert book.advance(lane, step, NOW, found=[found(watch, "0xt")], met=[watch.id])
    assert not book.advance(lane, step, NOW, found=[found(watch, "0xother")])
    now = book.lane("ethereum", ADDRESSES)
    assert list(now.blocks) == [(5, "0xa"), (4, "0x4")]
    assert [it.id for it in book.going_with(now)] == [watch.id]
    (raised,) = book.standing(now, 4)
    assert book.standing(now, 5) == []
    back = LaneStep(
        blocks={}, clustering=None, settled_height=4, forgotten_above=4, begin_at_latest=3
    )
    assert book.advance(now, back, NOW, gone=[raised])
    alert = book.alert(raised.id)
    assert alert.withdrawn_at == NOW
    assert alert.watch.begins_at == 3
    assert book.lane("ethereum", ADDRESSES).position == 4
    assert book.raise_alerts([found(watch, "0xt", "0xb")], NOW) == 0
    acts = book.alert(raised.id).acts
    assert [act.kind for act in acts] == [
        AlertActKind.RAISED,
        AlertActKind.WITHDRAWN,
        AlertActKind.CONFIRMED_AGAIN,
    ]
    assert [event.kind for event in casebook.hooks.new_events(10)].count("watch.hit") == 2


def test_alerts__are_seen_by_owner_and_case_and_acknowledged_once(casebook: Casebook):
    (own,) = made(casebook, "0x1")
    (shared,) = made(casebook, "0x2", case_id="case_1")
    book = casebook.watches
    assert book.raise_alerts([found(own, "0xt"), found(shared, "0xt")], NOW) == 2
    assert book.raise_alerts([found(own, "0xt"), found(shared, "0xt")], NOW) == 0

    def seen(owner: str, *cases: str) -> set[str]:
        page = book.alerts(owner=owner, cases=cases, watch_id=None, before=None, limit=9)
        return {it.watch.id for it in page}

    assert seen("ann") == {own.id}
    assert seen("ann", "case_1") == {own.id, shared.id}
    assert seen("bob", "case_1") == {shared.id}
    assert seen("bob") == set()
    (alert,) = book.alerts(owner=None, cases=None, watch_id=own.id, before=None, limit=9)
    assert book.acknowledge(alert.id, by="ann", note="seen", now=NOW).acknowledged_by == "ann"
    with pytest.raises(ConflictError, match="ann has acknowledged"):
        book.acknowledge(alert.id, by="bob", note="", now=NOW)
    left = book.alerts(
        owner=None, cases=None, watch_id=None, before=None, limit=9, unseen_only=True
    )
    assert [it.watch.id for it in left] == [shared.id]
    with casebook._writing() as connection:
        book.erase(connection, "case_1")
    with pytest.raises(NotFoundError):
        book.read(shared.id)
    assert book.read(own.id) == own


def test_change__is_of_the_version_that_was_read(casebook: Casebook):
    (watch,) = made(casebook, "0x1")
    wanted = WatchChange(direction="in", min_value=1, list_name="x", until=NOW + timedelta(days=1))
    assert casebook.watches.change(watch.id, 1, wanted).until == NOW + timedelta(days=1)
    with pytest.raises(LostUpdateError):
        casebook.watches.change(watch.id, 1, wanted)
    casebook.watches.end([watch.id], by="ann", now=NOW)
    casebook.watches.end([watch.id], by="bob", now=NOW)
    assert casebook.watches.read(watch.id).ended_by == "ann"
    assert casebook.watches.open_lanes() == []
