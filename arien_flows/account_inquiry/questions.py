"""The questions that can be put to an explorer, and what each one needs to be fetched.

A summary of an account is a statement about all of its transactions, so it is given whole or not
at all: where the requests run out first, the same command goes on from there.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from arien_flows.account_inquiry.gathering import MOST_OF_HISTORY, AccountGathering, shown
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import TX_HASH_DIGITS, AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.errors import InputError, NotFoundError, UnfinishedError
from arien_flows.shapes import Truncation
from chains.errors import AddressError, LookupFailedError, RequestBudgetError
from chains.ethereum.address import parse_ethereum_address
from chains.ethereum.lookups import SentTransaction
from chains.ethereum.parts import parts_of
from chains.ethereum.tables import NULL_ADDRESS, CallCoverage, MovementKind

MOST_PARTIES = 16
"""Accounts that are asked about for one transaction."""

MOST_CHECKED_TOKENS = 5
"""Listed tokens of an account whose balances are checked."""

ReadSoFar = Callable[[], AccountReading]
"""Returns the reading of what is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuestion:
    """What an account has done."""

    address: str

    def check(self) -> None:
        """Refuse what is no address."""
        read_address(self.address)

    def gather(self, gathering: AccountGathering, _read: ReadSoFar) -> None:
        """Fetch its whole history, and what it holds at present."""
        account = read_address(self.address)
        take_whole(gathering, account)
        gathering.remarks += _balance_remarks(gathering, account)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTransactionQuestion:
    """One transaction."""

    tx_hash: str

    def check(self) -> None:
        """Refuse what is no transaction's id."""
        read_tx_hash(self.tx_hash)

    def gather(self, gathering: AccountGathering, _read: ReadSoFar) -> None:
        """Fetch what its parties did in its block: sender, receiver, and whom these dealt with."""
        tx_hash = read_tx_hash(self.tx_hash)
        with whole(gathering, f"transaction 0x{tx_hash.hex()}"):
            take_transaction(gathering, tx_hash)


def take_transaction(gathering: AccountGathering, tx_hash: bytes) -> SentTransaction:
    """Fetch a transaction as far as its parties' lists tell it; `NotFoundError` without one."""
    (sent,) = gathering.source.sent([tx_hash])
    if isinstance(sent, LookupFailedError):
        raise NotFoundError(f"transaction 0x{tx_hash.hex()} cannot be had: {sent}")
    asked: dict[bytes, None] = {}
    parties = [sent.sender, *([sent.receiver] if sent.receiver is not None else [])]
    while new := [each for each in dict.fromkeys(parties) if each not in asked]:
        room = MOST_PARTIES - len(asked)
        gathering.take_block(new[:room], sent.height)
        asked |= dict.fromkeys(new[:room])
        if len(new) > room:
            gathering.remarks.append(_cut_parties(tx_hash, len(new) - room))
            break
        parties = list(_parties(gathering, tx_hash))
    if sent.sender in gathering.failures:
        raise NotFoundError(
            f"transaction 0x{tx_hash.hex()} cannot be had: {gathering.failures[sent.sender]}"
        )
    return sent


def _parties(gathering: AccountGathering, tx_hash: bytes) -> Iterator[bytes]:
    for block in parts_of(gathering.joined().batch):
        for part in block.transactions:
            if part.tx_hash == tx_hash:
                for move in part.moves:
                    for party in (move.giver, move.receiver):
                        if party is not None and party != NULL_ADDRESS:
                            yield party


def _cut_parties(tx_hash: bytes, left: int) -> Truncation:
    return Truncation(
        where="movements",
        reason="parties",
        limit=MOST_PARTIES,
        detail=f"0x{tx_hash.hex()} has more than {MOST_PARTIES} parties, and {left:,} or more of "
        "them were not asked about: movements among them are missing; a ledger has them all",
    )


