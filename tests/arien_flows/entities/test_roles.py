"""Policies, judgement, and the roles of a simulated chain's actors."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from arien_flows.entities.activity import (
    Bounds,
    Gathered,
    address_of,
    entity_of,
    gather,
    multisig_forms,
)
from arien_flows.entities.clustering import Clustering, run_clustering
from arien_flows.entities.peel_hops import Hops, coinjoin_test
from arien_flows.entities.roles import (
    FEATURES,
    Check,
    Policy,
    RoleRule,
    Verdict,
    decide,
    features_of,
    judge,
    read_policy,
    standard_policy,
)
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import Actor, Purpose
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from heuristics.role_features import Measure, share
from tests.arien_flows.entities.random_chains import random_chain, view_at
from tests.arien_flows.entities.test_peel_chains import simulated_view
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
ALL = Bounds()


def known(clustering: Clustering, view: View, root: int) -> dict[str, Measure]:
    totals = clustering.totals(view, root)
    numbers = {
        "addresses": totals.address_count,
        "entity_addresses": totals.address_count,
        "transactions": totals.transaction_count,
        "balance_sat": totals.balance_sat,
        "lifetime_days": 0,
    }
    return {name: Measure(Decimal(it), totals.transaction_count) for name, it in numbers.items()}


def all_features(view: View, clustering: Clustering, found: Gathered) -> dict[str, Measure]:
    told = known(clustering, view, found.subject.root)
    hops = Hops(view, coinjoin_test(view, clustering.coinjoins.detected))
    return features_of(view, found, hops, told, standard_policy())


def test_standard_policy__documents_every_role_and_asks_for_features_that_there_are():
    policy = standard_policy()
    assert policy.name == "roles-1"
    assert len(policy.sha256) == 64
    assert tuple(policy.commission) == (10_000, 200_000, 1_000)
    assert {rule.name for rule in policy.roles} == {
        "exchange_like",
        "deposit_address",
        "hot_wallet",
        "cold_storage",
        "payment_processor",
        "gambling",
        "custodial_mixer",
        "mining_pool",
        "escrow_2_of_3",
        "market_commission",
        "peel_chain_operator",
    }
    for rule in policy.roles:
        assert rule.summary.endswith(".")
        assert rule.assumes
        assert rule.fails_when
        assert rule.source
        assert rule.checks
        for check in rule.checks:
            assert check.feature in FEATURES
            assert (check.at_least is None) != (check.at_most is None)


POLICY = """\
name = "test"
[commission]
least_percent = 1
most_percent = 20
half_width_percent = 0.1
[[role]]
name = "busy"
scope = "entity"
summary = "Busy."
assumes = "a"
fails_when = "b"
source = "c"
checks = [{ feature = "receipts", at_least = 3 }, { feature = "payments", at_most = 0.5 }]
"""


def test_read_policy__keeps_decimals_as_they_are_written():
    policy = read_policy(POLICY.encode())
    assert policy.roles[0].checks[1].at_most == Decimal("0.5")
    assert policy.commission.half_width_ppm == 1_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "test"', "name = ", "not TOML"),
        ('name = "test"\n', "", "lacks 'name'"),
        ("most_percent = 20\n", "", "lacks 'most_percent'"),
        ('"entity"', '"planet"', "neither entity nor address"),
        ('"receipts"', '"moons"', "asks for moons, which is no feature"),
        ("at_least = 3", "at_least = 3, at_most = 4", "either at_least or at_most"),
        (", at_least = 3", "", "either at_least or at_most"),
    ],
)
def test_read_policy__says_what_is_wrong(old, new, said):
    assert old in POLICY
    with pytest.raises(InputError, match=said):
        read_policy(POLICY.replace(old, new).encode())


def count(number: int) -> Measure:
    return Measure(Decimal(number), number, is_count=True)


def part(value: str, observations: int) -> Measure:
    return Measure(Decimal(value), observations)


@pytest.mark.parametrize(
    ("bound", "measure", "of_whole", "of_part"),
    [
        ({"at_least": 10}, count(10), "holds", "holds"),
        ({"at_least": 10}, count(9), "fails", "undecided"),
        ({"at_most": 10}, count(10), "holds", "undecided"),
        ({"at_most": 10}, count(11), "fails", "fails"),
        ({"at_least": "0.5"}, part("0.5", 4), "holds", "holds"),
        ({"at_least": "0.5"}, part("0.4999", 4), "fails", "fails"),
        ({"at_least": "0.5", "observations": 5}, part("0.9", 4), "undecided", "undecided"),
        ({"at_most": "0.5"}, Measure(None, 0), "undecided", "undecided"),
    ],
)
def test_decide__claims_no_more_than_was_measured(bound, measure, of_whole, of_part):
    check = Check(
        feature="receipts",
        at_least=Decimal(bound["at_least"]) if "at_least" in bound else None,
        at_most=Decimal(bound["at_most"]) if "at_most" in bound else None,
        observations=bound.get("observations", 0),
    )
    assert decide(check, measure, is_whole=True).value == of_whole
    assert decide(check, measure, is_whole=False).value == of_part


def test_judge__needs_all_checks_and_shows_them_all():
    rule = read_policy(POLICY.encode()).roles[0]

    def verdict(receipts: Measure, payments: Measure) -> Verdict:
        found = judge(rule, {"receipts": receipts, "payments": payments}, is_whole=True)
        assert [each.check.feature for each in found.checks] == ["receipts", "payments"]
        return found.verdict

    nothing = Measure(None, 0)
    assert verdict(count(3), count(0)) is Verdict.HOLDS
    assert verdict(count(3), count(1)) is Verdict.FAILS
    assert verdict(nothing, count(0)) is Verdict.UNDECIDED
    assert verdict(nothing, count(1)) is Verdict.FAILS


def shop() -> list[Tx]:
    """Return a wallet `a`, `b` that takes three payments, pays once, and moves the rest."""
    return [
        Tx(name="m1", outputs=[("x", 10 * COIN)]),
        Tx(name="in1", inputs=["m1:0"], outputs=[("a", COIN), ("y", 8 * COIN)]),
        Tx(name="m2", outputs=[("a", 2 * COIN)]),
        Tx(name="in2", inputs=["in1:1"], outputs=[("b", 3 * COIN), ("z", 4 * COIN)]),
        Tx(name="out", inputs=["in1:0", "in2:0"], outputs=[("w", COIN), ("a", 2 * COIN)]),
        Tx(name="move", inputs=["m2:0", "out:1"], outputs=[("b", 4 * COIN - 1_000)]),
    ]


def test_gather__reads_what_an_entity_does():
    view = build_view(shop())
    clustering = run_clustering(view, None)
    marks = clustering.coinjoins.detected
    subject = entity_of(clustering, view.find_address(text_of_name("b")))
    found = gather(view, clustering.labels, marks, subject, ALL)
    assert found.is_whole
    assert found.transactions.tolist() == [1, 2, 3, 4, 5]
    features = all_features(view, clustering, found)
    assert {name: str(features[name].value) for name in ("receipts", "payments")} == {
        "receipts": "3",
        "payments": "1",
    }
    assert features["moves_inside"].value == 1
    assert features["senders"].value == 2
    assert features["recipients"].value == 1
    assert features["coinbase_receipts"].value == 1
    assert features["coinbase_value_share"].value == Decimal("0.3333")
    assert features["addresses"].value == 2
    assert features["balance_sat"].value == 4 * COIN - 1_000
    assert set(features) == set(FEATURES)


def test_gather__of_an_address_tells_its_entity_from_others():
    view = build_view(shop())
    clustering = run_clustering(view, None)
    address = view.find_address(text_of_name("a"))
    subject = address_of(clustering, address)
    marks = clustering.coinjoins.detected
    found = gather(view, clustering.labels, marks, subject, ALL)
    features = all_features(view, clustering, found)
    # Of the two payments, the move to `b` stays inside.
    assert features["payments"].value == 2
    assert features["payments_outside"].value == 1
    assert features["inside_targets"].value == 1
    assert features["sent_inside_share"].value == Decimal("0.7999")


def test_gather__says_what_it_leaves_out():
    view = build_view(shop())
    clustering = run_clustering(view, None)
    marks = clustering.coinjoins.detected
    subject = entity_of(clustering, view.find_address(text_of_name("a")))

    def read(**bounds: int) -> tuple[list[int], str]:
        found = gather(view, clustering.labels, marks, subject, replace(ALL, **bounds))
        assert found.is_whole == (found.cut == "")
        return found.transactions.tolist(), found.cut

    assert read() == ([1, 2, 3, 4, 5], "")
    assert read(addresses=1) == (
        [1, 2, 4, 5],
        "1 of 2 addresses are read, evenly spaced from the first to the last seen",
    )
    assert read(of_history=2) == ([4, 5], "of 2 addresses only the last transactions are read")
    transactions, cut = read(transactions=2)
    assert transactions == [4, 5]
    assert cut.startswith("1 of 2 addresses are read; of 1 address only")
    assert read(rows=7) == ([4, 5], "the last 2 of 5 transactions are read")


def test_gather__leaves_coinjoins_out():
    chain = [Tx(name="c", outputs=[(f"in{i}", 60_000) for i in range(3)])]
    chain.append(
        Tx(
            name="mix",
            inputs=["c:0", "c:1", "c:2"],
            outputs=[(f"out{i}", 40_000) for i in range(3)]
            + [(f"rest{i}", 20_000 - i) for i in range(3)],
        )
    )
    view = build_view(chain)
    clustering = run_clustering(view, None)
    subject = entity_of(clustering, view.find_address(text_of_name("in0")))
    found = gather(view, clustering.labels, clustering.coinjoins.detected, subject, ALL)
    assert (found.coinjoins, found.transactions.tolist()) == (1, [0])
    # What it paid in the CoinJoin is not counted, so nobody can say that it paid nobody.
    assert not found.is_whole
    assert found.cut == ""
    features = all_features(view, clustering, found)
    assert features["payments_outside"].value == 0
    (role,) = (rule for rule in standard_policy().roles if rule.name == "deposit_address")
    checks = judge(role, features, is_whole=found.is_whole).checks
    verdicts = {each.check.feature: each.verdict for each in checks}
    assert verdicts["payments_outside"] is Verdict.UNDECIDED


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_gather__counts_what_the_clustering_counts(seed):
    """Sums over the activity of each entity are the totals of the clustering's own pass."""
    view = view_at(random_chain(seed, 25))
    clustering = run_clustering(view, None)
    none = np.zeros(view.counts.transactions, dtype=np.uint8)
    for root in np.unique(clustering.labels).tolist():
        found = gather(view, clustering.labels, none, entity_of(clustering, root), ALL)
        totals = clustering.totals(view, root)
        activity = found.activity
        assert len(found.transactions) == totals.transaction_count
        assert activity.output_sat[activity.output_is_own].sum() == totals.received_sat
        assert activity.input_sat[activity.input_is_own].sum() == totals.sent_sat


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> "Simulated":
    return Simulated(tmp_path_factory.mktemp("roles"))


