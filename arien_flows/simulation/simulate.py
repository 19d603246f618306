"""Making a simulated chain with everything that belongs to it.

```
directory/
  blocks/     blk00000.dat …, xor.dat where a key was asked for
  listings/   documents of markets and forums
  tags.yaml   what an analyst knows beforehand
  prices.csv  made-up prices of the coin
  truth/      owners, addresses, transactions, outputs, joint (Parquet), actors.json, summary.json
```

Block files have the same bytes for the same parameters on every machine. Parquet files have the
same content; their bytes depend on the version of pyarrow.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from arien_flows.simulation.address_book import AddressBook
from arien_flows.simulation.chain import Written, write_chain
from arien_flows.simulation.listings import Document, documents, write_documents
from arien_flows.simulation.parameters import Parameters
from arien_flows.simulation.plan import Plan, make_plan
from arien_flows.simulation.prices import write_prices
from arien_flows.simulation.roles import ACTOR_NAMES, ACTOR_ROLES, COMMISSION_PERCENT, Actor, Kind
from arien_flows.simulation.tagpack import tags, write_tagpack
from arien_flows.simulation.theft import FIFO_SECOND_SAT, Theft, haircut_second_sat
from arien_flows.simulation.truth_tables import (
    heights,
    joint_transactions,
    makers,
    spenders,
    write_addresses,
    write_joint,
    write_outputs,
    write_owners,
    write_transactions,
)
from arien_flows.simulation.vendors import Vendor, vendors_of
from chains.types import Int64Array, shown_txid

MOST_SERVICE_ADDRESSES = 20
"""Addresses of each kind that `actors.json` names of a service."""

QUANTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was made; `truth/summary.json` holds the same."""

    transactions: int
    """Coinbases included, genesis aside."""

    seed: int
    tip_height: int
    tip_hash: str
    inputs: int
    """Without coinbases'."""

    outputs: int
    addresses: int
    owners: int
    unspent_outputs: int
    unspent_sat: int
    joint_transactions: int
    kinds: dict[str, int]
    """Transactions of each kind."""

    spend_age_blocks: dict[str, int]
    """Quantiles, in per cent, of the blocks between an output and its spend."""

    spent_in_same_block: int
    oldest_spend_blocks: int
    block_bytes: int
    stale_blocks: list[str]
    """Hashes of written blocks that are on no chain."""

    late_heights: list[int]
    """Blocks that stand after successors of theirs."""


def simulate(parameters: Parameters, directory: Path) -> Summary:
    """Make a chain and all files that belong to it; `directory` is created, files replaced."""
    return write_everything(make_plan(parameters), directory)


def write_everything(plan: Plan, directory: Path) -> Summary:
    """Write a plan as blocks, documents, tags and truth."""
    written, book = write_chain(plan, directory / "blocks")
    vendors = vendors_of(plan)
    found = documents(book, vendors)
    write_documents(found, directory / "listings")
    write_tagpack(tags(book), directory / "tags.yaml")
    write_prices(plan.parameters.seed, directory / "prices.csv")
    truth = directory / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    write_owners(plan, {vendor.owner: vendor for vendor in vendors}, truth / "owners.parquet")
    write_addresses(plan, book, truth / "addresses.parquet")
    write_transactions(plan, written.txid, truth / "transactions.parquet")
    write_outputs(plan, truth / "outputs.parquet")
    write_joint(plan, written.txid, truth / "joint.parquet")
    _write_json(truth / "actors.json", _actors(plan, written, book, vendors, found))
    summary = _summary(plan, written)
    _write_json(truth / "summary.json", asdict(summary))
    return summary


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _actors(
    plan: Plan,
    written: Written,
    book: AddressBook,
    vendors: list[Vendor],
    found: list[Document],
) -> dict[str, object]:
    """Return everybody with a name, the theft, and the truth about the documents."""
    return {
        "actors": [_actor(book, actor) for actor in Actor],
        "vendors": [_vendor(book, vendor) for vendor in vendors],
        "theft": _theft(plan, written, book, plan.theft),
        "documents": [_document(document) for document in found],
    }


