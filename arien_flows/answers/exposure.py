"""Exposure over a reading: the shares of each direction, their sums by category, and a manifest.

Percentages are for the eye; they are rounded together, so that the rows of a direction sum to
100.00 exactly. What counts are the base units beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import cast

from arien_flows.amounts import asset_of
from arien_flows.answers.entity import lag, tags_changed
from arien_flows.answers.exposure_shapes import (
    CategoryExposure,
    ExposureAnswer,
    ExposureRequestShape,
    ExposureSide,
    OwnerExposure,
    RestExposure,
)
from arien_flows.answers.facts import named
from arien_flows.attribution.categories import standard_categories
from arien_flows.exposure.request import DirectionName, ExposureRequest
from arien_flows.exposure.run import exposure_of
from arien_flows.exposure.shares import Exposure, ExposureShare
from arien_flows.exposure.subject import subject_named
from arien_flows.ledger.state import as_of
from arien_flows.shapes import Truncation
from arien_flows.tracing.engine import Ground
from arien_flows.tracing.manifest import (
    FORMAT,
    hash_of_manifest,
    hash_of_result,
    manifest_on,
)
from arien_flows.workspace import Reading
from heuristics import coinjoin, exposure

MOST_OWNERS = 1_000
"""Rows of owners in an answer; sums by category cover all of them."""

ANSWER_VERSION = 1
"""Raised whenever the same shares are told in another way."""

_PARTS = 10_000
"""Hundredths of a percent in a whole."""

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "in": {
        "newly_mined": "newly mined: it begins there",
        "before_ledger": "from before the ledger begins",
        "below_min": "in coins too small to follow",
        "hop_limit": "from further away than the hop limit",
        "time_window": "from before the time that was looked at",
        "fan_out": "out of payouts to many, of which it is a small part",
        "budget": "not looked at before the budget was used up",
        "retainted": "from the subject itself, by way of others",
    },
    "out": {
        "unspent": "unspent as of the last block, with nobody named",
        "fee": "spent on fees, the subject's own and those of others",
        "destroyed": "made unspendable",
        "below_min": "in coins too small to follow",
        "hop_limit": "gone further away than the hop limit",
        "time_window": "gone after the time that was looked at",
        "fan_out": "into payouts to many, of which it is a small part",
        "budget": "not looked at before the budget was used up",
        "retainted": "back to the subject itself, by way of others",
    },
}
"""What each reason means."""


def ground_of(reading: Reading) -> Ground:
    """Return what an exposure stands on."""
    return Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.tags.attribution,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
    )


def exposure_answer(reading: Reading, requests: Sequence[ExposureRequest]) -> ExposureAnswer:
    """Return the answer to requests that differ in their direction only.

    The same request gives the same bytes as long as the ledger, the clustering and the tags stay
    as they are.
    """
    ground, request = ground_of(reading), requests[0]
    view = reading.view
    subject = subject_named(view, ground.entities, request.subjects)
    found = tuple(exposure_of(ground, each) for each in requests)
    cuts = (*(cut for each in found for cut in each.truncations), *left_open(reading))
    asset, categories = asset_of(view.network.name), standard_categories()
    manifest = manifest_on(
        ground,
        kind="exposure",
        rules={
            "answer": ANSWER_VERSION,
            "coinjoin": coinjoin.VERSION,
            "exposure": exposure.VERSION,
        },
        explored=sum(each.followed for each in found),
        followed=sum(each.followed for each in found),
    )
    draft = ExposureAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        request=request_shape(requests),
        entities=tuple(named(view, root) for root in subject.own_roots.tolist()),
        asset=asset.name,
        decimals=asset.decimals,
        certainty="inference",
        categories=categories.name,
        categories_sha256=categories.sha256,
        sides=tuple(exposure_side(each, MEANINGS) for each in found),
        manifest=manifest,
        manifest_sha256="",
    )
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(manifest, result_sha256=hash_of_result(parts))
    hashed = hash_of_manifest({"format": FORMAT, "request": draft.request, "manifest": manifest})
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def exposure_requests_of(shape: ExposureRequestShape) -> list[ExposureRequest]:
    """Return the questions that an answer was made for, one for each direction.

    `ValueError` or `InputError` where it tells of none that could be asked.
    """
    if not shape.directions:
        raise ValueError("it names no direction")
    return [
        ExposureRequest(
            subjects=shape.subjects,
            direction=cast("DirectionName", direction),
            policy=shape.policy,
            since=shape.since,
            until=shape.until,
            horizon_days=shape.horizon_days,
            max_hops=shape.max_hops,
            min_value_sat=None if shape.min_value is None else int(shape.min_value),
            budget=shape.budget,
            min_confidence=shape.min_confidence,
            fan_out_outputs=shape.fan_out_outputs,
            fan_out_percent=shape.fan_out_percent,
        )
        for direction in shape.directions
    ]


def left_open(reading: Reading) -> tuple[Truncation, ...]:
    """Return what a reading itself leaves out of every exposure."""
    cuts: tuple[Truncation, ...] = reading.limits
    if reading.clustering is None:
        return (
            Truncation(
                where="entities",
                reason="no_clustering",
                detail=f"each address stands for itself: {reading.clustering_gap}",
            ),
            *cuts,
        )
    return (
        *lag(reading.view, reading.clustering, where="entities"),
        *tags_changed(reading, "entities"),
        *cuts,
    )


def request_shape(requests: Sequence[ExposureRequest]) -> ExposureRequestShape:
    """Return requests that differ in their direction only as they are told."""
    request = requests[0]
    return ExposureRequestShape(
        subjects=request.subjects,
        directions=tuple(each.direction for each in requests),
        policy=request.policy,
        since=request.since,
        until=request.until,
        horizon_days=request.horizon_days,
        max_hops=request.max_hops,
        min_value=None if request.min_value_sat is None else str(request.min_value_sat),
        budget=request.budget,
        min_confidence=request.min_confidence,
        fan_out_outputs=request.fan_out_outputs,
        fan_out_percent=request.fan_out_percent,
    )


def exposure_side(found: Exposure, meanings: Mapping[str, Mapping[str, str]]) -> ExposureSide:
    """Return one direction as it is told; `meanings` are those of reasons, by direction."""
    by_category: dict[str, list[ExposureShare]] = {}
    for share in found.shares:
        by_category.setdefault(share.category, []).append(share)
    values = {name: sum(each.value for each in part) for name, part in by_category.items()}
    rows = [*values.values(), *found.rest.values()]
    percents = percentages(rows)
    categories = [
        CategoryExposure(
            category=name,
            direct=str(sum(each.value for each in part if each.is_direct)),
            indirect=str(sum(each.value for each in part if not each.is_direct)),
            value=str(values[name]),
            percent=percents[place],
            least_hops=min(each.hops for each in part),
        )
        for place, (name, part) in enumerate(by_category.items())
    ]
    rest = [
        RestExposure(
            reason=reason,
            meaning=meanings[found.direction].get(reason, reason),
            value=str(value),
            percent=percents[len(categories) + place],
        )
        for place, (reason, value) in enumerate(found.rest.items())
    ]
    left_out = found.shares[MOST_OWNERS:]
    return ExposureSide(
        direction=found.direction,
        total=str(found.total),
        attributed=str(found.attributed),
        direct=str(found.direct),
        indirect=str(found.attributed - found.direct),
        unattributed=str(found.unattributed),
        coverage_percent=percentages([found.attributed, found.unattributed])[0],
        categories=tuple(sorted(categories, key=lambda it: (-int(it.value), it.category))),
        rest=tuple(sorted(rest, key=lambda it: (-int(it.value), it.reason))),
        owners=tuple(map(_owner, found.shares[:MOST_OWNERS])),
        owners_left_out=len(left_out),
        owners_left_out_value=str(sum(each.value for each in left_out)),
        transactions=found.transactions,
        followed=found.followed,
        min_value=str(found.min_value),
    )


def _owner(share: ExposureShare) -> OwnerExposure:
    return OwnerExposure(
        label=share.label,
        category=share.category,
        actor=share.actor,
        hops=share.hops,
        value=str(share.value),
        confidence=share.confidence,
        is_disputed=share.is_disputed,
        certainty=share.certainty,
        documents=share.documents,
        entity=share.entity,
        entities=share.entities,
        transaction=share.transaction,
    )


def percentages(values: Sequence[int]) -> list[str]:
    """Return each value's percentage of their sum, with two digits, summing to 100.00 exactly.

    Rows whose cut digits weigh most are rounded up, ties to the earlier row. Of nothing, all are
    0.00.
    """
    total = sum(values)
    if total == 0:
        return ["0.00"] * len(values)
    parts = [value * _PARTS // total for value in values]
    by_rest = sorted(range(len(values)), key=lambda i: (-(values[i] * _PARTS % total), i))
    for place in by_rest[: _PARTS - sum(parts)]:
        parts[place] += 1
    return [f"{part // 100}.{part % 100:02d}" for part in parts]
