"""Round by round into the balances that traced money comes to, until a rule holds every path.

A round runs the accounting over all balances that were looked into, so its amounts are those of the
whole ledger as far as these balances go. Then every balance that money came to, and that no rule
stops at, is looked into, those with the largest share first and ties by number, as long as the
budget lasts. Taint never shrinks when more is known, so what was looked into stays right.
"""

from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_tracing.explored import (
    BEFORE,
    Explored,
    explored_movements,
    key_of,
)
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.sources import Sources
from arien_flows.account_tracing.stops import Reached, Reason, Stops
from arien_flows.account_tracing.window import Window
from arien_flows.passages.conversion import Conversion
from chains.types import Int64Array
from heuristics.account_events import FeeMode, Movement
from heuristics.account_taint import AccountFlow, AccountQuestion, trace_accounts
from heuristics.wide import to_ints

_SHARES = 10**18
"""Shares are compared in parts of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Traced money in one movement."""

    at: int
    """Place among the explored movements."""

    row: int
    """Movement of the ledger, or `BEFORE`."""

    giver: int
    receiver: int
    asset: int
    amount: int
    """The whole movement, in base units."""

    traced: int
    hops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Traced money in one conversion."""

    conversion: Conversion
    traced: int
    """Of what was given (backward: got)."""

    came: int
    """Of what was got (backward: given)."""

    hops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where traced money of one movement, or of one balance, ended."""

    reason: Reason
    account: int
    asset: int
    row: int | None
    """The movement; nothing for what lies in a balance that many movements made."""

    value: int
    """The whole movement or balance."""

    traced: int
    hops: int
    transaction: int | None = None
    """That of the conversion by which it came to the balance, where one did."""


@dataclass(kw_only=True)
class Found:
    """What one run over the explored balances says."""

    explored: Explored
    flow: AccountFlow | None
    """Nothing where no source's balance was looked into."""

    carried: list[Passed] = field(default_factory=list)
    """Into balances that were looked into, sources included."""

    ends: list[End] = field(default_factory=list)
    """All that ended inside."""

    outside: dict[Pot, list[Passed]] = field(default_factory=dict)
    """What came to (backward: from) balances that were not looked into."""

    waiting: dict[Pot, list[Turned]] = field(default_factory=dict)
    """Conversions into balances that were not looked into."""

    turned: list[Turned] = field(default_factory=list)
    depth: dict[Pot, int] = field(default_factory=dict)
    """Least number of transfers from a source, of balances that traced money came to."""


