"""Accounts of a simulated market, against the truth about who has which."""

from pathlib import Path

import pytest

from arien_flows.documents.item import whole
from arien_flows.simulation.parameters import SMALLEST, Parameters
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from arien_flows.vendors.account import market_name
from arien_flows.vendors.groups import enemies_of, group
from arien_flows.vendors.linking import LinkRule, links_of
from arien_flows.vendors.reading import read_account
from arien_flows.vendors.sightings import FINGERPRINT, Known, Shown, Sighting


@pytest.mark.slow
def test_accounts__of_a_simulation_are_those_of_the_truth(tmp_path: Path):
    simulate(Parameters(transactions=SMALLEST, seed=1), tmp_path)
    owners, sightings = {}, []
    for document in Truth(tmp_path).documents:
        raw = (tmp_path / "listings" / document["file"]).read_bytes()
        media_type = "text/html" if document["file"].endswith(".html") else "text/plain"
        page = read_account(whole(document["file"], raw, media_type))
        if document["market"] is None:
            # Posts of a forum name nobody's account.
            assert page is None
            continue
        assert page.handle == document["vendor"]
        assert page.market == market_name(document["market"])
        assert page.faults == ()
        assert page.listings
        owners[page.id] = document["owner"]
        for key in page.keys:
            shown = Shown(
                document_sha256=document["file"], begin=key.begin, end=key.end, rule=key.rule
            )
            sightings.append(
                Sighting(account=page.id, kind=FINGERPRINT, value=key.fingerprint, shown=shown)
            )
    known = Known(
        accounts=frozenset(owners), sightings=sightings, statements=(), keys={}, activity={}
    )
    links = links_of(known)
    made = group(owners, links, enemies_of(known, links))
    for account, owner in owners.items():
        truth = {other for other, whose in owners.items() if whose == owner}
        assert made.set_of[account] == truth
    assert any(len(each) > 1 for each in made.set_of.values())
    assert {link.rule for link in made.joined} == {LinkRule.SAME_KEY}
