"""Who held traced money, and what passed between them: the graph before it is simplified."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_tracing.explore import End, Turned
from arien_flows.account_tracing.ground import Pot
from arien_flows.account_tracing.stops import AT_SERVICES, Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.shapes import Certainty
from chains.ethereum.tables import NO_ACCOUNT
from heuristics.columns import BoolArray
from heuristics.wide import UInt64Array

_NOBODY = int(NO_ACCOUNT)


@dataclass(kw_only=True)
class Holder:
    """A holder of one asset."""

    id: str
    kind: str
    label: str
    asset: int
    suffix: str = ""
    """Tells holders of other assets than the source's apart, at the end of their ids."""

    hops: int = 0
    rank: int = 0
    """First transaction that brought traced money here."""

    address: str | None = None
    tag: str | None = None
    is_source: bool = False
    is_named: bool = False
    members: int = 1
    certainty: Certainty = "fact"
    entry: int = 0
    fees: int = 0
    returned: int = 0
    ends: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    transactions: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Link:
    """What passed from one holder to another."""

    start: int
    stop: int
    rule: str | None = None
    """Of a conversion."""

    amount: int = 0
    """What arrived."""

    gave: int = 0
    """What left: another number where it was converted."""

    movements: int = 0
    transactions: set[int] = field(default_factory=set)
    depends_on_policy: bool = False
    is_inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The whole graph."""

    holders: list[Holder]
    links: list[Link]


def parts_of(traced: Traced, words: Words) -> Parts:
    """Return all holders and what passed between them."""
    return _Gathering(traced, words).gathered()


class _Gathering:
    def __init__(self, traced: Traced, words: Words) -> None:
        self.traced, self.words = traced, words
        self.view = traced.search.ground.view
        self.by_entity = traced.request.level == "entity"
        self.places: dict[object, int] = {}
        self.holders: list[Holder] = []
        self.links: dict[tuple[int, int, str | None], Link] = {}
        self.mixed = _mixed(traced)
        self.sources = set(traced.sources.rows.tolist())

    def gathered(self) -> Parts:
        """Return the graph."""
        found, forward = self.traced.found, self.traced.request.is_forward
        for passed in found.carried:
            is_source = passed.row in self.sources
            if is_source:
                holder = self._entered(passed.receiver, passed.asset, passed.amount, passed.row)
                self.holders[holder].hops = 0
            if not (is_source and forward):
                self._transfer(
                    passed.giver, passed.receiver, passed.asset, passed.row, passed.traced,
                    passed.hops,
                )  # fmt: skip
        for turned in found.turned:
            self._conversion(turned.conversion.transaction, turned)
        for end in self.traced.ends:
            self._ended(end)
        return Parts(holders=self.holders, links=list(self.links.values()))

    def _entered(self, account: int, asset: int, amount: int, row: int) -> int:
        holder = self._holder(account, asset, 0, row)
        self.holders[holder].entry += amount
        self.holders[holder].is_source = True
        if self.holders[holder].kind in ("address", "entity"):
            self.holders[holder].kind = "source"
        return holder

    def _transfer(
        self, giver: int, receiver: int, asset: int, row: int, traced: int, hops: int
    ) -> None:
        forward = self.traced.request.is_forward
        start = self._holder(giver, asset, max(hops - 1, 0) if forward else hops, row)
        stop = self._holder(receiver, asset, hops if forward else max(hops - 1, 0), row)
        near = (giver if forward else receiver, asset)
        transaction = int(self.view.movements.transaction[row])
        self._link(start, stop, None, traced, traced, transaction, mixed=near in self.mixed)

    def _conversion(self, transaction: int, turned: Turned) -> None:
        it, forward = turned.conversion, self.traced.request.is_forward
        start = self._at(it.owner, it.gave, turned.hops, transaction)
        stop = self._at(it.owner, it.got, turned.hops, transaction)
        gave, got = (turned.traced, turned.came) if forward else (turned.came, turned.traced)
        near = (it.owner, it.gave if forward else it.got)
        self._link(
            start, stop, it.rule, got, gave, transaction,
            mixed=near in self.mixed, inferred=it.certainty == "inference",
        )  # fmt: skip

    def _ended(self, end: End) -> None:
        """Add an end where it lies, and the transfer that led there if it leads outside."""
        forward = self.traced.request.is_forward
        transaction = self.traced.transaction_of(end)
        if end.row is None:
            holder = self._at(end.account, end.asset, end.hops, transaction)
            self.holders[holder].ends[str(end.reason)] += end.traced
            return
        moved = self.view.movements
        giver, receiver = int(moved.giver[end.row]), int(moved.receiver[end.row])
        is_inside = end.reason in (Reason.FEE, Reason.RETAINTED, Reason.NEWLY_MINED,
                                   Reason.BEFORE_LEDGER)  # fmt: skip
        is_gas = end.reason is Reason.DESTROYED and receiver == _NOBODY
        if is_inside or is_gas or (not forward and end.reason is Reason.TIME_WINDOW):
            near = giver if forward else receiver
            holder = self._holder(near, end.asset, max(end.hops - 1, 0), end.row)
            if end.row in self.sources and end.reason is not Reason.RETAINTED:
                self._entered(near, end.asset, end.value, end.row)
            if end.reason is Reason.FEE or is_gas:
                self.holders[holder].fees += end.traced
            else:
                self.holders[holder].ends[str(end.reason)] += end.traced
            return
        self._ended_outside(end, giver, receiver, transaction)

    def _ended_outside(self, end: End, giver: int, receiver: int, transaction: int) -> None:
        forward = self.traced.request.is_forward
        near, far = (giver, receiver) if forward else (receiver, giver)
        is_source = end.row in self.sources
        row = end.row or 0
        if end.reason is Reason.BELOW_MIN:
            outer = self._small(near, end, row)
        elif end.reason is Reason.DESTROYED:
            outer = self._destroyed(end, row)
        else:
            outer = self._holder(far, end.asset, end.hops, row, end.reason)
        self.holders[outer].ends[str(end.reason)] += end.traced
        if is_source and forward:
            self.holders[outer].entry += end.value
            self.holders[outer].is_source = True
            return
        if is_source:
            self._entered(near, end.asset, end.value, row)
        inner = self._holder(near, end.asset, max(end.hops - 1, 0), row)
        start, stop = (inner, outer) if forward else (outer, inner)
        self._link(
            start, stop, None, end.traced, end.traced, transaction,
            mixed=(near, end.asset) in self.mixed,
        )  # fmt: skip

    def _link(
        self,
        start: int,
        stop: int,
        rule: str | None,
        amount: int,
        gave: int,
        transaction: int,
        *,
        mixed: bool,
        inferred: bool = False,
    ) -> None:
        link = self.links.setdefault((start, stop, rule), Link(start=start, stop=stop, rule=rule))
        link.amount += amount
        link.gave += gave
        link.movements += 1
        link.transactions.add(transaction)
        link.depends_on_policy |= mixed
        link.is_inferred |= inferred

    # --- holders

    def _holder(
        self, account: int, asset: int, hops: int, row: int, reason: Reason | None = None
    ) -> int:
        return self._at(account, asset, hops, int(self.view.movements.transaction[row]), reason)

    def _at(
        self, account: int, asset: int, hops: int, transaction: int, reason: Reason | None = None
    ) -> int:
        service = self.words.service(account) if reason in AT_SERVICES else None
        root = self.words.root(account) if self.by_entity and account != _NOBODY else account
        key: object = (root, asset)
        if service is not None:
            key = (service.label if self.by_entity else account, str(reason), asset)
        if key not in self.places:
            self.places[key] = len(self.holders)
            made = self._service(service.label, account, asset, reason) if service else (
                self._account(root, asset)
            )  # fmt: skip
            made.hops, made.rank = hops, transaction
            self.holders.append(made)
        found = self.holders[self.places[key]]
        found.hops, found.rank = min(found.hops, hops), min(found.rank, transaction)
        return self.places[key]

    def _service(self, label: str, account: int, asset: int, reason: Reason | None) -> Holder:
        kinds = {Reason.MIXER: "mixer", Reason.BRIDGE: "bridge"}
        suffix = self._suffix(asset)
        name = label if self.by_entity else self.words.address(account) or ""
        kind = "service" if reason is None else kinds.get(reason, "service")
        return Holder(
            id=f"service:{name}{suffix}" if kind == "service" else f"{kind}:{name}{suffix}",
            kind=kind,
            label=label,
            asset=asset,
            suffix=suffix,
            address=None if self.by_entity else name,
            tag=label,
            is_named=True,
            certainty="attribution",
        )

    def _account(self, root: int, asset: int) -> Holder:
        ground, suffix = self.traced.search.ground, self._suffix(asset)
        text = self.words.address(root) or "nobody"
        named = None if root == _NOBODY else ground.attribution.at(root, self.words.root(root))
        members = 1
        if self.by_entity and root != _NOBODY:
            members = len(ground.entities.members(root))
        tag = named.tag.label if named else None
        return Holder(
            id=f"{text}{suffix}",
            kind="entity" if members > 1 else "address",
            label=tag or text,
            asset=asset,
            suffix=suffix,
            address=self.words.address(root),
            tag=tag,
            is_named=named is not None,
            members=members,
            certainty="inference" if members > 1 else "fact",
        )

    def _small(self, near: int, end: End, row: int) -> int:
        inner = self._holder(near, end.asset, max(end.hops - 1, 0), row)
        key = ("small", inner)
        if key not in self.places:
            self.places[key] = len(self.holders)
            self.holders.append(
                Holder(
                    id=f"small:{self.holders[inner].id}",
                    kind="small",
                    label="",
                    asset=end.asset,
                    suffix=self.holders[inner].suffix,
                    hops=end.hops,
                    rank=int(self.view.movements.transaction[row]),
                    members=0,
                    certainty="inference",
                )
            )
        holder = self.holders[self.places[key]]
        holder.members += 1
        holder.label = f"{holder.members:,} small transfer{'s' * (holder.members != 1)}"
        return self.places[key]

    def _destroyed(self, end: End, row: int) -> int:
        key = ("destroyed", end.asset)
        if key not in self.places:
            self.places[key] = len(self.holders)
            self.holders.append(
                Holder(
                    id=f"destroyed{self._suffix(end.asset)}",
                    kind="destroyed",
                    label="destroyed",
                    asset=end.asset,
                    suffix=self._suffix(end.asset),
                    hops=end.hops,
                    rank=int(self.view.movements.transaction[row]),
                )
            )
        return self.places[key]

    def _suffix(self, asset: int) -> str:
        if asset == self.traced.sources.asset:
            return ""
        unit = self.words.unit(asset)
        return f"#{unit.contract or unit.asset}"


def _mixed(traced: Traced) -> set[Pot]:
    """Return balances in which traced and other money met: there the convention decides.

    A balance that only ever got wholly traced money gives such, by every convention.
    """
    found, forward = traced.found, traced.request.is_forward
    it, flow = found.explored, found.flow
    if flow is None:
        return set()
    inside = it.receiver_inside if forward else it.giver_inside
    account = it.receiver if forward else it.giver
    asset = it.columns.asset.copy()
    whole = _same(flow.carried, it.columns.amount)
    whole |= np.isin(it.row, traced.sources.rows) & (it.conversion < 0)
    turning = np.flatnonzero(it.conversion >= 0)
    # A conversion is a movement between two balances of its owner, each seen from its own side.
    asset[turning] = it.conversions.asset if forward else it.columns.asset[turning]
    rows = np.flatnonzero((inside | (it.conversion >= 0)) & ~whole)
    rows = rows[it.columns.amount[rows].any(axis=1)]
    mixed = set(zip(account[rows].tolist(), asset[rows].tolist(), strict=True))
    held = flow.opening if forward else flow.balance_at_end
    pots = np.flatnonzero(held.any(axis=1))
    mixed |= set(zip(flow.pots.account[pots].tolist(), flow.pots.asset[pots].tolist(), strict=True))
    named, grown = set(traced.sources.rows.tolist()), True
    while grown:
        before = len(mixed)
        for passed in found.carried:
            near, far = (passed.giver, passed.receiver) if forward else (
                passed.receiver, passed.giver
            )  # fmt: skip
            if (near, passed.asset) in mixed and passed.row not in named:
                mixed.add((far, passed.asset))
        for turned in found.turned:
            step = turned.conversion
            near, far = (step.gave, step.got) if forward else (step.got, step.gave)
            if (step.owner, near) in mixed:
                mixed.add((step.owner, far))
        grown = len(mixed) > before
    return mixed


def _same(left: UInt64Array, right: UInt64Array) -> BoolArray:
    same: BoolArray = (left == right).all(axis=1)
    return same