class Exploration:
    """The state of one search."""

    def __init__(
        self, ground: Ground, request: AccountTraceRequest, sources: Sources, window: Window
    ) -> None:
        self.ground, self.request, self.sources, self.window = ground, request, sources, window
        self.pots: set[Pot] = set()
        self.rows: Int64Array = np.empty(0, np.int64)
        self.looked_at = 0
        """Movements of the balances that were looked into, each counted for each of them."""

        self.conversions: dict[tuple[int, ...], Conversion] = {}
        self._asked: Int64Array = np.empty(0, np.int64)
        self.stops = Stops(ground, request, window, sources.accounts)
        self.reasons: dict[Pot, Reason] = {}
        self.timed_out = False
        self._deadline = None if request.seconds is None else monotonic() + request.seconds

    @property
    def is_forward(self) -> bool:
        """Whether money is followed to where it went."""
        return self.request.is_forward

    @property
    def least_of_source(self) -> int:
        """The smallest amount of the source's asset that is followed."""
        is_coin = self.sources.asset == NATIVE
        return self.request.smallest_followed(self.sources.total, is_coin=is_coin)

    def explore(self) -> Found:
        """Look into balances until a rule holds every path; return the last run."""
        found = self._run()
        while True:
            grown = self._look_into(found)
            if not grown:
                return found
            self._find_conversions()
            found = self._run()

    # --- which balances

    def _look_into(self, found: Found) -> bool:
        """Look into what was reached, as far as rules and budget let; tell whether any was."""
        reached = self._reached(found)
        totals = self._asset_totals(found)
        reached.sort(key=lambda r: (-(r.traced * _SHARES // max(totals[r.pot[1]], 1)), r.pot))
        self.reasons = {}
        entered: list[Int64Array] = []
        for each in reached:
            reason = self.stops.reason(each, self._least(each.pot[1], totals))
            if reason is None and self._is_over():
                self.timed_out, reason = True, Reason.BUDGET
            if reason is None:
                cost = self.stops.cost(each.pot)
                reason = Reason.BUDGET if self.looked_at + cost > self.request.budget else None
            if reason is not None:
                self.reasons[each.pot] = reason
                continue
            entered.append(self._enter(each.pot))
        self.rows = np.unique(np.concatenate([self.rows, *entered]))
        return len(entered) > 0

    def _reached(self, found: Found) -> list[Reached]:
        pots = {*found.outside, *found.waiting}
        told = []
        for pot in pots:
            passed, turned = found.outside.get(pot, []), found.waiting.get(pot, [])
            told.append(
                Reached(
                    pot=pot,
                    traced=sum(each.traced for each in passed) + sum(t.came for t in turned),
                    hops=min([each.hops for each in passed] + [each.hops for each in turned]),
                )
            )
        return told

    def _asset_totals(self, found: Found) -> dict[int, int]:
        """Return how much of each asset is traced: the source, and what came by conversion."""
        totals = {self.sources.asset: self.sources.total}
        for turned in found.turned:
            asset = self._far_asset(turned.conversion)
            totals[asset] = totals.get(asset, 0) + turned.came
        return totals

    def _least(self, asset: int, totals: dict[int, int]) -> int:
        """Return the smallest amount of an asset that is followed: the same share of each."""
        least = self.least_of_source
        if asset == self.sources.asset:
            return least
        return max(1, totals.get(asset, 0) * least // max(self.sources.total, 1))

    def _enter(self, pot: Pot) -> Int64Array:
        """Look into a balance, and return its movements."""
        rows = self.ground.view.index.movements_of(*pot)
        self.looked_at += len(rows)
        inside = rows[(rows >= self.window.first_row) & (rows < self.window.past_row)]
        self.pots.add(pot)
        return inside

    def _is_over(self) -> bool:
        return self._deadline is not None and monotonic() >= self._deadline

    # --- conversions

    def _find_conversions(self) -> None:
        """Ask for the conversions in which explored balances take part on their near side."""
        moved, sources = self.ground.view.movements, self.sources.rows
        keys = self._keys()
        near = moved.giver if self.is_forward else moved.receiver
        side = near[self.rows].astype(np.int64) << 32 | moved.asset[self.rows]
        rows = self.rows[np.isin(side, keys)]
        rows = rows[rows >= sources[0]] if self.is_forward else rows[rows <= sources[-1]]
        transactions = np.unique(moved.transaction[rows].astype(np.int64))
        fresh = np.setdiff1d(transactions, self._asked)
        self._asked = np.union1d(self._asked, fresh)
        declared = set(sources.tolist())
        for each in self.ground.find_conversions(self.ground.view, fresh):
            # Who names what somebody got for another asset asks for that, and not for the other.
            if declared.isdisjoint(each.rows) and self._fits(each):
                self.conversions[each.rows] = each

    def _fits(self, conversion: Conversion) -> bool:
        rows = conversion.rows
        return self.window.first_row <= min(rows) and max(rows) < self.window.past_row

    def _applied(self) -> list[Conversion]:
        """Return the conversions of explored balances, in chain order."""
        chosen = [each for each in self.conversions.values() if self._near(each) in self.pots]
        return sorted(chosen, key=lambda each: (max(each.given_rows), each.rows))

    def _near(self, each: Conversion) -> Pot:
        return each.owner, each.gave if self.is_forward else each.got

    def _far(self, each: Conversion) -> Pot:
        return each.owner, self._far_asset(each)

    def _far_asset(self, each: Conversion) -> int:
        return each.got if self.is_forward else each.gave

    def _keys(self) -> Int64Array:
        return np.array(sorted(map(key_of, self.pots)), np.int64)

    # --- the accounting

    def _run(self) -> Found:
        explored = explored_movements(
            self.ground, self._keys(), self.rows, self._applied(), self.window,
            self.request.gas_code,
        )  # fmt: skip
        entered = self._entered(explored)
        if len(entered) == 0:
            return self._read(explored, None, set())
        question = AccountQuestion(
            direction=self.request.direction_code,
            policy=self.request.policy_code,
            declared=entered,
            colours=np.ones(len(entered), np.int64),
            gas_order=self.request.gas_code,
            fee_mode=FeeMode.TRACK_COINBASE if self.request.follows_tips else FeeMode.TRACK,
            infer_opening=True,
        )
        flow = trace_accounts(explored.columns, question, explored.conversions)
        return self._read(explored, flow, set(entered.tolist()))

    def _entered(self, explored: Explored) -> Int64Array:
        """Return where sources stand whose near balance was looked into."""
        is_source = np.isin(explored.row, self.sources.rows) & (explored.conversion < 0)
        inside = explored.receiver_inside if self.is_forward else explored.giver_inside
        found: Int64Array = np.flatnonzero(is_source & inside)
        return found

    def _read(self, explored: Explored, flow: AccountFlow | None, entered: set[int]) -> Found:
        return _Reader(self, explored, flow, entered).found


class _Reader:
    """Reads what a run says, movement by movement, in the order in which money passed."""

    def __init__(
        self,
        exploration: Exploration,
        explored: Explored,
        flow: AccountFlow | None,
        entered: set[int],
    ) -> None:
        self.search, self.explored, self.entered = exploration, explored, entered
        self.depth: dict[Pot, int] = {}
        self.found = Found(explored=explored, flow=flow, depth=self.depth)
        if flow is not None:
            self._movements(flow)
            self._balances(flow)
        self._outside_sources()

    def _movements(self, flow: AccountFlow) -> None:
        traced = np.flatnonzero(flow.carried.any(axis=1))
        order = np.union1d(traced, np.array(sorted(self.entered), np.int64))
        it = self.explored
        order = order if self.search.is_forward else order[::-1]
        carried = to_ints(flow.carried[order])
        amounts = to_ints(it.columns.amount[order])
        turns = np.cumsum(it.conversion >= 0) - 1
        rows = zip(
            order.tolist(),
            it.row[order].tolist(),
            it.kind[order].tolist(),
            it.giver[order].tolist(),
            it.receiver[order].tolist(),
            it.columns.asset[order].tolist(),
            amounts,
            carried,
            strict=True,
        )
        for at, row, kind, giver, receiver, asset, amount, taint in rows:
            if kind == Movement.CONVERSION:
                came = to_ints(flow.came[turns[at] : turns[at] + 1])[0]
                self._conversion(it.applied[int(it.conversion[at])], taint, came)
                continue
            self._movement(
                Passed(
                    at=at, row=row, giver=giver, receiver=receiver, asset=asset, amount=amount,
                    traced=taint, hops=0,
                ),
                kind,
            )  # fmt: skip

    def _movement(self, passed: Passed, kind: int) -> None:
        """Take in one movement: the part that was traced before, and the source that it may be."""
        forward, asset = self.search.is_forward, passed.asset
        near = passed.giver if forward else passed.receiver
        far = passed.receiver if forward else passed.giver
        hops = self.depth.get((near, asset), -1) + 1
        passed = replace(passed, hops=hops)
        if passed.at in self.entered:
            if passed.traced:
                self._end(Reason.RETAINTED, near, passed)
            self._reach((far, asset), 0)
            self.found.carried.append(replace(passed, traced=passed.amount, hops=0))
            return
        if self.explored.exchanged[passed.at]:
            self._end(Reason.EXCHANGED, far, passed)
        elif kind == Movement.GAS_TIP and not self.search.request.follows_tips:
            self._end(Reason.FEE, near, passed)
        elif kind == Movement.GAS_TIP and far in self.search.ground.burnt:
            self._end(Reason.DESTROYED, far, passed)
        elif kind in (Movement.BURN, Movement.GAS_BURNT):
            self._end(Reason.DESTROYED, far if kind == Movement.BURN else near, passed)
        elif kind == Movement.CREDIT:
            self._end(Reason.NEWLY_MINED, near, passed)
        elif kind == Movement.OPENING:
            is_cut = passed.row == BEFORE
            self._end(Reason.TIME_WINDOW if is_cut else Reason.BEFORE_LEDGER, near, passed)
        elif (far, asset) in self.search.pots:
            self._reach((far, asset), hops)
            self.found.carried.append(passed)
        else:
            self.found.outside.setdefault((far, asset), []).append(passed)

    def _conversion(self, conversion: Conversion, traced: int, came: int) -> None:
        near, far = self.search._near(conversion), self.search._far(conversion)
        hops = self.depth.get(near, 0)
        turned = Turned(conversion=conversion, traced=traced, came=came, hops=hops)
        self.found.turned.append(turned)
        if far in self.search.pots:
            self._reach(far, hops)
        elif came:
            self.found.waiting.setdefault(far, []).append(turned)

    def _reach(self, pot: Pot, hops: int) -> None:
        self.depth[pot] = min(self.depth.get(pot, hops), hops)

    def _end(self, reason: Reason, account: int, passed: Passed) -> None:
        self.found.ends.append(
            End(
                reason=reason,
                account=account,
                asset=passed.asset,
                row=None if passed.row == BEFORE else passed.row,
                value=passed.amount,
                traced=passed.traced,
                hops=passed.hops,
            )
        )

    def _balances(self, flow: AccountFlow) -> None:
        """Take in what lies in balances: forward at the end, backward before the beginning."""
        column = flow.tainted if self.search.is_forward else flow.from_opening
        held = flow.balance if self.search.is_forward else flow.opening
        places = np.flatnonzero(column.any(axis=1))
        pots = zip(
            flow.pots.account[places].tolist(), flow.pots.asset[places].tolist(), strict=True
        )
        amounts = zip(to_ints(held[places]), to_ints(column[places]), strict=True)
        for pot, (value, traced) in zip(pots, amounts, strict=True):
            if pot not in self.search.pots:
                continue  # what a conversion brought there is waiting
            at_rest = self.search.is_forward
            self.found.ends.append(
                End(
                    reason=self.search.stops.at_rest(pot) if at_rest else Reason.BEFORE_LEDGER,
                    account=pot[0],
                    asset=pot[1],
                    row=None,
                    value=value,
                    traced=traced,
                    hops=self.depth.get(pot, 0),
                )
            )

    def _outside_sources(self) -> None:
        """Take in sources whose near balance was not looked into."""
        search = self.search
        view, asset = search.ground.view, search.sources.asset
        known = {int(self.explored.row[at]) for at in self.entered}
        rows = np.array([r for r in search.sources.rows.tolist() if r not in known], np.int64)
        columns = view.movement_columns(rows)
        facts = zip(
            rows.tolist(), columns.kind.tolist(), columns.giver.tolist(),
            columns.receiver.tolist(), to_ints(columns.amount), strict=True,
        )  # fmt: skip
        for row, kind, giver, receiver, amount in facts:
            passed = Passed(
                at=-1, row=row, giver=giver, receiver=receiver, asset=asset, amount=amount,
                traced=amount, hops=0,
            )  # fmt: skip
            far = receiver if search.is_forward else giver
            is_burnt = kind == Movement.BURN or receiver in search.ground.burnt
            if search.is_forward and is_burnt:
                self._end(Reason.DESTROYED, receiver, passed)
            elif not search.is_forward and kind == Movement.CREDIT:
                self._end(Reason.NEWLY_MINED, receiver, passed)
            elif not search.is_forward and kind == Movement.OPENING:
                self._end(Reason.BEFORE_LEDGER, receiver, passed)
            else:
                self.found.outside.setdefault((far, asset), []).append(passed)
