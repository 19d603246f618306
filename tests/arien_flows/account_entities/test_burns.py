import pytest

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts, deny_list
from chains.ethereum.address import checksummed
from chains.ethereum.networks import ETHEREUM, ETHEREUM_DEV
from tests.account_chains import ETHER, AccountChain, address_of

DEAD = "0x000000000000000000000000000000000000dead"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"


def paying(*receivers: str, network=ETHEREUM_DEV):
    chain = AccountChain(network)
    chain.genesis(alice=100 * ETHER)
    chain.block()
    for receiver in receivers:
        chain.pay("alice", receiver, ETHER)
    return chain.view()


def test_burn_accounts__are_the_null_address_and_the_listed_ones_that_occur():
    view = paying("bob", DEAD)
    found = [view.addresses[number].tobytes() for number in burn_accounts(view)]
    assert found == [bytes(20), address_of(DEAD)]


def test_burn_accounts__holds_the_null_address_where_no_other_occurs():
    assert burn_accounts(paying("bob")).tolist() == [0]


def test_denied_accounts__hold_on_the_main_chain_only():
    main = paying("bob", WETH, network=ETHEREUM)
    assert main.addresses[denied_accounts(main)[0]].tobytes() == address_of(WETH)
    # The same address on a chain of one's own is whoever deployed something there.
    assert denied_accounts(paying("bob", WETH)).tolist() == []


@pytest.mark.parametrize("kind", ["burns", "denied"])
def test_deny_list__is_written_with_checksums_and_sources_each_account_once(kind):
    listed = getattr(deny_list(), kind)
    assert [each.address for each in listed] == [checksummed(each.address) for each in listed]
    assert len({each.address for each in listed}) == len(listed) > 10
    assert all(each.name and each.source for each in listed)
