"""How many rows of each table a ledger has after one of its blocks."""

import numpy as np

from arien_flows.account_ledger.manifest import AccountManifest
from arien_flows.account_ledger.schema import Rows
from arien_flows.account_ledger.seals import rows_of
from chains.types import AnyArray, Int64Array


def rows_at(columns: dict[str, AnyArray], manifest: AccountManifest, blocks: int) -> Rows:
    """Return the counts of a ledger that ends after so many of its blocks."""
    held = manifest.rows
    transactions = int(columns["blocks/first_transaction"][blocks])
    children = {
        "movements": int(columns["transactions/first_movement"][transactions]),
        "events": int(columns["transactions/first_event"][transactions]),
        "codes": int(columns["transactions/first_code"][transactions]),
    }
    kept = held._replace(blocks=blocks, transactions=transactions, **children)
    movements = kept.movements
    assets = int(np.searchsorted(columns["assets/first_movement"], movements))
    return kept._replace(
        accounts=int(columns["blocks/first_account"][blocks]),
        assets=assets,
        text=int(columns["assets/first_byte"][assets]),
        large=int(np.searchsorted(columns["large/movement"], movements)),
        token_ids=int(np.searchsorted(columns["token_ids/movement"], movements)),
        marks=int(np.searchsorted(columns["marks/block"], blocks)),
    )


def whole_segments(words: Int64Array, kept: Rows) -> tuple[int, Rows]:
    """Return how many batches end at or below `kept`, and where the last of them ends."""
    whole = int(np.searchsorted(words[:, 0], kept.blocks, side="right")) if len(words) else 0
    return whole, rows_of(words[whole - 1]) if whole else Rows(accounts=1, assets=1)
