"""`arien-flows trace` on a chain of accounts."""

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from arien_flows.account_inquiry.trace import AccountTraceQuestion
from arien_flows.account_tracing.request import (
    ACCOUNT_POLICY_NAMES,
    AccountLevelName,
    AccountTraceRequest,
    GasOrderName,
)
from arien_flows.answers.account_trace import compared_accounts, traced_accounts
from arien_flows.cli.account_trace_texts import account_comparison_lines, account_trace_lines
from arien_flows.cli.asking_accounts import asked_accounts, refuse_options
from arien_flows.cli.output import emit
from arien_flows.cli.session import Session
from arien_flows.cli.typed import moment
from arien_flows.errors import InputError
from arien_flows.prices.currencies import currency_named
from arien_flows.reports.account_trace_files import write_account_trace_files
from arien_flows.tracing.request import DemixName, DirectionName, FeeMode, PolicyName
from chains.ethereum.networks import ETHER_WEI

_WEI = re.compile(r"[0-9]{1,78}")
_ETHER = re.compile(r"([0-9]{1,60})(?:\.([0-9]{1,18}))?\s*t?eth", re.IGNORECASE)


def trace_accounts(
    session: Session,
    *,
    sources: tuple[str, ...],
    asset: str | None,
    direction: str,
    policy: str,
    max_hops: int,
    min_value: str | None,
    since: str | None,
    until: str | None,
    horizon: int | None,
    budget: int,
    seconds: int | None,
    fan_out_outputs: int,
    fan_out_percent: int,
    dormant_days: int,
    min_confidence: int,
    fee_mode: str,
    gas_order: str,
    graph_nodes: int,
    fiat: str | None,
    level: str,
    as_of: int | None,
    compare: bool,
    output: Path | None,
    subsidy_order: str,
    demix: str,
    demix_depth: int,
    settle: bool,
) -> None:
    """Follow money through balances, and print or write the answer."""
    refuse_options(
        session,
        subsidy_order=subsidy_order != "first",
        demix_depth=demix_depth != 3,
        settle=settle,
    )
    if level == "transaction":
        raise InputError(
            "--level transaction means nothing on balances, in which money of many transactions "
            "meets: use entity or address"
        )
    request = AccountTraceRequest(
        sources=sources,
        asset=asset,
        direction=cast("DirectionName", direction),
        policy=cast("PolicyName", policy),
        max_hops=max_hops,
        min_value=None if min_value is None else base_units(min_value),
        since=None if since is None else moment(since),
        until=None if until is None else moment(until, end_of_day=True),
        horizon_days=horizon,
        budget=budget,
        seconds=seconds,
        fan_out=fan_out_outputs,
        fan_out_percent=fan_out_percent,
        dormant_days=dormant_days,
        min_confidence=min_confidence,
        fee_mode=cast("FeeMode", fee_mode),
        gas_order=cast("GasOrderName", gas_order),
        graph_nodes=graph_nodes,
        fiat=None if fiat is None else currency_named(fiat),
        demix=cast("DemixName", demix),
        level=cast("AccountLevelName", level),
    )
    if compare:
        policies = tuple(replace(request, policy=name) for name in ACCOUNT_POLICY_NAMES)
        found = asked_accounts(
            session,
            lambda it: compared_accounts(it, request),
            AccountTraceQuestion(requests=policies),
            height=as_of,
        )
        _check_unit(min_value, found.unit.contract)
        _tell_time_out(found.manifest.timed_out, found.request.budget)
        emit(session, found, account_comparison_lines)
        return
    result = asked_accounts(
        session,
        lambda it: traced_accounts(it, request),
        AccountTraceQuestion(requests=(request,)),
        height=as_of,
    )
    _check_unit(min_value, result.answer.contract)
    _tell_time_out(result.answer.manifest.timed_out, result.answer.request.budget)
    if output is not None:
        for file in write_account_trace_files(result, output).all():
            click.echo(f"Written: {file}", err=True)
    emit(session, result.answer, account_trace_lines)


def base_units(text: str) -> int:
    """Return an amount: `150000` is base units of the asset, `0.01ETH` is coins."""
    if _WEI.fullmatch(text):
        return int(text)
    coins = _ETHER.fullmatch(text)
    if coins is None:
        raise InputError(
            f"{text!r} is not an amount: write whole base units (150000), or coins (0.01ETH)"
        )
    whole, fraction = coins.groups()
    return int(whole) * ETHER_WEI + int((fraction or "").ljust(18, "0"))


def _check_unit(min_value: str | None, contract: str | None) -> None:
    """Refuse coins as the least amount of a token: which asset is meant only the sources say."""
    if min_value is not None and contract is not None and not _WEI.fullmatch(min_value):
        raise InputError(
            f"--min-value {min_value} is an amount of the coin, and the token {contract} is "
            "traced: write whole base units of the token"
        )


def _tell_time_out(is_over: bool, budget: int) -> None:
    if is_over:
        click.echo(
            f"Time ran out after {budget:,} movements: --budget {budget} has the same result.",
            err=True,
        )
