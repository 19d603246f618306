"""Movements of value as answers show them: who gave how much of what to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from arien_flows.account_ledger.dust import hidden_rows
from arien_flows.account_ledger.positions import positions_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.answers.account_facts import AssetShape, Shapes, text_of
from arien_flows.shapes import Shape
from chains.ethereum.tables import MovementKind
from chains.types import Int64Array
from heuristics.wide import to_ints

MovementName = Literal[
    "call", "create", "self_destruct", "withdrawal", "genesis", "reward", "gas_burnt", "gas_tip",
    "opening", "token", "wrap", "unwrap", "nft", "multi_token", "difference_up", "difference_down",
]  # fmt: skip

_NAMES: dict[MovementKind, MovementName] = {
    MovementKind.CALL: "call",
    MovementKind.CREATE: "create",
    MovementKind.SELF_DESTRUCT: "self_destruct",
    MovementKind.WITHDRAWAL: "withdrawal",
    MovementKind.GENESIS: "genesis",
    MovementKind.REWARD: "reward",
    MovementKind.GAS_BURNT: "gas_burnt",
    MovementKind.GAS_TIP: "gas_tip",
    MovementKind.OPENING: "opening",
    MovementKind.TOKEN: "token",
    MovementKind.WRAP: "wrap",
    MovementKind.UNWRAP: "unwrap",
    MovementKind.NFT: "nft",
    MovementKind.MULTI_TOKEN: "multi_token",
    MovementKind.DIFFERENCE_UP: "difference_up",
    MovementKind.DIFFERENCE_DOWN: "difference_down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementAnswer(Shape):
    """One movement of value."""

    position: int
    """Place among the movements of its transaction, from 0: with the id it is `TXHASH:POSITION`,
    which names the movement wherever a source of money is asked for."""

    kind: MovementName
    """What moved the value."""

    giver: str | None
    """Who gave it; nothing where it is new: withdrawals, rewards, opening balances."""

    receiver: str | None
    """Who received it; nothing where it was burnt."""

    amount: str
    """In base units."""

    asset: AssetShape
    """What the amount counts."""

    token_id: str | None
    """Which of the tokens of a contract, as a decimal number, where each is one of its kind."""

    log_index: int | None
    """Place of its event in the block; nothing for what no event tells."""

    hidden: bool
    """Dust or poison, which histories leave out: zero tokens, a token that poses as another, or a
    tiny amount from an address that looks like a partner's."""


def movement_answers(
    view: AccountView, rows: Int64Array, shapes: Shapes
) -> tuple[MovementAnswer, ...]:
    """Return movements as answers show them, in the order given."""
    moved = view.movements
    hidden = hidden_rows(view, rows)
    return tuple(
        MovementAnswer(
            position=position,
            kind=_NAMES[MovementKind(kind)],
            giver=text_of(view, giver),
            receiver=text_of(view, receiver),
            amount=str(amount),
            asset=shapes.of(asset),
            token_id=None if (token := view.token_ids.of(row)) is None else str(token),
            log_index=None if log_index < 0 else log_index,
            hidden=is_hidden,
        )
        for row, position, kind, giver, receiver, amount, asset, log_index, is_hidden in zip(
            rows.tolist(),
            positions_of(view, rows).tolist(),
            moved.kind[rows].tolist(),
            moved.giver[rows].tolist(),
            moved.receiver[rows].tolist(),
            to_ints(view.amounts.of(rows)),
            moved.asset[rows].tolist(),
            moved.log_index[rows].tolist(),
            hidden.tolist(),
            strict=True,
        )
    )


def summed(view: AccountView, account: int, rows: Int64Array, asset: int) -> tuple[int, int]:
    """Return what movements of an asset pay to an account, and what they take from it."""
    mine = rows[view.movements.asset[rows] == asset]
    return (
        _sum(view, mine[view.movements.receiver[mine] == account]),
        _sum(view, mine[view.movements.giver[mine] == account]),
    )


def _sum(view: AccountView, rows: Int64Array) -> int:
    amounts: Sequence[int] = to_ints(view.amounts.of(rows))
    return sum(amounts)
