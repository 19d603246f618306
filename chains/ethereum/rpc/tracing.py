"""Whether a node traces: tells what contracts moved while they ran.

No block commits to that, so it must be computed by executing the transactions again, which not
every node does for others. Two families of methods are known. `debug_traceBlockByNumber` with the
tracer `callTracer` tells calls as a tree, and where the node honours `withLog` also between which
calls each event was emitted: the only form that gives the order of coins and tokens within a
transaction, so it is preferred. `trace_block` tells calls as rows. Where a node offers neither,
value that contracts moved is missing from the ledger, which says so in every answer.
"""

from collections.abc import Mapping
from enum import StrEnum

from chains.errors import SourceUnavailableError
from chains.ethereum.rpc.calls import Call, Json, NodeRpc, Outcome, RpcRefusalError, Why
from chains.http import Patience


class Tracing(StrEnum):
    """The methods by which a node is asked for calls; what `?traces=` of a URI may say."""

    DEBUG = "debug"
    """`debug_traceBlockByNumber` with `callTracer`."""

    TRACE = "trace"
    """`trace_block`."""

    NONE = "none"
    """Not at all."""


MISSING_NOTE = (
    "{name} does not trace (it offers neither debug_traceBlockByNumber nor trace_block): coins "
    "that contracts moved will be missing from the ledger; name a node that traces to have them"
)
UNUSED_NOTE = (
    "{name} is not asked for traces (?traces=none): coins that contracts moved will be missing "
    "from the ledger"
)

_TIMEOUT = "280s"
"""For the node's own work on one block; beyond it we would not wait for the answer."""


def trace_call(tracing: Tracing, height: int) -> Call:
    """Return the call that traces a block."""
    if tracing is Tracing.TRACE:
        return Call(method="trace_block", parameters=(hex(height),))
    options: dict[str, Json] = {
        "tracer": "callTracer",
        "tracerConfig": {"withLog": True},
        "timeout": _TIMEOUT,
    }
    return Call(method="debug_traceBlockByNumber", parameters=(hex(height), options))


def choose_tracing(rpc: NodeRpc, tip: int, patience: Patience) -> Tracing:
    """Ask a node for traces of its last block, and return the best way that it offers."""
    # Of the genesis block, which executes nothing, some refuse them.
    ways = (Tracing.DEBUG, Tracing.TRACE)
    for way in ways:
        if _offers(rpc.ask_all([trace_call(way, max(tip, 1))], patience=patience)[0]):
            return way
    return Tracing.NONE


def _offers(answer: Outcome) -> bool:
    if not isinstance(answer, RpcRefusalError):
        # A node that ignores the tracer's name answers with the steps of the machine.
        return isinstance(answer, list) and not any(_is_steps(item) for item in answer)
    return answer.why is not Why.ABSENT and not _is_closed(answer)


def _is_steps(item: Json) -> bool:
    result = item.get("result") if isinstance(item, Mapping) else None
    return isinstance(result, Mapping) and "structLogs" in result


def _is_closed(refusal: RpcRefusalError) -> bool:
    """Tell whether a refusal is about who asks; services say it in many ways."""
    return any(word in refusal.words.lower() for word in ("plan", "upgrade", "permission", "tier"))


def traces_of(name: str, height: int, answer: Outcome) -> list[Json]:
    """Return a block's traces as they came, or raise what to do about their absence."""
    if isinstance(answer, RpcRefusalError):
        if answer.why is Why.STATE_GONE:
            raise SourceUnavailableError(
                f"{name} has not kept the state that tracing block {height} begins with: name an "
                "archive node, begin later with --from, or go without traces by ?traces=none"
            )
        raise answer
    if not isinstance(answer, list):
        raise SourceUnavailableError(f"{name} has no traces of block {height}; run again later")
    for item in answer:
        if isinstance(item, Mapping) and "result" not in item and "txHash" in item:
            raise SourceUnavailableError(
                f"{name} could not trace a transaction of block {height}: run again, or name "
                "another node"
            )
    return list(answer)
