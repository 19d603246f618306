"""Exposure over real blocks: who is met, what is certain of it, and where limits cut."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from arien_flows.answers.exposure import percentages
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from arien_flows.errors import InputError, NotFoundError
from arien_flows.exposure import subject as subjects
from arien_flows.exposure.request import ExposureRequest
from arien_flows.exposure.run import exposure_of
from arien_flows.exposure.shares import Exposure, ExposureShare
from arien_flows.ledger.view import View
from arien_flows.tracing.engine import Ground
from chains.types import UInt8Array, UInt32Array
from heuristics.conservation import ConservationError
from tests.arien_flows.tracing.chains import COIN, tag
from tests.ledgers import Tx, build_view, text_of_name

CHAIN = [
    Tx(name="mined-1", outputs=[("market-1", 50 * COIN)]),
    Tx(name="mined-2", outputs=[("buyer", 50 * COIN)]),
    # The market pays a vendor, who pays an exchange through a friend and keeps the rest.
    Tx(
        name="payout",
        inputs=["mined-1:0"],
        outputs=[("vendor-1", 30 * COIN), ("market-2", 19 * COIN)],
    ),
    Tx(
        name="friend", inputs=["mined-2:0"], outputs=[("vendor-2", 10 * COIN), ("buyer", 39 * COIN)]
    ),
    Tx(
        name="spend",
        inputs=["payout:0", "friend:0"],
        outputs=[("courier", 24 * COIN), ("vendor-3", 15 * COIN)],
    ),
    Tx(name="cash", inputs=["spend:0"], outputs=[("exchange", 23 * COIN)]),
]


class Joined:
    """Entities by the letters of their addresses' names: `vendor-1` and `vendor-2` are one."""

    identity = "joined"

    def __init__(self, view: View, names: tuple[str, ...]) -> None:
        self.labels: UInt32Array = np.arange(view.counts.addresses, dtype=np.uint32)
        roots: dict[str, int] = {}
        for number, name in sorted((view.find_address(text_of_name(n)), n) for n in names):
            self.labels[number] = roots.setdefault(name.partition("-")[0], number)

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> UInt32Array:
        return np.flatnonzero(self.labels == root).astype(np.uint32)


NAMES = ("market-1", "market-2", "vendor-1", "vendor-2", "vendor-3")
MARKET = tag("market-1", "Larkspur", "dark_market", confidence="forensic")
EXCHANGE = tag("exchange", "Halyard", "exchange")


def ground_of(
    *tags: Tag, marks: UInt8Array | None = None, chain: list[Tx] = CHAIN, joined: bool = True
) -> Ground:
    view = build_view(chain)
    entities: EntityMap = Joined(view, NAMES) if joined else SingleAddresses()
    return Ground(
        view=view,
        entities=entities,
        attribution=attribute(view, tags, entities),
        coinjoin_marks=np.zeros(view.counts.transactions, np.uint8) if marks is None else marks,
    )


def asked(subject: str, direction: str = "in", **limits: object) -> ExposureRequest:
    fields: dict[str, object] = {"subjects": (subject,), "direction": direction, "min_value_sat": 1}
    return ExposureRequest(**(fields | limits))  # type: ignore[arg-type]  # of one known class


def vendor(prefix: str = "entity:") -> str:
    return f"{prefix}{text_of_name('vendor-1')}"


def told(found: Exposure) -> dict[tuple[str, int], int]:
    return {(share.label, share.hops): share.value for share in found.shares}


def test_exposure_of__divides_what_came_in_by_who_paid():
    found = exposure_of(ground_of(MARKET, EXCHANGE), asked(vendor()))
    assert told(found) == {("Larkspur", 1): 30 * COIN}
    assert found.rest == {"newly_mined": 10 * COIN}
    (share,) = found.shares
    assert (share.category, share.confidence) == ("darknet_market", 50)
    # The tag names the address that paid.
    assert share.certainty == "attribution"
    assert share.entity == text_of_name("market-1")
    assert (found.total, found.direct, found.unattributed) == (40 * COIN, 30 * COIN, 10 * COIN)


