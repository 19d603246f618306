"""Reading a node's blocks in bulk: fetched ahead in parallel, handed out in order, in batches.

A block comes in parts: itself with its transactions, their receipts, their traces, and before the
merge its uncles. A node answers by height for the chain that it follows at the moment, so the
parts must name the same block, every block must stand on the one before, and after each request
the last block that was seen must still be there. Where batches are cut follows from start and
transactions alone.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from chains.errors import ChainChangedError, SourceUnavailableError
from chains.ethereum.header import EMPTY_UNCLES
from chains.ethereum.rpc.answers import a_list, an_object, block_hash, fault, number
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, Outcome, RpcRefusalError, Why, accepted
from chains.ethereum.rpc.chain import SeenChain
from chains.ethereum.rpc.tracing import Tracing, trace_call, traces_of

PARALLEL = 3
"""Requests under way at once."""

_FIRST_STRETCH = 4
_LONGEST_STRETCH = 32
_STRETCH_TRANSACTIONS = 2_000
"""Blocks that one request asks for at the beginning and at most, and the transactions that it
should bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedBlock:
    """A block and all that is asked about it, as JSON."""

    height: int
    hash: bytes
    parent: bytes
    block: Mapping[str, Json]
    receipts: list[Json]
    traces: list[Json] | None
    """Nothing where the node does not trace."""

    uncles: list[Json]


Fetch: TypeAlias = Callable[[int, int], list[FetchedBlock]]
"""Brings the blocks of heights `[first, last)`."""


def fetcher(rpc: NodeRpc, chain: SeenChain, tracing: Tracing) -> Fetch:
    """Return what brings blocks of the chain that was seen."""

    def fetch(first: int, last: int) -> list[FetchedBlock]:
        heights = range(first, last)
        calls = [_block_call(height) for height in heights]
        calls += [_receipts_call(height) for height in heights]
        if tracing is not Tracing.NONE:
            calls += [trace_call(tracing, height) for height in heights if height]
        *answers, still = rpc.ask_all([*calls, chain.still_call()])
        blocks, answers = answers[: len(heights)], answers[len(heights) :]
        receipts, traces = answers[: len(heights)], answers[len(heights) :]
        if tracing is not Tracing.NONE and first == 0:
            # The genesis block executes nothing, and some nodes refuse to trace it.
            traces = [[], *traces]
        found = []
        for place, height in enumerate(heights):
            block = _block(rpc.name, height, blocks[place])
            told = traces_of(rpc.name, height, traces[place]) if traces else None
            found.append(_joined(height, block, _receipts(rpc, block, receipts[place]), told, rpc))
        chain.check(still)
        return found

    return fetch


def in_batches(
    fetch: Fetch, start: int, stop: int, *, parent: bytes | None, batch_transactions: int
) -> Iterator[list[FetchedBlock]]:
    """Yield the blocks of heights `[start, stop)`, in lists of about so many transactions.

    `parent` is the hash of the block below `start`, where it is known. Raises
    `ChainChangedError` where a block does not stand on the one before.
    """
    waiting: list[FetchedBlock] = []
    size = 0
    for block in _in_order(fetch, start, stop):
        if parent is not None and block.parent != parent:
            raise _moved(block.height)
        parent = block.hash
        # A block without transactions costs something too.
        weight = len(block.receipts) + 1
        if waiting and size + weight > batch_transactions:
            yield waiting
            waiting, size = [], 0
        waiting.append(block)
        size += weight
    if waiting:
        yield waiting


