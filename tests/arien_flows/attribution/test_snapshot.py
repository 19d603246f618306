from dataclasses import replace
from random import Random

import numpy as np

from arien_flows.attribution.ownership import SingleAddresses, roots_of
from arien_flows.attribution.snapshot import attribute, no_attribution, service_stop
from arien_flows.ledger.schema import NO_ADDRESS
from heuristics.taint import Stop
from tests.arien_flows.tracing.chains import COIN, tag
from tests.ledgers import Tx, build_view

VIEW = build_view(
    [
        Tx(name="m1", outputs=[("a", 20 * COIN), ("b", 10 * COIN), ("c", 20 * COIN)]),
        Tx(name="m2", outputs=[("d", 50 * COIN)]),
    ]
)


class AllOne:
    """An entity map with one entity."""

    identity = "one"

    def __init__(self) -> None:
        self.labels = np.zeros(VIEW.counts.addresses, np.uint32)

    def root_of(self, address: int) -> int:
        return int(self.labels[address])

    def members(self, root: int) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        return np.flatnonzero(self.labels == root).astype(np.uint32)


def number(name: str) -> int:
    address = tag(name, "", "").address
    assert address is not None
    return VIEW.find_address(address)


def test_attribution__lets_the_most_confident_tag_speak():
    tags = [
        tag("a", "Weak", "exchange", confidence="web_crawl"),
        tag("a", "Strong", "shop", confidence="ownership"),
        tag("a", "Service", "exchange"),
    ]
    found = attribute(VIEW, tags, SingleAddresses())
    named = found.at(number("a"), number("a"))
    assert named is not None
    assert (named.tag.label, named.is_inherited) == ("Strong", False)
    service = found.service_at(number("a"), number("a"))
    assert service is not None
    assert service.tag.label == "Service"
    assert found.at(number("b"), number("b")) is None


def test_attribution__does_not_depend_on_the_order_of_tags():
    tags = [tag(name, label, "exchange") for name in "abc" for label in ("One", "Two", "Three")]
    shuffled = [*tags, tags[3]]
    Random(1).shuffle(shuffled)
    first, second = (attribute(VIEW, some, SingleAddresses()) for some in (tags, shuffled))
    assert first.revision == second.revision
    assert [first.tag(i) for i in range(9)] == [second.tag(i) for i in range(9)]
    assert len(first.statement) == len(second.statement) == 9
    assert attribute(VIEW, tags[:-1], SingleAddresses()).revision != first.revision
    named = first.at(number("a"), number("a"))
    assert named is not None
    assert named.tag.label == "One"


def test_attribution__marks_what_an_entity_inherits():
    found = attribute(VIEW, [tag("b", "Shop", "exchange")], AllOne())
    own = found.service_at(number("b"), 0)
    other = found.service_at(number("d"), 0)
    assert own is not None
    assert other is not None
    assert (own.is_inherited, other.is_inherited) == (False, True)
    address_stop, root_stop = found.stops()
    assert address_stop.tolist() == root_stop.tolist() == [Stop.SERVICE_REACHED]


def test_attribution__tells_of_many_addresses_what_it_tells_of_each():
    tags = [
        tag("b", "Shop", "exchange"),
        tag("b", "Bazaar", "market"),
        tag("c", "Fund", "donation", confidence="ownership"),
        tag("d", "Mill", "mixer"),
    ]
    for entities in (SingleAddresses(), AllOne()):
        found = attribute(VIEW, tags, entities)
        addresses = np.array([*map(number, "dcbaabcd"), NO_ADDRESS], np.int64)
        roots = roots_of(entities, addresses)
        services = found.services_at(addresses, roots)
        one_by_one = [found.service_at(*who) for who in zip(addresses, roots, strict=True)]
        assert [services.at(place) for place in range(9)] == one_by_one
        assert one_by_one[-1] is None
        assert len(services.named) == len({repr(each) for each in one_by_one if each})
    assert no_attribution(VIEW).services_at(addresses, roots).which.tolist() == [-1] * 9


def test_attribution__counts_what_it_cannot_use():
    tags = [
        tag("never", "Unused", "exchange"),
        tag("a", "Litecoin", "exchange", network="LTC"),
        tag("a", "Text", "exchange", address="no address"),
        tag("a", "Transaction", "exchange", address=None, tx_hash="ab"),
    ]
    found = attribute(VIEW, tags, SingleAddresses())
    assert (found.not_in_ledger, found.foreign, len(found.statement)) == (1, 3, 0)


def test_service_stop__needs_a_service_category_and_confidence():
    assert service_stop(tag("a", "x", "exchange")) == Stop.SERVICE_REACHED
    assert service_stop(tag("a", "x", "exchange", confidence="untrusted_transaction")) is None
    assert service_stop(tag("a", "x", "shop")) is None
    for kind, stop in (("actor", Stop.SERVICE_REACHED), ("mention", None), ("event", None)):
        assert service_stop(replace(tag("a", "x", "exchange"), tag_type=kind)) == stop
    both = tag("a", "x", "", concepts=("wallet_service", "mixing_service"))
    assert service_stop(both) == Stop.MIXER


def test_no_attribution__names_nothing():
    nothing = no_attribution(VIEW)
    assert nothing.at(0, 0) is None
    assert nothing.service_at(0, 0) is None
    assert nothing.revision == attribute(VIEW, [], SingleAddresses()).revision


def test_attribution__calls_a_service_by_one_tag_whatever_address_is_reached():
    tags = [tag("a", "Shop", "exchange"), tag("b", "Shop", "mixer", confidence="ownership")]
    weak = tag("c", "Shop", "exchange", confidence="unknown")
    found = attribute(VIEW, [*tags, weak, tag("d", "Other", "market")], SingleAddresses())
    places = found.first_service_of_label
    assert sorted(places) == ["Other", "Shop"]
    assert found.tag(places["Shop"]).confidence == "ownership"
