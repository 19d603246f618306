"""Call frames of a transaction, from both shapes in which nodes trace it.

`callTracer` (geth and others) nests frames in their callers and, asked for logs, says between
which calls each event was emitted. The `trace_` methods (Parity's, also Erigon, Nethermind, anvil)
list frames flat, each with its place in the tree. Only frames that took effect come out: a frame
with an error is dropped with everything under it, whether the ones under it bear an error or not,
and whether a result stands beside the error or not.

A call that runs code in the caller's place (`DELEGATECALL`, `CALLCODE`) or may change nothing
(`STATICCALL`) moves no value, though a trace may show its caller's value with it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chains.errors import MalformedBlockError
from chains.ethereum.quantities import (
    UINT256,
    Fields,
    a_list,
    an_object,
    quantity,
    quantity_of,
    quantity_or,
    raw,
    raw_or_none,
)
from chains.ethereum.tables import MovementKind

_KINDS = {
    "CALL": MovementKind.CALL,
    "CREATE": MovementKind.CREATE,
    "CREATE2": MovementKind.CREATE,
    "SELFDESTRUCT": MovementKind.SELF_DESTRUCT,
}
_MOVES_NOTHING = ("DELEGATECALL", "CALLCODE", "STATICCALL")


class Frame(NamedTuple):
    """A frame that took effect and may move value."""

    sequence: int
    kind: MovementKind
    giver: bytes
    gets: bytes
    """Who is called, created, or made heir by a self-destruct."""

    value: int
    code: bytes | None
    """What a creation left at the new address."""


class LogPlace(NamedTuple):
    """An event at its place among the frames."""

    sequence: int
    contract: bytes


class Frames(NamedTuple):
    """One transaction."""

    succeeded: bool
    frames: list[Frame]
    logs: list[LogPlace] | None
    """Nothing where the trace does not place the events."""


def frames_of_tree(root: Fields) -> Frames:
    """Read what `callTracer` says of a transaction."""
    frames: list[Frame] = []
    logs: list[LogPlace] = []
    is_placed = True
    pending: list[tuple[bool, Fields]] = [(False, root)]
    sequence = 0
    while pending:
        is_log, item = pending.pop()
        if is_log:
            logs.append(LogPlace(sequence, raw(item, "address", 20)))
        elif not item.get("error"):
            frames.extend(_tree_frame(item, sequence))
            children, told = _children(item)
            is_placed &= told
            pending.extend(reversed(children))
        sequence += 1
    return Frames(not root.get("error"), frames, logs if is_placed else None)


def _tree_frame(frame: Fields, sequence: int) -> Iterable[Frame]:
    kind = _KINDS.get(str(frame.get("type")))
    if kind is None:
        if frame.get("type") not in _MOVES_NOTHING:
            raise MalformedBlockError(f"type of a call is {ascii(frame.get('type'))[:40]}")
        return
    if kind == MovementKind.SELF_DESTRUCT and frame.get("value") is None:
        # anvil leaves value and heir out where nothing moves; the first tracers left out all.
        if frame.get("from") is None:
            raise MalformedBlockError(
                "a self-destruct without its contract: the node's tracer is too old to follow money"
            )
        return
    code = raw_or_none(frame, "output") if kind == MovementKind.CREATE else None
    yield Frame(
        sequence,
        kind,
        raw(frame, "from", 20),
        raw(frame, "to", 20),
        quantity_or(frame, "value", 0, UINT256),
        (code or b"") if kind == MovementKind.CREATE else None,
    )


def _children(frame: Fields) -> tuple[list[tuple[bool, Fields]], bool]:
    """Return calls and events under a frame, in order, and whether the events' places are known."""
    calls = [an_object(call, "calls") for call in a_list(frame.get("calls") or [], "calls")]
    logs = [an_object(log, "logs") for log in a_list(frame.get("logs") or [], "logs")]
    ordered: list[tuple[bool, Fields]] = []
    done = 0
    for log in logs:
        position = _position(log)
        if position is None:
            return [(False, call) for call in calls], False
        if not done <= position <= len(calls):
            raise MalformedBlockError(f"position of an event is {position} among the calls")
        ordered.extend((False, call) for call in calls[done:position])
        ordered.append((True, log))
        done = position
    ordered.extend((False, call) for call in calls[done:])
    return ordered, True


def _position(log: Fields) -> int | None:
    value = log.get("position")
    # Some nodes write this one number in decimal.
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return quantity_of(value, "position")


def frames_of_list(rows: Sequence[Fields]) -> Frames:
    """Read what a `trace_` method says of a transaction."""
    placed = sorted(((_address_of(row), row) for row in rows), key=lambda pair: pair[0])
    if not placed or placed[0][0]:
        raise MalformedBlockError("traceAddress: the transaction's own call is missing")
    frames: list[Frame] = []
    failed: tuple[int, ...] | None = None
    for sequence, (address, row) in enumerate(placed):
        if failed is not None and address[: len(failed)] == failed:
            continue
        if row.get("error"):
            failed = address
            continue
        frames.extend(_list_frame(row, sequence))
    return Frames(not placed[0][1].get("error"), frames, None)


def _address_of(row: Fields) -> tuple[int, ...]:
    address = a_list(row.get("traceAddress"), "traceAddress")
    found = tuple(step for step in address if isinstance(step, int) and step >= 0)
    if len(found) != len(address):
        raise MalformedBlockError(f"traceAddress is {ascii(address)[:40]}")
    return found


def _list_frame(row: Fields, sequence: int) -> Iterable[Frame]:
    action, kind = an_object(row.get("action"), "action"), row.get("type")
    if kind == "call":
        if action.get("callType", "call") == "call":
            yield Frame(
                sequence,
                MovementKind.CALL,
                raw(action, "from", 20),
                raw(action, "to", 20),
                quantity(action, "value", UINT256),
                None,
            )
    elif kind == "create":
        result = an_object(row.get("result"), "result")
        yield Frame(
            sequence,
            MovementKind.CREATE,
            raw(action, "from", 20),
            raw(result, "address", 20),
            quantity(action, "value", UINT256),
            raw_or_none(result, "code") or b"",
        )
    elif kind in ("suicide", "selfdestruct"):
        yield Frame(
            sequence,
            MovementKind.SELF_DESTRUCT,
            raw(action, "address", 20),
            raw(action, "refundAddress", 20),
            quantity(action, "balance", UINT256),
            None,
        )
    else:
        raise MalformedBlockError(f"type of a trace is {ascii(kind)[:40]}")
