"""Reading the truth of a simulated chain, for tests and for measuring the error of rules."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from chains.types import TxIdHex, UInt8Array, shown_txid


class ExpectedSat(TypedDict):
    """Stolen satoshi that reach a deposit, by policy."""

    poison: int
    haircut: int
    fifo: int


class DepositTruth(TypedDict):
    """A deposit of the thief at the exchange."""

    outpoint: str
    value_sat: int
    expected_sat: ExpectedSat


class TheftTruth(TypedDict):
    """The theft; outpoints are `txid:vout`."""

    source: str
    """The stolen output: where a trace starts."""

    stolen_sat: int
    victim: int
    thief: int
    exchange: int
    """These three are owner numbers."""

    deposit_address: str
    transactions: list[TxIdHex]
    """From the theft to the second deposit, in chain order."""

    clean: str
    rest: str
    peels: list[str]
    deposits: list[DepositTruth]


class ActorTruth(TypedDict):
    """A named actor; a market has `commission_percent` besides."""

    owner: int
    name: str
    role: str
    addresses: list[str]
    """Of the actor's own wallet, the oldest first, at most 20."""

    cold_addresses: list[str]


class AliasTruth(TypedDict):
    """A name on a market."""

    name: str
    market: str


class ProductTruth(TypedDict):
    """A line of a price list."""

    name: str
    price_sat: int


class VendorTruth(TypedDict):
    """A vendor."""

    owner: int
    aliases: list[AliasTruth]
    fingerprint: str
    direct_address: str | None
    products: list[ProductTruth]


class MentionTruth(TypedDict):
    """An address in a document, and what it is there."""

    address: str
    owner: int
    role: str


class DocumentTruth(TypedDict):
    """A document of `listings/`."""

    file: str
    market: str | None
    vendor: str | None
    owner: int | None
    mentions: list[MentionTruth]


@dataclass(frozen=True)
class Truth:
    """The truth beside a simulated chain. Tables are read when they are first asked for.

    The columns of each table are described in `truth_tables`; the index is the number of the row.
    """

    directory: Path
    """What `simulate` was given."""

    @cached_property
    def owners(self) -> pd.DataFrame:
        """Return role, wallet and name of every owner."""
        return self._table("owners")

    @cached_property
    def addresses(self) -> pd.DataFrame:
        """Return script type, payload, text, owner and more of every address."""
        return self._table("addresses")

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """Return txid (as stored), height, kind and sender of every transaction."""
        return self._table("transactions")

    @cached_property
    def outputs(self) -> pd.DataFrame:
        """Return every output with what it is for and who spends it."""
        return self._table("outputs")

    @cached_property
    def joint(self) -> pd.DataFrame:
        """Return the transactions that several owners sign, with the rule that must fail."""
        return self._table("joint")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Return `simulate.Summary` as it was written."""
        return cast("dict[str, Any]", self._json("summary"))

    @property
    def actors(self) -> list[ActorTruth]:
        """Return the named actors, by owner number."""
        return cast("list[ActorTruth]", self._named["actors"])

    @property
    def vendors(self) -> list[VendorTruth]:
        """Return the vendors, those with most customers first."""
        return cast("list[VendorTruth]", self._named["vendors"])

    @property
    def theft(self) -> TheftTruth:
        """Return the theft."""
        return cast("TheftTruth", self._named["theft"])

    @property
    def documents(self) -> list[DocumentTruth]:
        """Return what is true about the documents."""
        return cast("list[DocumentTruth]", self._named["documents"])

    @property
    def blocks(self) -> Path:
        """Return the folder of the block files."""
        return self.directory / "blocks"

    @property
    def listings(self) -> Path:
        """Return the folder of the documents."""
        return self.directory / "listings"

    @property
    def tagpack(self) -> Path:
        """Return the TagPack."""
        return self.directory / "tags.yaml"

    @cached_property
    def _named(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self._json("actors"))

    def txid(self, transaction: int) -> TxIdHex:
        """Return the id of a transaction as people read it."""
        return shown_txid(self.transactions["txid"].iloc[transaction])

    def txids(self) -> UInt8Array:
        """Return all txids as stored, shape (transactions, 32)."""
        joined = b"".join(self.transactions["txid"])
        return np.frombuffer(joined, dtype=np.uint8).reshape(-1, 32)

    def owner_of_text(self, text: str) -> int:
        """Return the owner of an address; `KeyError` where the truth has no such text."""
        return int(self._owner_by_text[text])

    @cached_property
    def _owner_by_text(self) -> dict[str, int]:
        return dict(zip(self.addresses["text"], self.addresses["owner"], strict=True))

    def _table(self, name: str) -> pd.DataFrame:
        table = pq.read_table(self.directory / "truth" / f"{name}.parquet")
        return cast("pd.DataFrame", table.to_pandas())

    def _json(self, name: str) -> object:
        file = self.directory / "truth" / f"{name}.json"
        return json.loads(file.read_text(encoding="utf-8"))
