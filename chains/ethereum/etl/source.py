"""An export of ethereum-etl as a source of blocks.

Blocks and transactions must be there, and receipts or their columns among the transactions, since
they say what failed and what gas cost. Everything else may be missing, and the source says what
that means. The order of calls and events within a transaction is not in the files: all calls come
first. What the files state is believed: a header cannot be hashed again from them, because two of
its fields are not exported; only the links from block to block are checked.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from chains.closing import Closing
from chains.errors import LookupFailedError, MalformedBlockError, SourceUnavailableError
from chains.ethereum.decode.rewards import DAO_FORK, DAO_NOTE, MERGE
from chains.ethereum.etl.batches import decoded_stretch
from chains.ethereum.etl.files import EtlFolder
from chains.ethereum.etl.text import fixed_bytes, heights, is_there
from chains.ethereum.lookups import AssetClaim, BlockPlace
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import AccountBatch

MOST_BLOCKS = 2_000
"""Blocks of one batch: about 400,000 transactions of the busiest time."""

_HIGHEST = 1 << 40


class EtlExport(Closing):
    """The files of a folder."""

    def __init__(self, folder: Path, network: EthereumNetwork) -> None:
        self.network = network
        self._folder = folder
        self.refresh()

    @property
    def name(self) -> str:
        """Return what the source is called in messages."""
        return f"the export in {self._folder}"

    def refresh(self) -> None:
        """Look for files anew."""
        self._files = EtlFolder.opened(self._folder)
        if not (self._files.has("receipts") or self._states_receipts()):
            raise SourceUnavailableError(
                f"{self._folder} holds no receipts: without them nobody knows which transactions "
                "failed and what gas cost; export them too, as receipts.csv or receipts.parquet"
            )
        spans = self._files.ranges()
        heights_ = [height for span in spans for height in span]
        self._first, self._last = min(heights_), self._last_height(spans)
        self._check_genesis()

    def close(self) -> None:
        """Nothing is kept open."""

    def tip(self) -> BlockPlace:
        """Return the last block of the files."""
        return self.place(self._last)

    def first_height(self) -> int:
        """Return the height of the first block of the files."""
        return self._first

    def place(self, height: int) -> BlockPlace:
        """Return the block at a height; `ValueError` past the ends of the files."""
        if not self._first <= height <= self._last:
            raise ValueError(f"{self.name} has blocks {self._first} to {self._last}, not {height}")
        table = self._files.rows("blocks", ("number", "hash"), height, height)
        if table.num_rows != 1:
            raise SourceUnavailableError(f"{self.name}: block {height} is missing or there twice")
        return BlockPlace(height, fixed_bytes(table["hash"], 32, "blocks.hash")[0].tobytes())

    def batches(self, start: int, stop: int) -> Iterator[AccountBatch]:
        """Yield the blocks of heights `start` to `stop - 1`, in order."""
        if start != stop and not self._first <= start <= stop <= self._last + 1:
            raise ValueError(
                f"{self.name} has blocks {self._first} to {self._last}, not {start} to {stop - 1}"
            )
        return self._batches(start, stop)

    def _batches(self, start: int, stop: int) -> Iterator[AccountBatch]:
        above: AccountBatch | None = None
        for first, last in self._stretches(start, stop):
            batch = self._decoded(first, last)
            if (
                above is not None
                and batch.parent_hash[0].tobytes() != above.block_hash[-1].tobytes()
            ):
                raise SourceUnavailableError(
                    f"{self.name}: block {first} does not follow block {first - 1}: the files are "
                    "of two chains; export them again"
                )
            yield batch
            above = batch

    def notes(self) -> Sequence[str]:
        """Return what the files do not tell."""
        notes = [
            "hashes of blocks are taken as the files state them: not all of a header is exported",
        ]
        if not self._files.has("traces"):
            notes.append(
                "no traces: value that contracts moved is missing, and so are contracts that "
                "contracts created"
            )
        if not self._files.has("traces") and self.network.chain_id == 1 and self._first < MERGE:
            notes.append("no traces: rewards for uncles are missing")
            if self._first <= DAO_FORK <= self._last:
                notes.append(DAO_NOTE.format(what="export without traces"))
        if not self._files.has("logs"):
            if self._files.has("token_transfers"):
                notes.append(
                    "no logs: tokens move as token_transfers says, wrapping and approvals are "
                    "missing, and ids of collectibles pass for amounts"
                )
            else:
                notes.append("neither logs nor token_transfers: movements of tokens are missing")
        return notes

    def balances(
        self,
        height: int,  # noqa: ARG002
        accounts: Sequence[bytes],
        contract: bytes | None,  # noqa: ARG002
    ) -> list[int | LookupFailedError]:
        """Say that files hold no balances."""
        failed = LookupFailedError("an export holds no balances: ask a node")
        return [failed for _ in accounts]

    def assets(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        """Return what the table of tokens says of contracts; nothing of those it has not."""
        known = self._claims() if contracts else {}
        return [known.get(one) or AssetClaim(one, "", "", None) for one in contracts]

    def wait(self, seconds: float) -> None:
        """Return after `seconds`: files do not tell when there are more."""
        time.sleep(seconds)

    def _states_receipts(self) -> bool:
        return self._files.has_column("transactions", "receipt_gas_used")

    def _last_height(self, spans: list[tuple[int, int]]) -> int:
        """Return the last height; a folder may be named for more blocks than it holds."""
        last = max(last for _, last in spans)
        first = max(first for first, stop in spans if stop == last)
        table = self._files.rows("blocks", ("number",), first, last)
        held = heights(table["number"], "blocks.number")
        if not len(held):
            raise SourceUnavailableError(f"{self.name}: the last file of blocks is empty")
        return int(held.max())

    def _check_genesis(self) -> None:
        expected = self.network.genesis_hash
        if self._first == 0 and expected and self.place(0).block_hash != expected:
            raise SourceUnavailableError(
                f"{self.name}: block 0 is not that of {self.network.name}; name the right network"
            )

    def _stretches(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield first and last height of stretches that lie in one file of blocks each."""
        edges = {start, stop}
        for first, last in self._files.ranges():
            edges |= {edge for edge in (first, last + 1) if start < edge < stop}
        ordered = sorted(edges)
        for low, high in pairwise(ordered):
            for first in range(low, high, MOST_BLOCKS):
                yield first, min(first + MOST_BLOCKS, high) - 1

    def _decoded(self, first: int, last: int) -> AccountBatch:
        try:
            return decoded_stretch(self._files, first, last, self.network)
        except MalformedBlockError as error:
            raise SourceUnavailableError(f"{self.name}: {error}") from error

    def _claims(self) -> dict[bytes, AssetClaim]:
        table = self._files.rows("tokens", ("address", "symbol", "name", "decimals"), 0, _HIGHEST)
        contracts = fixed_bytes(table["address"], 20, "tokens.address")
        has_decimals = is_there(table["decimals"])
        found = {}
        for row, contract in enumerate(contracts):
            decimals = str(table["decimals"][row].as_py()) if has_decimals[row] else ""
            found[contract.tobytes()] = AssetClaim(
                contract.tobytes(),
                str(table["symbol"][row].as_py() or ""),
                str(table["name"][row].as_py() or ""),
                int(decimals)
                if decimals.isdecimal() and len(decimals) <= 3 and int(decimals) <= 255
                else None,
            )
        return found
