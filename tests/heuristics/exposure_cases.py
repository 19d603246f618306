"""Random questions about exposure, and what the kernel finds."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np

from chains.types import Int64Array
from heuristics.exposure import expose, owners_of
from heuristics.exposure_terms import ExposureTerms, Moved
from heuristics.stops import Direction
from heuristics.taint import Stop
from tests.heuristics.flow_cases import ADDRESSES, columns_of, random_chain
from tests.reference.exposure import Found, Question


def random_question(random: Random, length: int = 14) -> Question:
    """Return a question with some of everything that ends paths."""
    labels = list(range(ADDRESSES))
    for address in range(1, ADDRESSES):
        if random.random() < 0.5:
            labels[address] = labels[random.randrange(address)]
    is_whole = random.random() < 0.5
    chosen = set(random.sample(range(ADDRESSES), random.choice((1, 1, 2, 3))))
    named = set(random.sample(range(ADDRESSES), random.randint(0, 3)))
    chain = random_chain(random, length, largest=random.choice((40, 10**12)))
    return Question(
        chain=chain,
        is_backward=random.random() < 0.5,
        # Addresses that came after the clustering stand for themselves.
        labels=labels[: random.choice((ADDRESSES, ADDRESSES, ADDRESSES - 3))],
        subject_addresses=set() if is_whole else chosen,
        subject_roots={labels[each] for each in chosen} if is_whole else set(),
        named_addresses=named,
        named_roots={labels[each] for each in named},
        marks={number for number in range(length) if random.random() < 0.05},
        max_hops=random.choice((1, 2, 3, 6)),
        min_value=random.choice((1, 1, 3, 10)),
        budget=random.choice((10**6, 10**6, 0, 3)),
        crowded_width=random.choice((10**6, 2)),
        crowded_percent=random.choice((1, 50)),
        window=(random.choice((0, 0, 3)), random.choice((10**6, length - 3))),
        genesis_outputs=random.choice((0, 0, 2)),
    )


def without_limits(question: Question) -> Question:
    """Return the question with nothing that ends paths but the chain and the tags."""
    return replace(
        question,
        max_hops=12,
        min_value=1,
        budget=10**6,
        crowded_width=10**6,
        window=(0, 10**6),
    )


def found_by_kernel(question: Question) -> Found:
    """Return what the kernel finds, in the words of the reference."""
    terms = ExposureTerms(
        direction=int(Direction.BACKWARD if question.is_backward else Direction.FORWARD),
        max_hops=question.max_hops,
        min_value=question.min_value,
        budget=question.budget,
        crowded_width=question.crowded_width,
        crowded_percent=question.crowded_percent,
        first_transaction=question.window[0],
        last_transaction=question.window[1],
        genesis_outputs=question.genesis_outputs,
    )
    named = _ascending(question.named_addresses), _ascending(question.named_roots)
    owners = owners_of(
        np.array(question.labels, np.uint32),
        subject_address=_ascending(question.subject_addresses),
        subject_root=_ascending(question.subject_roots),
        own_root=_ascending(question.own_roots),
        named_address=named[0],
        named_root=named[1],
    )
    rows = sorted(question.moved().items())
    moved = Moved(
        np.array([key[0] for key, _ in rows], np.int64),
        np.array([key[1] for key, _ in rows], np.int64),
        np.array([amount for _, amount in rows], np.int64),
    )
    marks = np.array([n in question.marks for n in range(len(question.chain))], np.uint8)
    reached = expose(terms, columns_of(question.chain), marks, owners, moved)
    width = question.max_hops + 1
    found: Counter[tuple[str, int, int]] = Counter()
    for kind, numbers, amounts in (
        ("address", named[0], reached.address_amount),
        ("root", named[1], reached.root_amount),
    ):
        for cell in np.flatnonzero(amounts).tolist():
            found[kind, int(numbers[cell // width]), cell % width] = int(amounts[cell])
    return Found(
        named=found,
        coinjoins=+Counter(dict(enumerate(reached.coinjoin_amount.tolist()))),
        rest=+Counter({stop.name.lower(): int(reached.by_reason[stop]) for stop in Stop}),
    )


def _ascending(numbers: set[int]) -> Int64Array:
    return np.array(sorted(numbers), np.int64)
