"""Which accounts tags give to exchanges and other services, for the rules that join accounts.

A deposit address is known by whom it pays, so the accounts of whoever keeps customers' money have
to be told from other services: a lending pool, a bridge or a market has no deposit addresses, and
neither has a mining pool. The categories that count are listed here, and a tag counts from the
confidence from which a trace stops at it.
"""

from collections.abc import Iterator

import numpy as np

from arien_flows.account_entities.known import KnownAccounts, revision_of_known
from arien_flows.account_ledger.view import AccountView
from arien_flows.attribution.snapshot import Attribution, service_stop
from arien_flows.entities.constraints import SERVICE_CONFIDENCE, Constraints
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.constrained_sets import NO_OWNER

KEEPS_DEPOSITS = frozenset(
    {
        "exchange",
        "wallet_service",
        "hosted_wallet",
        "custody",
        "payment_processor",
        "virtual_asset_service_provider",
        "crypto_atm",
        "peer_to_peer_exchange",
        "gambling",
    }
)
"""Concepts of owners who give each customer an address to pay to."""


def known_accounts(
    view: AccountView, attribution: Attribution, constraints: Constraints
) -> KnownAccounts:
    """Return what tags say of a view's accounts.

    `attribution` is that of single accounts: what a tag says of one account of an entity must not
    come back as what is known of the others.
    """
    services = [service_stop(said, SERVICE_CONFIDENCE) for said in attribution.statements]
    keeps = [
        stop is not None and not KEEPS_DEPOSITS.isdisjoint(said.concepts)
        for said, stop in zip(attribution.statements, services, strict=True)
    ]
    is_service = np.array([stop is not None for stop in services], np.bool_)
    exchange = _about(attribution, np.array(keeps, np.bool_))
    service = _about(attribution, is_service)
    tagged = attribution.address.astype(np.uint32)
    names = _names(constraints, exchange)
    return KnownAccounts(
        constraints=constraints,
        exchange=exchange,
        exchange_name=names,
        service=service,
        tagged=tagged,
        revision=revision_of_known(_told(view, constraints, exchange, names, service, tagged)),
    )


def _about(attribution: Attribution, which: BoolArray) -> UInt32Array:
    """Return the accounts that some of the statements are about, ascending."""
    if not len(which):
        return np.empty(0, np.uint32)
    chosen: Int64Array = attribution.number[which[attribution.statement] & attribution.is_own]
    return np.unique(chosen).astype(np.uint32)


def _names(constraints: Constraints, accounts: UInt32Array) -> UInt32Array:
    """Return whose accounts are: places among the names of the constraints, or `NO_OWNER`."""
    columns = constraints.columns
    names = np.full(len(accounts), NO_OWNER, np.uint32)
    if len(columns.address):
        place = np.minimum(np.searchsorted(columns.address, accounts), len(columns.address) - 1)
        held = columns.address[place] == accounts
        said = np.where(columns.owner == NO_OWNER, columns.service, columns.owner)
        names[held] = said[place[held]]
    return names


def _told(
    view: AccountView,
    constraints: Constraints,
    exchange: UInt32Array,
    names: UInt32Array,
    service: UInt32Array,
    tagged: UInt32Array,
) -> Iterator[str]:
    """Yield a line for everything that is said, without numbers of the ledger."""
    for account, name in zip(exchange.tolist(), names.tolist(), strict=True):
        owner = "" if name == NO_OWNER else constraints.names[name]
        yield f"exchange {view.account_id(account)} {owner}"
    for kind, accounts in (("service", service), ("tagged", tagged)):
        for account in accounts.tolist():
            yield f"{kind} {view.account_id(account)}"
