"""Transactions by address numbers and satoshi, and the columns that kernels read of them."""

from collections.abc import Callable

import numpy as np

from heuristics.coinjoin_columns import P2WPKH, CoinJoinColumns
from heuristics.columns import NO_ADDRESS, TransactionColumns

Coins = list[tuple[int, int]]


def columns_of(transactions: list[tuple[Coins, Coins]]) -> TransactionColumns:
    """Return columns of transactions given as (inputs, outputs) of (address, satoshi)."""
    inputs = [coin for taken, _ in transactions for coin in taken]
    outputs = [coin for _, given in transactions for coin in given]
    return TransactionColumns(
        first_input=np.cumsum([0, *(len(taken) for taken, _ in transactions)], dtype=np.int64),
        first_output=np.cumsum([0, *(len(given) for _, given in transactions)], dtype=np.int64),
        input_address=np.array([address for address, _ in inputs], dtype=np.uint32),
        input_value_sat=np.array([value for _, value in inputs], dtype=np.int64),
        output_address=np.array([address for address, _ in outputs], dtype=np.uint32),
        output_value_sat=np.array([value for _, value in outputs], dtype=np.int64),
    )


def coinjoin_columns_of(
    transactions: list[tuple[Coins, Coins]], kind: Callable[[int], int] = lambda _: P2WPKH
) -> CoinJoinColumns:
    """Return the same with the script type of each address, P2WPKH unless told."""
    columns = columns_of(transactions)
    used = np.concatenate([columns.input_address, columns.output_address])
    used = used[used != NO_ADDRESS]
    count = int(used.max()) + 1 if len(used) else 0
    kinds = [kind(address) for address in range(count)]
    return CoinJoinColumns(*columns, script_type=np.array(kinds, dtype=np.uint8))
