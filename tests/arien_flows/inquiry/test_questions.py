"""Addresses, transactions and entities, asked of a source."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.attribution.snapshot import no_attribution
from arien_flows.entities.clustering import run_clustering
from arien_flows.entities.constraints import constraints_of
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError, UnfinishedError
from arien_flows.inquiry.questions import AddressQuestion, EntityQuestion, TransactionQuestion
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation
from arien_flows.workspace import Reading
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import REGTEST
from chains.errors import AddressError, SourceUnavailableError
from chains.lookups import MerkleBranch
from tests.arien_flows.inquiry.asking import Desk, Tags, random_chain
from tests.ledgers import Chain, Tx, script_of_name, text_of_name
from tests.small_case import TRANSACTIONS

CASE = Chain.from_genesis().add(TRANSACTIONS)


def history(it: Reading, text: str) -> list[tuple[str, int, int]]:
    found = it.view.history(it.view.find_address(text))
    return [
        (it.view.txid_text(number), received, sent)
        for number, received, sent in zip(
            found.transaction.tolist(),
            found.received_sat.tolist(),
            found.sent_sat.tolist(),
            strict=True,
        )
    ]


def cut(it: Reading, reason: str) -> Truncation:
    (found,) = [each for each in it.limits if each.reason == reason]
    return found


@given(seed=st.integers(0, 10_000), states_spent=st.booleans())
@pytest.mark.slow
def test_address__has_its_whole_history(seed: int, states_spent: bool):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), random_chain(seed, 6), {"states_spent": states_spent})
        bulk = desk.bulk()
        number = Random(seed).randrange(bulk.counts.addresses)
        text = str(bulk.address_text(number))
        found = desk.ask(AddressQuestion(address=text), lambda it: history(it, text))
        assert [row[1:] for row in found] == list(
            zip(
                bulk.history(number).received_sat.tolist(),
                bulk.history(number).sent_sat.tolist(),
                strict=True,
            )
        )
        assert [row[0] for row in found] == [
            bulk.txid_text(each) for each in bulk.history(number).transaction.tolist()
        ]


@given(seed=st.integers(0, 10_000))
@pytest.mark.slow
def test_entity__is_that_of_all_blocks_once_every_history_is_here(seed: int):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), random_chain(seed, 6))
        bulk = desk.bulk()
        clustering = run_clustering(bulk, None)
        number = Random(seed).randrange(bulk.counts.addresses)
        text = str(bulk.address_text(number))

        def members(it: Reading) -> tuple[set[str | None], str]:
            assert it.clustering is not None
            root = it.clustering.root_of(it.view.find_address(text))
            found = {it.view.address_text(int(each)) for each in it.clustering.members(root)}
            return found, cut(it, "provisional").detail

        found, provisional = desk.ask(EntityQuestion(addresses=(text,)), members)
        joined = clustering.members(clustering.root_of(number)).tolist()
        expected = {bulk.address_text(each) for each in joined}
        assert f"{len(found):,} of the {len(found):,} addresses of the entity" in provisional
        # Whether a key that nobody has shown was paid as such cannot be asked.
        has_bare_key = any(str(each).startswith("pk(") for each in expected)
        assert found <= expected if has_bare_key else found == expected


@pytest.mark.slow
def test_entity__stops_where_the_requests_end_and_says_so(tmp_path: Path):
    mined = [Tx(name=f"m{i}", outputs=[(f"a{i}", 100)]) for i in range(12)]
    joins = [
        Tx(
            name=f"j{i}",
            inputs=["m0:0" if i == 0 else f"j{i - 1}:0", f"m{i + 1}:0"],
            outputs=[(f"a{i + 1}", 50)],
        )
        for i in range(11)
    ]
    desk = Desk(tmp_path, Chain.from_genesis().add([*mined, *joins]))
    text = text_of_name("a0")
    sizes = []
    for _ in range(20):
        size, reasons = desk.ask(
            EntityQuestion(addresses=(text,)),
            lambda it: (
                it.entities.members(it.entities.root_of(it.view.find_address(text))).size,
                [each.reason for each in it.limits],
            ),
            requests=30,
        )
        sizes.append(size)
        if "request_budget" not in reasons:
            break
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    bulk = desk.bulk()
    clustering = run_clustering(bulk, None)
    assert sizes[-1] == clustering.size(clustering.root_of(bulk.find_address(text)))


def test_transaction__knows_which_outputs_are_spent(tmp_path: Path):
    desk = Desk(tmp_path, CASE)
    txid = CASE.txid("pay")
    unasked, spenders = desk.ask(
        TransactionQuestion(txid=txid, limit=10),
        lambda it: (
            [] if it.fetched is None else it.fetched.unasked.tolist(),
            it.view.spenders(
                np.arange(*it.view.first_output[[it.view.find_transaction(txid)] * 2 + np.r_[0, 1]])
            ).tolist(),
        ),
    )
    assert spenders[0] == -1
    assert spenders[1] >= 0
    # Outputs of the spender itself are another question.
    assert len(unasked) == 1


def test_transaction__asks_only_about_the_outputs_that_are_shown(tmp_path: Path):
    desk = Desk(tmp_path, CASE)
    question = TransactionQuestion(txid=CASE.txid("join"), limit=2, offset=1)
    desk.ask(question, lambda it: it)
    assert desk.source is not None
    asked = [each.vout for kind, each in desk.source.asked if kind == "candidates"]
    assert sorted(asked) == [1, 2]


def test_transaction__that_nobody_knows_is_not_found(tmp_path: Path):
    desk = Desk(tmp_path, CASE)
    with pytest.raises(NotFoundError, match="cannot be had: no transaction"):
        desk.ask(TransactionQuestion(txid="ab" * 32, limit=1), lambda it: it)
    with pytest.raises(InputError, match="is not a transaction id"):
        desk.ask(TransactionQuestion(txid="ab", limit=1), lambda it: it)


def test_address__that_was_never_used_is_not_found(tmp_path: Path):
    desk = Desk(tmp_path, CASE)
    text = text_of_name("nobody")
    with pytest.raises(NotFoundError, match="was never used on bitcoin-regtest up to block 7"):
        desk.ask(AddressQuestion(address=text), lambda it: it.view.find_address(text))
    with pytest.raises(AddressError):
        desk.ask(AddressQuestion(address="bc1nonsense"), lambda it: it)


def test_address__of_unconfirmed_transactions_only_is_not_found_but_they_are_named(
    tmp_path: Path,
):
    future = CASE.copy().add(
        [Tx(name="b", outputs=[("m", 1)]), Tx(name="w", inputs=["pay:0"], outputs=[("new", 1)])]
    )
    desk = Desk(tmp_path, CASE, {"unconfirmed": [future.transactions["w"].serialize()]})
    with pytest.raises(NotFoundError, match=f"unconfirmed: {future.txid('w')}"):
        desk.ask(AddressQuestion(address=text_of_name("new")), lambda it: it)


def test_address__is_never_summed_from_a_part_of_its_history(tmp_path: Path):
    paid = [Tx(name=f"m{i}", outputs=[("busy", 10)]) for i in range(30)]
    desk = Desk(tmp_path, Chain.from_genesis().add(paid))
    text = text_of_name("busy")
    runs = 0
    while True:
        runs += 1
        try:
            found = desk.ask(
                AddressQuestion(address=text), lambda it: len(history(it, text)), requests=30
            )
        except UnfinishedError:
            assert runs < 20
        else:
            break
    assert runs > 2
    assert found == 30


def test_address__with_too_long_a_history_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("arien_flows.inquiry.gathering.MOST_OF_HISTORY", 5)
    paid = [Tx(name=f"m{i}", outputs=[("busy", 10)]) for i in range(6)]
    desk = Desk(tmp_path, Chain.from_genesis().add(paid))
    with pytest.raises(InputError, match="ask a ledger of whole blocks"):
        desk.ask(AddressQuestion(address=text_of_name("busy")), lambda it: it)


def test_inquire__asks_again_where_the_chain_changed_meanwhile(tmp_path: Path):
    start = Chain.from_genesis().add(TRANSACTIONS[:5])
    old = start.copy().add([Tx(name="x", outputs=[("alice", 1)])])
    new = start.copy().add(
        [Tx(name="y", outputs=[("alice", 2)]), Tx(name="z", outputs=[("miner", 3)])], salt=9
    )
    desk = Desk(tmp_path, old)
    text = text_of_name("alice")

    def reorganise(it: Reading) -> list[tuple[str, int, int]]:
        assert desk.source is not None
        desk.source.latest = new.blocks
        return history(it, text)

    found = desk.ask(AddressQuestion(address=text), reorganise)
    fresh = Desk(tmp_path / "fresh", new)
    assert found == fresh.ask(AddressQuestion(address=text), lambda it: history(it, text))
    assert [row[1] for row in found if row[1] in (1, 2)] == [2]


def test_inquire__a_reorganisation_between_two_runs_leaves_no_trace(tmp_path: Path):
    start = Chain.from_genesis().add(TRANSACTIONS[:5])
    old = start.copy().add([Tx(name="x", outputs=[("alice", 1)])])
    new = start.copy().add(
        [Tx(name="y", outputs=[("alice", 2)]), Tx(name="z", outputs=[("miner", 3)])], salt=9
    )
    text = text_of_name("alice")
    question = AddressQuestion(address=text)
    desk = Desk(tmp_path, old)
    before = desk.ask(question, lambda it: history(it, text))
    desk.chain = new
    after = desk.ask(question, lambda it: history(it, text))
    fresh = Desk(tmp_path / "fresh", new).ask(question, lambda it: history(it, text))
    assert before != after == fresh


def test_inquire__gives_up_where_the_chain_never_holds_still(tmp_path: Path):
    start = Chain.from_genesis().add(TRANSACTIONS[:5])
    desk = Desk(tmp_path, start)
    salts = iter(range(1, 100))

    def reorganise(_it: Reading) -> None:
        assert desk.source is not None
        other = Chain.from_genesis().add(TRANSACTIONS[:5], salt=next(salts))
        desk.source.latest = other.blocks

    with pytest.raises(StaleSnapshotError, match="ask again"):
        desk.ask(AddressQuestion(address=text_of_name("bob")), reorganise)


def test_inquire__keeps_what_was_answered_before_the_source_went_away(tmp_path: Path):
    paid = [Tx(name=f"m{i}", outputs=[("busy", 10)]) for i in range(30)]
    chain = Chain.from_genesis().add(paid)
    text = text_of_name("busy")
    answers = iter(range(40))

    def go_away(_kind: str, answer: object) -> object:
        if next(answers, None) is None:
            raise SourceUnavailableError("connection lost")
        return answer

    desk = Desk(tmp_path, chain, {"tamper": go_away})
    with pytest.raises(SourceUnavailableError, match="connection lost; what was fetched is kept"):
        desk.ask(AddressQuestion(address=text), lambda it: it)
    desk.options = {}
    assert desk.ask(AddressQuestion(address=text), lambda it: len(history(it, text))) == 30
    whole = Desk(tmp_path / "whole", chain)
    whole.ask(AddressQuestion(address=text), lambda it: it)
    assert desk.made < whole.made


def test_inquire__too_few_requests_for_anything_say_so(tmp_path: Path):
    desk = Desk(tmp_path, CASE)
    with pytest.raises(UnfinishedError, match="4 requests did not suffice to see"):
        desk.ask(AddressQuestion(address=text_of_name("bob")), lambda it: it, requests=4)


def test_inquire__a_contradiction_that_a_reorganisation_made_is_asked_anew(tmp_path: Path):
    start = Chain.from_genesis().add(TRANSACTIONS[:5])
    old = start.copy().add([Tx(name="x", outputs=[("alice", 1)])])
    new = start.copy().add(
        [Tx(name="y", outputs=[("alice", 2)]), Tx(name="z", outputs=[("miner", 3)])], salt=9
    )
    desk = Desk(tmp_path, old)
    text = text_of_name("alice")

    def reorganise(kind: str, answer: object) -> object:
        source = desk.source
        if kind == "branch" and source is not None and source.latest is not new.blocks:
            source.latest = new.blocks
            return MerkleBranch(position=1, path=(bytes(32),))
        return answer

    desk.options = {"tamper": reorganise}
    found = desk.ask(AddressQuestion(address=text), lambda it: history(it, text))
    fresh = Desk(tmp_path / "fresh", new)
    assert found == fresh.ask(AddressQuestion(address=text), lambda it: history(it, text))


def test_inquire__a_source_that_is_simply_wrong_is_given_up(tmp_path: Path):
    def falsify(kind: str, answer: object) -> object:
        return MerkleBranch(position=1, path=(bytes(32),)) if kind == "branch" else answer

    desk = Desk(tmp_path, CASE, {"tamper": falsify})
    with pytest.raises(SourceUnavailableError, match=r"contradicts itself: .* is not in its block"):
        desk.ask(AddressQuestion(address=text_of_name("bob")), lambda it: it)


def test_entity__nobody_is_asked_about_the_addresses_of_another_owner(tmp_path: Path):
    mined = [Tx(name=f"m{i}", outputs=[(f"a{i}", 100)]) for i in range(3)]
    joins = [
        Tx(name="own", inputs=["m0:0", "m1:0"], outputs=[("a0", 150)]),
        Tx(name="both", inputs=["own:0", "m2:0"], outputs=[("b0", 200)]),
    ]

    def tags(view: View) -> Tags:
        locks = [parse_address(text_of_name(name), REGTEST) for name in ("a0", "a2")]
        found = [view.find_lock(*lock) for lock in locks]
        known = [(number, name) for name, number in enumerate(found) if number is not None]
        table = np.array(known, dtype=np.int64).reshape(-1, 2)
        sure = np.full(len(table), 100)
        owners = constraints_of("x", ("a", "m"), table[:, 0], table[:, 1], sure, sure == 0)
        return Tags(lambda _entities: no_attribution(view), owners)

    desk = Desk(tmp_path, Chain.from_genesis().add([*mined, *joins]), tags=tags)
    size = desk.ask(
        EntityQuestion(addresses=(text_of_name("a0"),)),
        lambda it: it.entities.members(it.view.find_address(text_of_name("a0"))).size,
    )
    assert size == 2
    assert desk.source is not None
    asked = {script for kind, script in desk.source.asked if kind == "history"}
    assert {script_of_name("a0"), script_of_name("a1")} <= asked
    assert script_of_name("a2") not in asked
