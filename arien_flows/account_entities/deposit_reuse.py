"""Deposit addresses of exchanges in a ledger, and the customers that they identify.

What a deposit address is, `heuristics.deposits` says. Here the receipts and forwards of all
accounts that pay to an exchange are put in order, and what comes of them is judged: whose address
is personal, and who paid to it.

A deposit address is the exchange's, which has its key; and it is as good as a customer's name. Both
are kept: it joins the entity of the customer, and a table says which exchange holds it.
"""

from typing import NamedTuple

import numpy as np

from arien_flows.account_entities.links import AccountRule, Links, links_of
from arien_flows.account_entities.roles import Roles
from arien_flows.account_ledger.columns import NATIVE
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.deposits import (
    MOST_ADDRESSES,
    MOST_SENDERS,
    WINDOW_BLOCKS,
    DepositRows,
    match_deposits,
    tolerances,
)

_PAYS = (MovementKind.CALL, MovementKind.TOKEN)
_MIXED = -2


class DepositTerms(NamedTuple):
    """What is asked of a deposit address."""

    least_confidence_ppm: int
    """Mean of its matches, in millionths."""

    pays_exchanges_only: bool
    """Whether it may never pay to anybody else."""

    window_blocks: int = WINDOW_BLOCKS
    most_senders: int = MOST_SENDERS
    most_addresses: int = MOST_ADDRESSES


class Custody(NamedTuple):
    """Which exchange holds which deposit address; ascending by address."""

    deposit: UInt32Array
    exchange: UInt32Array
    """The account that it forwarded to first."""

    matches: UInt32Array
    """Forwards that were matched with a payment of a customer."""

    confidence_ppm: UInt32Array
    """Mean of these."""


class DepositFindings(NamedTuple):
    """What is found about deposit addresses."""

    links: Links
    custody: Custody
    is_deposit: BoolArray
    """By account: whether it pays to exchanges alone, or is a deposit address that is shown."""


class _Payments(NamedTuple):
    """Movements that may be receipts or forwards, in chain order."""

    giver: UInt32Array
    receiver: UInt32Array
    asset: UInt32Array
    transaction: UInt32Array
    row: Int64Array


def deposit_findings(roles: Roles, terms: DepositTerms) -> DepositFindings:
    """Return deposit addresses and who pays to them."""
    pays = _payments(roles)
    may_be = ~roles.is_exchange & ~roles.serves_many & ~roles.makes_blocks
    forwards = may_be[pays.giver] & roles.is_exchange[pays.receiver] & _is_genuine(roles, pays)
    exclusive = _pays_exchanges_only(roles, pays, forwards)
    candidate = _of_one_exchange(roles, pays, forwards)
    candidate &= exclusive | (~roles.actors.is_contract & (not terms.pays_exchanges_only))
    rows = _matched_rows(roles, pays, candidate, forwards, terms)
    return _judged(roles, rows, exclusive, terms)


def _payments(roles: Roles) -> _Payments:
    view, moves = roles.view, roles.view.movements
    kept = np.isin(moves.kind, _PAYS) & (moves.giver != NO_ACCOUNT)
    kept &= (moves.receiver != NO_ACCOUNT) & (moves.giver != moves.receiver)
    rows = np.flatnonzero(kept)
    rows = rows[view.amounts.of(rows).any(axis=1)]
    return _Payments(
        moves.giver[rows],
        moves.receiver[rows],
        moves.asset[rows],
        moves.transaction[rows],
        rows,
    )


def _is_genuine(roles: Roles, pays: _Payments) -> BoolArray:
    """Return which payments were made by who gave, as far as the ledger can tell.

    Any token can say that somebody paid with it: to an exchange, so that he looks like a deposit
    address, or to a second one, so that his deposit address looks like none. Believed is who sent
    the transaction himself, what an exchange sent (it may collect what it was allowed to), and of
    contracts, which cannot send, what was paid in listed tokens.
    """
    sender = roles.view.transactions.sender[pays.transaction]
    listed = np.array([facts.is_listed for facts in roles.view.asset_facts], np.bool_)
    none = sender == NO_ACCOUNT
    collected = roles.is_exchange[np.where(none, 0, sender)] & ~none
    by_code = roles.actors.is_contract[pays.giver] & listed[pays.asset]
    found: BoolArray = (pays.asset == NATIVE) | (sender == pays.giver) | collected | by_code
    return found


def _pays_exchanges_only(roles: Roles, pays: _Payments, forwards: BoolArray) -> BoolArray:
    """Return which accounts pay to exchanges and never to anybody else.

    Of an account of a key a token's event in a transaction that it did not send does not count:
    anybody can have a token of his own say that somebody paid with it.
    """
    found = np.zeros(len(roles.is_exchange), np.bool_)
    found[pays.giver[forwards]] = True
    own = roles.view.transactions.sender[pays.transaction] == pays.giver
    elsewhere = ~roles.is_exchange[pays.receiver] & (
        own | (pays.asset == NATIVE) | roles.actors.is_contract[pays.giver]
    )
    found[pays.giver[elsewhere]] = False
    return found


