"""`arien-flows exposure` and `arien-flows risk` on a chain of accounts."""

from functools import partial
from pathlib import Path
from typing import cast

from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_exposure import AccountExposureAnswer, account_exposure_answer
from arien_flows.answers.account_risk import account_risk_answer
from arien_flows.cli.asking_accounts import asked_accounts
from arien_flows.cli.exposure_options import Limits
from arien_flows.cli.exposure_texts import exposure_lines
from arien_flows.cli.output import emit
from arien_flows.cli.risk_texts import risk_lines
from arien_flows.cli.session import Session
from arien_flows.cli.typed import moment
from arien_flows.exposure.accounts import AccountExposureRequest
from arien_flows.exposure.request import DirectionName
from arien_flows.passages.asset_choice import amount_of, chosen_asset
from arien_flows.risk.policy import policy_in


def show_account_exposure(
    session: Session,
    subjects: tuple[str, ...],
    direction: str,
    asset: str | None,
    limits: Limits,
    *,
    profile: str,
    as_of: int | None,
) -> None:
    """Print whose money accounts received, and who received theirs."""
    directions = ("in", "out") if direction == "both" else (direction,)

    def answer(reading: AccountReading) -> AccountExposureAnswer:
        requests = [
            _request(reading, subjects, cast("DirectionName", each), asset, limits)
            for each in directions
        ]
        return account_exposure_answer(reading, requests)

    found = asked_accounts(session, answer, profile=profile, height=as_of)
    emit(session, found, exposure_lines)


def show_account_risk(
    session: Session,
    subject: str,
    asset: str | None,
    *,
    policy: Path | None,
    budget: int,
    profile: str,
    as_of: int | None,
    explain: bool,
) -> None:
    """Print how risky an account is, and why."""
    used = None if policy is None else policy_in(policy)
    found = asked_accounts(
        session,
        lambda it: account_risk_answer(it, subject, asset=asset, policy=used, budget=budget),
        profile=profile,
        height=as_of,
    )
    emit(session, found, partial(risk_lines, in_full=explain))


def _request(
    reading: AccountReading,
    subjects: tuple[str, ...],
    direction: DirectionName,
    asset: str | None,
    limits: Limits,
) -> AccountExposureRequest:
    view = reading.view
    number = chosen_asset(view, asset or view.network.coin)
    since, until, least = limits["since"], limits["until"], limits["min_value"]
    return AccountExposureRequest(
        subjects=subjects,
        direction=direction,
        asset=asset,
        since=None if since is None else moment(since),
        until=None if until is None else moment(until, end_of_day=True),
        horizon_days=limits["horizon"],
        max_hops=limits["max_hops"],
        min_value=None if least is None else amount_of(view, number, least),
        budget=limits["budget"],
        min_confidence=limits["min_confidence"],
        fan_out=limits["fan_out_outputs"],
        fan_out_percent=limits["fan_out_percent"],
    )
