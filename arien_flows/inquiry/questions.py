"""The questions that can be asked of a source, and what each one needs to be fetched.

A summary of an address is a statement about all of its transactions, so it is given whole or not
at all: where the requests run out first, the same command goes on from there. An entity or a
trace may stop early, because their answers say what they leave out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from arien_flows.errors import InputError, NotFoundError, UnfinishedError
from arien_flows.inquiry.closure import take_entity
from arien_flows.inquiry.gathering import MOST_OF_HISTORY, Coin, Gathering
from arien_flows.inquiry.readings import Tags
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import Network
from chains.bitcoin.script import script_of
from chains.errors import RequestBudgetError
from chains.types import TxIdHex, TxIdRaw, raw_txid, shown_txid


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressQuestion:
    """What an address has done."""

    address: str

    is_repeatable: ClassVar[bool] = False

    def check(self, network: Network) -> None:
        """Refuse what is no address."""
        script_named(self.address, network)

    def gather(self, gathering: Gathering, _tags: Tags) -> None:
        """Fetch its whole history."""
        take_whole_history(gathering, self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityQuestion:
    """The entities of some addresses."""

    addresses: tuple[str, ...]

    is_repeatable: ClassVar[bool] = False

    def check(self, network: Network) -> None:
        """Refuse what is no address."""
        for address in self.addresses:
            script_named(address, network)

    def gather(self, gathering: Gathering, tags: Tags) -> None:
        """Fetch the histories of the addresses and of all that rules join with them."""
        for address in self.addresses:
            take_whole_history(gathering, address)
        scripts = [script_named(address, gathering.network) for address in self.addresses]
        take_entity(gathering, scripts, tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionQuestion:
    """One transaction, and which of its outputs are spent."""

    txid: str
    limit: int
    """Outputs that are shown, ..."""

    offset: int = 0
    """... beginning with this one."""

    is_repeatable: ClassVar[bool] = False

    def check(self, _network: Network) -> None:
        """Refuse what is no transaction's id."""
        read_txid(self.txid)

    def gather(self, gathering: Gathering, _tags: Tags) -> None:
        """Fetch the transaction, then the spenders of its outputs."""
        txid = read_txid(self.txid)
        with whole(gathering, f"transaction {self.txid}"):
            take_transaction(gathering, txid)
        contents, height = gathering.fetcher.contents(txid), gathering.fetcher.height_of(txid)
        if contents is None or height is None:
            return
        shown = range(self.offset, min(len(contents.pays), self.offset + self.limit))
        gathering.take_spenders(
            [
                Coin(outpoint=(txid, vout), script=contents.pays[vout].script, height=height)
                for vout in shown
                if not contents.pays[vout].script.startswith(b"\x6a")
            ]
        )


def take_whole_history(gathering: Gathering, text: str) -> None:
    """Fetch all transactions of an address that a person named.

    Raises
    ------
    InputError
        Its history is too long to be fetched one by one.
    NotFoundError
        Only unconfirmed transactions touch it.
    UnfinishedError
        The requests ran out before all of it was here.
    """
    script = script_named(text, gathering.network)
    with whole(gathering, f"the history of {text.strip()}", script):
        gathering.take_histories([script])
    if script in gathering.failures:
        raise InputError(
            f"the history of {text.strip()} cannot be fetched ({gathering.failures[script]}); at "
            f"most {MOST_OF_HISTORY:,} transactions are fetched one by one: ask a ledger of whole "
            "blocks, or trace single outputs as TXID:POSITION"
        )
    if gathering.missing(script):
        first = next(iter(gathering.failures.values()), "no reason is known")
        raise UnfinishedError(
            f"{gathering.missing(script):,} transactions of {text.strip()} could not be fetched "
            f"({first}): run the same command again"
        )
    waiting = gathering.unconfirmed
    if waiting and not gathering.fetcher.ready:
        named = ", ".join(shown_txid(txid) for txid in waiting)
        raise NotFoundError(
            f"no transaction up to block {gathering.fetcher.tip_height:,} touches {text.strip()}; "
            f"unconfirmed: {named}"
        )


def take_transaction(gathering: Gathering, txid: TxIdRaw) -> None:
    """Fetch a transaction that a person named; `NotFoundError` where it is not in a block."""
    heights = gathering.locate([txid], {})
    if txid not in heights:
        failed = gathering.fetcher.failure(txid)
        if failed is not None:
            raise NotFoundError(f"transaction {shown_txid(txid)} cannot be had: {failed}")
        raise NotFoundError(
            f"transaction {shown_txid(txid)} is not in a block up to "
            f"{gathering.fetcher.tip_height:,} of {gathering.network.name}, as far as "
            f"{gathering.fetcher.source.name} knows"
        )
    gathering.take(heights)
    if txid in gathering.failures:
        raise NotFoundError(
            f"transaction {shown_txid(txid)} cannot be used: {gathering.failures[txid]}"
        )


@contextmanager
def whole(gathering: Gathering, what: str, script: bytes | None = None) -> Iterator[None]:
    """Say how to go on where the requests run out in the middle."""
    try:
        yield
    except RequestBudgetError as error:
        rest = "" if script is None else _left(gathering, script)
        raise UnfinishedError(
            f"{gathering.fetcher.conversation.budget:,} requests did not suffice for {what}{rest}; "
            "what was fetched is kept: run the same command again to go on, or allow more with "
            "--requests"
        ) from error


def _left(gathering: Gathering, script: bytes) -> str:
    missing = gathering.missing(script)
    return f" ({missing:,} transactions are missing)" if missing else ""


def script_named(text: str, network: Network) -> bytes:
    """Return the output script that an address or a descriptor names; raises `AddressError`."""
    return script_of(*parse_address(text, network))


def read_txid(text: str) -> TxIdRaw:
    """Return the id, as stored, that a person gives."""
    shown = text.strip().lower()
    if len(shown) != 64 or not set(shown) <= set("0123456789abcdef"):
        raise InputError(
            f"{text!r} is not a transaction id: it has 64 hexadecimal digits, 0-9 and a-f"
        )
    return raw_txid(TxIdHex(shown))
