from arien_flows.attribution.account_owners import known_accounts
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.entities.constraints import no_constraints
from tests.account_chains import ETHER, AccountChain
from tests.account_readings import attribution_of
from tests.arien_flows.account_entities.stories import known_of, number_of

SAID = {
    "hot": ("Binance", "exchange"),
    "bridge": ("Wormhole", "bridge"),
    "bazaar": ("Hydra", "dark_market"),
    "alice": ("Alice", "user"),
}


def view_of_all():
    chain = AccountChain()
    chain.genesis(**dict.fromkeys(SAID, ETHER))
    return chain.view()


def test_known_accounts__tells_exchanges_from_services_and_from_people():
    view = view_of_all()
    found = known_accounts(view, attribution_of(view, SAID, SingleAddresses()), no_constraints())
    names = {number_of(view, name): name for name in SAID}
    assert [names[number] for number in found.exchange.tolist()] == ["hot"]
    assert {names[number] for number in found.service.tolist()} == {"hot", "bridge", "bazaar"}
    assert {names[number] for number in found.tagged.tolist()} == set(SAID)


def test_known_accounts__names_exchanges_as_owners_are_named():
    view = view_of_all()
    said = attribution_of(view, SAID, SingleAddresses())
    constraints = known_of(view, {"hot": "binance"}, owners={"alice": "alice"}).constraints
    found = known_accounts(view, said, constraints)
    assert found.custodian(number_of(view, "hot")) == "binance"
    assert found.custodian(number_of(view, "alice")) == ""
    assert found.revision
    assert found.revision != known_accounts(view, said, no_constraints()).revision


def test_known_accounts__of_no_tags_is_nothing():
    view = view_of_all()
    found = known_accounts(view, attribution_of(view, {}, SingleAddresses()), no_constraints())
    assert (len(found.exchange), len(found.tagged), found.revision) == (0, 0, "")