def _actor(book: AddressBook, actor: Actor) -> dict[str, object]:
    entry: dict[str, object] = {
        "owner": int(actor),
        "name": ACTOR_NAMES[actor],
        "role": ACTOR_ROLES[actor].name.lower(),
        "addresses": _texts(book, book.hot_addresses(actor, MOST_SERVICE_ADDRESSES)),
        "cold_addresses": _texts(book, book.cold_addresses(actor, MOST_SERVICE_ADDRESSES)),
    }
    if actor in COMMISSION_PERCENT:
        entry["commission_percent"] = COMMISSION_PERCENT[actor]
    return entry


def _texts(book: AddressBook, addresses: list[int]) -> list[str]:
    return [book.text(address) for address in addresses]


def _vendor(book: AddressBook, vendor: Vendor) -> dict[str, object]:
    direct = vendor.direct_address
    return {
        "owner": vendor.owner,
        "aliases": [
            {"name": alias.name, "market": ACTOR_NAMES[alias.market]} for alias in vendor.aliases
        ],
        "fingerprint": vendor.fingerprint,
        "direct_address": book.text(direct) if direct >= 0 else None,
        "products": [asdict(product) for product in vendor.products],
    }


def _document(document: Document) -> dict[str, object]:
    entry = asdict(document)
    del entry["text"]
    return entry


def _theft(plan: Plan, written: Written, book: AddressBook, theft: Theft) -> dict[str, object]:
    """Return the path of the theft as outpoints, and what must reach the deposits by policy."""
    maker = makers(plan)

    def outpoint(coin: int) -> str:
        number = int(maker[coin])
        vout = coin - int(plan.transactions[number]["first_output"])
        return f"{shown_txid(written.txid[number].tobytes())}:{vout}"

    def value(coin: int) -> int:
        return int(plan.coins[coin]["value_sat"])

    first, second = theft.first_deposit, theft.second_deposit
    return {
        "source": outpoint(theft.stolen),
        "stolen_sat": value(theft.stolen),
        "victim": int(Actor.VICTIM),
        "thief": int(Actor.THIEF),
        "exchange": int(Actor.EXCHANGE_A),
        "deposit_address": book.text(int(plan.coins[first]["address"])),
        "transactions": [shown_txid(written.txid[i].tobytes()) for i in theft.transactions],
        "clean": outpoint(theft.clean),
        "rest": outpoint(theft.rest),
        "peels": [outpoint(coin) for coin in theft.peels],
        "deposits": [
            {
                "outpoint": outpoint(first),
                "value_sat": value(first),
                "expected_sat": dict.fromkeys(("poison", "haircut", "fifo"), value(first)),
            },
            {
                "outpoint": outpoint(second),
                "value_sat": value(second),
                "expected_sat": {
                    "poison": value(second),
                    "haircut": haircut_second_sat(),
                    "fifo": FIFO_SECOND_SAT,
                },
            },
        ],
    }


def spend_ages(plan: Plan) -> Int64Array:
    """Return the blocks between each spent output and its spend, ascending."""
    height, maker, spender = heights(plan), makers(plan), spenders(plan)
    spent = spender >= 0
    ages = height[spender[spent]] - height[maker[spent]]
    return np.sort(ages).astype(np.int64)


def _summary(plan: Plan, written: Written) -> Summary:
    kinds = np.bincount(plan.transactions["kind"][:-1], minlength=len(Kind))
    ages = spend_ages(plan)
    unspent = (plan.coins["is_spent"] == 0) & (plan.coins["address"] >= 0)
    return Summary(
        transactions=plan.transaction_count,
        seed=plan.parameters.seed,
        tip_height=plan.tip_height,
        tip_hash=shown_txid(written.tip_hash),
        inputs=len(plan.inputs),
        outputs=len(plan.coins),
        addresses=len(plan.addresses),
        owners=len(plan.owners),
        unspent_outputs=int(unspent.sum()),
        unspent_sat=int(plan.coins["value_sat"][unspent].sum()),
        joint_transactions=len(joint_transactions(plan)),
        kinds={kind.name.lower(): int(kinds[kind]) for kind in Kind},
        spend_age_blocks={str(q): int(ages[(len(ages) - 1) * q // 100]) for q in QUANTILES},
        spent_in_same_block=int((ages == 0).sum()),
        oldest_spend_blocks=int(ages[-1]),
        block_bytes=written.byte_count,
        stale_blocks=[shown_txid(stale) for stale in written.stale_hashes],
        late_heights=list(written.late_heights),
    )
