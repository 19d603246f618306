"""An Ethereum node as a source of blocks, over JSON-RPC.

`eth+http(s)://[USER:PASS@]HOST[:PORT][/PATH][?traces=debug|trace|none]`, an execution client's
own interface or that of a service that runs one. The chain is seen when the node is opened and at
each `refresh`; what is asked afterwards is asked of that chain, and a node that has left it
meanwhile is noticed with `ChainChangedError`.

Asked are `eth_chainId`, `eth_getBlockByNumber`, `eth_getBlockReceipts` (or single receipts), one
of `debug_traceBlockByNumber` and `trace_block`, uncles, `eth_getLogs`, `eth_getBalance`,
`eth_getCode` and `eth_call`. Nothing is written to the node. The hash of a header is computed
again from its fields; receipts and traces are the node's own word.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from chains.access import DIRECT, Access
from chains.ahead import made_ahead
from chains.closing import Closing
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.ethereum.decode.rewards import DAO_FORK, DAO_NOTE, MAIN_NET
from chains.ethereum.lookups import AssetClaim, BlockPlace
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, RpcRefusalError, accepted
from chains.ethereum.rpc.chain import SeenChain, header_call, place_of
from chains.ethereum.rpc.decoding import decoded
from chains.ethereum.rpc.logs import Topics, events
from chains.ethereum.rpc.provider import NodeProvider
from chains.ethereum.rpc.reading import fetcher, in_batches
from chains.ethereum.rpc.state import balances_of, claims_of, codes_of
from chains.ethereum.rpc.tracing import MISSING_NOTE, UNUSED_NOTE, Tracing, choose_tracing
from chains.ethereum.tables import AccountBatch
from chains.http import Patience

PATIENCE = Patience(attempts=12)
"""For a node that may be restarted while its blocks are read: about two minutes."""

BATCH_TRANSACTIONS = 20_000
"""In one batch, at most, but for a single block that holds more."""

USUAL_PORT = 8545
"""Where a node listens on this machine unless it is told otherwise."""

_QUICK_ATTEMPTS = 3
"""Attempts where somebody waits for the answer: at opening, at refresh, between blocks."""

_ASK_EVERY = 1.0
"""Seconds between questions for a new block, however long each wait is."""


class EthereumNode(Closing):
    """A node of one network."""

    network: EthereumNetwork
    name: str

    tracing: Tracing
    """How the node is asked for calls."""

    def __init__(
        self,
        endpoint: Endpoint,
        network: EthereumNetwork,
        access: Access = DIRECT,
        *,
        patience: Patience = PATIENCE,
        batch_transactions: int = BATCH_TRANSACTIONS,
    ) -> None:
        """Connect to the node and see its chain.

        Raises `SourceUnavailableError` where the node is not there, lets us not in, or follows
        another network.
        """
        if batch_transactions < 1:
            raise ValueError("batch_transactions must be positive")
        wanted = _tracing(endpoint.query)
        self.network = network
        self._batch_transactions = batch_transactions
        self._quick = replace(patience, attempts=min(patience.attempts, _QUICK_ATTEMPTS))
        self._next_question = 0.0
        self._provider = NodeProvider(_place(endpoint, access), access, patience)
        try:
            self._rpc = NodeRpc(self._provider)
            self.name = self._rpc.name
            self.refresh()
            self._first = _first_height(self._rpc, self._chain, self._quick)
            self.tracing = wanted or choose_tracing(self._rpc, self.tip().height, self._quick)
        except BaseException:
            self._provider.close()
            raise
        self._is_asked_for = wanted is not None

    def close(self) -> None:
        """Close all connections."""
        self._provider.close()

    def tip(self) -> BlockPlace:
        """Return the last block of the chain that was seen."""
        return self._chain.tip

    def refresh(self) -> None:
        """See the node's chain as it stands now."""
        self._chain = SeenChain.see(self._rpc, self.network, self._quick)

    def notes(self) -> tuple[str, ...]:
        """Return what the node does not tell, or says of its own state."""
        notes = self._chain.notes
        if self.network.chain_id == MAIN_NET and self._first <= DAO_FORK <= self.tip().height:
            notes = (DAO_NOTE.format(what="node"), *notes)
        if self.tracing is not Tracing.NONE:
            return notes
        words = UNUSED_NOTE if self._is_asked_for else MISSING_NOTE
        return (words.format(name=self.name), *notes)

    def first_height(self) -> int:
        """Return the lowest height whose block the node still has."""
        return self._first

    def place(self, height: int) -> BlockPlace:
        """Return the block at a height.

        `ValueError` past the ends of the chain, `ChainChangedError` where the node has left it.
        """
        if not 0 <= height <= self._chain.tip.height:
            raise ValueError(f"no block at height {height}: the tip is {self._chain.tip.height}")
        if height == self._chain.tip.height:
            return self._chain.tip
        found, still = self._rpc.ask_all([header_call(height), self._chain.still_call()])
        self._chain.check(still)
        return place_of(accepted(found))

    def batches(self, start: int, stop: int) -> Iterator[AccountBatch]:
        """Yield the blocks of heights `[start, stop)`, some of them fetched ahead.

        Raises `ChainChangedError` where the node has left the chain that was seen.
        """
        self._chain.check_heights(start, stop)
        if start < min(stop, self._first):
            raise SourceUnavailableError(
                f"{self.name} has deleted its blocks below {self._first}: name a node that keeps "
                "all blocks, or begin a ledger with "
                f"`arien-flows ledger ingest --from {self._first}`"
            )
        parent = self.place(start - 1).block_hash if 0 < start < stop else None
        lists = in_batches(
            fetcher(self._rpc, self._chain, self.tracing),
            start,
            stop,
            parent=parent,
            batch_transactions=self._batch_transactions,
        )
        network, name = self.network, self.name
        return made_ahead(lambda blocks: decoded(blocks, network, name), lists, "decode-blocks")

    def balances(
        self, height: int, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        """Return balances after the block at `height`: of the coin, or of a token's contract."""
        self._chain.check_heights(height, height + 1)
        return balances_of(self._rpc, self._chain, height, accounts, contract)

    def assets(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        """Return what contracts say of themselves, as of the last block seen."""
        return claims_of(self._rpc, self._chain, contracts)

    def codes(self, height: int, accounts: Sequence[bytes]) -> list[bytes | LookupFailedError]:
        """Return the code at accounts after the block at `height`; no bytes where there is none."""
        self._chain.check_heights(height, height + 1)
        return codes_of(self._rpc, self._chain, height, accounts)

    def logs(
        self, addresses: Sequence[bytes], topics: Topics, start: int, stop: int
    ) -> Iterator[Json]:
        """Yield events of contracts in the blocks of heights `[start, stop)`, as JSON, in order.

        A range that the node refuses is halved until it answers; see `chains.ethereum.rpc.logs`.
        """
        return events(self._rpc, self._chain, addresses, topics, start, stop)

    def wait(self, seconds: float) -> None:
        """Return when there may be a new block, at the latest after `seconds`."""
        deadline = time.monotonic() + seconds
        while (now := time.monotonic()) < deadline:
            if now >= self._next_question:
                if not self._is_at_tip():
                    return
                self._next_question = now + _ASK_EVERY
            self._provider.pause(min(deadline, self._next_question) - now)

    def _is_at_tip(self) -> bool:
        call = header_call("latest")
        answer = self._rpc.ask(call.method, *call.parameters, patience=self._quick)
        return answer is not None and place_of(answer) == self._chain.tip


def _tracing(options: Mapping[str, str]) -> Tracing | None:
    named = options.get("traces")
    if named is None:
        return None
    if named not in tuple(Tracing):
        raise SourceUnavailableError(f"traces= must be one of {', '.join(Tracing)}")
    return Tracing(named)


def _place(endpoint: Endpoint, access: Access) -> Endpoint:
    """Return the node's own address: other options than ours are the service's, such as keys."""
    options = {key: value for key, value in endpoint.query.items() if key != "traces"}
    port = endpoint.port
    if port is None and endpoint.scheme == "http":
        port = USUAL_PORT
    user, password = endpoint.user, endpoint.password
    if user is None and password is None:
        user, password = access.rpc_user, access.rpc_password
    elif password is None:
        password = access.rpc_password
    return replace(endpoint, port=port, query=options, user=user, password=password)


def _first_height(rpc: NodeRpc, chain: SeenChain, patience: Patience) -> int:
    """Return the lowest height whose block is told, besides the genesis block, which all keep."""
    low, high = 0, chain.tip.height
    if high < 1 or _is_told(rpc, 1, patience):
        return 0
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        if _is_told(rpc, middle, patience):
            high = middle
        else:
            low = middle
    return high


def _is_told(rpc: NodeRpc, height: int, patience: Patience) -> bool:
    """Ask for a block with its transactions: headers are kept by nodes that drop the rest."""
    call = Call(method="eth_getBlockByNumber", parameters=(hex(height), True))
    (answer,) = rpc.ask_all([call], patience=patience)
    if isinstance(answer, RpcRefusalError) or answer is None:
        return False
    return place_of(answer).height == height
