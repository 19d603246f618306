"""Chains that traces are asked about, and asking."""

from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.trace import AccountTraceResult, trace_accounts_in
from chains.ethereum.tables import EventKind
from tests.account_chains import ETHER, AccountChain, text_of
from tests.account_readings import SmallReading, reading_of

DOLLAR = 10**6
EXCHANGE = {"exchange": ("Big Exchange", "exchange")}
CONSERVING = ("fifo", "lifo", "haircut")


def theft() -> AccountChain:
    """Ten stolen ether meet ten others, are wrapped, swapped for dollars and paid in."""
    chain = AccountChain()
    chain.genesis(victim=10 * ETHER, thief=10 * ETHER, pool=100 * ETHER)
    chain.knows("WETH", "WETH", 18)
    chain.knows("USDC", "USDC", 6)
    chain.block()
    chain.pay("victim", "thief", 10 * ETHER)
    chain.block()
    with chain.transaction("thief", "WETH") as tx:
        tx.wrap("WETH", "thief", 12 * ETHER)
    chain.block()
    with chain.transaction("thief", "router") as tx:
        tx.token("WETH", "thief", "pool", 12 * ETHER)
        tx.token("USDC", "pool", "thief", 24_000 * DOLLAR)
        tx.event(EventKind.SWAP, "pool", "router", "thief")
    chain.block()
    chain.send("USDC", "thief", "deposit", 24_000 * DOLLAR)
    chain.block()
    chain.send("USDC", "deposit", "exchange", 24_000 * DOLLAR)
    return chain


def asked(
    reading: SmallReading, *sources: str, find_nothing: bool = False, **limits: object
) -> AccountTraceResult:
    """Trace in a reading; sources are names, or texts that mean something as they are."""
    named = tuple(text if ":" in text or text[:2] == "0x" else text_of(text) for text in sources)
    request = AccountTraceRequest(sources=named, **limits)  # type: ignore[arg-type]
    more = {"conversions_in": lambda *_: ()} if find_nothing else {}
    return trace_accounts_in(
        reading.view,
        request,
        entities=reading.entities,
        attribution=reading.attribution,
        **more,  # type: ignore[arg-type]
    )


def of(chain: AccountChain, *sources: str, **limits: object) -> AccountTraceResult:
    """Trace in a chain without names."""
    return asked(reading_of(chain), *sources, **limits)


def stolen(chain: AccountChain) -> str:
    """Return the movement by which the thief of `theft` got the money."""
    return f"{chain.tx_hash(1, 0)}:0"


def ends_of(result: AccountTraceResult) -> dict[tuple[str, str], int]:
    """Return what ended, by the asset's name and the reason."""
    found: dict[tuple[str, str], int] = {}
    for each in result.answer.assets:
        totals = each.totals
        ended = dict(totals.by_reason) | {"fees": totals.fees, "destroyed": totals.destroyed}
        found |= {(each.unit.asset, why): int(n) for why, n in ended.items() if n != "0"}
    return found
