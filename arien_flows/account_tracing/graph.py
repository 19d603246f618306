"""The flow between holders as a graph, exact at every node, in the shapes of all traces.

A node is a holder of one asset: an entity (an account, where no rule joined it), or a service that
a tag names. Edges are transfers, and conversions from a holder's one asset to another. So at each
node what comes in equals what goes out, what ended there and what gas took, in one asset.

Amounts on this chain have up to 256 bits. Which nodes are shown and where they stand is decided by
their share of the whole, in whole parts of `SHARES`; what they are called and hold is exact.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from arien_flows.account_tracing.answer import AccountGraphEdge, AccountGraphNode
from arien_flows.account_tracing.graph_parts import Holder, Link, parts_of
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.tracing.flow_graph import KIND_SHIFT, NO_ANCHOR, FlowGraph, NodeKind
from arien_flows.tracing.graph_answer import Graph
from arien_flows.tracing.graph_text import MAX_TXIDS, shortened
from arien_flows.tracing.layout import layers, positions
from arien_flows.tracing.simplify import folded, largest
from chains.types import Int64Array

SHARES = 10**15
"""Parts of the whole in which shares are counted."""

_KINDS = {"service": NodeKind.SERVICE, "mixer": NodeKind.SERVICE, "bridge": NodeKind.SERVICE}


def describe_graph(traced: Traced, words: Words, limit: int | None) -> Graph:
    """Return the graph with about `limit` nodes, or in full; folds keep assets apart."""
    parts = parts_of(traced, words)
    weights = weights_of(traced)
    group = list(range(len(parts.holders)))
    anchors: dict[int, int | None] = {}
    if limit is not None and len(group) > limit:
        group, anchors = _folded(traced, parts.holders, parts.links, weights, limit)
    members: defaultdict[tuple[int, int], list[Holder]] = defaultdict(list)
    for holder, number in zip(parts.holders, group, strict=True):
        members[number, holder.asset].append(holder)
    nodes = [
        _merged(found, parts.holders, anchors.get(number),
                is_fold=number in anchors and len(found) > 1)
        for (number, _), found in members.items()
    ]  # fmt: skip
    place = {key: i for i, key in enumerate(members)}
    of_holder = [place[group[i], holder.asset] for i, holder in enumerate(parts.holders)]
    links = _joined(parts.links, of_holder, nodes)
    flow = _flow_graph(traced, nodes, links, weights)
    x, y = positions(flow, layers(flow))
    writer = _Writer(traced, words, nodes, links)
    return Graph(
        level=traced.request.level,
        nodes=tuple(writer.node(i, int(x[i]), int(y[i])) for i in range(len(nodes))),
        edges=tuple(writer.edge(link) for link in links),
        full_nodes=len(parts.holders),
        folded_nodes=sum(node.members for node in nodes if node.kind == "fold"),
    )


def weights_of(traced: Traced) -> dict[int, tuple[int, int]]:
    """Return share and sum of each asset: an asset has the share of what became it.

    An amount times the first, divided by the second, is its share of the whole.
    """
    sums = {a: traced.source_of(a) + traced.came(a) for a in traced.assets}
    share = {traced.sources.asset: SHARES}
    turned = traced.found.turned
    for each in turned:
        it = each.conversion
        near, far = (it.gave, it.got) if traced.request.is_forward else (it.got, it.gave)
        if far != traced.sources.asset:
            part = share.get(near, 0) * each.traced // max(sums[near], 1)
            share[far] = min(SHARES, share.get(far, 0) + part)
    return {asset: (max(share.get(asset, 1), 1), max(sums[asset], 1)) for asset in traced.assets}


def _merged(
    found: list[Holder], holders: list[Holder], anchor: int | None, *, is_fold: bool
) -> Holder:
    """Return one holder for several of one asset."""
    first = found[0]
    if len(found) == 1 and not is_fold:
        return first
    at = "" if anchor is None else f":{holders[anchor].id}"
    suffix = first.suffix
    merged = Holder(
        id=f"fold{at}{suffix}" if not at.endswith(suffix) or not suffix else f"fold{at}",
        kind="fold",
        label=f"{len(found):,} smaller branches",
        asset=first.asset,
        suffix=suffix,
        hops=min(each.hops for each in found),
        rank=min(each.rank for each in found),
        is_source=any(each.is_source for each in found),
        is_named=any(each.is_named for each in found),
        members=sum(each.members for each in found),
        certainty="inference",
    )
    for each in found:
        merged.entry += each.entry
        merged.fees += each.fees
        merged.returned += each.returned
        merged.transactions |= each.transactions
        for reason, amount in each.ends.items():
            merged.ends[reason] += amount
    return merged


def _joined(links: Iterable[Link], of_holder: list[int], nodes: list[Holder]) -> list[Link]:
    """Return links between nodes, parallel ones of the same kind as one."""
    joined: dict[tuple[int, int, str | None], Link] = {}
    for link in links:
        start, stop = of_holder[link.start], of_holder[link.stop]
        if start == stop:
            nodes[start].returned += link.amount
            continue
        into = joined.setdefault(
            (start, stop, link.rule), Link(start=start, stop=stop, rule=link.rule)
        )
        into.amount += link.amount
        into.gave += link.gave
        into.movements += link.movements
        into.transactions |= link.transactions
        into.depends_on_policy |= link.depends_on_policy
        into.is_inferred |= link.is_inferred
    return [joined[key] for key in sorted(joined, key=lambda k: (k[0], k[1], k[2] or ""))]


def _folded(
    traced: Traced,
    holders: list[Holder],
    links: list[Link],
    weights: dict[int, tuple[int, int]],
    limit: int,
) -> tuple[list[int], dict[int, int | None]]:
    """Return the node of each holder, and for each fold the holder that it hangs on."""
    graph = _flow_graph(traced, holders, links, weights)
    shown = folded(graph, largest(graph, limit))
    anchors: dict[int, int | None] = {}
    refs = shown.graph.ref.tolist()
    for number in np.flatnonzero(shown.graph.kind == NodeKind.FOLD).tolist():
        hangs = refs[number]
        anchors[number] = None if hangs == NO_ANCHOR else hangs & ((1 << KIND_SHIFT) - 1)
    return shown.group.tolist(), anchors


def _flow_graph(
    traced: Traced,
    holders: list[Holder],
    links: list[Link],
    weights: dict[int, tuple[int, int]],
) -> FlowGraph:
    """Return holders and links with their shares in the place of amounts."""
    count, sign = len(holders), 1 if traced.request.is_forward else -1

    def share(amount: int, asset: int) -> int:
        times, parts = weights[asset]
        return min(amount * times // parts, 2**50)

    def column(values: Iterable[int]) -> Int64Array:
        return np.fromiter(values, np.int64)

    none = np.zeros(count, np.int64)
    ends = [(i, share(sum(h.ends.values()), h.asset)) for i, h in enumerate(holders) if h.ends]
    pairs: defaultdict[tuple[int, int], int] = defaultdict(int)
    for link in links:
        if link.start != link.stop:
            pairs[link.start, link.stop] += share(link.amount, holders[link.stop].asset)
    no_flags = np.zeros(len(pairs), np.bool_)
    empty = np.empty(0, np.int64)
    return FlowGraph(
        kind=np.array([_KINDS.get(h.kind, NodeKind.HOLDER) for h in holders], np.uint8),
        ref=np.arange(count),
        column=column(sign * 2 * (h.hops + (not h.is_source)) for h in holders),
        rank=column(-(2**40) if h.is_source else sign * h.rank for h in holders),
        moment=column(h.rank for h in holders),
        is_source=np.array([h.is_source for h in holders], np.bool_),
        is_named=np.array([h.is_named for h in holders], np.bool_),
        entry=column(share(h.entry, h.asset) for h in holders),
        fee=column(share(h.fees, h.asset) for h in holders),
        returned=none,
        transactions=none,
        members=none + 1,
        end_node=column(node for node, _ in ends),
        end_reason=np.zeros(len(ends), np.uint8),
        end_amount=column(amount for _, amount in ends),
        end_coins=np.ones(len(ends), np.int64),
        edge_from=column(start for start, _ in pairs),
        edge_to=column(stop for _, stop in pairs),
        edge_amount=column(pairs.values()),
        edge_fee=np.zeros(len(pairs), np.int64),
        edge_coins=np.ones(len(pairs), np.int64),
        edge_by_policy=no_flags,
        edge_inherited=no_flags,
        via_from=empty,
        via_to=empty,
        via_transaction=empty,
        row_node=empty,
        row_key=empty,
    )


class _Writer:
    """Turns nodes and links into the shapes of answers."""

    def __init__(
        self, traced: Traced, words: Words, nodes: list[Holder], links: list[Link]
    ) -> None:
        self.traced, self.words, self.nodes = traced, words, nodes
        self.came: defaultdict[int, int] = defaultdict(int)
        self.went: defaultdict[int, int] = defaultdict(int)
        for link in links:
            self.went[link.start] += link.gave
            self.came[link.stop] += link.amount

    def node(self, i: int, x: int, y: int) -> AccountGraphNode:
        """Return one node."""
        it = self.nodes[i]
        ended = sum(it.ends.values())
        forward = self.traced.request.is_forward
        # Forward money enters at the sources and ends at the leaves, backward the reverse.
        begun, ended = (it.entry, ended) if forward else (ended, it.entry)
        through = max(self.came[i] + begun, self.went[i] + it.fees + ended)
        return AccountGraphNode(
            id=it.id,
            kind=it.kind,
            label=shortened(it.label) if it.label == it.address else it.label,
            address=it.address,
            txid=None,
            tag=it.tag,
            x=x,
            y=y,
            amount=str(through),
            entry=str(it.entry),
            fees=str(it.fees),
            returned=str(it.returned),
            transactions=0,
            members=it.members,
            ends={reason: str(it.ends[reason]) for reason in sorted(it.ends)},
            time=None,
            path=(),
            certainty=it.certainty,
            unit=self.words.unit(it.asset),
        )

    def edge(self, link: Link) -> AccountGraphEdge:
        """Return one edge."""
        transactions = sorted(link.transactions)
        ends = (self.nodes[link.start], self.nodes[link.stop])
        certainty = "fact"
        if any(each.is_named and each.kind in _KINDS for each in ends):
            certainty = "attribution"
        joined = any(each.members > 1 or each.kind == "fold" for each in ends)
        if link.depends_on_policy or link.is_inferred or joined:
            certainty = "inference"
        return AccountGraphEdge(
            source=ends[0].id,
            target=ends[1].id,
            amount=str(link.amount),
            fees="0",
            coins=link.movements,
            transactions=len(transactions),
            txids=tuple(self.words.txid(each) for each in transactions[:MAX_TXIDS]),
            first_time=self.words.time(transactions[0]),
            last_time=self.words.time(transactions[-1]),
            depends_on_policy=link.depends_on_policy,
            certainty=certainty,  # type: ignore[arg-type]
            unit=self.words.unit(ends[1].asset),
            gave=str(link.gave),
            rule=link.rule,
        )