def take_whole(gathering: AccountGathering, account: bytes) -> None:
    """Fetch everything that touches an account that a person named.

    Raises
    ------
    InputError
        The account has too long a history to be fetched row by row.
    NotFoundError
        Nothing touches it.
    UnfinishedError
        The requests ran out before all of it was here.
    """
    with whole(gathering, f"the history of {shown(account)}"):
        gathering.take([account])
    if account in gathering.failures:
        raise InputError(
            f"the history of {shown(account)} cannot be fetched ({gathering.failures[account]}); "
            f"at most {MOST_OF_HISTORY:,} transactions are fetched one by one: ask a ledger of "
            "whole blocks, or trace single movements as TXHASH:POSITION"
        )
    history = gathering.histories.get(account)
    if history is not None and not history.batch.transaction_count:
        raise NotFoundError(
            f"{gathering.source.name} knows nothing of {shown(account)} up to block "
            f"{gathering.tip.height:,}"
        )


@contextmanager
def whole(gathering: AccountGathering, what: str) -> Iterator[None]:
    """Say how to go on where the requests run out in the middle."""
    try:
        yield
    except RequestBudgetError as error:
        raise UnfinishedError(
            f"{gathering.conversation.budget:,} requests did not suffice for {what}; what was "
            "fetched is kept: run the same command again to go on, or allow more with --requests"
        ) from error


def _balance_remarks(gathering: AccountGathering, account: bytes) -> Iterable[Truncation]:
    """Compare what the explorer says that an account holds with what its rows come to."""
    view = gathering.view(gathering.joined())
    number = view.index.find_account(account)
    if number is None:
        return
    assets = [NATIVE]
    assets += [
        asset
        for asset in view.index.assets_of(number).tolist()
        if view.asset_facts[asset].is_listed
        and view.asset_facts[asset].standard == MovementKind.TOKEN
    ][:MOST_CHECKED_TOKENS]
    for asset in assets:
        facts = view.asset_facts[asset]
        try:
            (stated,) = gathering.source.balances([account], facts.contract)
        except RequestBudgetError:
            return
        fetched = view.index.totals(number, asset).balance
        if isinstance(stated, LookupFailedError):
            yield Truncation(
                where="balance",
                reason="balance_unchecked",
                detail=f"what it holds of {facts.symbol} could not be checked: {stated}",
            )
        elif stated != fetched:
            yield _difference(gathering, view, asset, stated, fetched)


def _difference(
    gathering: AccountGathering, view: AccountView, asset: int, stated: int, fetched: int
) -> Truncation:
    facts = view.asset_facts[asset]
    if not facts.is_conserving:
        likely = "this token's transfers do not tell its balances"
    elif asset == NATIVE and view.calls is CallCoverage.MISSING:
        likely = f"some {facts.symbol} that contracts moved is not told"
    elif asset == NATIVE:
        likely = (
            f"it moved since block {gathering.tip.height:,}, or something that the explorer does "
            "not list did it: fees for blobs, rewards for uncles, calls that it missed"
        )
    else:
        likely = f"it moved since block {gathering.tip.height:,}, or a transfer emitted no event"
    word = "more" if stated > fetched else "less"
    return Truncation(
        where="balance",
        reason="balance_differs",
        detail=f"the explorer states that it holds {stated} base units of {facts.symbol} now, "
        f"{abs(stated - fetched)} {word} than the fetched movements come to ({fetched}); most "
        f"likely {likely}",
    )


def read_address(text: str) -> bytes:
    """Return the 20 bytes of an address that a person gives."""
    try:
        return bytes.fromhex(parse_ethereum_address(text.strip()).text[2:])
    except AddressError as error:
        raise InputError(f"{text!r}: {error}") from error


def read_tx_hash(text: str) -> bytes:
    """Return the 32 bytes of a transaction id that a person gives."""
    digits = text.strip().lower().removeprefix("0x")
    if len(digits) != TX_HASH_DIGITS or set(digits) - set("0123456789abcdef"):
        raise InputError(f"{text!r} is not a transaction id: 0x and 64 hexadecimal digits")
    return bytes.fromhex(digits)
