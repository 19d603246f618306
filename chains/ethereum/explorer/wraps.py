"""Wraps of the coin, which Etherscan's lists of transfers leave out and Blockscout's have.

WETH9 emits no `Transfer` when it makes a token for a coin or takes one back. What it does is fixed
by its code: a coin that is sent to it becomes a token of who sent it, and it sends coins to nobody
but to who gives tokens back. So each movement of the coin into or out of it is a wrap or an unwrap
of the same amount. Where the list of transfers tells it, as a transfer from or to the null address,
that row is taken for it, and none is added.
"""

from collections import Counter

from chains.ethereum.parts import MovePart, TransactionPart
from chains.ethereum.tables import NULL_ADDRESS, MovementKind

_COIN = (MovementKind.CALL, MovementKind.CREATE)
_EVENT_PLACE = (1,)


def add_wraps(
    part: TransactionPart, places: list[tuple[int, ...]], wrappers: frozenset[bytes]
) -> int:
    """Name the wraps of a transaction and add those that are not told; return how many those are.

    `part` and `places`, which stand beside its movements, are changed in place.
    """
    told: Counter[MovePart] = Counter()
    for at, move in enumerate(part.moves):
        if move.kind is MovementKind.TOKEN and move.contract in wrappers:
            kind = _kind(move)
            if kind is not None:
                part.moves[at] = move._replace(kind=kind)
                told[part.moves[at]._replace(log_index=-1)] += 1
    added = 0
    for move in list(part.moves):
        wrap = _wrap_of(move, wrappers)
        if wrap is None:
            continue
        if told[wrap]:
            told[wrap] -= 1
        else:
            part.moves.append(wrap)
            places.append(_EVENT_PLACE)
            added += 1
    return added


def _kind(move: MovePart) -> MovementKind | None:
    if move.giver == NULL_ADDRESS:
        return MovementKind.WRAP
    return MovementKind.UNWRAP if move.receiver == NULL_ADDRESS else None


def _wrap_of(move: MovePart, wrappers: frozenset[bytes]) -> MovePart | None:
    """Return the wrap that a movement of the coin makes, if it makes one."""
    if move.kind not in _COIN or move.contract is not None:
        return None
    if move.receiver in wrappers:
        return MovePart(MovementKind.WRAP, NULL_ADDRESS, move.giver, move.receiver, move.amount)
    if move.giver in wrappers:
        return MovePart(MovementKind.UNWRAP, move.receiver, NULL_ADDRESS, move.giver, move.amount)
    return None
