"""Exposure over a reading of accounts, in the shape that exposures have on every chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from typing import cast

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_ledger.asset_names import Standing, asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.limits import not_conserving
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.manifest import blocks_seen, clustering_made, rule_versions
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_entities import account_cuts
from arien_flows.answers.exposure import exposure_side
from arien_flows.answers.exposure_shapes import ExposureAnswer, ExposureRequestShape
from arien_flows.attribution.categories import standard_categories
from arien_flows.exposure import accounts
from arien_flows.exposure.accounts import (
    AccountExposureRequest,
    account_exposure_of,
    subject_accounts,
)
from arien_flows.exposure.request import DirectionName
from arien_flows.exposure.shares import Exposure
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.passages.conversion import conversions_in
from arien_flows.tracing.manifest import FORMAT, PROGRAM, hash_of_manifest, hash_of_result
from arien_flows.tracing.manifest_answer import Manifest

ANSWER_VERSION = 1
"""Raised whenever the same shares are told in another way."""

ACCOUNT_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "in": {
        "newly_mined": "newly made: rewards, withdrawals of validators, new tokens",
        "before_ledger": "from before the ledger begins",
        "unspent": "held before, with nobody named",
        "mixer": "out of a mixer that no source names",
        "bridge": "over a bridge that no source names",
        "contract": "out of contracts that many use",
        "exchanged": "got in exchanges from others, who got another asset for it",
        "below_min": "in parts too small to follow",
        "hop_limit": "from further away than the hop limit",
        "time_window": "from before the time that was looked at",
        "fan_out": "out of accounts with many movements, of which it is a small part",
        "not_fetched": "from accounts whose movements were not fetched",
        "budget": "not looked at before the budget was used up",
        "retainted": "from the subject itself, by way of others",
        "dormant": "from balances that had rested for long",
    },
    "out": {
        "unspent": "at rest as of the last block, with nobody named",
        "dormant": "at rest for long, with nobody named",
        "fee": "spent on gas, the subject's own and that of others",
        "destroyed": "destroyed: sent to where nobody has a key, or burnt",
        "mixer": "into a mixer that no source names",
        "bridge": "over a bridge that no source names",
        "contract": "into contracts that many use",
        "exchanged": "given in exchanges to others, who gave another asset for it",
        "below_min": "in parts too small to follow",
        "hop_limit": "gone further away than the hop limit",
        "time_window": "gone after the time that was looked at",
        "fan_out": "into accounts with many movements, of which it is a small part",
        "not_fetched": "to accounts whose movements were not fetched",
        "budget": "not looked at before the budget was used up",
        "retainted": "back to the subject itself, by way of others",
    },
}
"""What each reason means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExposureRequestShape(ExposureRequestShape):
    """The question as it was understood."""

    asset: str
    """The coin's name, or the token's contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountExposureAnswer(ExposureAnswer):
    """Whose money an account received, and who received its, of one asset."""

    request: AccountExposureRequestShape
    """The question, with every limit in force."""

    contract: str | None
    """The token's contract; nothing for the coin."""

    standing: Standing
    """Whether the asset is the coin, a listed token, or one whose name is not verified."""

    decimals_known: bool
    """Where they are not, amounts are shown in base units."""


def account_ground(reading: AccountReading) -> Ground:
    """Return what an exposure stands on."""
    return Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.attribution,
        find_conversions=conversions_in,
        burns=burn_accounts(reading.view),
        denied=denied_accounts(reading.view),
        fetched=reading.fetched,
        tags_are_later=reading.tags_are_later,
    )


