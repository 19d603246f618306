"""A Bitcoin Core node as a source of blocks, over JSON-RPC and, where it is enabled, REST.

The chain is seen when the node is opened and at each `refresh`: its tip is pinned then, and what
is asked afterwards is asked of that chain. A node that has left it meanwhile, because of a
reorganisation, is noticed with `ChainChangedError` and never delivers a mixture.

A node is opened with little patience, so that a wrong port is told at once; while blocks are read
it may be gone for some minutes and come back. Nothing is written to the node, and no wallet is
used; a user of the node who may call `getblockchaininfo`, `getblockhash`, `getblockheader`,
`getblock`, `getbestblockhash` and, for announcements, `getzmqnotifications` is enough
(`rpcwhitelist`). What a node says its blocks spend (`spending_batches`) is its own word: no header
commits to it.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from chains.access import DIRECT, Access
from chains.bitcoin.blockfiles import BATCH_BYTES
from chains.bitcoin.core.chain import NodeNote, SeenChain, check_heights
from chains.bitcoin.core.forms import choose_form
from chains.bitcoin.core.news import Announcements, announcing_port
from chains.bitcoin.core.place import NodePlace, Transport
from chains.bitcoin.core.reading import FetchedBatch, FetchedBlock, read_batches
from chains.bitcoin.core.rpc import NodeRpc
from chains.bitcoin.core.spent import spent_outputs
from chains.bitcoin.networks import Network
from chains.closing import Closing
from chains.endpoint import Endpoint, is_loopback
from chains.errors import SourceUnavailableError
from chains.exchange import NoRecorder
from chains.http import HttpClient, Patience
from chains.tables import BlockBatch, SpentOutputs

PATIENCE = Patience(attempts=12)
"""For a node that may be restarted while its blocks are read: about two minutes."""

WARM_UP_SECONDS = 600.0
"""How long a starting node is waited for."""

_QUICK_ATTEMPTS = 3
"""Attempts where somebody waits for the answer: at opening, at refresh, between blocks."""

_ASK_EVERY = 2.0
_ASK_EVERY_BESIDE = 10.0
"""Seconds between questions for a new block, without announcements and beside them, however long
each wait is."""


class CoreNode(Closing):
    """A node of one network."""

    network: Network
    name: str

    transport: Transport
    """The form in which blocks are asked for."""

    def __init__(
        self,
        endpoint: Endpoint,
        network: Network,
        access: Access = DIRECT,
        *,
        transport: Transport | None = None,
        patience: Patience = PATIENCE,
        warm_up: float = WARM_UP_SECONDS,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        """Connect to the node and see its chain.

        `transport` forces a form, as `?transport=` of the URI does; otherwise the fastest is
        found out. Raises `SourceUnavailableError` where the node is not there, lets us not in,
        or follows another network.
        """
        if batch_bytes < 1:
            raise ValueError("batch_bytes must be positive")
        place = NodePlace.of(endpoint, network, access)
        self.network = network
        self.name = place.endpoint.name
        self._host = place.endpoint.host
        self._direct = access.proxy is None or is_loopback(self._host)
        self._batch_bytes = batch_bytes
        self._quick = replace(patience, attempts=min(patience.attempts, _QUICK_ATTEMPTS))
        self._announcements: Announcements | None = None
        self._listening = False
        self._next_question = 0.0
        self._client = HttpClient(
            place.endpoint, access=access, recorder=NoRecorder(), patience=patience
        )
        try:
            self._rpc = NodeRpc(self._client, place.credentials, warm_up=warm_up)
            self.refresh()
            asked = transport or place.transport
            self._form = choose_form(asked, self._client, self._rpc, self._chain.tip, self._quick)
        except BaseException:
            self._client.close()
            raise
        self.transport = self._form.transport

    def refresh(self) -> None:
        """See the node's chain as it stands now."""
        self._chain = SeenChain.see(self._rpc, self.network, self._quick)

    def notes(self) -> tuple[NodeNote, ...]:
        """Return what the node says of its own state that matters to the reader."""
        return self._chain.notes

    def close(self) -> None:
        """Close all connections."""
        if self._announcements is not None:
            self._announcements.close()
            self._announcements = None
        self._client.close()

    def first_height(self) -> int:
        """Return the lowest height whose block the node still has."""
        return self._chain.first_height

    def tip_height(self) -> int:
        """Return the height of the last block of the chain that was seen."""
        return self._chain.height

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the block at `height`, as stored.

        Raises `ChainChangedError` where the node has left the chain that was seen.
        """
        self._check_height(height, lowest=0)
        return self._chain.hash_at(self._rpc, height)

    def work_above(self, height: int) -> int:
        """Return the summed work of the chain's blocks above `height`; -1 sums them all.

        Raises `ChainChangedError` where the node has left the chain that was seen.
        """
        self._check_height(height, lowest=-1)
        below = 0 if height == -1 else self._chain.work_at(self._rpc, height)
        return self._chain.work - below

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        """Yield the blocks of heights `[start, stop)` in batches of at most `batch_bytes`.

        Blocks are fetched ahead while the caller works: about as many bytes as a batch holds.
        """
        return (fetched.batch for fetched in self._read(start, stop, spent=False))

    def spending_batches(self, start: int, stop: int) -> Iterator[tuple[BlockBatch, SpentOutputs]]:
        """Yield as `batches` does, each with what its inputs spend by the node's undo data."""
        return (
            (
                fetched.batch,
                spent_outputs(fetched.batch, fetched.spent_starts, fetched.spent_lengths),
            )
            for fetched in self._read(start, stop, spent=True)
        )

    def wait(self, seconds: float) -> None:
        """Return when there may be a new block, at the latest after `seconds`."""
        deadline = time.monotonic() + seconds
        announcements = self._listen()
        every = _ASK_EVERY if announcements is None else _ASK_EVERY_BESIDE
        while (now := time.monotonic()) < deadline:
            if now >= self._next_question:
                if not self._at_tip():
                    return
                self._next_question = now + every
            pause = min(deadline, self._next_question) - now
            if announcements is None:
                self._client.pause(pause)
            elif announcements.wait(pause):
                self._next_question = now
                return

    def _read(self, start: int, stop: int, *, spent: bool) -> Iterator[FetchedBatch]:
        chain = self._chain
        check_heights(chain, self.name, start, stop)
        parent = chain.hash_at(self._rpc, start - 1) if 0 < start < stop else bytes(32)

        def fetch(first: int, last: int) -> list[FetchedBlock]:
            hashes = chain.hashes_of(self._rpc, first, last)
            stored = self._form.blocks(hashes, spent=spent)
            return [
                FetchedBlock(height=height, hash=block_hash, stored=block)
                for height, block_hash, block in zip(
                    range(first, last), hashes, stored, strict=True
                )
            ]

        return read_batches(fetch, start, stop, parent=parent, batch_bytes=self._batch_bytes)

    def _check_height(self, height: int, *, lowest: int) -> None:
        if not lowest <= height <= self.tip_height():
            raise ValueError(f"no block at height {height}: the tip is {self.tip_height()}")

    def _at_tip(self) -> bool:
        best = self._rpc.ask("getbestblockhash", patience=self._quick)
        return best == self._chain.shown_tip

    def _listen(self) -> Announcements | None:
        """Return the node's announcements, or nothing where it makes none that we may hear."""
        if not self._listening and self._direct:
            try:
                told = self._rpc.ask("getzmqnotifications", patience=self._quick)
            except SourceUnavailableError:
                # A node that is gone is gone for this question too. Else it was built without
                # ZeroMQ, or this user may not ask, and need not ask again.
                self._at_tip()
                told = None
            self._listening = True
            port = announcing_port(told)
            if port is not None:
                self._announcements = Announcements(self._host, port)
        return self._announcements
