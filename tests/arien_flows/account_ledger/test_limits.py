"""What an account ledger says of what it lacks."""

from arien_flows.account_ledger.limits import limits_of
from chains.ethereum.tables import CallCoverage, Ordering
from tests.account_chains import ETHER, AccountChain


def test_limits_of__says_nothing_of_a_ledger_that_lacks_nothing():
    chain = AccountChain()
    chain.genesis(alice=ETHER)
    assert limits_of(chain.view()) == ()


def test_limits_of__names_missing_traces_lost_order_and_a_late_beginning():
    chain = AccountChain(first_height=7, calls=CallCoverage.MISSING, ordering=Ordering.CALLS_FIRST)
    chain.pay("alice", "bob", ETHER)
    said = limits_of(chain.view())
    assert [each.reason for each in said] == ["before_ledger", "no_traces", "order_not_told"]
    assert said[0].limit == 7
    assert "below zero" in said[0].detail
