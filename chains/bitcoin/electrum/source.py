"""Electrum servers: an index over a full node that anybody can run, asked over one connection.

The protocol (1.4 and later) knows scripts by their hash, so that scripts without an address are
found as well. It does not say what an input spends, nor which transaction spends an output: the
spender is among the later transactions of the output's script, and whoever asks looks for it in
their bytes.

The source stands at the tip that it saw when it was opened or refreshed: what the server confirms
later counts as unconfirmed until then.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from chains.access import Access
from chains.bitcoin.decode import MERKLE_ROOT_AT, header_hashes
from chains.bitcoin.electrum import answers as read
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.electrum.calls import UNKNOWN_METHOD, ElectrumCalls
from chains.bitcoin.electrum.checks import at_height, at_most, identified, later
from chains.bitcoin.electrum.headers import (
    Stretch,
    as_rows,
    block_headers,
    first_without_work,
    is_linked,
    stretches_for,
)
from chains.bitcoin.electrum.messages import Call, Refusal
from chains.bitcoin.electrum.session import Patience
from chains.bitcoin.headers import HEADER_LENGTH, MEDIAN_SPAN
from chains.bitcoin.networks import NETWORKS, Network
from chains.closing import Closing
from chains.errors import (
    ChainChangedError,
    LookupFailedError,
    SourceUnavailableError,
)
from chains.exchange import Recorder
from chains.lookups import (
    BlockHeader,
    FetchedTransaction,
    MerkleBranch,
    OutputQuestion,
    Sighting,
)
from chains.types import TxIdRaw, shown_txid

_FEATURES = Call("server.features")
_FIRST_HEADERS = Call("blockchain.block.headers", (0, MEDIAN_SPAN))
"""One or two are wanted. More make a reply that servers which hold back small ones send at once."""

_TIP = Call("blockchain.headers.subscribe")

Fact = TypeVar("Fact")
Sightings = tuple[Sighting, ...]


class ElectrumServer(Closing):
    """A `LookupSource` over one Electrum server."""

    network: Network
    name: str

    def __init__(
        self,
        address: ElectrumAddress,
        network: Network,
        access: Access,
        recorder: Recorder,
        *,
        patience: Patience | None = None,
    ) -> None:
        """Connect, see that the server is of the network, and see its tip.

        Raises `SourceUnavailableError`, or `RequestBudgetError` where opening takes more requests
        than may be made.
        """
        self.network = network
        self.name = address.name
        self._calls = ElectrumCalls(address, access, recorder, patience or Patience())
        try:
            features, first, tip = self._calls.ask([_FEATURES, _FIRST_HEADERS, _TIP])
            self._check_network(features, first)
            self._stand_at(tip)
        except BaseException:
            self.close()
            raise

    def refresh(self) -> None:
        """See the server's chain as it stands now."""
        self._stand_at(*self._calls.ask([_TIP]))

    def tip_height(self) -> int:
        """Return the height of the last block."""
        return self._tip_height

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the block at `height`, as stored."""
        self._check_height(height)
        if height == self._tip_height:
            return self._tip_hash
        found = self.headers([height])[0]
        if isinstance(found, LookupFailedError):
            raise SourceUnavailableError(f"{self.name} has no header at height {height}: {found}")
        return _hash_of(found.header)

    def notes(self) -> tuple[object, ...]:
        """Return nothing: all that the server answers is used."""
        return ()

    def close(self) -> None:
        """Close the connection."""
        self._calls.close()

    def histories(
        self, scripts: Sequence[bytes], *, most: int
    ) -> list[Sightings | LookupFailedError]:
        """Return all transactions that touch each output script; one request each.

        The protocol has no pages: a history that is too long is refused by the server, or arrives
        whole and is refused here.
        """
        return [at_most(most, seen) for seen in self._histories(scripts)]

    def candidates(
        self, outputs: Sequence[OutputQuestion], *, most: int
    ) -> list[Sightings | LookupFailedError]:
        """Return the later transactions of each output's script; one request a script."""
        histories = self._histories([output.script for output in outputs])
        return [
            at_most(most, later(seen, output))
            for output, seen in zip(outputs, histories, strict=True)
        ]

    def transactions(
        self, txids: Sequence[TxIdRaw]
    ) -> list[FetchedTransaction | LookupFailedError]:
        """Return the transactions, each hashed to the id that was asked for; one request each."""
        calls = [Call("blockchain.transaction.get", (shown_txid(txid), False)) for txid in txids]
        return identified(txids, self._ask(calls, read.raw_transaction))

    def branches(
        self, confirmed: Sequence[tuple[TxIdRaw, int]]
    ) -> list[MerkleBranch | LookupFailedError]:
        """Return the merkle branch of each transaction; one request each."""
        calls = [
            Call("blockchain.transaction.get_merkle", (shown_txid(txid), height))
            for txid, height in confirmed
        ]
        answers = self._ask(calls, read.branch)
        return [
            at_height(height, answer)
            for answer, (_, height) in zip(answers, confirmed, strict=True)
        ]

    def headers(self, heights: Sequence[int]) -> list[BlockHeader | LookupFailedError]:
        """Return the headers at the heights; one request for neighbours.

        Raises `ChainChangedError` where the chain that was seen is no longer the server's.
        """
        for height in heights:
            self._check_height(height)
        stretches = stretches_for(heights, self._tip_height)
        calls = [
            Call("blockchain.block.headers", (piece.start, piece.stop - piece.start))
            for stretch in stretches
            for piece in stretch.pieces()
        ]
        answers = iter(self._ask(calls, read.headers))
        found: dict[int, BlockHeader | LookupFailedError] = {}
        for stretch in stretches:
            found |= self._headers_of(stretch, [next(answers) for _ in stretch.pieces()])
        return [found[height] for height in heights]

    def _headers_of(
        self, stretch: Stretch, parts: Sequence[bytes | LookupFailedError]
    ) -> dict[int, BlockHeader | LookupFailedError]:
        """Return a stretch's headers by height, all checked, or why there are none."""
        failed = next((part for part in parts if isinstance(part, LookupFailedError)), None)
        if failed is not None:
            return dict.fromkeys(range(*stretch), failed)
        together = b"".join(part for part in parts if isinstance(part, bytes))
        self._check_work(stretch.start, together)
        rows = as_rows(together)
        reaches_tip = stretch.stop == self._tip_height + 1
        if (
            len(rows) != stretch.stop - stretch.start
            or not is_linked(rows)
            or (reaches_tip and _hash_of(rows[-1].tobytes()) != self._tip_hash)
        ):
            # Between two answers the server has gone over to another chain.
            raise ChainChangedError(
                f"the best chain of {self.name} changed while it was read; refresh and read again"
            )
        return dict(block_headers(rows, stretch.start))

    def _histories(self, scripts: Sequence[bytes]) -> list[Sightings | LookupFailedError]:
        calls = [Call("blockchain.scripthash.get_history", (_key(script),)) for script in scripts]
        return self._ask(
            calls, lambda answer: read.sightings(answer, self._tip_height, self._genesis_txid)
        )

    def _ask(
        self, calls: Sequence[Call], reader: Callable[[object], Fact]
    ) -> list[Fact | LookupFailedError]:
        """Return what each call returns, as `reader` reads it."""
        return [
            self._refused(call, answer)
            if isinstance(answer, Refusal)
            else self._read(call, answer, reader)
            for call, answer in zip(calls, self._calls.ask(calls), strict=True)
        ]

    def _read(self, call: Call, answer: object, reader: Callable[[object], Fact]) -> Fact:
        try:
            return reader(answer)
        except ValueError as error:
            raise SourceUnavailableError(
                f"{self.name} answers {call.method} with {error}"
            ) from error

    def _read_surely(self, call: Call, answer: object, reader: Callable[[object], Fact]) -> Fact:
        """Read what the source is of no use without."""
        if isinstance(answer, Refusal):
            refused = self._refused(call, answer)
            raise SourceUnavailableError(f"{self.name} can't be used: {refused}")
        return self._read(call, answer, reader)

    def _refused(self, call: Call, refusal: Refusal) -> LookupFailedError:
        if refusal.code == UNKNOWN_METHOD:
            raise SourceUnavailableError(
                f"{self.name} does not know {call.method}, which protocol 1.4 has"
            )
        return LookupFailedError(f"{call.method} was refused: {refusal.words}")

    def _stand_at(self, tip: object) -> None:
        height, header = self._read_surely(_TIP, tip, read.tip)
        self._check_work(height, header)
        self._tip_height = height
        self._tip_hash = _hash_of(header)

    def _check_network(self, features: object, first: object) -> None:
        """Raise `SourceUnavailableError` unless the server's chain begins as the network's does."""
        headers = self._read_surely(_FIRST_HEADERS, first, read.headers)
        header, following = headers[:HEADER_LENGTH], headers[HEADER_LENGTH : 2 * HEADER_LENGTH]
        if not header:
            raise SourceUnavailableError(f"{self.name} has no first block")
        self._genesis_txid = TxIdRaw(header[MERKLE_ROOT_AT : MERKLE_ROOT_AT + 32])
        # A server may do without features, not without a first block.
        for shown in (_hash_of(header), self._read(_FEATURES, features, read.genesis_hash)):
            if shown is not None and shown != self.network.genesis_hash:
                names = [known.name for known in NETWORKS if known.genesis_hash == shown]
                served = names[0] if names else f"the chain that begins at {shown_txid(shown)}"
                raise SourceUnavailableError(
                    f"{self.name} serves {served}, and {self.network.name} is wanted"
                )
        if following and self.network.first_block_hash not in (None, _hash_of(following)):
            raise SourceUnavailableError(
                f"{self.name} serves another network that begins with the block with which "
                f"{self.network.name} begins"
            )

    def _check_height(self, height: int) -> None:
        if not 0 <= height <= self._tip_height:
            raise ValueError(f"no block at height {height}: the tip is {self._tip_height}")

    def _check_work(self, start: int, headers: bytes) -> None:
        at = first_without_work(as_rows(headers))
        if at is not None:
            raise SourceUnavailableError(
                f"{self.name} serves a header at height {start + at} whose hash does not meet "
                "its own target"
            )


def _key(script: bytes) -> str:
    """Return the name that the protocol gives a script: its SHA-256, last byte first."""
    return hashlib.sha256(script).digest()[::-1].hex()


def _hash_of(header: bytes) -> bytes:
    return bytes(header_hashes(as_rows(header))[0])
