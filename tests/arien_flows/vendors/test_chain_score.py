"""The score, and the policy that it is made by."""

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.entities.roles import Verdict
from arien_flows.errors import InputError
from arien_flows.vendors.chain_evidence import Finding, Shown
from arien_flows.vendors.chain_policy import ITEMS, POLICY, read_policy, standard_policy
from arien_flows.vendors.chain_score import vendor_score

POINTS = dict(zip(ITEMS, (30, 25, 15, 10, 10, 10, -20), strict=True))
VERDICTS = st.fixed_dictionaries({item: st.sampled_from(Verdict) for item in ITEMS})


def findings(verdicts: dict[str, Verdict]) -> list[Finding]:
    return [
        Finding(item=item, verdict=verdict, measured="", rows=(Shown(says="x"),), row_count=1)
        for item, verdict in verdicts.items()
    ]


@given(verdicts=VERDICTS, order=st.permutations(ITEMS))
def test_vendor_score__adds_what_holds_in_any_order(verdicts, order):
    scored = vendor_score(findings({item: verdicts[item] for item in order}), standard_policy())
    held = {item for item, verdict in verdicts.items() if verdict is Verdict.HOLDS}
    assert scored.score == sum(POINTS[item] for item in held)
    assert scored.score == sum(each.points for each in scored.items)
    assert [each.finding.item for each in scored.items] == list(ITEMS)
    core = held & {"market_payouts", "published_address"}
    assert (scored.standing == "confirmed") == (scored.score >= 70 and bool(core))
    assert scored.highest >= scored.score


@given(verdicts=VERDICTS, item=st.sampled_from(ITEMS))
def test_vendor_score__loses_exactly_the_points_of_an_item(verdicts, item):
    with_it = vendor_score(findings(verdicts | {item: Verdict.HOLDS}), standard_policy())
    without = vendor_score(findings(verdicts | {item: Verdict.FAILS}), standard_policy())
    assert with_it.score - without.score == POINTS[item]


def test_vendor_score__refuses_what_nothing_shows():
    told = findings(dict.fromkeys(ITEMS, Verdict.FAILS))
    bare = Finding(item=ITEMS[0], verdict=Verdict.HOLDS, measured="")
    with pytest.raises(ValueError, match="nothing shows it"):
        vendor_score([bare, *told[1:]], standard_policy())
    with pytest.raises(ValueError, match="one finding"):
        vendor_score(told[1:], standard_policy())


def test_read_policy__says_what_is_wrong():
    raw = (files("arien_flows.vendors") / POLICY).read_bytes()
    assert read_policy(raw) == standard_policy()
    for wrong, message in (
        (raw.replace(b"confirmed = 70", b""), "lacks 'confirmed'"),
        (raw.replace(b"payouts = 5", b"payouts = -5"), "payouts"),
        (raw.replace(b'"darknet_market"', b'"pub"'), "pub"),
        (raw.replace(b'name = "price_list"', b'name = "shoes"'), "must list the items"),
        (b"\xff", "not TOML"),
    ):
        with pytest.raises(InputError, match=message):
            read_policy(wrong)
