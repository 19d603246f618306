"""Flows between two categories over a reading, in the shape in which they leave the program."""

from dataclasses import dataclass, fields, replace

from arien_flows.amounts import asset_of
from arien_flows.answers.exposure import ANSWER_VERSION, ground_of, left_open, request_shape
from arien_flows.answers.exposure_shapes import ExposureRequestShape
from arien_flows.attribution.categories import standard_categories
from arien_flows.exposure.flows import NamedFlow, NamedPayer, flows_between
from arien_flows.exposure.request import ExposureRequest
from arien_flows.ledger.state import as_of
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from arien_flows.tracing.manifest import FORMAT, hash_of_manifest, hash_of_result, manifest_on
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.workspace import Reading
from heuristics import coinjoin, exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow(Shape):
    """What one named owner paid another."""

    origin: str
    """Who paid: actor id, or label where the tags have none."""

    destination: str
    """Whom the money met first of all that are named."""

    direct: str
    """Paid to that owner directly, in base units. No limit cuts this part."""

    indirect: str
    """Met there further away."""

    value: str
    """Both together."""

    confidence: int
    """0 to 100: of the least certain of all names that the row rests on."""

    is_disputed: bool
    """Whether sources name others for one of the two."""

    documents: tuple[str, ...]
    """SHA-256 of each document that names either of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerRow(Shape):
    """What one owner of the first category paid in all."""

    name: str
    """Actor id, or label where the tags have none."""

    entities: int
    """Entities that go by this name."""

    paid: str
    """To others, fees included, in base units."""

    arrived: str
    """Of that: what met an owner of the other category first."""

    followed: int
    """Transactions of others that it was followed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowsAnswer(ChainAnswer):
    """What named owners of one category paid to named owners of another."""

    network: str
    """Name of the network."""

    request: ExposureRequestShape
    """The limits, each of which holds for every payer; the subject is the category of these."""

    destination: str
    """The category of those who were paid."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Always `inference`: amounts rest on a convention, and names speak for whole entities."""

    categories: str
    """Name of the map that makes categories of what tags say."""

    categories_sha256: str
    """Hash of that map."""

    value: str
    """Sum of all flows."""

    flows: tuple[FlowRow, ...]
    """The largest first; pairs without any are absent."""

    payers: tuple[PayerRow, ...]
    """Every named owner of the first category, those who paid most first."""

    manifest: Manifest
    """What the answer stands on, and its hash."""

    manifest_sha256: str
    """Over the request and the manifest."""


def flows_answer(
    reading: Reading, origin: str, destination: str, request: ExposureRequest
) -> FlowsAnswer:
    """Return the flows from owners of one category to owners of another, within a request's limits.

    `InputError` where there is no such category, `NotFoundError` where nobody of the first is
    named.
    """
    ground, view = ground_of(reading), reading.view
    found = flows_between(ground, origin, destination, request)
    cuts = (*_cuts(found.payers), *left_open(reading))
    asset, categories = asset_of(view.network.name), standard_categories()
    followed = sum(each.followed for each in found.payers)
    manifest = manifest_on(
        ground,
        kind="flows",
        rules={
            "answer": ANSWER_VERSION,
            "coinjoin": coinjoin.VERSION,
            "exposure": exposure.VERSION,
        },
        explored=followed,
        followed=followed,
    )
    draft = FlowsAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        request=request_shape([replace(request, direction="out")]),
        destination=destination,
        asset=asset.name,
        decimals=asset.decimals,
        certainty="inference",
        categories=categories.name,
        categories_sha256=categories.sha256,
        value=str(sum(map(_value, found.flows))),
        flows=tuple(map(_row, found.flows)),
        payers=tuple(map(_payer, found.payers)),
        manifest=manifest,
        manifest_sha256="",
    )
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(manifest, result_sha256=hash_of_result(parts))
    hashed = hash_of_manifest({"format": FORMAT, "request": draft.request, "manifest": manifest})
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def _cuts(payers: tuple[NamedPayer, ...]) -> tuple[Truncation, ...]:
    """Return what limits cut of each payer's money, naming the payer."""
    return tuple(
        replace(cut, where=f"payments of {payer.name}")
        for payer in payers
        for cut in payer.truncations
    )


def _row(flow: NamedFlow) -> FlowRow:
    return FlowRow(
        origin=flow.origin,
        destination=flow.destination,
        direct=str(flow.direct_sat),
        indirect=str(flow.indirect_sat),
        value=str(_value(flow)),
        confidence=flow.confidence,
        is_disputed=flow.is_disputed,
        documents=flow.documents,
    )


def _payer(payer: NamedPayer) -> PayerRow:
    return PayerRow(
        name=payer.name,
        entities=payer.entities,
        paid=str(payer.paid_sat),
        arrived=str(payer.arrived_sat),
        followed=payer.followed,
    )


def _value(flow: NamedFlow) -> int:
    return flow.direct_sat + flow.indirect_sat
