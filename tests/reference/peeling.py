"""Slow, obvious peel hops: the oracle of the kernels' tests."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Peel:
    """A transaction: what it spends, whom it pays, and how it looks."""

    spends: Sequence[int]
    """Numbers of outputs, counted over all transactions."""

    pays: Sequence[int | None]
    """Address of each output; None for data."""

    look: str
    """Whatever else its software leaves in it."""

    is_coinjoin: bool = False


def next_output(chain: Sequence[Peel], kinds: Sequence[int], number: int) -> int | str:
    """Return the output that a transaction goes on with, or why there is none."""
    made = [(t, address) for t, peel in enumerate(chain) for address in peel.pays]
    spender = {output: t for t, peel in enumerate(chain) for output in peel.spends}

    def size(count: int) -> int:
        return min(count, 3)

    def input_kinds(t: int) -> set[int | None]:
        paid = [made[output][1] for output in chain[t].spends]
        return {None if address is None else kinds[address] for address in paid}

    def features(t: int) -> tuple[object, ...]:
        peel = chain[t]
        return peel.look, input_kinds(t), size(len(peel.spends)), size(len(peel.pays))

    def is_fresh(output: int) -> bool:
        t, address = made[output]
        return all(address not in earlier.pays for earlier in chain[:t])

    if not chain[number].spends:
        return "COINBASE"
    if chain[number].is_coinjoin:
        return "COINJOIN"
    own = [o for o, (t, address) in enumerate(made) if t == number and address is not None]
    if not 2 <= len(own) <= 3 or len(input_kinds(number)) != 1:
        return "NOT_A_HOP"
    new = [o for o in own if is_fresh(o)]
    follows = [o for o in new if o in spender and features(spender[o]) == features(number)]
    change_like = [o for o in new if {kinds[made[o][1]]} == input_kinds(number)]
    fits = [o for o in follows if o in change_like]
    if len(fits) == 1 and follows == fits:
        return fits[0]
    if fits:
        return "AMBIGUOUS"
    if any(o not in spender for o in change_like):
        return "UNSPENT"
    return "NOT_CONTINUED"
