"""The trace of a block, in either shape, held against the block's transactions and receipts."""

from collections.abc import Sequence
from typing import NamedTuple

from chains.errors import MalformedBlockError
from chains.ethereum.decode.answers import StatedBlock, StatedTransaction
from chains.ethereum.decode.frames import Frames, LogPlace, frames_of_list, frames_of_tree
from chains.ethereum.decode.rewards import Reward
from chains.ethereum.quantities import UINT256, Fields, a_list, an_object, quantity, raw
from chains.ethereum.tables import MovementKind


class BlockTrace(NamedTuple):
    """What a trace tells of a block."""

    frames: list[Frames]
    """One entry for each transaction."""

    rewards: list[Reward]
    """Empty where the trace tells none."""


def read_trace(answer: object, block: StatedBlock) -> BlockTrace:
    """Read the trace of a block; `MalformedBlockError` says where it is wrong."""
    try:
        rows = [an_object(row, "trace") for row in a_list(answer, "trace")]
        is_flat = bool(rows) and "action" in rows[0]
        trace = _from_list(rows, block) if is_flat else _from_trees(rows, block)
        checked = [
            _checked(at, one, traced)
            for at, (one, traced) in enumerate(zip(block.transactions, trace.frames, strict=True))
        ]
        return trace._replace(frames=checked)
    except MalformedBlockError as error:
        raise MalformedBlockError(f"block {block.height}: {error}") from None


def _from_trees(rows: Sequence[Fields], block: StatedBlock) -> BlockTrace:
    if len(rows) != len(block.transactions):
        raise MalformedBlockError(
            f"{len(block.transactions)} transactions and traces of {len(rows)}"
        )
    return BlockTrace([frames_of_tree(_root(row)) for row in rows], [])


def _root(row: Fields) -> Fields:
    if "result" in row:
        return an_object(row["result"], "result")
    if row.get("error"):
        raise MalformedBlockError(f"the node could not trace it: {ascii(row['error'])[:200]}")
    return row


def _from_list(rows: Sequence[Fields], block: StatedBlock) -> BlockTrace:
    own: list[list[Fields]] = [[] for _ in block.transactions]
    rewards = []
    for row in rows:
        if row.get("type") == "reward":
            action = an_object(row.get("action"), "action")
            paid = Reward(raw(action, "author", 20), quantity(action, "value", UINT256))
            rewards.append(paid)
            continue
        position = row.get("transactionPosition")
        if not isinstance(position, int) or not 0 <= position < len(own):
            raise MalformedBlockError(f"transactionPosition is {ascii(position)[:40]}")
        own[position].append(row)
    return BlockTrace([frames_of_list(one) for one in own], rewards)


def _checked(at: int, one: StatedTransaction, traced: Frames) -> Frames:
    """Return the trace of a transaction if it is one of that transaction.

    The receipt's word about success counts. Places of events are dropped unless they are those of
    the receipt's events.
    """
    if one.status is not None and one.status != traced.succeeded:
        raise MalformedBlockError(
            f"transaction {at}: the trace and the receipt do not agree on whether it succeeded"
        )
    if traced.succeeded:
        root = traced.frames[0] if traced.frames else None
        if root is None or root.giver != one.sender or root.value != one.value:
            raise MalformedBlockError(f"transaction {at}: the trace is of something else")
        if (root.kind == MovementKind.CREATE) != one.is_creation or root.gets != one.receiver:
            raise MalformedBlockError(f"transaction {at}: the trace is of another receiver")
    return traced._replace(logs=_agreed(one, traced.logs))


def _agreed(one: StatedTransaction, places: list[LogPlace] | None) -> list[LogPlace] | None:
    if places is None:
        # A transaction without events has nothing to be placed.
        return None if one.logs else []
    is_same = [place.contract for place in places] == [log.contract for log in one.logs]
    return places if is_same else None
