"""Candidates behind a mixer, on people whose mistakes are known."""

import numpy as np
import pytest

from arien_flows.passages import mixers
from arien_flows.passages.mixer_pools import Pools
from arien_flows.passages.mixers import MixerInferences, mixer_inferences
from chains.ethereum.address import checksummed
from chains.ethereum.tables import EventKind
from heuristics import mixer_links
from tests.account_chains import ETHER, text_of
from tests.mixing_accounts import GWEI, MixedChain, population


def asked(mixed: MixedChain, *txids: str, **fields: object) -> MixerInferences | None:
    view = mixed.chain.view()
    rows = np.array([view.find_transaction(txid) for txid in txids], np.int64)
    return mixer_inferences(view, rows, **fields)  # type: ignore[arg-type]


def small() -> MixedChain:
    mixed = MixedChain()
    mixed.chain.genesis(alice=100 * ETHER, bob=100 * ETHER, carol=100 * ETHER)
    mixed.chain.block()
    return mixed


def test_mixer_inferences__name_rule_recipient_relayer_and_fee():
    mixed = small()
    paid = mixed.deposit("alice")
    mixed.deposit("bob")
    mixed.chain.block()
    mixed.withdraw("stranger")
    taken = mixed.withdraw("alice", relayer="relay")
    (told,) = asked(mixed, paid).deposits
    assert (told.amount, told.asset, told.possible) == (str(ETHER), "tETH", 2)
    assert told.depositor == checksummed(text_of("alice"))
    assert told.pool == checksummed(text_of("pool1"))
    (it,) = told.candidates
    assert (it.txid, it.confidence_millionths, it.equals) == (taken, 950_000, 1)
    assert it.relayer == checksummed(text_of("relay"))
    assert it.fee == str(ETHER // 100)
    assert [hint.rule for hint in it.hints] == [mixer_links.ADDRESS]
    assert it.certainty == "inference"


def test_mixer_inferences__share_confidence_out_among_deposits_of_one_account():
    mixed = small()
    paid = [mixed.deposit("alice") for _ in range(2)]
    mixed.withdraw("alice")
    told = asked(mixed, *paid)
    assert [it.candidates[0].confidence_millionths for it in told.deposits] == [475_000] * 2
    # Asked about one of them, the other counts as well.
    (one,) = asked(mixed, paid[0]).deposits
    assert one.candidates[0].equals == 2


def test_mixer_inferences__join_hints_of_several_rules():
    mixed = small()
    paid = mixed.deposit("alice", price=7 * GWEI)
    for _ in range(4):
        mixed.chain.pay("alice", "bob", ETHER)
    mixed.withdraw("bob", price=7 * GWEI)
    (told,) = asked(mixed, paid).deposits
    (it,) = told.candidates
    assert {hint.rule: hint.percent for hint in it.hints} == {
        mixer_links.GAS_PRICE: 70, mixer_links.LINKED: 65,
    }  # fmt: skip
    assert it.confidence_millionths == 895_000


def test_mixer_inferences__do_not_take_a_relayer_s_gas_for_the_recipient_s():
    mixed = small()
    paid = mixed.deposit("alice", price=7 * GWEI)
    mixed.withdraw("bob", price=7 * GWEI, relayer="relay")
    assert asked(mixed, paid).deposits[0].candidates == ()


def test_mixer_inferences__take_claims_of_points_for_listed_pools():
    mixed = small()
    paid = mixed.deposit("alice")
    for _ in range(3):
        mixed.chain.block()
    mixed.withdraw("bob")
    view = mixed.chain.view()
    bob = view.find_account(text_of("bob"))
    # The coin of a test network is not the one that points were given for.
    assert asked(mixed, paid, claims={bob: [60]}).deposits[0].candidates == ()
    told = mixer_links.by_points(
        Pools(view=view).deposits,
        Pools(view=view).withdrawals,
        {bob: [60]},
        {view.find_account(text_of("pool1")): 20},
    )
    assert list(told.values()) == [85]


def test_mixer_inferences__are_bounded_and_absent_where_nothing_was_deposited(monkeypatch):
    mixed = small()
    paid = [mixed.deposit("alice") for _ in range(3)]
    taken = [mixed.withdraw("alice") for _ in range(3)]
    assert asked(mixed, taken[0]) is None
    monkeypatch.setattr(mixers, "MOST_DEPOSITS", 1)
    monkeypatch.setattr(mixers, "MOST_CANDIDATES", 1)
    told = asked(mixed, *paid)
    assert (len(told.deposits), told.unasked) == (1, 2)
    assert (len(told.deposits[0].candidates), told.deposits[0].unlisted) == (1, 2)
    monkeypatch.setattr(mixers, "MOST_MOVEMENTS", 0)
    assert asked(mixed, paid[0]).asked_apart == 1


def test_pools__are_contracts_whose_deposits_agree():
    mixed = small()
    mixed.deposit("alice")
    with mixed.chain.transaction("bob", "odd") as tx:
        tx.move("bob", "odd", 5)
        tx.event(EventKind.MIXER_DEPOSIT, "odd")
    with mixed.chain.transaction("bob", "odd") as tx:
        tx.move("bob", "odd", 6)
        tx.event(EventKind.MIXER_DEPOSIT, "odd")
    with mixed.chain.transaction("bob", "liar") as tx:
        tx.event(EventKind.MIXER_DEPOSIT, "liar")
    view = mixed.chain.view()
    assert list(Pools(view=view).by_account) == [view.find_account(text_of("pool1"))]


@pytest.mark.parametrize("seed", [1, 2])
def test_mixer_inferences__of_a_population_are_right_about_who_made_a_mistake(seed):
    mixed = population(seed)
    deposits = sorted({deposit for deposit, _ in mixed.truth})
    told = asked(mixed, *deposits[: mixers.MOST_DEPOSITS])
    by_rule: dict[str, list[bool]] = {}
    for deposit in told.deposits:
        for it in deposit.candidates:
            for hint in it.hints:
                right = (deposit.txid, it.txid) in mixed.truth
                by_rule.setdefault(hint.rule, []).append(right)
    for rule in (mixer_links.ADDRESS, mixer_links.GAS_PRICE, mixer_links.LINKED):
        assert all(by_rule[rule]), rule
    # Who deposits three times has three candidates for each: one of them is right.
    counts = by_rule[mixer_links.COUNTS]
    assert 0 < sum(counts) < len(counts)


def test_pools__cannot_be_hidden_by_who_pays_them_something_else():
    mixed = small()
    paid = mixed.deposit("alice")
    with mixed.chain.transaction("bob", "pool1") as tx:
        tx.move("bob", "pool1", ETHER)
        tx.token("FAKE", "bob", "pool1", 1)
        tx.event(EventKind.MIXER_DEPOSIT, "pool1", word=b"9" * 32, amount=9)
    mixed.withdraw("alice")
    (it,) = asked(mixed, paid).deposits
    assert it.amount == str(ETHER)
    assert len(it.candidates) == 1


def test_mixer_inferences__do_not_take_tips_for_meetings():
    mixed = small()
    paid = mixed.deposit("alice")
    for _ in range(4):
        mixed.chain.pay("alice", "shop", 1, tip=5)
    mixed.withdraw(mixed.chain.fee_recipient)
    assert asked(mixed, paid).deposits[0].candidates == ()
