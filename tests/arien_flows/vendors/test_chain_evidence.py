"""What a wallet's evidence rests on, item by item, on small chains."""

from dataclasses import replace

import numpy as np

from arien_flows.answers.vendor_parts import score_answer
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from arien_flows.entities.activity import Bounds
from arien_flows.entities.roles import Verdict
from arien_flows.ledger.view import View
from arien_flows.vendors.chain_case import AliasFacts, Case
from arien_flows.vendors.chain_evidence import exchange_share, findings
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_orders import direct_outputs, kept_ppm
from arien_flows.vendors.chain_payouts import PayoutKind
from arien_flows.vendors.chain_policy import standard_policy
from arien_flows.vendors.chain_revenue import Source, receipts_of, source_at
from arien_flows.vendors.chain_score import vendor_score
from arien_flows.vendors.chain_wallet import wallet_of
from tests.arien_flows.vendors.wallets import NOTHING, money_of
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
POLICY = standard_policy()


def tag(name: str, concept: str, confidence: str = "forensic") -> Tag:
    """Return a tag of an address by its name."""
    return Tag(
        label=name,
        source="s",
        currency="BTC",
        confidence=confidence,
        concepts=(concept,),
        tag_type="actor",
        actor=None,
        is_cluster_definer=False,
        context=None,
        lastmod=None,
        creator="c",
        address=text_of_name(name),
        tx_hash=None,
        network="bitcoin-regtest",
    )


def case_of(view: View, *tags: Tag, name: str = "seller", bounds: Bounds = Bounds()) -> Case:  # noqa: B008 frozen
    ground = VendorGround(
        view=view,
        entities=SingleAddresses(),
        attribution=attribute(view, tags, SingleAddresses()),
        marks=np.zeros(view.counts.transactions, np.uint8),
    )
    seller = view.find_address(text_of_name(name))
    money = money_of([], seller)
    return Case(
        ground=ground,
        money=money,
        wallet=wallet_of(ground, money, seller, POLICY, bounds),
        policy=POLICY,
        coin="tBTC",
        books={},
        alias=AliasFacts(),
        roles={},
    )


def spending_chain() -> View:
    """Six payments of one address to an exchange."""
    chain = []
    for number in range(6):
        chain += [
            Tx(name=f"c{number}", outputs=[("seller", COIN)]),
            Tx(name=f"p{number}", inputs=[f"c{number}:0"], outputs=[("exchange", COIN)]),
        ]
    return build_view(chain)


def test_exchange_share__is_undecided_where_a_part_was_not_read():
    known = tag("exchange", "exchange")
    whole = exchange_share(case_of(spending_chain(), known))
    assert whole.verdict is Verdict.HOLDS
    part = exchange_share(case_of(spending_chain(), known, bounds=Bounds(of_history=11)))
    assert part.verdict is Verdict.UNDECIDED
    assert "as far as it was read" in part.measured
    assert part.rows == ()


def test_direct_outputs__are_from_nobody_whom_any_tag_names():
    view = build_view(
        [
            Tx(name="a", outputs=[("stranger", COIN)]),
            Tx(name="b", outputs=[("doubted", COIN)]),
            Tx(name="c", inputs=["a:0"], outputs=[("seller", COIN)]),
            Tx(name="d", inputs=["b:0"], outputs=[("seller", COIN - 1)]),
        ]
    )
    doubted = tag("doubted", "exchange", "web_crawl")
    case = case_of(view, tag("seller", "vendor"), doubted)
    assert len(case.ground.attribution.service_root) == 0
    (output,) = direct_outputs(case).tolist()
    assert int(view.output_value[output]) == COIN
    sources = [source_at(it) for it in receipts_of(case).source.tolist()]
    assert sorted(it.value for it in sources) == sorted([Source.DIRECT.value, Source.OTHER.value])


def test_kept_ppm__is_the_rate_of_the_key_at_which_an_escrow_was_settled():
    money = money_of([(1, 0), (2, 0), (3, 0), (4, 1)], holder=0)
    low, high, split = (
        replace(NOTHING, rate_ppm=rate, is_signature=True) for rate in (25_000, 100_000, 40_000)
    )
    payouts = replace(
        money.payouts,
        kind=np.array([PayoutKind.ESCROW] * 3 + [PayoutKind.RELEASE], np.int64),
        market_key=np.array([7, 9, 7, -1]),
    )
    market = replace(money.markets[0], keys=(7, 9))
    money = replace(
        money,
        markets=(market, money.markets[1]),
        commissions=(NOTHING, split),
        escrows=replace(money.escrows, commissions={7: low, 9: high}),
    )
    assert kept_ppm(money, payouts).tolist() == [25_000, 100_000, 25_000, 40_000]


def test_score_answer__calls_no_transaction_of_the_evidence_a_fact():
    view = spending_chain()
    case = case_of(view, tag("exchange", "exchange"), tag("seller", "vendor"))
    told = score_answer(view, vendor_score(findings(case), POLICY), POLICY)
    rows = [row for item in told.items for row in item.evidence]
    assert {row.certainty for row in rows if row.txid is not None} == {"inference"}
    assert {row.certainty for row in rows if row.source is not None} == {"attribution"}
