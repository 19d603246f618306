"""Random questions for connections, and what the kernels answer, in the oracle's terms."""

from random import Random

import numpy as np

from heuristics.connect import Connections, connect
from heuristics.connect_search import BY_HOPS, BY_VALUE, Bounds, Place, Seeds
from heuristics.stops import SpendColumns
from tests.heuristics.flow_cases import ADDRESSES, columns_of, ruled_case, rules_of
from tests.reference.connect import Ends, Path
from tests.reference.taint import NOBODY, Case, Coin, Transaction

NONE = np.empty(0, np.int64)


def random_ends(random: Random, length: int = 16, largest: int = 40) -> Ends:
    """Return a question with several stop rules; both places have coins."""
    while True:
        case = ruled_case(random, length, largest)
        coins = [
            (number, j)
            for number, transaction in enumerate(case.chain)
            for j, (value, address) in enumerate(transaction.outputs)
            if value > 0 and address != NOBODY
        ]
        if random.random() < 0.5:
            address = random.randrange(ADDRESSES)
            ends = {coin for coin in coins if case.address(coin) == address}
        else:
            late = coins[len(coins) // 2 :]
            ends = set(random.sample(late, min(len(late), random.choice((1, 2)))))
        rest = [coin for coin in coins if coin not in ends]
        starts = set(random.sample(rest, min(len(rest), random.choice((1, 2, 3)))))
        if starts and ends:
            return Ends(
                case=case,
                starts=starts,
                ends=ends,
                max_hops=random.choice((1, 2, 3, 5, 9, 30)),
                min_value=random.choice((1, 1, 2, 6)),
            )


def dense_ends(random: Random, length: int, largest: int) -> Ends:
    """Return a question with many answers and no stop rules; amounts repeat, and do not add up."""
    chain = [Transaction(inputs=[], outputs=[(largest, 0)] * 4)]
    unspent: list[Coin] = [(0, j) for j in range(4)]
    for number in range(1, length):
        spent = random.sample(unspent, min(len(unspent), random.choice((1, 2, 2, 3))))
        inputs = [(coin, *chain[coin[0]].outputs[coin[1]]) for coin in spent]
        made = [(random.randint(1, largest), 0) for _ in range(random.choice((1, 2, 3)))]
        chain.append(Transaction(inputs=list(inputs), outputs=made))
        unspent = [coin for coin in unspent if coin not in spent]
        unspent += [(number, j) for j in range(len(made))]
    case = Case(chain=chain, sources=[], labels=[0])
    ends = set(random.sample(unspent, min(len(unspent), random.choice((1, 2, 3)))))
    starts = {(0, j) for j in range(random.choice((1, 2, 4)))} - ends
    return Ends(
        case=case,
        starts=starts or {(0, 0)},
        ends=ends - {(0, 0)} or {(length - 1, 0)},
        max_hops=random.choice((3, 5, 30)),
    )


def numbers_of(coins: set[Coin], columns: SpendColumns) -> np.ndarray:
    return np.array(sorted(int(columns.first_output[t]) + j for t, j in coins), np.int64)


def place_of(coins: set[Coin], columns: SpendColumns) -> Place:
    return Place(numbers_of(coins, columns), NONE, NONE, NONE)


def answered(
    asked: Ends,
    *,
    by_value: bool,
    limit: int = 10**4,
    budget: int = 10**6,
    sides: tuple[bool, bool] = (True, True),
) -> Connections:
    """Put the question to the kernels; `sides` says where they may search from."""
    columns = columns_of(asked.case.chain)
    starts, ends = place_of(asked.starts, columns), place_of(asked.ends, columns)
    made = int(np.searchsorted(columns.first_output, ends.coin[-1], side="right")) - 1
    bounds = Bounds(
        order=BY_VALUE if by_value else BY_HOPS,
        budget=budget,
        max_hops=asked.max_hops,
        min_value=asked.min_value,
        first_coin=int(starts.coin[0]) if sides[0] else 0,
        last_transaction=made if sides[1] else len(columns.first_input) - 2,
    )
    seeds = Seeds(starts.coin if sides[0] else NONE, ends.coin if sides[1] else NONE)
    return connect(bounds, seeds, starts, ends, limit, columns, rules_of(asked.case, columns))


def paths_of(asked: Ends, connections: Connections) -> list[Path]:
    """Return the listed connections with the oracle's coins."""
    first = columns_of(asked.case.chain).first_output

    def coin_of(output: int) -> Coin:
        number = int(np.searchsorted(first, output, side="right")) - 1
        return number, output - int(first[number])

    return [tuple(coin_of(coin) for coin in it.coins) for it in connections.best]
