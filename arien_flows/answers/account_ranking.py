"""What to look at next around an account: a ranking, never an amount (`heuristics.ranking`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_workspace import AccountReading
from arien_flows.amounts import counted
from arien_flows.attribution.snapshot import Attributed
from arien_flows.errors import InputError
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.passages.conversion import conversions_in
from arien_flows.passages.legs import NOBODY
from arien_flows.shapes import Certainty, ChainAnswer, Shape, Truncation
from chains.ethereum.tables import MovementKind
from chains.types import Int64Array
from heuristics.ranking import RULE, VERSION, Move, Ranked, Variant, rank
from heuristics.wide import to_ints

MOST_MOVES = 5_000
"""Accounts with more movements are ranked and not passed: they serve many people."""

MOST_AT_START = 200_000
"""The account that is asked about may have more than others, but not any number."""

MOST_LISTED = 1_000
MOST_PUSHES = 20_000

_MILLION = 1_000_000

_PASSES_VALUE = (
    MovementKind.CALL,
    MovementKind.CREATE,
    MovementKind.SELF_DESTRUCT,
    MovementKind.TOKEN,
    MovementKind.WRAP,
    MovementKind.UNWRAP,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRequest:
    """Where to begin, and how to share attention out. `InputError` for what makes no sense."""

    address: str
    asset: str | None = None
    """Symbol of a listed asset or contract; by default all of them, told apart."""

    by: str = "redirect"
    limit: int = 20
    budget: int = 500
    """Pushes: how often attention is passed on from an account."""

    def __post_init__(self) -> None:
        if self.by not in tuple(Variant):
            raise InputError(f"rule {self.by!r} is none of {', '.join(Variant)}")
        if not 1 <= self.limit <= MOST_LISTED:
            raise InputError(f"between 1 and {MOST_LISTED:,} accounts can be listed")
        if not 1 <= self.budget <= MOST_PUSHES:
            raise InputError(f"the budget must be between 1 and {MOST_PUSHES:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRequestShape(Shape):
    """The question as it was understood."""

    address: str
    """Where attention starts."""

    asset: str | None
    """What it goes along; none for all assets."""

    by: str
    """`redirect`, `time`, `weight` or `base`."""

    limit: int
    """Most accounts listed."""

    budget: int
    """Most pushes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedAccount(Shape):
    """An account that attention came to."""

    place: int
    """From 1."""

    address: str
    """With its checksum."""

    entity: str
    """First-seen account of its entity; itself where no rule joined it."""

    share_millionths: int
    """Share of the attention, in millionths, rounded down. It is no amount."""

    label: str | None
    """Name that a source gives it."""

    is_inherited: bool
    """The name was given to another account of the entity."""

    source: str | None
    """Who says so."""

    not_passed: str
    """Why attention was not passed on: `service`, `many_movements`; else empty."""

    certainty: Certainty = "inference"
    """The rank; the name is an attribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingAnswer(ChainAnswer):
    """What to look at next."""

    request: RankingRequestShape
    """The question, with every default filled in."""

    rule: str
    """`ranking`."""

    rule_version: int
    """Version of the rule that ranks."""

    statement: str
    """What the list is and is not."""

    ranked: tuple[RankedAccount, ...]
    """Most attention first, ties in the order in which the ledger met them."""

    found: int
    """Accounts that attention came to, listed or not."""

    start_millionths: int
    """What stayed at the account itself, in millionths."""

    unlisted_millionths: int
    """What is at accounts that are not listed."""

    pushes: int
    """How often attention was passed on."""

    movements: int
    """Movements looked at."""


def ranked(reading: AccountReading, request: RankingRequest) -> RankingAnswer:
    """Return which accounts to look at next around the one of the request.

    Raises
    ------
    InputError, NotFoundError
        If the address or the asset means nothing in this ledger.
    """
    view, variant = reading.view, Variant(request.by)
    start = view.find_account(request.address)
    asset = None if request.asset is None else chosen_asset(view, request.asset)
    if asset is None and variant in (Variant.WEIGHT, Variant.TIME):
        asset = NATIVE
    walk = _Walk(reading=reading, start=start, variant=variant, asset=asset)
    begun = _begun(view, start, asset)
    result = rank(start, begun, variant, walk.moves_of, request.budget)
    shape = RankingRequestShape(
        address=view.account_text(start),
        asset=None if asset is None else _asset_text(view, asset),
        by=variant.value,
        limit=request.limit,
        budget=request.budget,
    )
    return _answer(reading, shape, result, walk)


def _begun(view: AccountView, start: int, asset: int | None) -> Sequence[int]:
    """Return the assets that the start's attention is shared out among."""
    moved = view.index.assets_of(start).tolist()
    singular = (MovementKind.NFT, MovementKind.MULTI_TOKEN)
    begun = [number for number in moved if view.assets.standard[number] not in singular]
    if asset is not None:
        begun = [asset] if asset in begun else []
    if not begun:
        what = "anything that has an amount" if asset is None else _asset_text(view, asset)
        raise InputError(f"{view.account_text(start)} never gave or received {what}")
    return begun


def _asset_text(view: AccountView, asset: int) -> str:
    return asset_label(view.asset_facts[asset], view).name