def test_exposure_of__an_owner_that_another_address_names_is_an_inference():
    ground = ground_of(tag("market-2", "Larkspur", "dark_market"))
    (share,) = exposure_of(ground, asked(vendor())).shares
    assert (share.label, share.certainty) == ("Larkspur", "inference")
    assert not exposure_of(
        ground_of(tag("market-2", "Larkspur", "dark_market"), joined=False), asked(vendor(""))
    ).shares


def test_exposure_of__counts_entities_to_the_owner_and_leaves_change_out():
    found = exposure_of(ground_of(MARKET, EXCHANGE), asked(vendor(), "out"))
    # 24 of 40 coins went to the courier, 15 came back as change; the fee of 1 is the vendor's own.
    paid, fee = 24 * COIN, COIN
    assert found.total == paid + fee
    assert told(found) == {("Halyard", 2): 23 * COIN}
    assert found.rest == {"fee": fee + COIN}


def test_exposure_of__own_names_do_not_stop_it():
    named = tag("vendor-2", "White Rabbit", "drugs")
    assert told(exposure_of(ground_of(MARKET, named), asked(vendor()))) == {
        ("Larkspur", 1): 30 * COIN
    }


def test_exposure_of__several_subjects_are_one():
    both = ExposureRequest(
        subjects=(vendor(), f"entity:{text_of_name('market-1')}"), min_value_sat=1
    )
    found = exposure_of(ground_of(MARKET), both)
    # What the market pays the vendor stays inside.
    assert found.total == 60 * COIN
    assert found.rest == {"newly_mined": 60 * COIN}


@pytest.mark.parametrize("way", ["in", "out"])
def test_exposure_of__ends_at_coinjoins_with_a_share_of_their_own(way: str):
    view = build_view(CHAIN)
    marks = np.zeros(view.counts.transactions, np.uint8)
    made_there = view.find_address(text_of_name("vendor-2" if way == "in" else "exchange"))
    marks[view.history(made_there).transaction[0]] = 1
    found = exposure_of(ground_of(MARKET, EXCHANGE, marks=marks), asked(vendor(), way))
    (share,) = [each for each in found.shares if each.category == "coinjoin"]
    assert share.certainty == "inference"
    assert share.documents == ()
    # No design is certain, and which one it was the pass does not tell.
    assert share.confidence == 49
    assert share.value == (10 * COIN if way == "in" else 24 * COIN)
    assert share.hops == (1 if way == "in" else 2)


def test_exposure_of__says_where_limits_cut():
    ground = ground_of(EXCHANGE)
    found = exposure_of(ground, asked(vendor(), "out", max_hops=1))
    assert found.rest["hop_limit"] == 23 * COIN
    (cut,) = found.truncations
    assert (cut.where, cut.reason, cut.limit) == ("exposure out", "hop_limit", 1)
    found = exposure_of(ground, asked(vendor(), "out", min_value_sat=100 * COIN))
    assert found.rest["below_min"] == 24 * COIN
    assert [cut.reason for cut in found.truncations] == ["below_min"]
    late = asked(vendor(), "out", budget=1, min_value_sat=None)
    assert told(exposure_of(ground, late)) == {("Halyard", 2): 23 * COIN}


def test_exposure_of__counts_only_what_moved_in_the_time_that_was_asked_for():
    ground = ground_of(MARKET)
    early = asked(vendor(), until=datetime(2009, 1, 1, tzinfo=UTC))
    found = exposure_of(ground, early)
    assert (found.total, found.shares, found.rest) == (0, (), {})


def test_exposure_of__says_that_no_coinjoins_are_marked():
    ground = replace(ground_of(MARKET), coinjoin_marks=None)
    assert [cut.reason for cut in exposure_of(ground, asked(vendor())).truncations] == [
        "coinjoins_unmarked"
    ]