def _of_one_exchange(roles: Roles, pays: _Payments, forwards: BoolArray) -> BoolArray:
    """Return which accounts forward to accounts of one exchange, as far as names tell."""
    known = roles.known
    names = np.full(len(roles.is_exchange), -1, np.int64)
    names[known.exchange] = np.where(
        known.exchange_name == NO_ACCOUNT, -1, known.exchange_name.astype(np.int64)
    )
    named = forwards & (names[pays.receiver] >= 0)
    name = np.full(len(names), -1, np.int64)
    name[pays.giver[named]] = names[pays.receiver[named]]
    other = named & (name[pays.giver] != names[pays.receiver])
    name[pays.giver[other]] = _MIXED
    found = np.zeros(len(names), np.bool_)
    found[pays.giver[forwards]] = True
    found &= name != _MIXED
    return found


class _MatchedRows(NamedTuple):
    """Payments of customers that were passed on, by deposit address."""

    payer: UInt32Array
    deposit: UInt32Array
    exchange: UInt32Array
    paid: UInt32Array
    """Transactions."""

    forwarded: UInt32Array
    confidence_ppm: Int64Array


def _matched_rows(
    roles: Roles, pays: _Payments, candidate: BoolArray, forwards: BoolArray, terms: DepositTerms
) -> _MatchedRows:
    view = roles.view
    out = np.flatnonzero(forwards & candidate[pays.giver])
    assets = np.unique(_pair(pays.giver[out], pays.asset[out]))
    into = np.flatnonzero(candidate[pays.receiver])
    into = into[np.isin(_pair(pays.receiver[into], pays.asset[into]), assets)]
    senders = np.bincount(
        np.unique(_pair(pays.receiver[into], pays.giver[into])) >> 32, minlength=len(candidate)
    )
    personal = senders <= terms.most_senders
    out, into = out[personal[pays.giver[out]]], into[personal[pays.receiver[into]]]
    # Events of a token prove a payment only where the payer itself sent the transaction.
    own = view.transactions.sender[pays.transaction[into]] == pays.giver[into]
    into = into[own | (pays.asset[into] == NATIVE)]
    at = np.concatenate([into, out])
    deposit = np.concatenate([pays.receiver[into], pays.giver[out]])
    is_forward = np.arange(len(at)) >= len(into)
    order = np.lexsort((pays.row[at], pays.asset[at], deposit))
    at, deposit, is_forward = at[order], deposit[order], is_forward[order]
    price = view.transactions.gas_price[pays.transaction[at]]
    found = match_deposits(
        DepositRows(
            deposit=deposit,
            asset=pays.asset[at],
            is_forward=is_forward,
            height=view.heights_of(pays.transaction[at]),
            amount=view.amounts.of(pays.row[at]),
            tolerance=tolerances(price, pays.asset[at] == NATIVE),
        ),
        terms.window_blocks,
    )
    receipt, forward = at[found.receipt], at[found.forward]
    return _MatchedRows(
        pays.giver[receipt],
        deposit[found.forward],
        pays.receiver[forward],
        pays.transaction[receipt],
        pays.transaction[forward],
        found.confidence_ppm,
    )


def _judged(
    roles: Roles, rows: _MatchedRows, exclusive: BoolArray, terms: DepositTerms
) -> DepositFindings:
    """Drop payers that are no customers and addresses that are not sure enough; list links."""
    is_deposit = exclusive.copy()
    is_deposit[rows.deposit] = True
    customer = roles.is_person & ~is_deposit
    rows = _taken(rows, customer[rows.payer])
    accounts = len(is_deposit)
    paid_to = np.bincount(np.unique(_pair(rows.payer, rows.deposit)) >> 32, minlength=accounts)
    rows = _taken(rows, paid_to[rows.payer] <= terms.most_addresses)
    matches = np.bincount(rows.deposit, minlength=accounts)
    # Weights would be summed as floats; millionths of some matches are exact in 64 bits.
    total = np.zeros(accounts, np.int64)
    np.add.at(total, rows.deposit, rows.confidence_ppm)
    mean = total // np.maximum(matches, 1)
    rows = _taken(rows, mean[rows.deposit] >= terms.least_confidence_ppm)
    deposits, first = np.unique(rows.deposit, return_index=True)
    custody = Custody(
        deposits,
        rows.exchange[first],
        matches[deposits].astype(np.uint32),
        mean[deposits].astype(np.uint32),
    )
    return DepositFindings(_links(rows, mean), custody, is_deposit)


def _links(rows: _MatchedRows, mean: Int64Array) -> Links:
    """Return one link for each payer and address, with the surest case of it."""
    pair = _pair(rows.payer, rows.deposit)
    order = np.lexsort((rows.paid, -rows.confidence_ppm, pair))
    _, first, cases = np.unique(pair[order], return_index=True, return_counts=True)
    best = order[first]
    return links_of(
        AccountRule.DEPOSIT_REUSE,
        rows.payer[best],
        rows.deposit[best],
        rows.paid[best],
        confidence_ppm=mean[rows.deposit[best]],
        other_transaction=rows.forwarded[best],
        cases=cases,
    )


def _taken(rows: _MatchedRows, chosen: BoolArray) -> _MatchedRows:
    return _MatchedRows._make(column[chosen] for column in rows)


def _pair(left: UInt32Array, right: UInt32Array) -> Int64Array:
    return (left.astype(np.int64) << 32) | right.astype(np.int64)
