"""A block explorer as a source of lookups: Blockstream's Esplora, mempool.space, one's own electrs.

Everything is asked by the hash of the script, so that scripts without an address work too. Each
page of a history holds its transactions whole; they are kept for a while, and asking for them
costs no further request then. Headers come ten at a time where they lie close together.

Nothing of what is answered is believed that can be checked: a transaction hashes to its id, a
header to its hash and below its target. What inputs spend is passed on as *stated*. Where an
explorer says that an output is unspent, or leaves a transaction out of a history and of its count,
there is nothing to check; who needs to be sure asks a node of their own.
"""

from collections.abc import Sequence

import numpy as np

from chains.access import DIRECT, Access
from chains.bitcoin.decode import decode_transactions
from chains.bitcoin.esplora.answers import StatedTransaction
from chains.bitcoin.esplora.headers import headers_down_from, tops_of_lists
from chains.bitcoin.esplora.history import FoundHistory, HistoryReader, by_height
from chains.bitcoin.esplora.memory import TransactionMemory
from chains.bitcoin.esplora.parallel import Askers
from chains.bitcoin.esplora.routes import EsploraRoutes
from chains.bitcoin.networks import NETWORKS, Network
from chains.closing import Closing
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, MalformedBlockError, SourceUnavailableError
from chains.exchange import NoRecorder, Recorder
from chains.http import Patience
from chains.lookups import (
    BlockHeader,
    FetchedTransaction,
    MerkleBranch,
    OutputQuestion,
    Sighting,
)
from chains.types import TxIdRaw, shown_txid

PARALLEL = 4
"""Requests in flight."""

REMEMBERED_BYTES = 64 << 20
"""Of transactions that came with histories."""

_TIP_READINGS = 3


