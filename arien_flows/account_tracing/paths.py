"""The entry point for connections between accounts: `find_account_paths` answers one question.

Connections are rows of accounts in which each paid the next after it had been paid. "No path
within these limits" is an answer: it states the limits, and whether everything within them was
seen.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_tracing.answer import Unit
from arien_flows.account_tracing.ground import Ground, Pot
from arien_flows.account_tracing.paths_amounts import Share, arrived_by_policy, crossed_by
from arien_flows.account_tracing.paths_answer import (
    VERSION,
    AccountConnection,
    AccountPathAnswer,
    AccountPathRequestShape,
    PathBarred,
    PathLeg,
    PathSearched,
    PathShare,
)
from arien_flows.account_tracing.paths_best import Best, Connection, best_connections
from arien_flows.account_tracing.paths_ends import AccountEnd, end_of
from arien_flows.account_tracing.paths_request import AccountPathRequest
from arien_flows.account_tracing.paths_search import MOST_MOVES, Legs, Search, Seek, Step
from arien_flows.account_tracing.sources import movement_text
from arien_flows.account_tracing.window import Window
from arien_flows.amounts import Asset, coins, counted
from arien_flows.errors import InputError
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.shapes import Certainty, Truncation, shown_time
from arien_flows.tracing.texts import moment
from chains.ethereum.tables import MovementKind
from heuristics import account_taint
from heuristics.passage_rules import CONVERSIONS, VERSIONS
from heuristics.taint import Stop

SHOWN_BARRED = 100

_SINGULAR = (MovementKind.NFT, MovementKind.MULTI_TOKEN)


def find_account_paths(ground: Ground, request: AccountPathRequest) -> AccountPathAnswer:
    """Find the connections over which money can have gone from one end to the other.

    Raises
    ------
    InputError
        If the question cannot be answered; says what to change.
    NotFoundError
        If the ledger does not hold an end, or no source names it.
    """
    view = ground.view
    _ = view.tip  # an empty ledger says so here
    origin, destination = end_of(ground, request.origin), end_of(ground, request.destination)
    _check_ends(origin, destination)
    asset = None if request.asset is None else chosen_asset(view, request.asset)
    if asset is not None and view.assets.standard[asset] in _SINGULAR:
        raise InputError("a token with an identity is not an amount: look at its own movements")
    window = _window(ground, request)
    legs = _search(ground, request, origin, destination, asset, window)
    best = best_connections(
        legs,
        origin.holds,
        destination.holds,
        by_value=request.by == "value",
        limit=request.limit,
        max_hops=request.max_hops,
        least=request.min_value,
    )
    return _Telling(ground, request, origin, destination, asset, legs, best, window).answer()


def _check_ends(origin: AccountEnd, destination: AccountEnd) -> None:
    if not origin.is_listed and not destination.is_listed:
        raise InputError(
            f"neither {origin.text} nor {destination.text} can be searched from: name an address "
            "or an entity at one end"
        )
    for one, other in ((origin, destination), (destination, origin)):
        if one.is_listed and any(map(other.holds, one.accounts)):
            raise InputError(
                f"{origin.text} and {destination.text} have accounts in common: name two different "
                "owners"
            )


def _window(ground: Ground, request: AccountPathRequest) -> Window:
    view = ground.view
    first, past = 0, view.counts.movements
    starts, times = view.transactions.first_movement, view.blocks.time
    blocks = view.blocks.first_transaction
    if request.since is not None:
        since = -int(-request.since.timestamp() // 1)
        first = int(starts[blocks[np.searchsorted(times, since, "left")]])
    if request.until is not None:
        until = int(request.until.timestamp())
        past = int(starts[blocks[np.searchsorted(times, until, "right")]])
    is_limited = first > 0 or past < view.counts.movements
    return Window(first_row=first, past_row=past, is_limited=is_limited, dormant_before=0)


def _search(
    ground: Ground,
    request: AccountPathRequest,
    origin: AccountEnd,
    destination: AccountEnd,
    asset: int | None,
    window: Window,
) -> Legs:
    seek = Seek(
        origin=origin.accounts if origin.is_listed else frozenset(),
        destination=destination.accounts if destination.is_listed else frozenset(),
        is_origin=origin.holds,
        is_destination=destination.holds,
        assets=None if asset is None else frozenset([asset]),
        max_hops=request.max_hops,
        budget=request.budget,
        first_row=window.first_row,
        past_row=window.past_row,
    )
    denied = set(ground.denied.tolist())
    nowhere = set(ground.burns.tolist())
    stops = "services" not in request.through

    def bar(account: int) -> str | None:
        if stops:
            named = _service(ground, account)
            if named:
                return named
        return "contract" if account in denied else None

    return Search(ground.view, seek, bar, ground.find_conversions, nowhere).run()


def _service(ground: Ground, account: int) -> str | None:
    """Return what kind of service a source says is there."""
    said = ground.attribution.service_at(account, ground.entities.root_of(account))
    if said is None:
        return None
    stops = ground.attribution.stops()
    own = np.flatnonzero(ground.attribution.service_address == account)
    root = np.flatnonzero(ground.attribution.service_root == ground.entities.root_of(account))
    stop = Stop(int(stops[0][own[0]] if len(own) else stops[1][root[0]]))
    return {Stop.MIXER: "mixer", Stop.BRIDGE: "bridge"}.get(stop, "service")


class _Telling:
    """Puts what was found into the shapes of the answer."""

    def __init__(
        self,
        ground: Ground,
        request: AccountPathRequest,
        origin: AccountEnd,
        destination: AccountEnd,
        asset: int | None,
        legs: Legs,
        best: Best,
        window: Window,
    ) -> None:
        self.ground, self.request, self.view = ground, request, ground.view
        self.origin, self.destination, self.asset = origin, destination, asset
        self.legs, self.best, self.window = legs, best, window

    def answer(self) -> AccountPathAnswer:
        cuts = (*self._cuts(), *self._of_the_ledger())
        return AccountPathAnswer(
            as_of=self.view.as_of(),
            complete=not cuts,
            truncations=cuts,
            request=self._shape(),
            statement=self._statement(),
            searched=PathSearched(
                movements=self.legs.movements,
                origin_balances=self.legs.pots_ahead,
                destination_balances=self.legs.pots_back,
                ended=self.legs.ended,
                exhaustive=self.legs.exhaustive and not self.best.cut,
                certain_hops=self._certain_hops(),
            ),
            connections=tuple(self._connection(each) for each in self.best.connections),
            more=self.best.more,
            policies=tuple(self._policies()),
            barred=tuple(self._barred()),
            rules={
                "account_paths": VERSION,
                "account_taint": account_taint.VERSION,
                **{name: VERSIONS[name] for name in CONVERSIONS},
            },
        )

    # --- connections

    def _connection(self, each: Connection) -> AccountConnection:
        legs = tuple(
            self._leg(giver, receiver, passed)
            for (giver, receiver), passed in zip(pairwise(each.pots), each.passed, strict=True)
        )
        is_fact = all(leg.certainty == "fact" for leg in legs)
        return AccountConnection(
            hops=each.hops,
            unit=self._unit(each.pots[-1][1]),
            carried=str(each.carried),
            from_unit=self._unit(each.pots[0][1]),
            from_origin=str(each.from_origin),
            legs=legs,
            certainty="fact" if is_fact else "inference",
        )

    def _leg(self, giver: Pot, receiver: Pot, passed: int) -> PathLeg:
        steps, view = self.legs.by_giver[giver][receiver], self.view
        said = self.ground.attribution.at(
            receiver[0], root := self.ground.entities.root_of(receiver[0])
        )
        times = view.times_of(
            view.movements.transaction[np.array([steps[0].order, steps[-1].order])]
        )
        turned = [step.conversion for step in steps if step.conversion is not None]
        return PathLeg(
            kind="conversion" if turned else "transfer",
            giver=view.account_text(giver[0]),
            receiver=view.account_text(receiver[0]),
            receiver_entity=view.account_text(root),
            receiver_label=None if said is None else said.tag.label,
            gave=self._unit(giver[1]),
            got=self._unit(receiver[1]),
            gave_amount=str(sum(step.gave for step in steps)),
            got_amount=str(sum(step.got for step in steps)),
            carried=str(passed),
            count=len(steps),
            first=self._movement(steps[0]),
            first_time=moment(int(times[0])),
            last_time=moment(int(times[1])),
            rules=tuple(sorted({each.rule for each in turned})),
            certainty=_certainty([each.certainty for each in turned]),
        )

    def _movement(self, step: Step) -> str:
        return movement_text(self.view, step.order)

    def _unit(self, asset: int) -> Unit:
        label = asset_label(self.view.asset_facts[asset], self.view)
        shown = label.asset
        return Unit(asset=shown.name, decimals=shown.decimals, contract=label.contract)

    # --- what came over them

    def _policies(self) -> Iterator[PathShare]:
        crossed = crossed_by(self.legs, self.best.connections)
        told = arrived_by_policy(
            self.ground, crossed, self.origin.holds, self.destination.holds, self.window
        )
        for name, shares in told.items():
            for asset in sorted(shares):
                yield self._share(name, asset, shares[asset])

    def _share(self, policy: str, asset: int, share: Share) -> PathShare:
        return PathShare(
            policy=policy,
            unit=self._unit(asset),
            source=str(share.source),
            converted_in=str(share.converted_in),
            arrived=str(share.arrived),
            returned=str(share.returned),
            elsewhere=str(share.elsewhere),
            held=str(share.held),
            fees=str(share.fees),
            destroyed=str(share.destroyed),
            converted_out=str(share.converted_out),
        )

    def _barred(self) -> Iterator[PathBarred]:
        reasons = {pot[0]: reason for pot, reason in sorted(self.legs.barred.items())}
        for account in sorted(reasons)[:SHOWN_BARRED]:
            if self.origin.holds(account) or self.destination.holds(account):
                continue
            said = self.ground.attribution.at(account, self.ground.entities.root_of(account))
            yield PathBarred(
                address=self.view.account_text(account),
                reason=reasons[account],
                label=None if said is None else said.tag.label,
            )

    # --- limits

    def _certain_hops(self) -> int:
        if self.legs.exhaustive:
            return self.request.max_hops
        return self.legs.ahead + self.legs.back

    def _cuts(self) -> Iterator[Truncation]:
        request = self.request
        if self.legs.ended == "budget":
            yield Truncation(
                where="search",
                reason="budget",
                limit=request.budget,
                detail=f"{self._sure()}; a larger --budget looks further",
            )
        elif self.legs.ended == "met":
            yield Truncation(
                where="search",
                reason="hop_limit",
                limit=request.max_hops,
                detail=f"connections of more than {counted(request.max_hops, 'transfer')} were "
                "not looked for",
            )
        if self.best.cut:
            yield Truncation(
                where="connections",
                reason="too_many",
                detail="there are so many ways that the list was ended early: lower --max-hops",
            )
        elif self.best.more:
            yield Truncation(
                where="connections",
                reason="limit",
                limit=request.limit,
                detail=f"{counted(len(self.best.connections), 'connection')} listed, there are "
                "more; amounts by policy are of those listed",
            )
        wide = sum(reason == "many_movements" for reason in self.legs.barred.values())
        if wide:
            yield Truncation(
                where="search",
                reason="many_movements",
                limit=MOST_MOVES,
                detail=f"{counted(wide, 'balance')} with more movements than that not passed",
            )

    def _of_the_ledger(self) -> tuple[Truncation, ...]:
        fetched = self.ground.fetched
        return limits_of(self.view) if fetched is None else fetched.limits

    def _sure(self) -> str:
        used = f"the budget of {counted(self.request.budget, 'movement')} was used up"
        hops = self._certain_hops()
        if not hops:
            return f"{used} before the first step was finished"
        return f"{used}; every path of at most {counted(hops, 'transfer')} was found"

    def _statement(self) -> str:
        between = f"from {self.origin.text} to {self.destination.text}"
        within = self._within()
        found = len(self.best.connections)
        if not found:
            seen = (
                f"Not everything within them was looked at: {self._sure()}."
                if self.legs.ended == "budget"
                else "Everything within them was looked at."
            )
            return f"No path {between} within these limits: {within}. {seen}"
        first = self.best.connections[0]
        unit = self._unit(first.pots[-1][1])
        amount = coins(first.carried, Asset(name=unit.asset, decimals=unit.decimals))
        which = "It" if found == 1 else "The first one"
        number = f"{'more than ' if self.best.more else ''}{counted(found, 'path')}"
        return (
            f"{number} {between} within these limits: {within}. {which} has "
            f"{counted(first.hops, 'transfer')} and can have carried at most {amount}."
        )

    def _within(self) -> str:
        request = self.request
        parts = [
            f"at most {counted(request.max_hops, 'transfer')} long",
            f"{counted(request.budget, 'movement')} looked at",
        ]
        if self.asset is not None:
            unit = self._unit(self.asset)
            least = coins(request.min_value, Asset(name=unit.asset, decimals=unit.decimals))
            parts.append(f"at least {least} given by the origin")
        if request.since is not None:
            parts.append(f"not before {shown_time(request.since)}")
        if request.until is not None:
            parts.append(f"not after {shown_time(request.until)}")
        if "services" not in request.through:
            parts.append("not through a service")
        return ", ".join(parts)

    def _shape(self) -> AccountPathRequestShape:
        request = self.request
        contract = None if self.asset is None else self._unit(self.asset).contract
        return AccountPathRequestShape(
            origin=request.origin,
            destination=request.destination,
            asset=None if self.asset is None else contract or self.view.network.coin,
            by=request.by,
            limit=request.limit,
            max_hops=request.max_hops,
            min_value=str(request.min_value),
            since=request.since,
            until=request.until,
            budget=request.budget,
            through=tuple(sorted(set(request.through))),
        )


def _certainty(parts: list[Certainty]) -> Certainty:
    return "fact" if all(part == "fact" for part in parts) else "inference"
