"""What the weaker rules propose: airdrops, gas funding, approvals, creators.

Deposit addresses are found first (`deposit_reuse`), because no other rule may speak of them: they
are funded by strangers, and somebody else has their keys.

Links by names (ENS) are not among the rules. Who registered a name, and which address it and the
reverse record lead to, stands in the storage and the events of contracts of their own, which this
ledger does not keep; a name that a source states is a tag, and an attribution.
"""

import numpy as np

from arien_flows.account_entities.links import AccountRule, Links, links_of
from arien_flows.account_entities.roles import Roles
from arien_flows.account_ledger.columns import NATIVE
from chains.ethereum.tables import NO_ACCOUNT, CodeKind, EventKind, MovementKind
from chains.types import AnyArray, BoolArray, Int64Array
from heuristics import airdrops, control, funding
from heuristics.airdrops import AirdropTerms, TokenTransfers, collected_airdrops
from heuristics.control import CreatedCode, same_creators, self_authorisations
from heuristics.funding import CoinTransfers, gas_fundings


def airdrop_links(roles: Roles, is_deposit: BoolArray, terms: AirdropTerms) -> Links:
    """Return recipients of airdrops, each with whom it paid what it had received."""
    view, moves = roles.view, roles.view.movements
    kept = (moves.kind == MovementKind.TOKEN) & (moves.giver != NO_ACCOUNT)
    kept &= (moves.giver != 0) & (moves.receiver != 0) & (moves.giver != moves.receiver)
    rows = np.flatnonzero(kept & (moves.receiver != NO_ACCOUNT))
    amount = view.amounts.of(rows)
    some = amount.any(axis=1)
    rows, amount = rows[some], amount[some]
    transaction = moves.transaction[rows]
    found = collected_airdrops(
        TokenTransfers(
            giver=moves.giver[rows],
            receiver=moves.receiver[rows],
            asset=moves.asset[rows],
            amount=amount,
            height=view.heights_of(transaction),
        ),
        view.transactions.sender[transaction] == moves.giver[rows],
        roles.is_person & ~is_deposit,
        terms,
    )
    return links_of(
        AccountRule.AIRDROP,
        found.recipient,
        found.beneficiary,
        transaction[found.received],
        confidence_ppm=airdrops.CONFIDENCE_PPM,
        other_transaction=transaction[found.row],
    )


def funding_links(
    roles: Roles, is_deposit: BoolArray, *, only_swept: bool, many_funded: int
) -> Links:
    """Return accounts with whom they had their first coins from."""
    view, moves = roles.view, roles.view.movements
    coin = (moves.asset == NATIVE) & (moves.receiver != NO_ACCOUNT)
    rows = np.flatnonzero(coin)
    rows = rows[view.amounts.of(rows).any(axis=1)]
    # Whoever makes a block is tipped by anybody.
    paid = moves.kind[rows] == MovementKind.CALL
    giver = np.where(paid, moves.giver[rows], NO_ACCOUNT)
    transaction = moves.transaction[rows]
    person = roles.is_person & ~is_deposit
    found = gas_fundings(
        CoinTransfers(giver, moves.receiver[rows]),
        _first_sent(roles, transaction),
        person,
        person & roles.actors.has_sent,
        ~roles.serves_many & ~is_deposit,
        many_funded,
    )
    swept = found.sweep >= 0
    links = links_of(
        AccountRule.GAS_FUNDING,
        found.funder,
        found.funded,
        transaction[found.row],
        confidence_ppm=np.where(swept, funding.SWEPT_PPM, funding.FUNDED_PPM),
        other_transaction=np.where(swept, transaction[found.sweep], NO_ACCOUNT),
    )
    return Links._make(column[swept] for column in links) if only_swept else links


def _first_sent(roles: Roles, transaction: AnyArray) -> Int64Array:
    """Return how many of the transfers came before the first transaction that each account sent."""
    sender = roles.view.transactions.sender
    backwards = np.flatnonzero(sender != NO_ACCOUNT)[::-1]
    first = np.full(roles.view.counts.accounts, len(sender), np.int64)
    # Of several transactions the first one, which is assigned last, stands.
    first[sender[backwards]] = backwards
    before: Int64Array = np.searchsorted(transaction.astype(np.int64), first)
    return before


def authorisation_links(roles: Roles, is_deposit: BoolArray) -> Links:
    """Return accounts of keys with those that they let spend their tokens."""
    view, events = roles.view, roles.view.events
    kinds = (EventKind.APPROVAL, EventKind.APPROVAL_FOR_ALL)
    rows = np.flatnonzero(np.isin(events.kind, kinds) & (events.first != NO_ACCOUNT))
    # Any contract can say that somebody approved somebody.
    own = view.transactions.sender[events.transaction[rows]] == events.first[rows]
    own &= events.amount[rows].any(axis=1) & (events.second[rows] != NO_ACCOUNT)
    rows = rows[own]
    owner, spender = events.first[rows], events.second[rows]
    person = roles.is_person & ~is_deposit
    found = self_authorisations(owner, spender, person, person & ~roles.is_tagged)
    return links_of(
        AccountRule.SELF_AUTHORISATION,
        owner[found],
        spender[found],
        events.transaction[rows[found]],
        confidence_ppm=control.AUTHORISED_PPM,
    )


def creator_links(roles: Roles, is_deposit: BoolArray) -> Links:
    """Return contracts that one account put there."""
    view, codes = roles.view, roles.view.codes
    rows = np.flatnonzero(codes.kind != CodeKind.DELEGATION)
    # Where a contract was created again at the same address, its first creation counts.
    _, once = np.unique(codes.account[rows], return_index=True)
    rows = rows[np.sort(once)]
    sender = view.transactions.sender
    created = CreatedCode(
        contract=codes.account[rows],
        creator=codes.creator[rows],
        deployer=sender[codes.transaction[rows]],
        software=_software(codes.code_hash[rows]),
    )
    may_join = roles.actors.is_contract & ~roles.serves_many & ~is_deposit
    found = same_creators(created, roles.is_person, may_join)
    transaction = codes.transaction[rows]
    return links_of(
        AccountRule.SAME_CREATOR,
        created.contract[found.earlier],
        created.contract[found.later],
        transaction[found.earlier],
        confidence_ppm=control.CREATED_PPM,
        other_transaction=transaction[found.later],
    )


def _software(code_hash: AnyArray) -> Int64Array:
    """Return a number for each code, equal for equal ones; -1 where no code is known."""
    if not len(code_hash):
        return np.empty(0, np.int64)
    whole = np.ascontiguousarray(code_hash).view("V32").reshape(-1)
    _, number = np.unique(whole, return_inverse=True)
    found: Int64Array = np.where(code_hash.any(axis=1), number, -1).astype(np.int64)
    return found
