import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_entities.clustering import (
    earlier_account_clustering,
    open_account_clustering,
    run_account_clustering,
)
from arien_flows.account_entities.links import AccountRule, Links, links_of, surest_first
from arien_flows.account_entities.profiles import ACCOUNT_PROFILES, AccountTerms
from arien_flows.account_entities.uniting import united
from arien_flows.account_entities.verify import verify_account_clustering
from arien_flows.account_entities.why import why_accounts
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.entities.constraints import constraints_of
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError
from heuristics.airdrops import AirdropTerms
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.account_entities.stories import (
    clustered,
    deposit,
    exchange_chain,
    known_of,
    number_of,
)

HOT = "binance hot"


def two_deposits() -> AccountChain:
    """Alice pays from two accounts to d1, and from one of them to d2."""
    chain = exchange_chain("alice", "alice too", "bob")
    deposit(chain, "alice", "d1")
    deposit(chain, "alice too", "d1", 3 * ETHER)
    deposit(chain, "alice too", "d2")
    deposit(chain, "bob", "d3")
    return chain


def terms_for(view, **said) -> AccountTerms:
    known = known_of(view, {HOT: "binance"}, **said)
    return AccountTerms(known=known, airdrops=AirdropTerms(least_recipients=4))


def arrays_of(made) -> dict[str, bytes]:
    return {name: rows.whole().tobytes() for name, rows in made.derived.arrays.items()}


def test_entities__are_named_by_their_first_seen_account():
    view, made = clustered(two_deposits())
    names = ("alice", "d1", "alice too", "d2")
    assert {made.root_of(number_of(view, name)) for name in names} == {number_of(view, "alice")}
    members = made.members(number_of(view, "alice"))
    assert members.tolist() == sorted(number_of(view, name) for name in names)
    assert made.size(members[0]) == 4
    assert made.members(number_of(view, HOT)).tolist() == [number_of(view, HOT)]
    assert made.merges_by_rule(members[0]) == {"deposit-reuse": 3}
    assert made.root_of(len(made.labels) + 5) == len(made.labels) + 5


def test_entities__of_a_run_that_is_stored_are_those_of_one_in_memory(tmp_path):
    view = two_deposits().view()
    stored = run_account_clustering(view, tmp_path, "standard", terms_for(view))
    opened = open_account_clustering(view, tmp_path, "standard")
    memory = run_account_clustering(view, None, "standard", terms_for(view))
    assert arrays_of(stored) == arrays_of(opened) == arrays_of(memory)
    assert stored.identity == opened.identity == memory.identity


def test_entities__after_new_blocks_are_those_of_a_first_run(tmp_path):
    chain = two_deposits()
    run_account_clustering(chain.view(), tmp_path, "strict", terms_for(chain.view()))
    # Now everybody pays to d3: it is nobody's own, and nothing of the first run may stay.
    deposit(chain, "alice", "d3")
    for number in range(30):
        chain.genesis(**{f"stranger {number}": ETHER})
        chain.pay(f"stranger {number}", "d3", 5)
    chain.block()
    view = chain.view()
    again = run_account_clustering(view, tmp_path, "strict", terms_for(view))
    assert arrays_of(again) == arrays_of(
        run_account_clustering(view, None, "strict", terms_for(view))
    )
    assert again.root_of(number_of(view, "bob")) == number_of(view, "bob")
    assert again.manifest.generation == 2
    same = run_account_clustering(view, tmp_path, "strict", terms_for(view))
    assert same.manifest.generation == 2


def test_entities__of_an_earlier_block_are_those_of_a_run_at_that_block(tmp_path):
    chain = two_deposits()
    view = chain.view()
    made = run_account_clustering(view, tmp_path, "strict", terms_for(view))
    before = account_view_of([chain.batch(0, 6)], chain.network)
    earlier = earlier_account_clustering(made, before)
    assert earlier.manifest.height == 5
    assert earlier.root_of(number_of(before, "alice too")) == number_of(before, "alice")
    assert open_account_clustering(view, tmp_path).manifest.height == view.tip.height


def test_open_account_clustering__says_what_to_do(tmp_path):
    chain = two_deposits()
    view = chain.view()
    with pytest.raises(NotFoundError, match=r"cluster run --network ethereum-dev --profile wide"):
        open_account_clustering(view, tmp_path, "wide")
    with pytest.raises(InputError, match="strict, standard, wide"):
        open_account_clustering(view, tmp_path, "loose")
    run_account_clustering(view, tmp_path, "strict", terms_for(view))
    other = AccountChain(salt="another branch")
    other.blocks, other.times = chain.blocks, chain.times
    with pytest.raises(StaleSnapshotError, match="does not hold"):
        open_account_clustering(other.view(), tmp_path)
    chain.block()
    assert open_account_clustering(chain.view(), tmp_path).manifest.height == view.tip.height