def _in_order(fetch: Fetch, start: int, stop: int) -> Iterator[FetchedBlock]:
    length, following = _FIRST_STRETCH, start
    requests: deque[Future[list[FetchedBlock]]] = deque()
    pool = ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="fetch-blocks")
    in_haste = False
    try:
        while requests or following < stop:
            while following < stop and len(requests) < PARALLEL:
                last = min(following + length, stop)
                requests.append(pool.submit(fetch, following, last))
                following = last
            blocks = requests.popleft().result()
            largest = max(1, *(len(block.receipts) for block in blocks))
            # At most twice as many as before: blocks may suddenly be large.
            length = max(1, min(_STRETCH_TRANSACTIONS // largest, 2 * length, _LONGEST_STRETCH))
            yield from blocks
    except KeyboardInterrupt:
        in_haste = True
        raise
    finally:
        pool.shutdown(wait=not in_haste, cancel_futures=True)


def _block_call(height: int) -> Call:
    return Call(method="eth_getBlockByNumber", parameters=(hex(height), True))


def _receipts_call(height: int) -> Call:
    return Call(method="eth_getBlockReceipts", parameters=(hex(height),))


def _block(name: str, height: int, answer: Outcome) -> Mapping[str, Json]:
    if answer is None or (isinstance(answer, RpcRefusalError) and answer.why is Why.STATE_GONE):
        raise SourceUnavailableError(
            f"{name} has not kept block {height}: name a node that keeps all blocks, or begin a "
            "ledger later with `arien-flows ledger ingest --from`"
        )
    block = an_object(accepted(answer), "block")
    if number(block.get("number"), "number") != height:
        raise fault("number", f"is not {height}, which was asked for")
    return block


def _receipts(rpc: NodeRpc, block: Mapping[str, Json], answer: Outcome) -> list[Json]:
    """Return a block's receipts, from the one answer or one by one."""
    if isinstance(answer, RpcRefusalError) and answer.why in (Why.ABSENT, Why.OTHER):
        calls = [
            Call(
                method="eth_getTransactionReceipt",
                parameters=(an_object(tx, "transactions").get("hash"),),
            )
            for tx in a_list(block.get("transactions"), "transactions")
        ]
        return [accepted(receipt) for receipt in rpc.ask_all(calls)]
    told = accepted(answer)
    if told is None:
        raise SourceUnavailableError(
            f"{rpc.name} has no receipts of block {block.get('number')}: it has deleted them, or "
            "has not got them yet; name a node that keeps them"
        )
    return list(a_list(told, "eth_getBlockReceipts"))


def _joined(
    height: int,
    block: Mapping[str, Json],
    receipts: list[Json],
    traces: list[Json] | None,
    rpc: NodeRpc,
) -> FetchedBlock:
    ids = [
        an_object(tx, "transactions").get("hash")
        for tx in a_list(block.get("transactions"), "transactions")
    ]
    if [_told(receipt, "transactionHash") for receipt in receipts] != ids:
        raise _moved(height)
    if any(_told(receipt, "blockHash") != block["hash"] for receipt in receipts):
        raise _moved(height)
    if traces is not None and _is_of_another(traces, ids, block["hash"]):
        raise _moved(height)
    return FetchedBlock(
        height=height,
        hash=block_hash(block["hash"]),
        parent=block_hash(block.get("parentHash"), "parentHash"),
        block=block,
        receipts=receipts,
        traces=traces,
        uncles=_uncles(rpc, height, block),
    )


def _is_of_another(traces: Sequence[Json], ids: Sequence[Json], shown_hash: Json) -> bool:
    rows = [row for row in traces if isinstance(row, Mapping)]
    if any("blockHash" in row and row["blockHash"] != shown_hash for row in rows):
        return True
    named = [row["txHash"] for row in rows if "txHash" in row]
    if named:
        return named != list(ids)
    # Rows of `trace_block` name their transaction, but for rewards. Some nodes that answer as
    # trees name none, and are known by their number.
    listed = {row.get("transactionHash") for row in rows} - {None}
    return listed != set(ids) if listed else bool(ids) and len(rows) != len(ids)


def _told(holder: Json, key: str) -> Json:
    return holder.get(key) if isinstance(holder, Mapping) else None


def _uncles(rpc: NodeRpc, height: int, block: Mapping[str, Json]) -> list[Json]:
    if block_hash(block.get("sha3Uncles"), "sha3Uncles") == EMPTY_UNCLES:
        return []
    count = len(a_list(block.get("uncles"), "uncles"))
    calls = [
        Call(method="eth_getUncleByBlockNumberAndIndex", parameters=(hex(height), hex(place)))
        for place in range(count)
    ]
    uncles = [an_object(accepted(uncle), "uncle") for uncle in rpc.ask_all(calls)]
    if [uncle.get("hash") for uncle in uncles] != list(a_list(block["uncles"], "uncles")):
        raise _moved(height)
    return list(uncles)


def _moved(height: int) -> ChainChangedError:
    return ChainChangedError(
        f"block {height} no longer stands where it was read: the node's chain has changed; read "
        "it again"
    )
