"""The routes of an Esplora server, one request each, their answers read and their refusals told.

An explorer refuses in plain words and with whatever status its version has for them: an unknown
transaction is a 404 here and a 400 there, "Too many history entries" a 400 or a 422, and one that
can't put a single transaction together answers 500. All of these are about the item that was
asked for and are raised as `LookupFailedError` with the server's words. Any other refusal, and an
answer that is not of the documented shape, mean that the place is not what it was named as.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from chains.access import Access
from chains.bitcoin.esplora.answers import (
    StatedBlock,
    StatedTransaction,
    TransactionCounts,
    read_block,
    read_blocks,
    read_branch,
    read_counts,
    read_hash,
    read_spender,
    read_spenders,
    read_transaction,
    read_transactions,
)
from chains.bitcoin.esplora.json import UnexpectedAnswerError
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.exchange import Recorder
from chains.http import WORTH_ANOTHER_TRY, HttpClient, HttpRefusalError, Patience
from chains.lookups import MerkleBranch, Sighting
from chains.types import TxIdRaw, shown_txid

Answer = TypeVar("Answer")

_ABOUT_THE_ITEM = frozenset({400, 404, 410, 413, 414, 422, 500})
"""Statuses with which servers refuse one item and go on answering others."""

_FIRST_ATTEMPTS = 3
_PLACE_HINT = "name the place of the API itself, as in esplora+https://HOST/api"
_MOST_BYTES = 128 << 20
"""Of one answer. A page holds 25 transactions with their bytes in hexadecimal, some of them twice,
and one transaction may fill a block of 4 MB."""


class EsploraRoutes:
    """One server's routes. All methods may be called from several threads at once.

    Each raises `LookupFailedError` where the server refuses the item, `SourceUnavailableError`
    where it is of no use, and `RequestBudgetError`.
    """

    def __init__(
        self, endpoint: Endpoint, access: Access, recorder: Recorder, patience: Patience
    ) -> None:
        """Connect to nothing yet."""
        self.name = endpoint.name
        self._patience = patience
        self._http = HttpClient(
            endpoint,
            access=access,
            recorder=recorder,
            patience=patience,
            worth_another_try=WORTH_ANOTHER_TRY - _ABOUT_THE_ITEM,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def genesis_hash(self) -> bytes:
        """Return the hash of block 0: the first question, at which a mistyped place shows."""
        patience = replace(self._patience, attempts=min(self._patience.attempts, _FIRST_ATTEMPTS))
        try:
            return self._ask("/block-height/0", _read_first_hash, patience)
        except LookupFailedError as error:
            raise SourceUnavailableError(f"{error}; {_PLACE_HINT}") from error

    def tip_hash(self) -> bytes:
        """Return the hash of the best chain's last block, as stored."""
        return self._ask("/blocks/tip/hash", read_hash)

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the best chain's block at `height`, as stored."""
        return self._ask(f"/block-height/{height}", read_hash)

    def block(self, block_hash: bytes) -> StatedBlock:
        """Return the block of that hash."""
        found = self._ask(f"/block/{shown_txid(block_hash)}", read_block)
        if found.block_hash != block_hash:
            raise SourceUnavailableError(
                f"{self.name} answers /block/{shown_txid(block_hash)} with another block"
            )
        return found

    def blocks_down_from(self, height: int) -> list[StatedBlock]:
        """Return the best chain's block at `height` and some below it, downwards."""
        return self._ask(f"/blocks/{height}", read_blocks)

    def newest(self, script: bytes) -> list[StatedTransaction]:
        """Return the first page of a script's history: unconfirmed ones, then the newest."""
        return self._ask(f"{_of_script(script)}/txs", read_transactions)

    def older(self, script: bytes, than: TxIdRaw | None) -> list[StatedTransaction]:
        """Return the page of confirmed transactions that follows one; the first without one."""
        after = "" if than is None else f"/{shown_txid(than)}"
        return self._ask(f"{_of_script(script)}/txs/chain{after}", read_transactions)

    def unconfirmed(self, script: bytes) -> list[StatedTransaction]:
        """Return a script's unconfirmed transactions, up to some bound of the server."""
        return self._ask(f"{_of_script(script)}/txs/mempool", read_transactions)

    def counts(self, script: bytes) -> TransactionCounts:
        """Return how many transactions touch a script."""
        return self._ask(_of_script(script), read_counts)

    def transaction(self, txid: TxIdRaw) -> StatedTransaction:
        """Return a transaction as it is described."""
        return self._ask(f"/tx/{shown_txid(txid)}", read_transaction)

    def transaction_bytes(self, txid: TxIdRaw) -> bytes:
        """Return a transaction as the server has it stored."""
        return self._ask(f"/tx/{shown_txid(txid)}/raw", bytes)

    def spender(self, txid: TxIdRaw, vout: int) -> Sighting | None:
        """Return the transaction that spends one output; nothing where none does."""
        return self._ask(f"/tx/{shown_txid(txid)}/outspend/{vout}", read_spender)

    def spenders(self, txid: TxIdRaw) -> list[Sighting | None]:
        """Return the transactions that spend each output."""
        return self._ask(f"/tx/{shown_txid(txid)}/outspends", read_spenders)

    def branch(self, txid: TxIdRaw) -> tuple[int, MerkleBranch]:
        """Return the height of a transaction's block, and its merkle branch there."""
        return self._ask(f"/tx/{shown_txid(txid)}/merkle-proof", read_branch)

    def _ask(
        self, route: str, read: Callable[[bytes], Answer], patience: Patience | None = None
    ) -> Answer:
        try:
            return read(self._http.get(route, most_bytes=_MOST_BYTES, patience=patience))
        except HttpRefusalError as error:
            words = f"{self.name} answers {error.status} to {route}"
            words += f": {error.text}" if error.text else ""
            if error.status in _ABOUT_THE_ITEM:
                raise LookupFailedError(words) from error
            raise SourceUnavailableError(words) from error
        except UnexpectedAnswerError as error:
            raise SourceUnavailableError(
                f"{self.name} answers {route} with what no Esplora server would: {error}"
            ) from error


def _read_first_hash(body: bytes) -> bytes:
    try:
        return read_hash(body)
    except UnexpectedAnswerError as error:
        # A web page, most likely.
        raise UnexpectedAnswerError(f"{error}; {_PLACE_HINT}") from error


def _of_script(script: bytes) -> str:
    """Return the route of a script, which has its SHA-256 unreversed, unlike Electrum."""
    return f"/scripthash/{hashlib.sha256(script).hexdigest()}"