class Simulated:
    """A chain of 8,000 transactions, its clustering, and who owns what."""

    def __init__(self, folder: Path) -> None:
        simulate(Parameters(transactions=8_000, seed=2, disorder=False), folder)
        self.truth = Truth(folder)
        self.view = simulated_view(folder / "blocks" / "blk00000.dat")
        self.clustering = run_clustering(self.view, None)
        addresses = self.truth.addresses
        made = self.truth.outputs["address"].to_numpy()
        # The truth does not count the genesis block's output.
        number = self.view.output_address[1:].astype(np.int64)
        self.owner = np.full(self.view.counts.addresses, -1, dtype=np.int64)
        self.owner[number[made >= 0]] = addresses["owner"].to_numpy()[made[made >= 0]]

    def largest_of(self, actor: Actor) -> int:
        """Return the root of the largest entity of an actor."""
        own = np.flatnonzero(self.owner == actor)
        roots, sizes = np.unique(self.clustering.labels[own], return_counts=True)
        return int(roots[np.argmax(sizes)])

    def matching(self, root: int, policy: Policy) -> dict[str, Verdict]:
        subject = entity_of(self.clustering, root)
        marks = self.clustering.coinjoins.detected
        found = gather(self.view, self.clustering.labels, marks, subject, ALL)
        features = all_features(self.view, self.clustering, found)
        return {
            rule.name: judge(rule, features, is_whole=found.is_whole).verdict
            for rule in policy.roles
            if rule.is_of_entity
        }


