"""What may have become of money that went into a mixer: on request only, and kept apart.

A trace stops at a mixer. Asked for candidates, it says besides which withdrawals the rules of
`heuristics.mixer_links` join with a deposit, and how sure they can be. None of it is part of any
amount, and nothing that joins accounts reads it. A deposit without a candidate is as good hidden as
the pool's later withdrawals are many.

Points of the mixer's own reward programme were claimed inside proofs that a ledger of events does
not show, so the rule about them speaks only where claims are given.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from arien_flows.account_ledger.asset_names import asset_label
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.view import AccountView
from arien_flows.passages.mixer_pools import Pools, relayer_of
from arien_flows.shapes import Certainty, Shape
from chains.ethereum.tables import MovementKind
from chains.types import Int64Array
from heuristics import mixer_links
from heuristics.mixer_links import Deposit, Link, Support, Withdrawal
from heuristics.wide import to_ints

MOST_DEPOSITS = 50
"""Deposits for which candidates are looked for."""

MOST_CANDIDATES = 100
"""Candidates listed for a deposit."""

MOST_MOVEMENTS = 20_000
"""Accounts that moved the coin more often than this are not asked whom they met."""

RULES = dict.fromkeys(sorted(mixer_links.CONFIDENCE), mixer_links.VERSION)

_MEETS = (MovementKind.CALL, MovementKind.CREATE, MovementKind.SELF_DESTRUCT)
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerHint(Shape):
    """One rule that speaks for a candidate."""

    rule: str
    """Its name."""

    percent: int
    """How sure it can be at most, by this program's caps; not a measured rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerCandidate(Shape):
    """A withdrawal that may be of the deposited money."""

    txid: str
    """Transaction of the withdrawal."""

    height: int
    """Of its block."""

    time: datetime
    """Of its block."""

    recipient: str
    """Who was paid out."""

    relayer: str | None
    """Who was paid for sending it; none where the recipient or a friend sent it."""

    fee: str
    """What the relayer kept, in base units; the recipient got the rest of the pool's amount."""

    hints: tuple[MixerHint, ...]
    """What speaks for it."""

    equals: int
    """Deposits that are supported as well for this withdrawal, this one among them."""

    confidence_millionths: int
    """All hints together, shared out among equals, rounded down."""

    certainty: Certainty = "inference"
    """That the two belong together is an inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerInference(Shape):
    """The candidates behind one deposit."""

    txid: str
    """Transaction of the deposit."""

    height: int
    """Of its block."""

    time: datetime
    """Of its block."""

    pool: str
    """The pool's contract."""

    asset: str
    """What it takes."""

    decimals: int
    """Of the asset."""

    amount: str
    """What every deposit pays, in base units."""

    depositor: str
    """Who paid it."""

    possible: int
    """Later withdrawals of the pool: among these it is, or it was not taken out yet."""

    candidates: tuple[MixerCandidate, ...]
    """Those that rules speak for, the surest first; at most 100."""

    unlisted: int
    """Others past these."""

    certainty: Certainty = "inference"
    """That a rule speaks for it is an inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerInferences(Shape):
    """What was asked for with `demix`; not part of any total."""

    rules: dict[str, int]
    """The rules that speak here, with their versions."""

    deposits: tuple[MixerInference, ...]
    """In chain order; at most 50."""

    unasked: int
    """Deposits past these."""

    asked_apart: int
    """Accounts that moved money too often to be asked whom they met."""


def mixer_inferences(
    view: AccountView,
    transactions: Int64Array,
    claims: Mapping[int, Sequence[int]] | None = None,
) -> MixerInferences | None:
    """Return the candidates behind the deposits that transactions made; nothing where none did.

    `claims` has points of the mixer's reward programme by account.
    """
    pools = Pools(view=view)
    wanted = set(transactions.tolist())
    asked = [it for it in pools.deposits if int(view.events.transaction[it.number]) in wanted]
    if not asked:
        return None
    search = _Search(pools, claims or {})
    shown = asked[:MOST_DEPOSITS]
    supports = search.supports(shown)
    return MixerInferences(
        rules=RULES,
        deposits=tuple(_inference(pools, it, supports) for it in shown),
        unasked=len(asked) - len(shown),
        asked_apart=len(search.apart),
    )


class _Search:
    """Finds what speaks for pairs, asking no more of the ledger than it has to."""

    def __init__(self, pools: Pools, claims: Mapping[int, Sequence[int]]) -> None:
        self._pools, self._claims = pools, claims
        self.apart: set[int] = set()

    def supports(self, asked: Sequence[Deposit]) -> dict[Link, Support]:
        """Return the support of every pair of a withdrawal that speaks for an asked deposit.

        A withdrawal's other deposits are looked at too, because they share its confidence.
        """
        pools = self._pools
        met = self._meetings({it.account for it in asked})
        first = self._hints(asked, pools.withdrawals, met)
        found = {withdrawal for hints in first.values() for _, withdrawal in hints}
        withdrawals = [it for it in pools.withdrawals if it.number in found]
        met = self._meetings({it.account for it in withdrawals})
        return mixer_links.combined(self._hints(pools.deposits, withdrawals, met))

    def _hints(
        self,
        deposits: Sequence[Deposit],
        withdrawals: Sequence[Withdrawal],
        met: Mapping[tuple[int, int], int],
    ) -> dict[str, mixer_links.Hints]:
        """Return what each rule says of pairs of these deposits and withdrawals.

        Rules about whole pools and whole days look at all there is, and are cut afterwards.
        """
        every, taken = self._pools.deposits, self._pools.withdrawals
        whole = {
            mixer_links.GAS_PRICE: mixer_links.by_gas_price(every, taken),
            mixer_links.COUNTS: mixer_links.by_counts(every, taken),
        }
        here = {it.number for it in deposits}
        there = {it.number for it in withdrawals}
        hints = {
            rule: {
                link: sure for link, sure in said.items() if link[0] in here and link[1] in there
            }
            for rule, said in whole.items()
        }
        hints[mixer_links.ADDRESS] = mixer_links.by_address(deposits, withdrawals)
        hints[mixer_links.LINKED] = mixer_links.by_meetings(deposits, withdrawals, met)
        hints[mixer_links.MINING] = mixer_links.by_points(
            deposits, withdrawals, self._claims, self._rates()
        )
        return hints

    def _rates(self) -> dict[int, int]:
        """Return the points per block of pools of listed assets."""
        rates = {}
        for pool in self._pools.by_account.values():
            label = asset_label(self._pools.view.asset_facts[pool.asset], self._pools.view)
            if label.standing not in ("coin", "listed") or label.decimals is None:
                continue
            key = (label.symbol, _plain(pool.amount, label.decimals))
            if key in mixer_links.POINTS_PER_BLOCK:
                rates[pool.account] = mixer_links.POINTS_PER_BLOCK[key]
        return rates

    def _meetings(self, accounts: Iterable[int]) -> dict[tuple[int, int], int]:
        """Return in how many transactions accounts exchanged the coin with others, by pair."""
        view, met = self._pools.view, Counter[tuple[int, int]]()
        for account in sorted(accounts):
            if view.index.totals(account, NATIVE).movements > MOST_MOVEMENTS:
                self.apart.add(account)
                continue
            rows = view.index.movements_of(account, NATIVE)
            giver, receiver = view.movements.giver[rows], view.movements.receiver[rows]
            other = np.where(giver == account, receiver, giver)
            # A tip to who made the block is a movement too, and no meeting.
            kinds = np.isin(view.movements.kind[rows], _MEETS)
            paid = np.flatnonzero(kinds & view.amounts.of(rows).any(axis=1))
            transaction = view.movements.transaction[rows]
            together = set(zip(other[paid].tolist(), transaction[paid].tolist(), strict=True))
            for friend, count in Counter(friend for friend, _ in together).items():
                met[min(account, friend), max(account, friend)] = count
        return dict(met)


def _plain(amount: int, decimals: int) -> str:
    """Return an amount without zeros at its end: 0.1."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _inference(pools: Pools, deposit: Deposit, supports: dict[Link, Support]) -> MixerInference:
    view, pool = pools.view, pools.by_account[deposit.pool]
    later = [it for it in pools.withdrawals if it.pool == deposit.pool and it.order > deposit.order]
    mine = [(it, supports[deposit.number, it.number]) for it in later
            if (deposit.number, it.number) in supports]  # fmt: skip
    mine.sort(key=lambda pair: (-pair[1].confidence, pair[0].order))
    unit = asset_label(view.asset_facts[pool.asset], view).asset
    return MixerInference(
        txid=view.transaction_text(int(view.events.transaction[deposit.number])),
        height=deposit.height,
        time=_moment(deposit.time),
        pool=view.account_text(deposit.pool),
        asset=unit.name,
        decimals=unit.decimals,
        amount=str(pool.amount),
        depositor=view.account_text(deposit.account),
        possible=len(later),
        candidates=tuple(_candidate(view, *pair) for pair in mine[:MOST_CANDIDATES]),
        unlisted=max(0, len(mine) - MOST_CANDIDATES),
    )


def _candidate(view: AccountView, it: Withdrawal, support: Support) -> MixerCandidate:
    relayer = relayer_of(view, it.number)
    return MixerCandidate(
        txid=view.transaction_text(int(view.events.transaction[it.number])),
        height=it.height,
        time=_moment(it.time),
        recipient=view.account_text(it.account),
        relayer=None if relayer is None else view.account_text(relayer),
        fee=str(to_ints(view.events.amount[it.number : it.number + 1])[0]),
        hints=tuple(MixerHint(rule=rule, percent=sure) for rule, sure in support.hints),
        equals=support.equals,
        confidence_millionths=_millionths(support.confidence),
    )


def _millionths(fraction: Fraction) -> int:
    return fraction.numerator * _MILLION // fraction.denominator


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
