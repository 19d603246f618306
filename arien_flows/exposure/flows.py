"""What owners of one category paid to owners of another, each pair by itself.

How much of the markets' money reached which exchange: a question about a trade, not about a wallet.
Every owner with a name counts with all entities that go by it, as one subject; what it pays to
itself stays inside. A flow is the share of its out-exposure that meets an owner of the other
category first, so money that another named owner stands before is that one's and not counted here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from arien_flows.attribution.confidence import claimed
from arien_flows.attribution.naming import Naming
from arien_flows.errors import NotFoundError
from arien_flows.exposure.request import ExposureRequest
from arien_flows.exposure.run import run_exposure, shares_of
from arien_flows.exposure.subject import subject_of
from arien_flows.tracing.engine import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFlow:
    """What one owner paid another."""

    origin: str
    """Actor id, or label where the tags have none."""

    destination: str
    direct_sat: int
    indirect_sat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFlows:
    """All flows between two categories."""

    flows: tuple[NamedFlow, ...]
    """The largest first; pairs without any are absent."""

    paid_sat: Mapping[str, int]
    """What each owner of the first category paid in all."""


def flows_between(
    ground: Ground, origin: str, destination: str, request: ExposureRequest
) -> NamedFlows:
    """Return what owners of the category `origin` paid to owners of `destination`.

    Of the request its limits and its time are used; its subjects are passed over. `NotFoundError`
    where nobody of `origin` is named.
    """
    naming = Naming(
        attribution=ground.attribution,
        least=request.min_confidence,
        on=ground.view.tip.time.date(),
    )
    roots: dict[str, set[int]] = {}
    names: dict[str, str] = {}
    for root in naming.root.tolist():
        owner = naming.of_entity(root)
        if owner.category == origin:
            key = claimed(label=owner.label, actor=owner.actor)
            roots.setdefault(key, set()).add(root)
            names.setdefault(key, owner.actor or owner.label)
    if not roots:
        raise NotFoundError(f"no address of this ledger is tagged as a {origin}")
    out = replace(request, direction="out")
    found: dict[tuple[str, str], list[int]] = {}
    paid: dict[str, int] = {}
    for key, own in roots.items():
        exposure = shares_of(run_exposure(ground, out, subject_of(ground.entities, (), own)))
        paid[names[key]] = exposure.total
        for share in exposure.shares:
            if share.category == destination:
                pair = names[key], share.actor or share.label
                sums = found.setdefault(pair, [0, 0])
                sums[0 if share.is_direct else 1] += share.value
    flows = [
        NamedFlow(origin=pair[0], destination=pair[1], direct_sat=sums[0], indirect_sat=sums[1])
        for pair, sums in found.items()
    ]
    flows.sort(key=lambda it: (-(it.direct_sat + it.indirect_sat), it.origin, it.destination))
    return NamedFlows(flows=tuple(flows), paid_sat=paid)
