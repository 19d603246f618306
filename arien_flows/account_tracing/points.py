"""The last transfers on the chain that an order to a service would name.

A path that arrives at a service ends there; but the service knows whose account a transfer was
credited to, so the transfer, its transaction, its time and who paid it are what to ask about.
Transfers are grouped by the account of the service and by asset.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from arien_flows.account_tracing.answer import AccountServiceCoin, AccountServicePoint
from arien_flows.account_tracing.explore import End
from arien_flows.account_tracing.stops import AT_SERVICES, Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.amounts import Asset, coins, counted
from arien_flows.shapes import shown_time
from arien_flows.tracing.service_points import TEXT_COINS


def service_points(traced: Traced, words: Words) -> tuple[AccountServicePoint, ...]:
    """Return where paths ended at services, by asset, the largest traced sum first."""
    place = {asset: i for i, asset in enumerate(traced.assets)}
    groups: defaultdict[tuple[int, int, Reason], list[End]] = defaultdict(list)
    for end in traced.ends:
        if end.reason in AT_SERVICES and words.service(end.account) is not None:
            groups[end.asset, end.account, end.reason].append(end)
    order = sorted(
        groups.items(),
        key=lambda item: (place[item[0][0]], -sum(e.traced for e in item[1]), item[0]),
    )
    return tuple(_point(traced, words, *name, members) for name, members in order)


def _point(
    traced: Traced, words: Words, asset: int, account: int, reason: Reason, members: list[End]
) -> AccountServicePoint:
    service = words.service(account)
    if service is None:
        raise ValueError("a point needs a service")
    found = sorted(members, key=lambda e: (traced.transaction_of(e), e.row or 0))
    listed = tuple(_coin(traced, words, end) for end in found)
    point = AccountServicePoint(
        kind="deposit" if traced.request.is_forward else "withdrawal",
        label=service.label,
        concepts=service.concepts,
        reason=str(reason),
        source=service.source,
        confidence=service.confidence,
        tagged="inherited" if service.is_inherited else "direct",
        address=words.address(account) or "",
        entity=words.entity(account),
        value=str(sum(int(coin.value) for coin in listed)),
        traced=str(sum(int(coin.traced) for coin in listed)),
        first_time=min(coin.time for coin in listed),
        last_time=max(coin.time for coin in listed),
        coins=listed,
        text="",
        unit=words.unit(asset),
    )
    lines = _lines(point, listed, traced.request.policy, words.asset(asset))
    return replace(point, text="".join(f"{line}\n" for line in lines))


def _coin(traced: Traced, words: Words, end: End) -> AccountServiceCoin:
    transaction = traced.transaction_of(end)
    moved = traced.search.ground.view.movements
    other = None
    if end.row is not None:
        side = moved.giver if traced.request.is_forward else moved.receiver
        other = words.address(int(side[end.row]))
    return AccountServiceCoin(
        outpoint=None if end.row is None else words.movement(end.row),
        txid=words.txid(transaction),
        height=words.height(transaction),
        time=words.time(transaction),
        value=str(end.value),
        traced=str(end.traced),
        hops=end.hops,
        next=None,
        counterparty=other,
    )


def _lines(
    point: AccountServicePoint, listed: tuple[AccountServiceCoin, ...], policy: str, asset: Asset
) -> Iterator[str]:
    is_deposit = point.kind == "deposit"
    direct = "for this very address"
    joined = "for another address of its entity; that both are one is an inference"
    yield f"Ask {point.label} about the address {point.address}"
    yield (
        f"Named by {point.source} with confidence {point.confidence} of 100, "
        f"{direct if point.tagged == 'direct' else joined}."
    )
    first, last = shown_time(point.first_time), shown_time(point.last_time)
    when = f"at {first}" if first == last else f"from {first} to {last}"
    yield (
        f"{'Paid to it' if is_deposit else 'Paid out by it'} {when}: "
        f"{coins(point.value, asset)} in {counted(len(listed), 'transfer')}."
    )
    traced = coins(point.traced, asset)
    yield f"Traced money in it, by the {policy} convention (an inference): {traced}."
    for coin in listed[:TEXT_COINS]:
        name = coin.outpoint or coin.txid
        yield f"- {name}: {coins(coin.value, asset)}, of which traced {coins(coin.traced, asset)}"
        did = f"{'paid by' if is_deposit else 'paid to'} {coin.counterparty or 'nobody'}"
        yield (
            f"  {did} in block {coin.height:,}, header time {shown_time(coin.time)}, "
            f"hops {coin.hops}"
        )
    if len(listed) > TEXT_COINS:
        yield f"- and {len(listed) - TEXT_COINS:,} more transfers, which the answer lists"
    account = "was each transfer credited to" if is_deposit else "was each transfer paid out for"
    yield f"Which account {account}, and whose is it?"