def test_run__of_other_tags_or_rules_has_another_identity():
    view = two_deposits().view()
    terms = terms_for(view)
    one = run_account_clustering(view, None, "strict", terms)
    other = run_account_clustering(
        view, None, "strict", terms_for(view, owners={"bob": "bob"}, revision="other")
    )
    less = run_account_clustering(
        view,
        None,
        "strict",
        AccountTerms(known=terms.known, without=frozenset({"deposit-reuse"})),
    )
    assert len({one.identity, other.identity, less.identity}) == 3
    assert less.manifest.counts["merges"] == less.manifest.counts["deposits"] == 0
    with pytest.raises(InputError, match="no rule 'airdrop'"):
        run_account_clustering(view, None, "strict", AccountTerms(without=frozenset({"airdrop"})))


def test_verify__finds_nothing_wrong_and_then_everything_that_was_changed(tmp_path):
    view = two_deposits().view()
    terms = terms_for(view, owners={"bob": "bob"})
    made = run_account_clustering(view, tmp_path, "wide", terms)
    assert verify_account_clustering(view, tmp_path, made) == []
    folder = tmp_path / "clusterings" / "wide"
    arrays = json.loads((folder / "manifest.json").read_text())["arrays"]
    labels = folder / arrays["labels"]["segments"][0]["file"]
    changed = np.fromfile(labels, np.uint32)
    changed[number_of(view, "bob")] = number_of(view, "alice")
    changed.tofile(labels)
    faults = verify_account_clustering(
        view, tmp_path, open_account_clustering(view, tmp_path, "wide")
    )
    assert len(faults) == 3
    assert "was changed" in faults[0]
    assert "merge log" in faults[1]
    assert "labels" in faults[2]


def test_why__is_a_shortest_chain_with_its_transactions():
    chain = two_deposits()
    view, made = clustered(chain)
    found = why_accounts(view, made, text_of("alice"), text_of("d2"))
    ways = [(step.account_from, step.account_to) for step in found.steps]
    named = {
        view.account_text(number_of(view, it)): it for it in ("alice", "d1", "alice too", "d2")
    }
    assert [(named[a], named[b]) for a, b in ways] == [
        ("alice", "d1"),
        ("d1", "alice too"),
        ("alice too", "d2"),
    ]
    assert found.joined
    assert found.shortest
    paid, forwarded = (view.transaction_text(row) for row in found.steps[0].transactions)
    assert (paid, forwarded) == (chain.tx_hash(1, 0), chain.tx_hash(2, 0))
    assert {step.rule for step in found.steps} == {"deposit-reuse"}


def test_why__comes_from_the_log_where_the_search_is_cut_short():
    view, made = clustered(two_deposits())
    found = why_accounts(view, made, text_of("alice"), text_of("d2"), bound=1)
    whole = why_accounts(view, made, text_of("alice"), text_of("d2"))
    assert not found.shortest
    assert found.steps == whole.steps


def test_why__says_that_accounts_are_not_joined_or_one():
    view, made = clustered(two_deposits())
    found = why_accounts(view, made, text_of("alice"), text_of("bob"))
    assert not found.joined
    assert found.steps == ()
    assert why_accounts(view, made, text_of("bob"), text_of("bob")).joined


@st.composite
def proposals(draw):
    accounts = draw(st.integers(2, 9))
    account = st.integers(0, accounts - 1)
    rows = draw(
        st.lists(st.tuples(account, account, st.integers(0, 3), st.integers(0, 4)), max_size=14)
    )
    owners = draw(st.dictionaries(account, st.integers(0, 2), max_size=4))
    return accounts, rows, owners


@given(proposals())
def test_united__heeds_the_surest_first_and_never_joins_two_owners(case):
    accounts, rows, owners = case
    a, b, sure, transaction = (np.array([row[i] for row in rows], np.int64) for i in range(4))
    links = surest_first([links_of(AccountRule.AIRDROP, a, b, transaction, confidence_ppm=sure)])
    held = sorted(owners)
    constraints = constraints_of(
        "tags",
        ("x", "y", "z"),
        np.array(held, np.int64),
        np.array([owners[account] for account in held], np.int64),
        np.full(len(held), 70, np.int64),
        np.zeros(len(held), np.bool_),
    )
    labels, _ = united(accounts, links, constraints, watch_growth=True)
    sets = [{account} for account in range(accounts)]
    for left, right, *_ in sorted(rows, key=lambda row: (-row[2], row[3], row[0], row[1])):
        one, other = (next(it for it in sets if end in it) for end in (left, right))
        named = {owners[end] for end in one | other if end in owners}
        if one is not other and len(named) < 2:
            sets = [it for it in sets if it not in (one, other)] + [one | other]
    assert labels.tolist() == [
        min(next(it for it in sets if account in it)) for account in range(accounts)
    ]


def test_surest_first__of_nothing_is_nothing():
    assert [len(column) for column in surest_first([])] == [0] * len(Links._fields)


def test_profiles__each_hold_the_rules_of_the_stricter_one():
    strict, standard, wide = ACCOUNT_PROFILES.values()
    assert set(strict.rules) < set(standard.rules) < set(wide.rules)
    assert wide.for_exploration
    assert AccountRule.SELF_AUTHORISATION not in standard.rules
