"""Following a ledger of coins: alerts come once, whatever happens."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from arien_flows.casebook.watch_records import AlertActKind
from arien_flows.casebook.watches import Watches
from arien_flows.entities.clustering import run_clustering
from arien_flows.errors import InputError, NotFoundError
from arien_flows.watches import following
from arien_flows.watches.following import follow
from arien_flows.watches.making import WatchWish, wished
from tests.arien_flows.watches.conftest import COIN, NETWORK, Post
from tests.ledgers import GENESIS_TIME, Tx, text_of_name


def block(name: str) -> Tx:
    """Return the coinbase that opens a block and pays nobody of interest."""
    return Tx(name=f"block-{name}", outputs=[("miner", 50 * COIN)])


PAY = Tx(
    name="pay",
    inputs=["mined-alice:0"],
    outputs=[("bob", 30 * COIN), ("alice", 19 * COIN), ("p2pkh:shop", COIN)],
)


def test_follow__raises_one_alert_for_each_watch_and_transaction(post: Post):
    watches = post.watch("alice", "bob")
    assert post.follow() == []
    post.grow(block("1"), PAY)
    alerts = post.follow()
    assert post.names(alerts) == ["pay", "pay"]
    assert {it.watch.id for it in alerts} == {it.id for it in watches}
    assert sorted(post.told()) == sorted(("watch.hit", it.id) for it in alerts)
    again = [post.follow() for _ in range(3)]
    assert again == [alerts] * 3
    assert len(post.told()) == 2
    (sent,) = [it for it in alerts if it.watch.subject == text_of_name("alice")]
    detail = json.loads(sent.detail)
    assert (sent.direction, sent.certainty, sent.height) == ("out", "fact", 4)
    assert (detail["moved"][0]["received"], detail["moved"][0]["sent"]) == (
        str(19 * COIN),
        str(50 * COIN),
    )
    assert [(it["address"], it["value"]) for it in detail["counterparts"]] == [
        (text_of_name("bob"), str(30 * COIN)),
        (text_of_name("p2pkh:shop"), str(COIN)),
    ]
    (got,) = [it for it in alerts if it is not sent]
    assert got.direction == "in"
    assert [it["address"] for it in json.loads(got.detail)["counterparts"]] == [
        text_of_name("alice")
    ]
    assert [act.kind for act in sent.acts] == [AlertActKind.RAISED]


def test_follow__begins_at_the_tip_unless_told_to_look_back(post: Post):
    post.grow(block("1"), PAY)
    post.watch("alice")
    assert post.follow() == []
    post.watch("alice", since=0)
    assert post.names(post.follow()) == ["mined-alice", "pay"]
    post.watch("carol", since=3)
    post.watch("bob", since=4)
    assert post.names(post.follow()) == ["mined-alice", "mined-carol", "pay", "pay"]
    assert len(post.follow()) == 4


def test_follow__knows_addresses_that_come_later(post: Post):
    post.watch("p2pkh:shop", "nobody")
    post.follow()
    post.grow(block("1"), PAY)
    assert post.names(post.follow()) == ["pay"]


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ({}, {"alice", "bob"}),
        ({"direction": "in"}, {"bob"}),
        ({"direction": "out"}, {"alice"}),
        # Alice has 31 coins less afterwards, change being hers.
        ({"min_value": 31 * COIN}, {"alice"}),
        ({"min_value": 31 * COIN + 1}, set()),
        ({"until": datetime.fromtimestamp(GENESIS_TIME, UTC)}, set()),
    ],
)
def test_follow__heeds_direction_value_and_end(
    make_post: Callable[[], Post], wish: dict[str, object], names: set[str]
):
    post = make_post()
    post.grow(Tx(name="mined-alice", outputs=[("alice", 50 * COIN)]))
    post.watch("alice", "bob", **wish)
    post.follow()
    post.grow(block("1"), PAY)
    assert {it.watch.subject for it in post.follow()} == {text_of_name(it) for it in names}


def test_follow__ends_a_watch_whose_time_is_over(post: Post):
    (watch,) = post.watch("alice", until=datetime.fromtimestamp(GENESIS_TIME, UTC))
    post.follow()
    post.grow(*(block(str(n)) for n in range(15)))
    post.follow()
    ended = post.workspace.casebook.watches.read(watch.id)
    assert ended.ended_at is not None
    assert ended.ended_by is None


def test_follow__an_ended_watch_raises_nothing_more(post: Post):
    (watch,) = post.watch("alice")
    post.workspace.casebook.watches.end([watch.id], by="ann", now=datetime.now(UTC))
    post.grow(block("1"), PAY)
    assert post.follow() == []


def test_follow__withdraws_what_a_reorganisation_removed_and_knows_it_when_it_returns(post: Post):
    post.watch("alice")
    post.follow()
    fork = post.chain.copy()
    post.grow(block("1"), PAY, block("2"))
    (alert,) = post.follow()
    post.go_back(fork)
    post.grow(block("1b"), block("2b"), block("3b"), salt=1)
    (gone,) = post.follow()
    assert gone.id == alert.id
    assert gone.withdrawn_at is not None
    assert gone.acts[-1].kind is AlertActKind.WITHDRAWN
    assert alert.block_hash in gone.acts[-1].why
    post.chain.transactions["pay"] = post.chain._build(PAY, 0)
    post.grow(block("4b"), PAY, salt=1)
    (back,) = post.follow()
    assert (back.id, back.withdrawn_at) == (alert.id, None)
    assert back.height == 7
    kinds = [act.kind.value for act in back.acts]
    assert kinds == ["raised", "withdrawn", "confirmed_again"]
    assert [kind for kind, _ in post.told()] == ["watch.hit", "watch.withdrawn", "watch.hit"]
    assert post.follow() == [back]


def test_follow__what_a_reorganisation_only_moves_is_told_nobody_twice(post: Post):
    post.watch("alice")
    post.follow()
    fork = post.chain.copy()
    post.grow(block("1"), PAY)
    (alert,) = post.follow()
    post.go_back(fork)
    post.grow(block("1b"), block("2b"), PAY, salt=1)
    (moved,) = post.follow()
    assert (moved.id, moved.height, moved.withdrawn_at) == (alert.id, 5, None)
    assert moved.block_hash != alert.block_hash
    assert [act.kind for act in moved.acts] == [AlertActKind.RAISED, AlertActKind.MOVED]
    assert len(post.told()) == 1


def test_follow__a_reorganisation_deeper_than_a_lane_remembers_is_noticed_all_the_same(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "FIRST_REMEMBERED", 1)
    post.watch("bob", "carol", since=0)
    fork = post.chain.copy()
    post.grow(block("1"), PAY)
    assert post.names(post.follow()) == ["mined-bob", "mined-carol", "pay"]
    post.go_back(fork)
    post.grow(block("1b"), block("2b"), salt=1)
    alerts = post.follow()
    assert [it.withdrawn_at is not None for it in alerts] == [False, False, True]
    post.grow(block("3b"), Tx(name="back", inputs=["mined-bob:0"], outputs=[("x", COIN)]), salt=1)
    assert [it.height for it in post.follow()] == [2, 3, 4, 6]


def test_follow__looks_at_blocks_that_took_the_place_of_the_watch_s_tip(post: Post):
    post.watch("carol")
    post.follow()
    fork = post.chain.copy()
    post.grow(block("1"))
    post.watch("alice")
    post.follow()
    post.go_back(fork)
    post.grow(block("1b"), PAY, block("2b"), salt=1)
    assert post.names(post.follow()) == ["pay"]


def test_follow__killed_between_its_writes_it_raises_nothing_twice(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "FOUND_TOGETHER", 1)
    post.watch("alice", "bob")
    post.follow()
    post.grow(block("1"), PAY)

    class KilledError(Exception):
        pass

    def killed(*_args: object, **_options: object) -> bool:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Watches, "advance", killed)
        with pytest.raises(KilledError):
            follow(post.workspace, datetime.now(UTC))
    assert len(post.alerts()) == 2
    assert len(post.follow()) == 2
    assert len(post.told()) == 2


def test_follow__a_lane_that_somebody_else_moved_is_left_alone(post: Post):
    post.watch("alice")
    post.follow()
    book = post.workspace.casebook.watches
    stale = book.lane(NETWORK, "address")
    post.grow(block("1"), PAY)
    post.follow()
    step = following.LaneStep(blocks={9: "x"}, clustering=None, settled_height=None)
    assert not book.advance(stale, step, datetime.now(UTC))
    assert book.lane(NETWORK, "address").position == 4


def test_follow__judges_a_long_stretch_in_pieces(post: Post, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(following, "BLOCKS_TOGETHER", 2)
    post.watch("miner", direction="in")
    post.follow()
    post.grow(*(block(str(n)) for n in range(5)))
    assert [it.height for it in post.follow()] == [4, 5, 6, 7, 8]
    assert json.loads(post.alerts()[0].detail)["counterparts"] == []


# --- entities

JOIN = Tx(
    name="join",
    inputs=["mined-alice:0", "mined-bob:0"],
    outputs=[("p2pkh:shop", 99 * COIN)],
)


def cluster(post: Post) -> None:
    network = post.workspace.open(NETWORK)
    run_clustering(network.read("strict").view, network.derived, "strict")


def test_follow__an_entity_moves_when_any_of_its_addresses_does(post: Post):
    post.grow(block("1"), JOIN)
    cluster(post)
    post.watch("alice", profile="strict")
    post.follow()
    pay_bob = Tx(name="pay-bob", inputs=["mined-carol:0"], outputs=[("bob", 50 * COIN)])
    post.grow(block("2"), pay_bob)
    (alert,) = post.follow()
    assert post.names([alert]) == ["pay-bob"]
    assert (alert.direction, alert.certainty) == ("in", "inference")
    assert json.loads(alert.detail)["clustering"].startswith("strict-")


def test_follow__an_address_that_joins_later_counts_once_a_run_knows_it(post: Post):
    cluster(post)
    post.watch("alice", profile="strict")
    post.follow()
    pay_bob = Tx(name="pay-bob", inputs=["mined-carol:0"], outputs=[("bob", 50 * COIN)])
    post.grow(block("1"), JOIN, block("2"), pay_bob)
    alerts = post.follow()
    assert post.names(alerts) == ["join"]
    assert alerts[0].certainty == "fact"
    cluster(post)
    alerts = post.follow()
    assert post.names(alerts) == ["join", "pay-bob"]
    assert len(post.told()) == 2
    assert post.follow() == alerts


def test_follow__two_watches_of_one_entity_by_different_addresses_both_hear(post: Post):
    post.grow(block("1"), JOIN)
    cluster(post)
    post.watch("alice", "bob", profile="strict", since=0)
    alerts = post.follow()
    assert post.names(alerts) == ["mined-alice"] * 2 + ["mined-bob"] * 2 + ["join"] * 2


# --- making


def test_wished__names_what_cannot_be_watched(post: Post):
    cluster(post)
    for wish, words in (
        ({"subjects": ("nonsense",)}, "'nonsense' cannot be watched"),
        ({"subjects": ()}, "name 1 to"),
        ({"asset": "USDT"}, "asset is for networks of accounts"),
        ({"profile": "standard"}, "cluster run"),
    ):
        whole = {"subjects": (text_of_name("alice"),), **wish}
        with pytest.raises(InputError, match=words):
            wished(post.workspace, WatchWish(network=NETWORK, **whole))
    with pytest.raises(NotFoundError):
        wished(post.workspace, WatchWish(network="bitcoin", subjects=(text_of_name("alice"),)))


def test_wished__bounds_how_far_back_one_may_look(post: Post, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("arien_flows.watches.making.MOST_TRANSACTIONS", 1)
    post.grow(block("1"), PAY)
    with pytest.raises(InputError, match="more than 1 transactions"):
        post.watch("alice", since=0)
    post.watch("alice", since=4)


def test_wished__watches_an_address_once(post: Post):
    assert len(post.watch("alice", "alice", "bob")) == 2