def account_exposure_answer(
    reading: AccountReading, requests: Sequence[AccountExposureRequest]
) -> AccountExposureAnswer:
    """Return the answer to requests that differ in their direction only.

    The same request gives the same bytes as long as the ledger, the clustering and the tags stay
    as they are.
    """
    ground, request, view = account_ground(reading), requests[0], reading.view
    members = subject_accounts(ground, request.subjects)
    number = NATIVE if request.asset is None else chosen_asset(view, request.asset)
    label = asset_label(view.asset_facts[number], view)
    found = tuple(account_exposure_of(ground, each) for each in requests)
    cuts = (
        *(cut for each in found for cut in each.truncations),
        *account_cuts(reading, "entities"),
        *not_conserving(view, number),
        *reading.limits,
    )
    categories = standard_categories()
    draft = AccountExposureAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        request=_request_shape(requests, label.contract or view.network.coin),
        entities=tuple(
            dict.fromkeys(
                view.account_text(ground.entities.root_of(each)) for each in members.tolist()
            )
        ),
        asset=label.asset.name,
        decimals=label.asset.decimals,
        contract=label.contract,
        standing=label.standing,
        decimals_known=label.decimals is not None,
        certainty="inference",
        categories=categories.name,
        categories_sha256=categories.sha256,
        sides=tuple(exposure_side(each, ACCOUNT_MEANINGS) for each in found),
        manifest=exposure_manifest(ground, found, kind="account_exposure", rules={}),
        manifest_sha256="",
    )
    parts = {field.name: getattr(draft, field.name) for field in fields(draft)}
    manifest = replace(draft.manifest, result_sha256=hash_of_result(parts))
    hashed = hash_of_manifest({"format": FORMAT, "request": draft.request, "manifest": manifest})
    return replace(draft, manifest=manifest, manifest_sha256=hashed)


def exposure_manifest(
    ground: Ground, found: Sequence[Exposure], *, kind: str, rules: Mapping[str, int]
) -> Manifest:
    """Return what exposures stand on, the result hash still empty."""
    view, looked_at = ground.view, sum(each.followed for each in found)
    return Manifest(
        kind=kind,
        program=PROGRAM,
        version=version(PROGRAM),
        network=view.network.name,
        tip_height=view.tip.height,
        tip_hash=view.tip.block_hash,
        first_height=int(view.blocks.height[0]),
        blocks=() if ground.fetched is not None else blocks_seen(view),
        rules={
            **rule_versions(),
            "answer": ANSWER_VERSION,
            "exposure": accounts.VERSION,
            **rules,
        },
        tags_sha256=ground.attribution.revision,
        tags_are_later=ground.tags_are_later,
        clustering=ground.entities.identity,
        clustering_made=clustering_made(ground.entities),
        coinjoin_marks="absent",
        transactions_explored=looked_at,
        transactions_followed=looked_at,
        timed_out=False,
        result_sha256="",
    )


def account_exposure_requests_of(
    shape: AccountExposureRequestShape,
) -> list[AccountExposureRequest]:
    """Return the questions that an answer was made for, one for each direction.

    `ValueError` where it tells of none that could be asked.
    """
    if not shape.directions or set(shape.directions) - {"in", "out"}:
        raise ValueError("it names no direction")
    return [
        AccountExposureRequest(
            subjects=shape.subjects,
            direction=cast("DirectionName", direction),
            asset=shape.asset,
            since=shape.since,
            until=shape.until,
            horizon_days=shape.horizon_days,
            max_hops=shape.max_hops,
            min_value=None if shape.min_value is None else int(shape.min_value),
            budget=shape.budget,
            min_confidence=shape.min_confidence,
            fan_out=shape.fan_out_outputs,
            fan_out_percent=shape.fan_out_percent,
        )
        for direction in shape.directions
    ]


def _request_shape(
    requests: Sequence[AccountExposureRequest], asset: str
) -> AccountExposureRequestShape:
    request = requests[0]
    return AccountExposureRequestShape(
        asset=asset,
        subjects=request.subjects,
        directions=tuple(each.direction for each in requests),
        policy="haircut",
        since=request.since,
        until=request.until,
        horizon_days=request.horizon_days,
        max_hops=request.max_hops,
        min_value=None if request.min_value is None else str(request.min_value),
        budget=request.budget,
        min_confidence=request.min_confidence,
        fan_out_outputs=request.fan_out,
        fan_out_percent=request.fan_out_percent,
    )
