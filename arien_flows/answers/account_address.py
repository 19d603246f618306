"""The summary of an account: what the chain says, what rules infer, what sources say.

An account may hold thousands of tokens that strangers made and sent unasked. Those of the list of
main assets come first and are told one by one; the others are counted, and a bounded number of
them is shown, apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from arien_flows.account_entities.actors import ActorKind
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.limits import not_conserving
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import asset_of
from arien_flows.answers.account_actors import actors_of
from arien_flows.answers.account_code import CodeAnswer, CreationAnswer, codes_of, creation_of
from arien_flows.answers.account_entities import account_cuts, account_entity
from arien_flows.answers.account_facts import AssetShape, Shapes, account_sighting
from arien_flows.answers.account_flags import account_flags
from arien_flows.answers.entity import EntityName
from arien_flows.answers.facts import Flag, Sighting
from arien_flows.answers.tags import (
    MAX_TAGS,
    Naming,
    TagAnswer,
    naming,
    tag_answers,
    tag_cuts,
)
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation

MAX_TOKENS = 100
"""Tokens of one answer that are on no list; an account may be sent any number of them."""

MOST_TOKENS_LOOKED_AT = 1_000
"""Of how many of them the balance is looked up, the youngest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBalance(Shape):
    """What an account did with a token."""

    asset: AssetShape
    """Which token."""

    received: str
    """Sum of all that it received, in base units; of tokens with a fee as their events say."""

    sent: str
    """Sum of all that it gave."""

    balance: str
    """What it holds as of the last block; below zero only where movements are missing."""

    movements: int
    """Movements of the token that it took part in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAnswer(ChainAnswer):
    """The summary of an account."""

    network: str
    """Name of the network."""

    address: str
    """With its checksum (EIP-55)."""

    kind: str
    """What the account is, as `key`, `delegated`, `contract`, `safe` or `token`: what code was put
    there and what it emits say so."""

    kind_certainty: Certainty
    """`fact` where code was put there or it sent a transaction; else `inference`."""

    codes: tuple[CodeAnswer, ...]
    """The code that was put at it, in order, delegations included; at most the last 20."""

    created: CreationAnswer | None
    """Who created the contract, and when; nothing for an account of a key, or before the ledger."""

    first_seen: Sighting | None
    """The first transaction that names or pays it; nothing for an account that a block only names
    as its fee recipient."""

    last_seen: Sighting | None
    """The last one."""

    transaction_count: int
    """Transactions that it sent, was sent to, or has a movement in."""

    sent_count: int
    """Those that it sent itself."""

    received: str
    """Sum of the coin that it received, in base units."""

    sent: str
    """Sum of the coin that it gave, gas included."""

    balance: str
    """What it holds of the coin as of the last block; below zero only where movements are
    missing."""

    asset: str
    """The native coin, which these amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    tokens: tuple[TokenBalance, ...]
    """Tokens of the list of main assets, by symbol."""

    other_tokens: tuple[TokenBalance, ...]
    """Tokens that are on no list, those it holds some of first; anybody may have made and sent
    them, under any name."""

    other_token_count: int
    """Tokens that are on no list, those counted that are not shown."""

    imitation_count: int
    """Tokens among these that pose as a main asset, those counted that are not shown."""

    certainty: Certainty
    """Certainty of all the above but `kind`: always `fact`."""

    entity: EntityName | None
    """The entity that rules put it into; nothing where no clustering was made."""

    naming: Naming | None
    """What the tags come to; nothing where no source names the address."""

    tags: tuple[TagAnswer, ...]
    """What sources say of it, and of other addresses of its entity. None is not clean."""

    flags: tuple[Flag, ...]
    """What stands out, each with its own certainty."""


