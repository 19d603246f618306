"""Chain-side evidence on a simulated economy, against its truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from arien_flows.answers.vendor import ProfileRequest, ground_of, vendor_profile
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from arien_flows.cli.main import run
from arien_flows.entities.roles import Verdict
from arien_flows.entities.roles import standard_policy as role_policy
from arien_flows.settings import Settings
from arien_flows.shapes import json_text
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.roles import COMMISSION_PERCENT, Actor, Kind
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from arien_flows.vendors.chain_case import AliasFacts, Case
from arien_flows.vendors.chain_evidence import findings
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_pairs import stable_pairs, week_starts
from arien_flows.vendors.chain_payouts import MarketMoney, PayoutKind, market_money
from arien_flows.vendors.chain_policy import standard_policy
from arien_flows.vendors.chain_score import vendor_score
from arien_flows.vendors.chain_tags import exchange_roots
from arien_flows.vendors.chain_wallet import wallet_of
from arien_flows.workspace import OpenNetwork, Reading, Workspace
from chains.types import Int64Array
from tests.small_case import NETWORK

pytestmark = pytest.mark.slow

TRANSACTIONS = 20_000
POLICY = standard_policy()


@dataclass(frozen=True, kw_only=True)
class Economy:
    """A simulated chain, read back, and who owns its addresses."""

    truth: Truth
    network: OpenNetwork
    reading: Reading
    ground: VendorGround
    money: MarketMoney
    owner: Int64Array
    kind: Int64Array

    def owners_of(self, outputs: Int64Array) -> Int64Array:
        address = self.reading.view.output_address[outputs].astype(np.int64)
        # Outputs of data are nobody's.
        return np.append(self.owner, -1)[np.minimum(address, len(self.owner))]


def owners(truth: Truth, reading: Reading) -> Int64Array:
    view = reading.view
    number = truth.outputs["address"].to_numpy()
    paid = number >= 0
    owner = np.full(view.counts.addresses, -1, dtype=np.int64)
    addresses = view.output_address[int(view.first_output[1]) :][paid]
    owner[addresses] = truth.addresses["owner"].to_numpy()[number[paid]]
    return owner


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Economy]:
    folder = tmp_path_factory.mktemp("economy")
    simulate(Parameters(transactions=TRANSACTIONS, seed=5), folder / "chain")
    truth = Truth(folder / "chain")
    common = ["--data", str(folder / "data"), "--network", NETWORK, "--progress", "none"]
    assert run([*common, "ledger", "ingest", "--source", f"blockfiles:{truth.blocks}"]) == 0
    assert run([*common, "tags", "import", str(truth.tagpack)]) == 0
    assert run([*common, "cluster", "run"]) == 0
    workspace = Workspace(Settings(data=folder / "data"))
    network = workspace.open(NETWORK)
    reading = network.read()
    ground = ground_of(reading)
    yield Economy(
        truth=truth,
        network=network,
        reading=reading,
        ground=ground,
        money=market_money(ground, POLICY, role_policy().commission),
        owner=owners(truth, reading),
        kind=np.concatenate([[Kind.COINBASE], truth.transactions["kind"]]).astype(np.int64),
    )
    workspace.casebook.close()


def vendors(economy: Economy) -> range:
    listed = economy.truth.vendors
    return range(listed[0]["owner"], listed[0]["owner"] + len(listed))


def test_find_escrows__are_settlements_of_the_right_seller_and_market(economy):
    escrows = economy.money.escrows
    assert set(economy.kind[escrows.settlement].tolist()) == {Kind.ESCROW_RELEASE}
    assert len(escrows.settlement) > 200
    markets = economy.owners_of(escrows.share_output)
    pairs = set(zip(escrows.settled_market_key.tolist(), markets.tolist(), strict=True))
    assert sorted(owner for _, owner in pairs) == [Actor.MARKET_A, Actor.MARKET_B]
    told = escrows.settled_seller_key >= 0
    sellers = economy.owners_of(escrows.seller_output)[told]
    links = set(zip(escrows.settled_seller_key[told].tolist(), sellers.tolist(), strict=True))
    assert len(links) == len({key for key, _ in links}) == len({owner for _, owner in links}) > 5
    assert {owner for _, owner in links} <= set(vendors(economy))


def test_commissions__are_those_of_the_simulation(economy):
    rates = {
        economy.owners_of(economy.money.escrows.share_output[place])[0]: commission.rate_ppm
        for key, commission in economy.money.escrows.commissions.items()
        if len(place := np.flatnonzero(economy.money.escrows.settled_market_key == key))
    }
    for actor, percent in COMMISSION_PERCENT.items():
        assert 0 <= 10_000 * percent - rates[actor] <= 1


def test_market_wallets__that_keys_lead_to_are_the_markets(economy):
    for market in economy.money.markets:
        found = set(economy.owner[market.by_key].tolist())
        assert len(found) <= 1
        assert found <= {Actor.MARKET_A, Actor.MARKET_B}


def test_payouts__of_escrows_and_releases_go_to_vendors(economy):
    paid = economy.money.payouts
    single = paid.where(paid.kind != PayoutKind.PAYOUT)
    assert len(single) > 400
    right = np.isin(economy.owners_of(single.output), np.array(vendors(economy)))
    assert right.mean() > 0.99
    assert len(np.unique(paid.output)) == len(paid)
    assert np.all(np.diff(paid.holder) >= 0)


def direct(economy: Economy, rank: int) -> tuple[int, str]:
    published = [it for it in economy.truth.vendors if it["direct_address"]]
    return published[rank]["owner"], str(published[rank]["direct_address"])


def test_wallet_of__links_only_what_the_vendor_owns(economy):
    owner, address = direct(economy, 0)
    root = economy.ground.entities.root_of(economy.reading.view.find_address(address))
    wallet = wallet_of(economy.ground, economy.money, root, POLICY)
    assert len(wallet.seller_keys) == 1
    assert len(wallet.linked) > 10
    assert set(economy.owner[wallet.linked].tolist()) == {owner}
    members = wallet.gathered.subject.addresses
    assert np.all(wallet.labels[members] == root)
    assert np.count_nonzero(wallet.labels == root) == len(members)


def with_tags(economy: Economy, tags: list[Tag]) -> tuple[VendorGround, MarketMoney]:
    ground = VendorGround(
        view=economy.ground.view,
        entities=economy.ground.entities,
        attribution=attribute(economy.ground.view, tags, economy.ground.entities),
        marks=economy.ground.marks,
    )
    return ground, market_money(ground, POLICY, role_policy().commission)


def tags_of(economy: Economy) -> list[Tag]:
    attribution = economy.ground.attribution
    return [attribution.tag(place) for place in range(len(attribution.number))]


def score_with(economy: Economy, address: str, tags: list[Tag]) -> dict[str, tuple[Verdict, int]]:
    ground, money = with_tags(economy, tags)
    root = ground.entities.root_of(ground.view.find_address(address))
    case = Case(
        ground=ground,
        money=money,
        wallet=wallet_of(ground, money, root, POLICY),
        policy=POLICY,
        coin="tBTC",
        books={},
        alias=AliasFacts(),
        roles={},
    )
    scored = vendor_score(findings(case), POLICY)
    assert scored.score == sum(each.points for each in scored.items)
    return {each.finding.item: (each.finding.verdict, each.points) for each in scored.items}


def vendor_tag(address: str) -> Tag:
    return Tag(
        address=address,
        tx_hash=None,
        network=NETWORK,
        label="QuietHarbor",
        source="document:" + "a" * 64,
        currency="BTC",
        confidence="web_crawl",
        concepts=("vendor",),
        tag_type="actor",
        actor=None,
        is_cluster_definer=False,
        context=None,
        lastmod=None,
        creator="the tests",
    )


def test_vendor_score__loses_exactly_the_points_of_a_removed_tag(economy):
    _, address = direct(economy, 0)
    known = tags_of(economy)
    whole = score_with(economy, address, [*known, vendor_tag(address)])
    assert whole["published_address"] == (Verdict.HOLDS, 25)
    assert whole["market_payouts"] == (Verdict.HOLDS, 30)
    without = score_with(economy, address, known)
    assert without["published_address"] == (Verdict.UNDECIDED, 0)
    assert {**without, "published_address": None} == {**whole, "published_address": None}
    unnamed = [tag for tag in known if "market" not in tag.concepts]
    no_market = score_with(economy, address, [*unnamed, vendor_tag(address)])
    assert no_market["market_payouts"] == (Verdict.UNDECIDED, 0)
    assert no_market["published_address"] == (Verdict.HOLDS, 25)


def test_market_money__does_not_depend_on_the_order_of_tags(economy):
    known = tags_of(economy)
    _, one = with_tags(economy, known)
    _, other = with_tags(economy, known[::-1])
    assert [market.name for market in one.markets] == [market.name for market in other.markets]
    for name in ("holder", "output", "market", "kind", "rests_on_key", "seller_key"):
        assert np.array_equal(getattr(one.payouts, name), getattr(other.payouts, name))


def test_market_money__without_entities_knows_single_addresses_only(economy):
    ground = VendorGround(
        view=economy.ground.view,
        entities=SingleAddresses(),
        attribution=attribute(economy.ground.view, tags_of(economy), SingleAddresses()),
        marks=economy.ground.marks,
    )
    money = market_money(ground, POLICY, role_policy().commission)
    assert np.array_equal(ground.labels, np.arange(economy.ground.view.counts.addresses))
    assert len(money.escrows.settlement) == len(economy.money.escrows.settlement)


def test_stable_pairs__are_below_their_bound_and_in_weeks(economy):
    starts = week_starts(economy.ground)
    assert starts[0] == 0
    assert starts[-1] == economy.ground.view.counts.transactions
    assert np.all(np.diff(starts) >= 0)
    _, address = direct(economy, 0)
    root = economy.ground.entities.root_of(economy.reading.view.find_address(address))
    wallet = wallet_of(economy.ground, economy.money, root, POLICY)
    found = stable_pairs(economy.ground, wallet, POLICY)
    for pair in found.stable:
        assert pair.tail <= pair.bound
        assert pair.weeks >= POLICY.least("pair_weeks")
        assert pair.other != root


def test_vendor_profile__adds_up_and_is_the_same_again(economy):
    _, address = direct(economy, 0)
    request = ProfileRequest(subject=f"entity:{address}", trace_budget=300)
    answer = economy.network.ask(lambda reading: vendor_profile(reading, request))
    months = answer.revenue.months
    assert int(answer.revenue.revenue) == sum(int(it.value) for it in months if it.is_revenue)
    assert int(answer.revenue.beside) == sum(int(it.value) for it in months if not it.is_revenue)
    from_markets = sum(int(it.value) for it in months if it.market is not None)
    assert from_markets == sum(int(market.value) for market in answer.markets) > 0
    assert sum(item.given for item in answer.score.items) == answer.score.score
    assert answer.traced_cash_out is not None
    assert int(answer.traced_cash_out.of_revenue) == int(answer.revenue.revenue)
    again = economy.network.ask(lambda reading: vendor_profile(reading, request))
    assert json_text(again) == json_text(answer)


def test_profile_command__writes_text_and_a_chart(economy, tmp_path: Path, capsys):
    _, address = direct(economy, 0)
    chart = tmp_path / "revenue.svg"
    data = str(economy.network.root.parent)
    asked = ["--data", data, "--network", NETWORK, "vendors", "profile", address]
    assert run([*asked, "--chart", str(chart), "--months", "--evidence"]) == 0
    told = capsys.readouterr().out
    assert "a lead, not confirmed (inference)" in told
    assert "Markets that pay it" in told
    assert "(not revenue)" in told
    first = chart.read_bytes()
    assert run([*asked, "--chart", str(chart)]) == 0
    assert chart.read_bytes() == first
    assert run([*asked, "--chart", str(tmp_path / "revenue.bmp")]) == 2
    assert run([*asked, "--fiat", "EUR"]) != 0


def test_exchange_flows__of_vendors_are_found_to_the_satoshi(economy):
    view = economy.reading.view
    made = np.repeat(np.arange(view.counts.transactions), np.diff(view.first_output))
    sender = np.concatenate([[-1], economy.truth.transactions["sender"]])[made]
    payee = economy.owners_of(np.arange(view.counts.outputs))
    value = view.output_value.astype(np.int64)
    exchanges = exchange_roots(economy.ground.attribution, POLICY)
    at_exchange = np.isin(economy.ground.holders(np.arange(view.counts.outputs)), exchanges)
    by_vendor = np.isin(sender, np.array(vendors(economy)))
    true = by_vendor & np.isin(payee, (Actor.EXCHANGE_A, Actor.EXCHANGE_B))
    assert int(value[true].sum()) == int(value[by_vendor & at_exchange].sum()) > 0


def test_profile_command__holds_a_wallet_against_an_account(economy, capsys):
    common = ["--data", str(economy.network.root.parent), "--network", NETWORK]
    assert (
        run([*common, "--progress", "none", "listings", "import", str(economy.truth.listings)]) == 0
    )
    published = [it for it in economy.truth.documents if it["market"] and len(it["mentions"])]
    paid_to = [
        (mention["address"], document["vendor"])
        for document in published
        for mention in document["mentions"]
        if mention["role"] == "pay_to"
    ]
    listed = economy.reading.tags.casebook.vendors.names()
    accounts = {it.handle: f"{it.market}/{it.handle}" for it in listed}
    address, name = next(pair for pair in paid_to if pair[1] in accounts)
    capsys.readouterr()
    asked = [*common, "vendors", "profile", address, "--account", accounts[name], "--evidence"]
    assert run(asked) == 0
    told = capsys.readouterr().out
    assert f"Held against the account {accounts[name]}" in told
    assert "25   25  published_address (core)  holds" in told
    assert "15   15  price_list                holds" in told
    assert run([*asked[:6], address, "--account", "nowhere/nobody"]) != 0
