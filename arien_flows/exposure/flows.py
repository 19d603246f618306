"""What owners of one category paid to owners of another, each pair by itself.

How much of the markets' money reached which exchange: a question about a trade, not about a wallet.
Every owner with a name counts with all entities that go by it, as one subject; what it pays to
itself stays inside. A flow is the share of its out-exposure that meets an owner of the other
category first, so money that another named owner stands before is that one's and not counted here.
"""

from dataclasses import dataclass, field, replace

from arien_flows.attribution.categories import standard_categories
from arien_flows.attribution.confidence import claimed
from arien_flows.attribution.naming import Naming
from arien_flows.errors import NotFoundError
from arien_flows.exposure.request import ExposureRequest
from arien_flows.exposure.run import run_exposure, shares_of
from arien_flows.exposure.shares import Exposure, ExposureShare
from arien_flows.exposure.subject import subject_of
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFlow:
    """What one owner paid another."""

    origin: str
    """Actor id, or label where the tags have none."""

    destination: str
    direct_sat: int
    indirect_sat: int
    confidence: int
    """0 to 100: of the least certain of all names that the flow rests on."""

    is_disputed: bool
    """Whether sources name others for one of them."""

    documents: tuple[str, ...]
    """SHA-256 of each document that names either of them, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPayer:
    """What one owner of the first category paid in all."""

    name: str
    entities: int
    """Entities that go by this name."""

    paid_sat: int
    arrived_sat: int
    """Of that: what met an owner of the other category first."""

    truncations: tuple[Truncation, ...]
    """Where limits cut paths of this money."""

    followed: int
    """Transactions of others that it was followed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFlows:
    """All flows between two categories."""

    flows: tuple[NamedFlow, ...]
    """The largest first; pairs without any are absent."""

    payers: tuple[NamedPayer, ...]
    """Every owner of the first category, those who paid most first."""


@dataclass(slots=True, kw_only=True)
class _Payer:
    """An owner of the first category, as the tags have it."""

    name: str
    roots: set[int] = field(default_factory=set)
    confidence: int = 100
    is_disputed: bool = False
    documents: set[str] = field(default_factory=set)


def flows_between(
    ground: Ground, origin: str, destination: str, request: ExposureRequest
) -> NamedFlows:
    """Return what owners of the category `origin` paid to owners of `destination`.

    Of the request its limits and its time are used, for each payer anew; its subjects and its
    direction are passed over. `InputError` where one of the two is no category, `NotFoundError`
    where nobody of `origin` is named.
    """
    for name in (origin, destination):
        standard_categories().category(name)
    payers: list[NamedPayer] = []
    flows: list[NamedFlow] = []
    for payer in _payers(ground, origin, request):
        subject = subject_of(ground.entities, (), payer.roots)
        found = shares_of(run_exposure(ground, replace(request, direction="out"), subject))
        own = _flows(payer, found, destination)
        payers.append(
            NamedPayer(
                name=payer.name,
                entities=len(payer.roots),
                paid_sat=found.total,
                arrived_sat=sum(it.direct_sat + it.indirect_sat for it in own),
                truncations=found.truncations,
                followed=found.followed,
            )
        )
        flows += own
    flows.sort(key=lambda it: (-(it.direct_sat + it.indirect_sat), it.origin, it.destination))
    payers.sort(key=lambda it: (-it.paid_sat, it.name))
    return NamedFlows(flows=tuple(flows), payers=tuple(payers))


def _payers(ground: Ground, origin: str, request: ExposureRequest) -> list[_Payer]:
    """Return the owners of a category, each with all entities that go by its name."""
    naming = Naming(
        attribution=ground.attribution,
        least=request.min_confidence,
        on=ground.view.tip.time.date(),
    )
    found: dict[str, _Payer] = {}
    for root in naming.root.tolist():
        owner = naming.of_entity(root)
        if owner.category == origin:
            key = claimed(label=owner.label, actor=owner.actor)
            payer = found.setdefault(key, _Payer(name=owner.actor or owner.label))
            payer.roots.add(root)
            payer.confidence = min(payer.confidence, owner.confidence)
            payer.is_disputed |= owner.is_disputed
            payer.documents.update(filter(None, owner.documents))
    if not found:
        raise NotFoundError(f"no address of this ledger is tagged as a {origin}")
    return list(found.values())


def _flows(payer: _Payer, found: Exposure, destination: str) -> list[NamedFlow]:
    """Return what one payer paid to each owner of a category."""
    shares: dict[str, list[ExposureShare]] = {}
    for share in found.shares:
        if share.category == destination:
            shares.setdefault(claimed(label=share.label, actor=share.actor), []).append(share)
    return [
        NamedFlow(
            origin=payer.name,
            destination=part[0].actor or part[0].label,
            direct_sat=sum(each.value for each in part if each.is_direct),
            indirect_sat=sum(each.value for each in part if not each.is_direct),
            confidence=min(payer.confidence, *(each.confidence for each in part)),
            is_disputed=payer.is_disputed or any(each.is_disputed for each in part),
            documents=tuple(sorted(payer.documents.union(*(each.documents for each in part)))),
        )
        for part in shares.values()
    ]
