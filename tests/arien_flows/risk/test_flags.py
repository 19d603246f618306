"""Behaviour: each flag is shown by the transactions that make it, and by nothing less."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from arien_flows.attribution.naming import Naming
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from arien_flows.entities.activity import Bounds, Gathered, entity_of, gather
from arien_flows.entities.clustering import run_clustering
from arien_flows.entities.peel_hops import Hops, coinjoin_test
from arien_flows.prices.rates import PriceBook
from arien_flows.prices.table import PriceOrigin, PriceTable
from arien_flows.risk import flags
from arien_flows.risk.flags import Observed, flags_of
from arien_flows.risk.inputs import Flag, Verdict
from arien_flows.risk.policy import FLAGS
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
DAY = flags.DAY_SECONDS
NO_PRICES = PriceBook("BTC", "USD", ())


def dollars(price: str) -> PriceBook:
    """Return a book in which a coin was worth so much on every day of the chain."""
    origin = PriceOrigin(source="s", licence=None, file="f", sha256="0" * 64, column="close")
    times = np.arange(1_296_000_000, 1_296_000_000 + 3_000 * DAY, DAY, dtype=np.int64)
    table = PriceTable(
        asset="BTC",
        currency="USD",
        origin=origin,
        times=times,
        prices=(price,) * len(times),
    )
    return PriceBook("BTC", "USD", (table,))


def tag(name: str, concept: str) -> Tag:
    """Return a tag of an address by its name."""
    return Tag(
        label=name,
        source="s",
        currency="BTC",
        confidence="forensic",
        concepts=(concept,),
        tag_type=None,
        actor=None,
        is_cluster_definer=False,
        context=None,
        lastmod=None,
        creator="c",
        address=text_of_name(name),
        tx_hash=None,
        network="bitcoin-regtest",
    )


def observed(
    chain: list[Tx],
    name: str = "subject",
    prices: PriceBook = NO_PRICES,
    tags: tuple[Tag, ...] = (),
) -> Observed:
    view = build_view(chain)
    clustering = run_clustering(view, None)
    marks = clustering.coinjoins.detected
    subject = entity_of(clustering, view.find_address(text_of_name(name)))
    return Observed(
        view=view,
        gathered=gather(view, clustering.labels, marks, subject, Bounds()),
        hops=Hops(view, coinjoin_test(view, marks)),
        naming=Naming(attribution=attribute(view, tags, clustering), least=5, on=date(2026, 1, 1)),
        prices=prices,
    )


def at_times(seen: Observed, clock: list[int]) -> Observed:
    """Return the same activity at other times, in seconds after the first."""
    activity = seen.gathered.activity
    assert len(clock) == len(activity.clock)
    moved = activity.clock[0] + np.array(clock, np.int64)
    spent = np.where(
        activity.spender_place >= 0, moved[activity.spender_place], activity.spent_clock
    )
    changed = activity._replace(clock=moved, spent_clock=spent)
    return replace(seen, gathered=replace(seen.gathered, activity=changed))


def in_part(seen: Observed) -> Observed:
    gathered: Gathered = replace(seen.gathered, is_whole=False, cut="a part was read")
    return replace(seen, gathered=gathered)


def flag(seen: Observed, name: str) -> Flag:
    found = {each.name: each for each in flags_of(seen)}
    assert set(found) == set(FLAGS)
    return found[name]


def passes(count: int) -> list[Tx]:
    """Money comes, and goes on as a whole, again and again."""
    chain: list[Tx] = []
    for i in range(count):
        chain += [
            Tx(name=f"mined-{i}", outputs=[(f"payer-{i}", 50 * COIN)]),
            Tx(name=f"in-{i}", inputs=[f"mined-{i}:0"], outputs=[("subject", 50 * COIN)]),
            Tx(name=f"out-{i}", inputs=[f"in-{i}:0"], outputs=[(f"payee-{i}", 50 * COIN)]),
        ]
    return [*chain, Tx(name="end", outputs=[("nobody", COIN)])]


def test_rapid_pass_through__is_shown_by_five_receipts_that_leave_within_the_hour() -> None:
    found = flag(observed(passes(5)), "rapid_pass_through")
    assert found.verdict is Verdict.SHOWN
    assert found.measured.startswith("5 receipts left within an hour")
    assert len(found.transactions) == 5
    assert flag(observed(passes(4)), "rapid_pass_through").verdict is Verdict.NOT_SHOWN
    seen = observed(passes(5))
    slow = at_times(seen, [4_000 * i for i in range(10)])
    assert flag(slow, "rapid_pass_through").verdict is Verdict.NOT_SHOWN
    part = flag(in_part(slow), "rapid_pass_through")
    assert part.verdict is Verdict.UNDECIDED
    assert part.measured.endswith("a part was read")


def test_structuring__needs_prices_and_ten_transfers_just_below_a_threshold() -> None:
    amounts = [COIN] * 10
    chain = [
        Tx(name="mined", outputs=[("payer", 50 * COIN)]),
        *(
            Tx(
                name=f"in-{i}",
                inputs=["mined:0" if i == 0 else f"in-{i - 1}:1"],
                outputs=[("subject", amount), ("payer", (49 - i) * COIN)],
            )
            for i, amount in enumerate(amounts)
        ),
        Tx(name="end", outputs=[("nobody", COIN)]),
    ]
    assert flag(observed(chain), "structuring").verdict is Verdict.UNDECIDED
    near = observed(chain, prices=dollars("9500"))
    found = flag(near, "structuring")
    assert found.verdict is Verdict.SHOWN
    assert len(found.transactions) == 10
    apart = at_times(near, [i * (DAY + 1) for i in range(10)])
    assert flag(apart, "structuring").verdict is Verdict.NOT_SHOWN
    for price, verdict in (
        ("9000", Verdict.SHOWN),
        ("8999.99", Verdict.NOT_SHOWN),
        ("9999.99", Verdict.SHOWN),
        ("10000", Verdict.NOT_SHOWN),
        ("2700", Verdict.SHOWN),
        ("0", Verdict.NOT_SHOWN),
    ):
        seen = replace(near, prices=dollars(price))
        assert flag(seen, "structuring").verdict is verdict, price


def test_new_and_large__counts_the_first_day_only() -> None:
    seen = observed(passes(2), prices=dollars("100"))
    assert flag(seen, "new_and_large").verdict is Verdict.SHOWN
    assert "10,000.00 USD" in flag(seen, "new_and_large").measured
    later = at_times(seen, [0, 1, DAY + 1, DAY + 2])
    found = flag(later, "new_and_large")
    assert found.verdict is Verdict.NOT_SHOWN
    assert "5,000.00 USD" in found.measured
    assert flag(in_part(seen), "new_and_large").verdict is Verdict.UNDECIDED
    assert flag(observed(passes(2)), "new_and_large").verdict is Verdict.UNDECIDED


def test_dormant_then_emptied__needs_two_years_and_nearly_everything() -> None:
    seen = observed(passes(1))
    assert flag(seen, "dormant_then_emptied").verdict is Verdict.NOT_SHOWN
    late = at_times(seen, [0, flags.DORMANT_SECONDS + 1])
    found = flag(late, "dormant_then_emptied")
    assert found.verdict is Verdict.SHOWN
    assert len(found.transactions) == 1
    assert flag(in_part(late), "dormant_then_emptied").verdict is Verdict.UNDECIDED
    on_time = at_times(seen, [0, flags.DORMANT_SECONDS])
    assert flag(on_time, "dormant_then_emptied").verdict is Verdict.NOT_SHOWN
    two = [
        Tx(name="mined", outputs=[("payer", 50 * COIN)]),
        Tx(
            name="in",
            inputs=["mined:0"],
            outputs=[("subject", 49 * COIN), ("subject", COIN)],
        ),
        Tx(name="out", inputs=["in:0"], outputs=[("payee", 49 * COIN)]),
        Tx(name="end", outputs=[("nobody", COIN)]),
    ]
    half = at_times(observed(two), [0, flags.DORMANT_SECONDS + 1])
    assert flag(half, "dormant_then_emptied").verdict is Verdict.NOT_SHOWN


def test_dust_sending__is_of_who_sends_and_not_of_who_receives() -> None:
    chain = [
        Tx(name="mined", outputs=[("subject", 50 * COIN)]),
        Tx(
            name="dust",
            inputs=["mined:0"],
            outputs=[*((f"target-{i}", 546) for i in range(10)), ("subject", 40 * COIN)],
        ),
        Tx(name="end", outputs=[("nobody", COIN)]),
    ]
    assert flag(observed(chain), "dust_sending").verdict is Verdict.SHOWN
    assert flag(observed(chain, "target-3"), "dust_sending").verdict is Verdict.NOT_SHOWN


def test_mixer_then_exchange__needs_tags_and_the_order() -> None:
    assert flag(observed(passes(1)), "mixer_then_exchange").verdict is Verdict.UNDECIDED
    for only, gap in (("exchange", "no tag names a mixing"), ("mixing_service", "an exchange")):
        found = flag(observed(passes(2), tags=(tag("payee-1", only),)), "mixer_then_exchange")
        assert found.verdict is Verdict.UNDECIDED
        assert gap in found.measured
    named = (tag("payer-0", "mixing_service"), tag("payee-1", "exchange"))
    found = flag(observed(passes(2), tags=named), "mixer_then_exchange")
    assert found.verdict is Verdict.SHOWN
    assert len(found.transactions) == 2
    turned = (tag("payer-1", "mixing_service"), tag("payee-0", "exchange"))
    assert (
        flag(observed(passes(2), tags=turned), "mixer_then_exchange").verdict is Verdict.NOT_SHOWN
    )


def peel(hops: int) -> list[Tx]:
    """One coin is paid out in pieces, the rest going on to a fresh address each time."""
    rest = 50 * COIN
    chain = [Tx(name="mined", outputs=[("subject", rest)])]
    for i in range(hops):
        rest -= COIN
        spent = "mined:0" if i == 0 else f"peel-{i - 1}:1"
        outputs = [(f"p2pkh:paid-{i}", COIN), (f"rest-{i}", rest)]
        chain.append(Tx(name=f"peel-{i}", inputs=[spent], outputs=outputs))
    return [*chain, Tx(name="end", outputs=[("nobody", COIN)])]


def test_peel_chain__is_shown_from_ten_hops() -> None:
    # The last hop's rest is not spent, so that nobody can tell which output goes on.
    found = flag(observed(peel(11)), "peel_chain")
    assert found.verdict is Verdict.SHOWN
    assert len(found.transactions) == 10
    assert flag(observed(peel(10)), "peel_chain").verdict is Verdict.NOT_SHOWN


@pytest.mark.parametrize("name", ["chain_hopping", "night_profile"])
def test_flags__that_one_chain_cannot_show_are_never_clean(name: str) -> None:
    found = flag(observed(passes(1)), name)
    assert found.verdict is Verdict.NOT_MEASURED
    assert found.measured
