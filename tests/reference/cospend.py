"""The co-spend rule over columns, one transaction after the other: the oracle for long chains."""

import numpy as np

from heuristics.columns import LinkColumns
from heuristics.cospend import SighashEffect, SpendColumns

NO_ADDRESS = 0xFFFF_FFFF


def owners(spends: SpendColumns, transaction: int) -> list[int]:
    """Return the addresses that the inputs of a transaction name as one owner's, in order."""
    begin, end = spends.first_input[transaction : transaction + 2].tolist()
    named = []
    for i in range(begin, end):
        address = int(spends.input_address[i])
        effect = spends.sighash_effect[spends.input_sighash[i]]
        if effect == SighashEffect.EXCLUDE_TRANSACTION:
            return []
        if address == NO_ADDRESS:
            continue
        signed = effect == SighashEffect.JOIN or spends.needs_signature[spends.script_type[address]]
        if signed:
            named.append(address)
    return named


def payer(spends: SpendColumns, transaction: int) -> int:
    """Return the first address that the inputs of a transaction name as their owner's."""
    return next(iter(owners(spends, transaction)), NO_ADDRESS)


def join_one_by_one(spends: SpendColumns, links: LinkColumns, marks: np.ndarray) -> list[list[int]]:
    """Return the merge log of the first transactions, one for each mark."""
    parent: dict[int, int] = {}

    def root(address: int) -> int:
        top = address
        while top in parent:
            top = parent[top]
        while address != top:
            parent[address], address = top, parent[address]
        return top

    log = []
    link = 0
    for transaction, mark in enumerate(marks):
        named = [] if mark else owners(spends, transaction)
        pairs = [(named[0], other, 0) for other in named[1:]]
        while link < len(links.transaction) and links.transaction[link] == transaction:
            pairs.append(
                (int(links.earlier[link]), int(links.address[link]), int(links.rule[link]))
            )
            link += 1
        for a, b, rule in pairs:
            top, child = sorted((root(a), root(b)))
            if top != child:
                parent[child] = top
                log.append([child, top, transaction, a, b, rule])
    return log
