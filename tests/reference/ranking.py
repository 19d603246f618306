"""Slow, obvious version of the ranking's push in time: the oracle of its tests."""

from heuristics.ranking import ONWARD, RESTART, Chip, Move

Shares = dict[tuple[int, Chip], float]


def push_in_time(account: int, chip: Chip, held: float, moves: list[Move]) -> Shares:
    """Return where one chip's attention goes in one push, asset by asset.

    Each chip looks for all movements of its asset that come later (back: earlier) and shares itself
    out in proportion to amounts; what arrives at a conversion does the same again.
    """
    shares: Shares = {}
    for part, is_out in ((ONWARD, True), (1 - ONWARD, False)):
        _share(account, chip, (1 - RESTART) * part * held, moves, is_out, shares)
    return shares


def _share(
    account: int, chip: Chip, held: float, moves: list[Move], is_out: bool, shares: Shares
) -> None:
    sign = 1 if is_out else -1
    fit = [
        move
        for move in moves
        if move.is_out == is_out
        and move.asset == chip.asset
        and (chip.order is None or sign * move.order > sign * chip.order)
    ]
    if not fit:
        _add(shares, (account, chip), held)
    total = sum(move.amount for move in fit)
    for move in fit:
        part = held * move.amount / total
        if move.into >= 0:
            _share(account, Chip(move.into, move.order), part, moves, is_out, shares)
        else:
            _add(shares, (move.other, Chip(move.asset, move.order)), part)


def _add(shares: Shares, where: tuple[int, Chip], held: float) -> None:
    shares[where] = shares.get(where, 0.0) + held
