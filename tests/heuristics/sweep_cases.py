"""Random chains of whole blocks for the tests of whole-ledger taint, and their columns."""

from random import Random

import numpy as np

from heuristics.stops import StopRules, no_rules
from heuristics.sweep import Sweep, sweep
from heuristics.sweep_terms import SweepColumns, SweepTerms
from heuristics.taint import Policy, Stop
from tests.heuristics.flow_cases import ADDRESSES, columns_of, split
from tests.reference.sweep import Chain, Taint
from tests.reference.taint import NOBODY, Coin, Transaction


def random_blocks(random: Random, blocks: int, subsidy: int = 30, width: int = 6) -> Chain:
    """Return a chain whose coinbases claim the subsidy and the fees of their block, or less."""
    chain: list[Transaction] = []
    starts = [0]
    unspent: list[Coin] = []
    for _ in range(blocks):
        first = len(chain)
        chain.append(Transaction(inputs=[], outputs=[]))
        fees = 0
        for _ in range(random.randint(0, width) if unspent else 0):
            if not unspent:
                break
            inputs = []
            for _ in range(min(len(unspent), random.choice((1, 1, 2, 2, 3, 5)))):
                coin = unspent.pop(random.randrange(len(unspent)))
                value, address = chain[coin[0]].outputs[coin[1]]
                inputs.append((coin, value, address))
            total = sum(value for _, value, _ in inputs)
            fee = min(total, random.choice((0, 0, 1, 2, random.randint(0, total))))
            fees += fee
            parts = split(random, total - fee, random.choice((1, 1, 2, 2, 3, 6)))
            outputs = _paid(random, parts)
            unspent += [(len(chain), j) for j, (_, a) in enumerate(outputs) if a != NOBODY]
            chain.append(Transaction(inputs=list(inputs), outputs=outputs))
        claimed = subsidy + fees - random.choice((0, 0, 1, random.randint(0, subsidy + fees)))
        outputs = _paid(random, split(random, claimed, random.choice((1, 1, 2, 3))))
        chain[first] = Transaction(inputs=[], outputs=outputs)
        unspent += [(first, j) for j, (_, a) in enumerate(outputs) if a != NOBODY]
        starts.append(len(chain))
    return Chain(transactions=chain, starts=starts, subsidy=subsidy)


def _paid(random: Random, values: list[int]) -> list[tuple[int, int]]:
    return [
        (value, NOBODY if random.random() < 0.05 else random.randrange(ADDRESSES))
        for value in values
    ]


def random_sources(random: Random, chain: Chain, most: int = 5) -> dict[Coin, int]:
    """Return some coins that are worth something, each with a set of 3 colours."""
    coins = [
        (number, j)
        for number, transaction in enumerate(chain.transactions)
        for j, (value, _) in enumerate(transaction.outputs)
        if value > 0
    ]
    chosen = sorted(random.sample(coins, min(len(coins), random.randint(1, most))))
    return {coin: random.choice((1, 2, 4)) for coin in chosen}


def sweep_columns(chain: Chain) -> SweepColumns:
    """Return the chain as columns."""
    numbers = range(len(chain.transactions))
    return SweepColumns(
        ledger=columns_of(chain.transactions),
        fee=np.array([chain.fee(number) for number in numbers], np.int64),
        first_transaction=np.array(chain.starts, np.int64),
        subsidy=np.full(len(chain.starts) - 1, chain.subsidy, np.int64),
        voided=np.empty(0, np.int64),
    )


def terms_of(chain: Chain, policy: Policy, **changes: int) -> SweepTerms:
    """Return terms through to the tip, with windows so small that a chain has many."""
    terms = SweepTerms(
        policy=int(policy),
        follows_fees=False,
        subsidy_last=False,
        has_colours=False,
        stops_at_services=False,
        stop_transaction=len(chain.transactions),
        window_bits=2,
        clear_from=8,
    )
    return terms._replace(**changes)


def swept(
    chain: Chain, sources: dict[Coin, int], terms: SweepTerms, rules: StopRules | None = None
) -> tuple[Sweep, Taint]:
    """Return the sweep of a chain, and the same in the oracle's terms, `units` left out."""
    columns = sweep_columns(chain)
    first = columns.ledger.first_output
    fees: dict[int, int] = {}

    def take(_done: int, transactions: np.ndarray, amounts: np.ndarray) -> None:
        fees.update(zip(transactions.tolist(), amounts.tolist(), strict=True))

    found = sweep(
        terms,
        columns,
        np.array([first[number] + j for number, j in sources], np.int64),
        np.array(list(sources.values()), np.int64),
        no_rules() if rules is None else rules,
        take,
    )
    answer = Taint()
    for output, amount, reason in zip(found.output, found.amount, found.reason, strict=True):
        number = int(np.searchsorted(first, output, side="right")) - 1
        answer.ends[(number, int(output - first[number])), Stop(reason)] = int(amount)
    (answer.unclaimed if terms.follows_fees else answer.fees).update(fees)
    return found, answer