class Esplora(Closing):
    """An Esplora server, as a `LookupSource`."""

    def __init__(
        self,
        endpoint: Endpoint,
        network: Network,
        access: Access = DIRECT,
        recorder: Recorder | None = None,
        *,
        patience: Patience = Patience(),  # noqa: B008 (immutable)
    ) -> None:
        """Ask for the genesis block and the tip, on a signet for block 1 as well.

        Raises `SourceUnavailableError` where there is no such server, or one of another network.
        """
        if endpoint.query:
            raise SourceUnavailableError(
                f"{endpoint.name} takes no options: leave out what follows the question mark"
            )
        self.network = network
        self.name = endpoint.name
        self._routes = EsploraRoutes(endpoint, access, recorder or NoRecorder(), patience)
        self._histories = HistoryReader(self._routes, self._keep)
        self._askers = Askers(PARALLEL)
        try:
            self._check_network()
            self.refresh()
            self._check_first_block()
        except BaseException:
            self.close()
            raise

    def _check_network(self) -> None:
        genesis = self._routes.genesis_hash()
        if genesis != self.network.genesis_hash:
            names = [known.name for known in NETWORKS if known.genesis_hash == genesis]
            served = names[0] if names else f"the chain that begins at {shown_txid(genesis)}"
            raise SourceUnavailableError(
                f"{self.name} serves {served}, and {self.network.name} is wanted"
            )

    def _check_first_block(self) -> None:
        wanted = self.network.first_block_hash
        if wanted is not None and self._tip >= 1 and self.block_hash(1) != wanted:
            raise SourceUnavailableError(
                f"{self.name} serves another network that begins with the block with which "
                f"{self.network.name} begins"
            )

    def refresh(self) -> None:
        """See the chain as it stands now."""
        # Public explorers are several machines behind one name, and the one that is asked for
        # the block may not have it yet.
        for reading in range(_TIP_READINGS):
            try:
                tip = self._routes.block(self._routes.tip_hash())
                break
            except LookupFailedError as error:
                if reading == _TIP_READINGS - 1:
                    raise SourceUnavailableError(f"its last block is not to be had: {error}") from (
                        error
                    )
        self._tip = tip.height
        self._hashes: dict[int, bytes] = {tip.height: tip.block_hash}
        self._remembered = TransactionMemory(REMEMBERED_BYTES)

    def tip_height(self) -> int:
        """Return the height of the best chain's last block."""
        return self._tip

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the best chain's block at `height`, as stored."""
        self._require_height(height)
        if height not in self._hashes:
            try:
                self._hashes[height] = self._routes.block_hash(height)
            except LookupFailedError as error:
                raise SourceUnavailableError(
                    f"{error}; its chain was longer before: run again"
                ) from error
        return self._hashes[height]

    def notes(self) -> Sequence[object]:
        """Return nothing: all that is asked for is used."""
        return ()

    def close(self) -> None:
        """Let go of the connections; what is under way is given up."""
        self._routes.close()
        self._askers.close()

    def histories(
        self, scripts: Sequence[bytes], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        """Return all transactions that touch each output script; see `LookupSource`."""

        def begin(script: bytes) -> FoundHistory:
            return self._histories.begin(script, most=most)

        def complete(script: bytes) -> FoundHistory:
            return self._histories.complete(script, begun[script], most=most)

        begun: dict[bytes, FoundHistory] = {}
        found: dict[bytes, FoundHistory | LookupFailedError] = {}
        for script, first in zip(scripts, self._askers.each(begin, scripts), strict=True):
            found[script] = first
            if isinstance(first, FoundHistory):
                begun[script] = first
        self._histories.learn(begun.values())
        rest = [script for script in begun if not self._histories.is_whole(begun[script])]
        found |= zip(rest, self._askers.each(complete, rest), strict=True)
        return [self._in_order(found[script]) for script in scripts]

    def _in_order(
        self, found: FoundHistory | LookupFailedError
    ) -> tuple[Sighting, ...] | LookupFailedError:
        if isinstance(found, LookupFailedError):
            return found
        return by_height(self._as_seen(sighting) for sighting in found.sightings())

    def _keep(self, stated: StatedTransaction) -> None:
        # One that is not what its id says is asked for again when it is wanted.
        if stated.describes(stated.sighting.txid):
            self._remembered.keep(stated.hashed, self._fetched(stated))

    def candidates(
        self, outputs: Sequence[OutputQuestion], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        """Return the transaction that is said to spend each output, if any does."""
        asked: dict[TxIdRaw, set[int]] = {}
        for output in outputs:
            asked.setdefault(output.txid, set()).add(output.vout)

        def spenders(txid: TxIdRaw) -> dict[int, Sighting | None]:
            if len(asked[txid]) == 1:
                (vout,) = asked[txid]
                return {vout: self._routes.spender(txid, vout)}
            return dict(enumerate(self._routes.spenders(txid)))

        answers = dict(zip(asked, self._askers.each(spenders, list(asked)), strict=True))
        return [self._candidates(output, answers[output.txid], most) for output in outputs]

    def _candidates(
        self,
        output: OutputQuestion,
        spenders: dict[int, Sighting | None] | LookupFailedError,
        most: int,
    ) -> tuple[Sighting, ...] | LookupFailedError:
        if isinstance(spenders, LookupFailedError):
            return spenders
        if output.vout not in spenders:
            return LookupFailedError(
                f"{self.name} knows no output {output.vout} of {shown_txid(output.txid)}"
            )
        spender = spenders[output.vout]
        if spender is None:
            return ()
        if most < 1:
            return LookupFailedError(f"there is a spender, and at most {most} are asked for")
        return (self._as_seen(spender),)

    def transactions(
        self, txids: Sequence[TxIdRaw]
    ) -> list[FetchedTransaction | LookupFailedError]:
        """Return the transactions; each hashes to the id that was asked for."""
        return self._askers.each(self._transaction, txids)

    def _transaction(self, txid: TxIdRaw) -> FetchedTransaction:
        known = self._remembered.find(txid)
        if known is not None:
            return known
        stated = self._routes.transaction(txid)
        if stated.describes(txid):
            return self._fetched(stated)
        # The description is wrong somewhere, and where is not to be known: no part of it is used.
        raw = self._routes.transaction_bytes(txid)
        if _hashed(raw) != txid:
            raise LookupFailedError(
                f"{self.name} answers /tx/{shown_txid(txid)} with another transaction"
            )
        return FetchedTransaction(raw=raw, spent=None)

    def _fetched(self, stated: StatedTransaction) -> FetchedTransaction:
        height = self._as_seen(stated.sighting).height
        return FetchedTransaction(raw=stated.raw, spent=stated.spent, height=height)

    def branches(
        self, confirmed: Sequence[tuple[TxIdRaw, int]]
    ) -> list[MerkleBranch | LookupFailedError]:
        """Return the merkle branch of each transaction in the block of that height."""

        def branch(question: tuple[TxIdRaw, int]) -> MerkleBranch:
            txid, wanted = question
            height, found = self._routes.branch(txid)
            if height != wanted:
                raise LookupFailedError(
                    f"{self.name} has {shown_txid(txid)} in block {height}, and not {wanted}"
                )
            return found

        return self._askers.each(branch, confirmed)

    def headers(self, heights: Sequence[int]) -> list[BlockHeader | LookupFailedError]:
        """Return the headers of the best chain at the heights; each meets its own target."""
        for height in heights:
            self._require_height(height)

        def headers_of(top: int) -> list[BlockHeader]:
            return headers_down_from(self._routes, top)

        found: dict[int, BlockHeader | LookupFailedError] = {}
        # A list may come out shorter than documented. Its first block is the one that was asked
        # for, so each round answers something.
        while missing := sorted(set(heights) - found.keys(), reverse=True):
            tops = tops_of_lists(missing)
            for top, listed in zip(tops, self._askers.each(headers_of, tops), strict=True):
                if isinstance(listed, LookupFailedError):
                    found[top] = listed
                    continue
                found |= {header.height: header for header in listed}
        return [found[height] for height in heights]

    def _require_height(self, height: int) -> None:
        if not 0 <= height <= self._tip:
            raise ValueError(f"height {height} is not in a chain of tip {self._tip}")

    def _as_seen(self, sighting: Sighting) -> Sighting:
        """Return a sighting as of the tip that was seen: what came later was not confirmed then."""
        if sighting.height is not None and sighting.height > self._tip:
            return Sighting(txid=sighting.txid, height=None)
        return sighting


def _hashed(raw: bytes) -> TxIdRaw | None:
    """Return the id of a serialised transaction; nothing where the bytes are not one."""
    whole = np.frombuffer(raw, np.uint8)
    try:
        batch = decode_transactions(whole, np.zeros(1, np.int64), np.array([len(raw)], np.int64))
    except MalformedBlockError:
        return None
    return TxIdRaw(batch.txid[0].tobytes())
