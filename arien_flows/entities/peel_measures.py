"""How far a peel chain can be trusted, and whether it is reported as a behaviour.

How good the rule is on the chain at hand can partly be checked without labels. Where the co-spend
rule joins some of a hop's outputs, but not all, with its inputs, it tells which of them stayed with
the owner: the hop is *testable*, and it agrees if the output that was followed is among these. A
chain whose testable hops agree too rarely must not be used to join addresses.
"""

from collections.abc import Callable
from dataclasses import dataclass

from arien_flows.entities.peel_hops import Hop
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View

LEAST_LENGTH = 5
"""Hops from which on a chain is reported as a behaviour."""

MOST_PEELED_PERCENT = 50
"""Of what a hop has to spend, for the same; more is a payment that leaves change."""

LARGEST_CARRIER_SAT = 1_000
"""A peel of no more is no payment: carriers of tokens and inscriptions hold 330 or 546."""

LEAST_TESTABLE = 20
"""Testable hops that it takes to refuse a chain for clustering."""

LEAST_AGREEING_PERMILLE = 980


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How often the co-spend rule agrees with the hops of a chain, where it can tell."""

    testable: int
    agreeing: int

    @property
    def refuses_clustering(self) -> bool:
        """Whether the hops are wrong too often to join addresses by them."""
        enough = self.testable >= LEAST_TESTABLE
        return enough and self.agreeing * 1000 < self.testable * LEAST_AGREEING_PERMILLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What decides whether a chain is reported as a behaviour of its owner."""

    length: int
    largest_peel_permille: int
    """The largest share of what a hop had to spend that it paid away, rounded up."""

    smallest_peel_sat: int | None
    """Nothing for a chain without hops."""

    @property
    def is_long(self) -> bool:
        """Whether there are enough hops."""
        return self.length >= LEAST_LENGTH

    @property
    def peels_little(self) -> bool:
        """Whether no hop pays away more than half of what it has."""
        return self.largest_peel_permille <= 10 * MOST_PEELED_PERCENT

    @property
    def pays_more_than_dust(self) -> bool:
        """Whether every peel is worth something."""
        return self.smallest_peel_sat is not None and self.smallest_peel_sat > LARGEST_CARRIER_SAT

    @property
    def is_peel_chain(self) -> bool:
        """Whether the chain is reported as one."""
        return self.is_long and self.peels_little and self.pays_more_than_dust


def validate(view: View, hops: tuple[Hop, ...], root_of: Callable[[int], int]) -> Validation:
    """Count the hops that the co-spend rule can judge, and those where it agrees.

    `root_of` is the clustering that joins by co-spending and nothing else: one that already joins
    change would confirm its own rules.
    """
    testable = agreeing = 0
    for hop in hops:
        payer = int(view.input_address[view.first_input[hop.transaction]])
        if payer == NO_ADDRESS:
            continue
        owner = root_of(payer)
        stays = root_of(int(view.output_address[hop.next_output])) == owner
        others = [root_of(int(view.output_address[each])) == owner for each in hop.peeled]
        if any((stays, *others)) and not all((stays, *others)):
            testable += 1
            agreeing += stays
    return Validation(testable=testable, agreeing=agreeing)


def behaviour(view: View, hops: tuple[Hop, ...]) -> Behaviour:
    """Return the measures by which a chain is reported, or not."""
    peels = [int(view.output_value[output]) for hop in hops for output in hop.peeled]
    shares = [-(-1000 * hop.peeled_sat // hop.input_sat) if hop.input_sat else 1000 for hop in hops]
    return Behaviour(
        length=len(hops),
        largest_peel_permille=max(shares, default=0),
        smallest_peel_sat=min(peels, default=None),
    )