def scaled(policy: Policy, role: str, **thresholds: str) -> Policy:
    """Return a policy with other thresholds for one role.

    The standard ones are made for services of years; a chain of some thousand transactions has
    none of that size.
    """

    def change(rule: RoleRule) -> RoleRule:
        if rule.name != role:
            return rule
        assert {check.feature for check in rule.checks} >= set(thresholds)
        return replace(rule, checks=tuple(map(changed, rule.checks)))

    def changed(check: Check) -> Check:
        if check.feature not in thresholds:
            return check
        bound = Decimal(thresholds[check.feature])
        side = "at_most" if check.at_least is None else "at_least"
        return replace(check, observations=0, **{side: bound})

    return replace(policy, roles=tuple(map(change, policy.roles)))


@pytest.mark.slow
def test_roles__of_simulated_exchanges_hold_at_the_size_of_the_chain(simulated: Simulated):
    policy = scaled(
        standard_policy(),
        "exchange_like",
        addresses="100",
        senders_in_90_days="50",
        recipients_in_90_days="100",
        hour_entropy_bits="4",
        swept_in_a_day_to_ten_share="0.1",
    )
    actors = {actor: simulated.matching(simulated.largest_of(actor), policy) for actor in Actor}
    alike = {actor for actor, roles in actors.items() if roles["exchange_like"] is Verdict.HOLDS}
    assert alike == {Actor.EXCHANGE_A, Actor.EXCHANGE_B}
    standard = simulated.matching(simulated.largest_of(Actor.EXCHANGE_A), standard_policy())
    assert standard["exchange_like"] is Verdict.FAILS