def account_answer(reading: AccountReading, text: str) -> AccountAnswer:
    """Return the summary of an account."""
    view = reading.view
    account = view.find_account(text)
    transactions = view.index.transactions_of(account)
    totals = view.index.totals(account, NATIVE)
    coin = asset_of(view.network.name)
    tags = reading.tags.tags_of(account, MAX_TAGS)
    assets = _Assets(view, account)
    codes = codes_of(view, account)
    kind, kind_certainty = _kind(reading, account)
    cuts = (
        *account_cuts(reading),
        *tag_cuts(reading, tags),
        *assets.cuts,
        *reading.limits,
    )
    return AccountAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        address=view.account_text(account),
        kind=kind,
        kind_certainty=kind_certainty,
        codes=codes,
        created=creation_of(view, account),
        first_seen=account_sighting(view, int(transactions[0])) if len(transactions) else None,
        last_seen=account_sighting(view, int(transactions[-1])) if len(transactions) else None,
        transaction_count=len(transactions),
        sent_count=int((view.transactions.sender[transactions] == account).sum()),
        received=str(totals.received),
        sent=str(totals.sent),
        balance=str(totals.balance),
        asset=coin.name,
        decimals=coin.decimals,
        tokens=assets.listed,
        other_tokens=tuple(assets.others[:MAX_TOKENS]),
        other_token_count=assets.other_count,
        imitation_count=assets.imitation_count,
        certainty="fact",
        entity=account_entity(reading, account),
        naming=naming(tags, view.tip.time.date()),
        tags=tag_answers(tags.shown),
        flags=account_flags(reading, account),
    )


class _Assets:
    """The tokens of an account: those of the list, and the others, counted and cut."""

    def __init__(self, view: AccountView, account: int) -> None:
        shapes = Shapes(view)
        numbers = view.index.assets_of(account)
        tokens = numbers[numbers != NATIVE].tolist()
        standing = {number: shapes.label(number).standing for number in tokens}
        listed = [number for number in tokens if standing[number] == "listed"]
        others = [number for number in tokens if standing[number] != "listed"]
        looked_at = others[-MOST_TOKENS_LOOKED_AT:]
        self.other_count = len(others)
        self.imitation_count = sum(standing[number] == "imitation" for number in others)
        self.listed = tuple(
            sorted(
                (_balance(view, account, number, shapes) for number in listed),
                key=lambda it: (it.asset.symbol, it.asset.contract or ""),
            )
        )
        self.others = sorted(
            (_balance(view, account, number, shapes) for number in looked_at),
            key=lambda it: (it.balance == "0", it.asset.standing == "imitation", it.asset.symbol),
        )
        self.cuts = (*_left_out(len(others)), *_strange(view, listed))


def _balance(view: AccountView, account: int, asset: int, shapes: Shapes) -> TokenBalance:
    totals = view.index.totals(account, asset)
    return TokenBalance(
        asset=shapes.of(asset),
        received=str(totals.received),
        sent=str(totals.sent),
        balance=str(totals.balance),
        movements=totals.movements,
    )


def _left_out(others: int) -> tuple[Truncation, ...]:
    if others <= MAX_TOKENS:
        return ()
    detail = f"{others - MAX_TOKENS:,} more tokens that are on no list are not shown"
    return (Truncation(where="other_tokens", reason="too_many", limit=MAX_TOKENS, detail=detail),)


def _strange(view: AccountView, listed: Sequence[int]) -> tuple[Truncation, ...]:
    return tuple(cut for number in listed for cut in not_conserving(view, number))


def _kind(reading: AccountReading, account: int) -> tuple[str, Certainty]:
    """Return what an account is, and whether that was seen or is inferred."""
    actors = actors_of(reading)
    kind = ActorKind(int(actors.kind[account]))
    codes = reading.view.index.codes_of(account)
    seen = {
        ActorKind.KEY: bool(actors.has_sent[account]),
        ActorKind.DELEGATED: len(codes) > 0,
        ActorKind.CONTRACT: len(codes) > 0,
        ActorKind.MINIMAL_PROXY: len(codes) > 0,
    }
    return kind.name.lower(), "fact" if seen.get(kind, False) else "inference"
