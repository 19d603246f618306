"""Events of chosen contracts, over any range of blocks.

Nodes refuse questions for events that span too many blocks or find too many rows, each with its
own bounds and words, and some merely run out of time. A refused range is halved until the node
answers, so the rows are the same however it was cut. The length that was answered is kept for
what follows, and tried longer again after some success. A single block that is refused ends the
reading: nothing is ever left out.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from chains.errors import SourceUnavailableError
from chains.ethereum.rpc.answers import a_list, an_object, block_hash, number
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, RpcRefusalError, Why
from chains.ethereum.rpc.chain import SeenChain
from chains.http import Patience

Topics: TypeAlias = Sequence[Sequence[bytes] | bytes | None]
"""At each of up to four places: any of these, this one, or whatever."""

MOST_ADDRESSES = 1_000
"""In one question; longer lists are asked for in several."""

_FIRST_LENGTH = 10_000
"""Blocks in the first question: what most nodes allow."""

_LONGEST = 1 << 20
_IN_SHORT = Patience(attempts=1, answer=60)
_INVALID = -32602
_INTERNAL = frozenset({-32000, -32603})
"""Codes under which range limits are found as well as everything else."""


def events(
    rpc: NodeRpc,
    chain: SeenChain,
    addresses: Sequence[bytes],
    topics: Topics,
    start: int,
    stop: int,
) -> Iterator[Json]:
    """Yield events of the blocks of heights `[start, stop)` in order of the chain, as JSON.

    No addresses mean any. Raises `SourceUnavailableError` where one block's events alone are
    refused, and `ChainChangedError` where the node has left the chain that was seen.
    """
    chain.check_heights(start, stop)
    groups = [
        addresses[first : first + MOST_ADDRESSES]
        for first in range(0, len(addresses), MOST_ADDRESSES)
    ] or [()]
    length, following = _FIRST_LENGTH, start
    while following < stop:
        last = min(following + length, stop)
        rows = _rows(rpc, chain, groups, topics, following, last)
        if isinstance(rows, RpcRefusalError):
            if last - following == 1:
                raise SourceUnavailableError(
                    f"{rpc.name} does not tell the events of block {following} even alone "
                    f"({rows.words}): name another node"
                )
            length = (last - following) // 2
            continue
        yield from rows
        following = last
        length = min(2 * length, _LONGEST)


def _rows(
    rpc: NodeRpc,
    chain: SeenChain,
    groups: Sequence[Sequence[bytes]],
    topics: Topics,
    first: int,
    stop: int,
) -> list[Json] | RpcRefusalError:
    """Return the events of a range, or the refusal because of which it is to be halved."""
    calls = [*(_call(group, topics, first, stop) for group in groups), chain.still_call()]
    if stop - first == 1:
        *answers, still = rpc.ask_all(calls)
    else:
        try:
            *answers, still = rpc.ask_all(calls, patience=_IN_SHORT)
        except RpcRefusalError:
            raise
        except SourceUnavailableError as error:
            # A node that ran out of time, or made too long an answer, may do with less. One that
            # is gone is noticed at the end of the halving.
            return RpcRefusalError(rpc.name, "eth_getLogs", 0, str(error))
    found: list[Json] = []
    for answer in answers:
        if isinstance(answer, RpcRefusalError):
            if not _is_about_the_range(answer):
                raise answer
            return answer
        found += _checked(answer, first, stop)
    chain.check(still)
    # Each event is emitted by one address, so groups share none.
    return sorted(found, key=_place) if len(groups) > 1 else found


def _call(addresses: Sequence[bytes], topics: Topics, first: int, stop: int) -> Call:
    wanted: dict[str, Json] = {"fromBlock": hex(first), "toBlock": hex(stop - 1)}
    if addresses:
        wanted["address"] = ["0x" + address.hex() for address in addresses]
    if topics:
        wanted["topics"] = [_shown(place) for place in topics]
    return Call(method="eth_getLogs", parameters=(wanted,))


def _shown(place: Sequence[bytes] | bytes | None) -> Json:
    if place is None:
        return None
    if isinstance(place, bytes):
        return "0x" + place.hex()
    return ["0x" + word.hex() for word in place]


def _is_about_the_range(refusal: RpcRefusalError) -> bool:
    if refusal.why in (Why.TOO_MUCH, Why.BUSY):
        return True
    return refusal.why is not Why.ABSENT and refusal.code in {_INVALID, *_INTERNAL}


def _checked(answer: Json, first: int, stop: int) -> list[Json]:
    """Return events that are where they were asked for; some nodes then answer with others."""
    if answer is None:
        raise SourceUnavailableError("the node's answer is not understood: eth_getLogs is null")
    rows = list(a_list(answer, "eth_getLogs"))
    places = [_place(row) for row in rows]
    if any(not first <= height < stop for height, _ in places) or places != sorted(set(places)):
        raise SourceUnavailableError(
            "the node's answer is not understood: events of other blocks than those that were "
            "asked for, or twice, or out of order"
        )
    return rows


def _place(row: Json) -> tuple[int, int]:
    told = an_object(row, "log")
    block_hash(told.get("blockHash"), "blockHash")
    return number(told.get("blockNumber"), "blockNumber"), number(told.get("logIndex"), "logIndex")
