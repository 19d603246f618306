"""The risk of an account by one asset: the score of every chain, over an exposure of accounts.

Policy, score and explanation are those of Bitcoin. Behaviour is not measured on chains of accounts
yet, and each flag says so; it adds nothing and clears nothing. Burns carry no risk on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.limits import not_conserving
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import counted
from arien_flows.answers.account_entities import account_cuts
from arien_flows.answers.account_exposure import (
    ACCOUNT_MEANINGS,
    account_ground,
    exposure_manifest,
)
from arien_flows.answers.account_facts import account_sighting
from arien_flows.answers.risk import RiskParts, check_policy_again, risk_of, risk_terms
from arien_flows.answers.risk_inputs import ENTITY, exposed_parts, own_tags
from arien_flows.answers.risk_shapes import RiskAnswer, RiskRequestShape
from arien_flows.errors import InputError
from arien_flows.exposure.accounts import (
    DEFAULT_BUDGET,
    AccountExposureRequest,
    account_exposure_of,
)
from arien_flows.exposure.shares import Exposure
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.risk.inputs import Direction, Flag, Inputs, Verdict
from arien_flows.risk.policy import RiskPolicy, standard_policy
from arien_flows.shapes import Truncation

VERSION = 1
"""Raised whenever the same exposure can give another score."""

NO_PROFILE = "none"
"""Stands for the profile where no clustering was made, and each account stands for itself."""

_BOTH: tuple[Direction, Direction] = ("in", "out")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRiskRequestShape(RiskRequestShape):
    """The question, with every limit in force."""

    asset: str
    """The coin's name, or the token's contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRiskAnswer(RiskAnswer):
    """How risky an account is by what it moved of one asset, by a policy, and why."""

    request: AccountRiskRequestShape
    """The question."""

    asset: str
    """The asset whose movements were scored; amounts count it."""

    contract: str | None
    """The token's contract; nothing for the coin."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""


def account_risk_answer(
    reading: AccountReading,
    text: str,
    *,
    asset: str | None = None,
    policy: RiskPolicy | None = None,
    budget: int = DEFAULT_BUDGET,
) -> AccountRiskAnswer:
    """Return the risk of an account, or of `entity:ADDRESS`, by one asset; by default the coin.

    `NoEvidenceError` where something would count that names no evidence.
    """
    policy, view, ground = policy or standard_policy(), reading.view, account_ground(reading)
    is_entity = text.lower().startswith(ENTITY)
    account = view.find_account(text[len(ENTITY) :] if is_entity else text)
    called = f"{ENTITY if is_entity else ''}{view.account_text(account)}"
    number = NATIVE if asset is None else chosen_asset(view, asset)
    label = asset_label(view.asset_facts[number], view)
    found: Mapping[Direction, Exposure] = {
        each: account_exposure_of(
            ground,
            AccountExposureRequest(subjects=(called,), direction=each, asset=asset, budget=budget),
        )
        for each in _BOTH
    }
    own, left_out = own_tags(
        reading.tags.tags_of, account, view.tip.time.date(), is_entity=is_entity
    )
    inputs = Inputs(
        total_in=found["in"].total,
        total_out=found["out"].total,
        exposed=tuple(part for each in found.values() for part in exposed_parts(each)),
        own=own,
        flags=tuple(_not_measured(name) for name in sorted(policy.flags)),
    )
    return risk_of(
        AccountRiskAnswer,
        RiskParts(
            text=called,
            as_of=view.as_of(),
            entity=view.account_text(ground.entities.root_of(account)),
            profile=reading.clustering.profile if reading.clustering else NO_PROFILE,
            clustering=ground.entities.identity,
            inputs=inputs,
            exposures=found,
            meanings=ACCOUNT_MEANINGS,
            request=AccountRiskRequestShape(
                **risk_terms(called, budget, policy), asset=label.contract or view.network.coin
            ),
            moment_of=lambda txid: _moment(view, txid),
            documents_named=reading.tags.casebook.documents_named,
            found_cuts=(
                *(cut for each in found.values() for cut in each.truncations),
                *_tags_left_out(left_out),
                *_other_assets(view, account, number),
            ),
            reading_cuts=(
                *account_cuts(reading, "entities"),
                *not_conserving(view, number),
                *reading.limits,
            ),
            rules={"account_risk": VERSION},
            manifest=exposure_manifest(
                ground, tuple(found.values()), kind="account_risk", rules={"account_risk": VERSION}
            ),
        ),
        policy,
        asset=label.asset.name,
        contract=label.contract,
        decimals=label.asset.decimals,
    )


def account_risk_again(
    reading: AccountReading, asked: AccountRiskRequestShape
) -> AccountRiskAnswer:
    """Return the answer to a question that an answer names; `InputError` where it cannot be."""
    check_policy_again(asked)
    found = account_risk_answer(reading, asked.subject, asset=asked.asset, budget=asked.budget)
    if found.request != asked:
        raise InputError("the question in the file cannot be asked again: its limits are others")
    return found


def _moment(view: AccountView, txid: str) -> datetime:
    return account_sighting(view, view.find_transaction(txid)).time


def _not_measured(name: str) -> Flag:
    return Flag(
        name=name,
        verdict=Verdict.NOT_MEASURED,
        measured="behaviour is not measured on chains of accounts",
    )


def _tags_left_out(left_out: int) -> Iterable[Truncation]:
    if left_out:
        yield Truncation(
            where="tags of the subject",
            reason="row_limit",
            detail=f"{left_out:,} less confident tags were not weighed",
        )


def _other_assets(view: AccountView, account: int, asset: int) -> Iterable[Truncation]:
    """Say that the account moved other assets too, of which the score says nothing."""
    others = [number for number in view.index.assets_of(account).tolist() if number != asset]
    if others:
        yield Truncation(
            where="assets",
            reason="one_asset",
            detail=f"the account moved {counted(len(others), 'other asset')}, of which this score "
            "says nothing: name one with --asset",
        )