@pytest.mark.slow
def test_roles__a_commission_is_found_with_markets_and_nobody_else(simulated: Simulated):
    policy = scaled(standard_policy(), "market_commission", commission_candidates="12")
    labels = simulated.clustering.labels
    roots, sizes = np.unique(labels, return_counts=True)
    found: Mapping[int, int] = {
        int(root): int(simulated.owner[root])
        for root in roots[sizes >= 5]
        if simulated.matching(int(root), policy)["market_commission"] is Verdict.HOLDS
    }
    assert set(found.values()) == {Actor.MARKET_A, Actor.MARKET_B}


def test_roles__a_few_equal_shares_among_thousands_are_no_commission():
    (role,) = (rule for rule in standard_policy().roles if rule.name == "market_commission")

    def verdict(splits: int) -> Verdict:
        features = {
            "commission_candidates": count(31),
            "commission_peak_share": Measure(Decimal(1), 31),
            "commission_peak_share_of_splits": share(31, splits),
        }
        return judge(role, features, is_whole=True).verdict

    assert verdict(310) is Verdict.HOLDS
    assert verdict(5_000) is Verdict.FAILS


@pytest.mark.slow
def test_roles__escrows_are_told_by_their_script(simulated: Simulated):
    policy, view = standard_policy(), simulated.view
    outputs, form = simulated.truth.outputs, simulated.truth.addresses["form"].to_numpy()
    purpose, spent_by = (outputs[name].to_numpy() for name in ("purpose", "spent_by"))
    escrows = np.flatnonzero((purpose == Purpose.ESCROW_MULTISIG) & (spent_by >= 0))
    assert len(escrows) >= 5
    assert len(form)
    roots = simulated.clustering.labels[view.output_address[escrows + 1]]
    verdicts = [simulated.matching(int(root), policy)["escrow_2_of_3"] for root in roots]
    # Those that are missed pay a seller who uses the same type of script.
    assert verdicts.count(Verdict.HOLDS) > 0.8 * len(escrows)
    assert Verdict.UNDECIDED not in verdicts
    marks = simulated.clustering.coinjoins.detected
    subject = entity_of(simulated.clustering, int(roots[0]))
    found = gather(view, simulated.clustering.labels, marks, subject, ALL)
    assert multisig_forms(view, found) == ({(2, 3): 1}, 1)


@pytest.mark.slow
def test_roles__a_peel_chain_is_seen_from_its_addresses(simulated: Simulated):
    view, clustering = simulated.view, simulated.clustering
    rule = next(it for it in standard_policy().roles if it.name == "peel_chain_operator")

    def matches(address: int) -> bool:
        subject = address_of(clustering, address)
        marks = clustering.coinjoins.detected
        found = gather(view, clustering.labels, marks, subject, ALL)
        features = all_features(view, clustering, found)
        return judge(rule, features, is_whole=True).verdict is Verdict.HOLDS

    peeler = np.flatnonzero(simulated.owner == Actor.PEELER)[::40].tolist()
    others = np.flatnonzero(simulated.owner > len(Actor))[::400].tolist()
    # Half of this short chain's peels are its last ones, and lie in chains of less than five hops.
    assert sum(map(matches, peeler)) >= 0.25 * len(peeler)
    assert sum(map(matches, others)) <= 0.02 * len(others)