def test_exposure_of__finds_the_same_of_entities_that_are_looked_for_in_all_rows(
    monkeypatch: pytest.MonkeyPatch,
):
    ground = ground_of(MARKET, EXCHANGE)
    for way in ("in", "out"):
        one_by_one = exposure_of(ground, asked(vendor(), way))
        monkeypatch.setattr(subjects, "ASKED_ONE_BY_ONE", 1)
        assert exposure_of(ground, asked(vendor(), way)) == one_by_one
        monkeypatch.undo()


def test_exposure_of__does_not_depend_on_the_order_of_tags():
    tags = [
        MARKET,
        EXCHANGE,
        tag("market-1", "Larkspur", "dark_market", source="https://b.example"),
    ]
    forth = exposure_of(ground_of(*tags), asked(vendor()))
    assert exposure_of(ground_of(*reversed(tags)), asked(vendor())) == forth


def test_exposure_of__contradicting_names_are_disputed_and_the_lower_confidence_counts():
    ground = ground_of(
        tag("market-1", "Larkspur", "dark_market", actor="larkspur", confidence="forensic"),
        tag("market-1", "Honest Shop", "shop", actor="shop", confidence="web_crawl"),
    )
    (share,) = exposure_of(ground, asked(vendor())).shares
    assert share.is_disputed
    assert (share.label, share.category, share.confidence) == ("Larkspur", "darknet_market", 20)


def test_exposure_of__heeds_no_tag_below_the_asked_confidence_or_of_another_kind():
    ground = ground_of(tag("market-1", "Larkspur", "dark_market", confidence="web_crawl"))
    assert exposure_of(ground, asked(vendor())).shares
    assert not exposure_of(ground, asked(vendor(), min_confidence=21)).shares
    mention = tag("market-1", "Larkspur", "dark_market", tag_type="mention")
    assert not exposure_of(ground_of(mention), asked(vendor())).shares


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"policy": "poison"}, "poison has no exposure"),
        ({"policy": "fifo"}, "pro rata"),
        ({"policy": "fairness"}, "is unknown"),
        ({"max_hops": 13}, "max_hops must be between 1 and 12"),
        ({"direction": "up"}, "is unknown"),
        ({"min_value_sat": 0}, "min_value must be between"),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2025, 1, 1, tzinfo=UTC)},
         "since lies after until"),
    ],
)  # fmt: skip
def test_request__refuses_what_cannot_be_answered(fields: dict[str, object], said: str):
    with pytest.raises(InputError, match=said):
        asked("anybody", **({"direction": "in"} | fields))  # type: ignore[arg-type]


def test_exposure_of__refuses_what_is_no_owner():
    ground = ground_of(MARKET)
    with pytest.raises(InputError, match="is no owner"):
        exposure_of(ground, asked("cash:0"))
    with pytest.raises(InputError, match="looks like the id of a transaction"):
        exposure_of(ground, asked("ab" * 32))
    with pytest.raises(NotFoundError):
        exposure_of(ground, asked(text_of_name("nobody")))


def test_exposure__parts_must_sum_to_the_whole():
    share = ExposureShare(
        category="exchange", label="Halyard", confidence=50, hops=1, value=60, documents=(),
        certainty="attribution",
    )  # fmt: skip
    whole = Exposure(direction="in", total=100, shares=(share,), rest={"unspent": 40})
    assert (whole.attributed, whole.unattributed) == (60, 40)
    with pytest.raises(ConservationError, match="100 sat were moved and 60 sat accounted for"):
        Exposure(direction="in", total=100, shares=(share,), rest={})
    with pytest.raises(ConservationError, match="worth nothing"):
        Exposure(direction="in", total=60, shares=(share,), rest={"unspent": 0})


def test_percentages__sum_to_a_hundred():
    assert percentages([1, 1, 1]) == ["33.34", "33.33", "33.33"]
    assert percentages([0, 0]) == ["0.00", "0.00"]
    assert percentages([10**15, 1]) == ["100.00", "0.00"]
    for values in ([3, 5, 11, 13], [1] * 7, [2**50, 2**49 + 1, 17]):
        parts = [int(each.replace(".", "")) for each in percentages(values)]
        assert sum(parts) == 10_000