@dataclass(kw_only=True)
class _Walk:
    """Reads the movements of accounts, as far as attention passes them."""

    reading: AccountReading
    start: int
    variant: Variant
    asset: int | None
    movements: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ended = set(burn_accounts(self.reading.view).tolist()) | {NOBODY}

    def service(self, account: int) -> Attributed | None:
        """Return the service that a source names there."""
        root = self.reading.entities.root_of(account)
        return self.reading.attribution.service_at(account, root)

    def moves_of(self, account: int) -> list[Move] | None:
        """Return the movements of an account; nothing where attention does not pass it."""
        view = self.reading.view
        if account != self.start and self.service(account) is not None:
            self.refused[account] = "service"
            return None
        # Where assets are told apart, money may have come over from any of them.
        only = None if self.variant is Variant.REDIRECT else self.asset
        rows = view.index.movements_of(account, only)
        if account != self.start and len(rows) > MOST_MOVES:
            self.refused[account] = "many_movements"
            return None
        if len(rows) > MOST_AT_START:
            raise InputError(
                f"{view.account_text(account)} has {len(rows):,} movements, more than "
                f"{MOST_AT_START:,}: it serves many people, and nothing around it can be ranked"
            )
        self.movements += len(rows)
        rows = rows[np.isin(view.movements.kind[rows], _PASSES_VALUE)]
        moves = self._converted(account, rows) if self.variant is Variant.REDIRECT else []
        gone = {row for move, conversion in moves for row in conversion}
        return [*(move for move, _ in moves), *self._plain(account, rows, gone)]

    def _plain(self, account: int, rows: Int64Array, gone: set[int]) -> list[Move]:
        columns = self.reading.view.movements
        moves = []
        for row, giver, receiver, asset, amount in zip(
            rows.tolist(),
            columns.giver[rows].tolist(),
            columns.receiver[rows].tolist(),
            columns.asset[rows].tolist(),
            to_ints(self.reading.view.amounts.of(rows)),
            strict=True,
        ):
            other = receiver if giver == account else giver
            if amount and row not in gone and giver != receiver and other not in self.ended:
                moves.append(Move(row, other, asset, amount, giver == account))
        return moves

    def _converted(self, account: int, rows: Int64Array) -> list[tuple[Move, tuple[int, ...]]]:
        """Return both sides of each conversion, with the rows that they stand for."""
        view = self.reading.view
        transactions = view.movements.transaction[rows].astype(np.int64)
        moves = []
        for it in conversions_in(view, np.unique(transactions)):
            if it.owner == account:
                order = max(it.rows)
                out = Move(order, account, it.gave, it.gave_amount, True, it.got)
                back = Move(order, account, it.got, it.got_amount, False, it.gave)
                moves += [(out, it.rows), (back, it.rows)]
        return moves


def _answer(
    reading: AccountReading, request: RankingRequestShape, result: Ranked, walk: _Walk
) -> RankingAnswer:
    shares = {it: share for it, share in result.score.items() if it != walk.start}
    order = sorted(shares, key=lambda account: (-shares[account], account))
    listed = tuple(
        _account(reading, place, account, shares[account], walk)
        for place, account in enumerate(order[: request.limit], 1)
    )
    cuts = (*_cuts(request, result, walk, len(order)), *reading.limits)
    view = reading.view
    return RankingAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        request=request,
        rule=RULE,
        rule_version=VERSION,
        statement=_statement(request, len(order)),
        ranked=listed,
        found=len(order),
        start_millionths=int(result.score.get(walk.start, 0.0) * _MILLION),
        unlisted_millionths=int(sum(shares[it] for it in order[request.limit :]) * _MILLION),
        pushes=result.pushes,
        movements=walk.movements,
    )


def _account(
    reading: AccountReading, place: int, account: int, share: float, walk: _Walk
) -> RankedAccount:
    view, root = reading.view, reading.entities.root_of(account)
    said = reading.attribution.at(account, root)
    # One that attention only came to late may be a service too.
    refused = walk.refused.get(account, "service" if walk.service(account) else "")
    return RankedAccount(
        place=place,
        address=view.account_text(account),
        entity=view.account_text(root),
        share_millionths=int(share * _MILLION),
        label=None if said is None else said.tag.label,
        is_inherited=said is not None and said.is_inherited,
        source=None if said is None else said.tag.source,
        not_passed=refused,
    )


def _statement(request: RankingRequestShape, found: int) -> str:
    what = "all assets" if request.asset is None else request.asset
    return (
        f"{counted(found, 'account')} around {request.address}, by where attention to {what} goes "
        f"(rule {RULE} {VERSION}, {request.by}). This says what to look at next; it says nothing "
        "about amounts, and nothing about guilt."
    )


def _cuts(
    request: RankingRequestShape, result: Ranked, walk: _Walk, found: int
) -> list[Truncation]:
    cuts = []
    if result.unexplored:
        cuts.append(
            Truncation(
                where="ranking",
                reason="budget",
                limit=request.budget,
                detail=f"{counted(result.unexplored, 'account')} with attention left were not "
                "looked behind: a larger --budget looks further",
            )
        )
    wide = sum(reason == "many_movements" for reason in walk.refused.values())
    if wide:
        cuts.append(
            Truncation(
                where="ranking",
                reason="many_movements",
                limit=MOST_MOVES,
                detail=f"{counted(wide, 'account')} with more movements than that: ranked, not "
                "looked behind",
            )
        )
    if found > request.limit:
        cuts.append(
            Truncation(
                where="ranked",
                reason="limit",
                limit=request.limit,
                detail=f"{request.limit:,} of {counted(found, 'account')} are listed",
            )
        )
    return cuts
