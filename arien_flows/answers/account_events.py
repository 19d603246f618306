"""Events that move nothing, as answers show them: approvals, swaps, what mixers tell."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.account_ledger.view import AccountView
from arien_flows.answers.account_facts import AssetShape, Shapes, text_of
from arien_flows.shapes import Shape
from chains.ethereum.tables import NO_ACCOUNT, EventKind
from heuristics.wide import to_ints

UNLIMITED = 1 << 255
"""Approvals of this and more are meant to have no end."""

EventName = Literal[
    "approval", "approval_for_all", "swap", "mixer_deposit", "mixer_withdrawal", "user_operation",
    "safe_execution", "delegation", "bridge",
]  # fmt: skip

_NAMES: dict[EventKind, EventName] = {
    EventKind.APPROVAL: "approval",
    EventKind.APPROVAL_FOR_ALL: "approval_for_all",
    EventKind.SWAP: "swap",
    EventKind.MIXER_DEPOSIT: "mixer_deposit",
    EventKind.MIXER_WITHDRAWAL: "mixer_withdrawal",
    EventKind.USER_OPERATION: "user_operation",
    EventKind.SAFE_EXECUTION: "safe_execution",
    EventKind.DELEGATION: "delegation",
    EventKind.BRIDGE: "bridge",
}

_WITH_AMOUNT = (
    EventKind.APPROVAL,
    EventKind.MIXER_DEPOSIT,
    EventKind.MIXER_WITHDRAWAL,
    EventKind.USER_OPERATION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnswer(Shape):
    """An event that moves nothing; what a contract says may be untrue."""

    kind: EventName
    """What it tells."""

    contract: str | None
    """Who emitted it; nothing for a delegation, which the chain itself tells."""

    accounts: tuple[str, ...]
    """Accounts that it names: of an approval the owner and who may take; of a swap who paid and
    who received; of a mixer's withdrawal the recipient and the relayer; of a user operation its
    sender and paymaster; of a delegation the account and whose code it runs."""

    amount: str | None
    """In base units: of an approval what may be taken, of a mixer's withdrawal the relayer's fee,
    of a user operation what it cost. Of a mixer's deposit its place among the pool's leaves."""

    unlimited: bool
    """Whether an approval has no end that anybody could reach."""

    asset: AssetShape | None
    """What the amount counts, where the ledger knows that."""

    word: str | None
    """What identifies it, as `0x` and 64 digits: a commitment, a nullifier's hash, the hash of an
    operation, the identifier of a bridge."""

    succeeded: bool | None
    """Of a user operation whether it took effect; of others nothing."""

    leaves_chain: bool | None
    """Of a bridge whether money leaves this chain, or arrives; of others nothing."""

    log_index: int | None
    """Place of the event in the block; nothing for what no log tells."""


def event_answers(view: AccountView, rows: range, shapes: Shapes) -> tuple[EventAnswer, ...]:
    """Return events as answers show them, in the order given."""
    amounts = to_ints(view.events.amount[rows.start : rows.stop])
    return tuple(
        _event(view, row, amount, shapes) for row, amount in zip(rows, amounts, strict=True)
    )


def _event(view: AccountView, row: int, amount: int, shapes: Shapes) -> EventAnswer:
    events = view.events
    kind = EventKind(int(events.kind[row]))
    contract, log_index = int(events.contract[row]), int(events.log_index[row])
    named = [text_of(view, int(column[row])) for column in (events.first, events.second)]
    word: bytes = events.word[row].tobytes()
    asset = _asset(view, kind, contract)
    is_approval = kind in (EventKind.APPROVAL, EventKind.APPROVAL_FOR_ALL)
    is_operation = kind is EventKind.USER_OPERATION
    return EventAnswer(
        kind=_NAMES[kind],
        contract=text_of(view, contract),
        accounts=tuple(text for text in named if text is not None),
        amount=str(amount) if kind in _WITH_AMOUNT else None,
        unlimited=is_approval
        and (amount >= UNLIMITED or kind is EventKind.APPROVAL_FOR_ALL)
        and amount > 0,
        asset=None if asset is None else shapes.of(asset),
        word="0x" + word.hex() if any(word) else None,
        succeeded=bool(events.third[row] != NO_ACCOUNT) if is_operation else None,
        leaves_chain=amount == 1 if kind is EventKind.BRIDGE else None,
        log_index=None if log_index < 0 else log_index,
    )


def _asset(view: AccountView, kind: EventKind, contract: int) -> int | None:
    """Return what an event's amount counts; nothing where it counts no asset."""
    if kind is EventKind.APPROVAL:
        return view.index.find_asset(contract)
    if kind is EventKind.USER_OPERATION:
        return 0
    return None
