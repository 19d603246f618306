"""Measure what the chain shows of vendors on a simulated economy, against its truth; prints JSON.

*Bulk*: the time in which everything that markets pay out is read, how many of the payments that the
truth knows are found, and how many of those found are right, by what shows them. *Commission*: the
rate of each market, found and true. *Wallets*: of each vendor who publishes an address for direct
deals, the addresses that lead from it: by clustering alone, and with those that his escrow key
links; precision and recall over addresses and over what was received there. *Bands*: the scores of
published wallets, of entities that markets pay, and of random ones, with the share of vendors in
each band: once without documents, once with what documents of the simulation say (published
addresses, price lists). *Market to exchange*: what markets pay out to vendors and what vendors pay
on to exchanges at once, found and true.

Tags are those of the simulation's TagPack: a few addresses of each service. A ledger that is named
with `--ledger` is only read, from links in a temporary folder. `--tiny` runs in the tests.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from bench_queries import opened
from ingest_run import make_chain

from arien_flows.answers.vendor import ground_of
from arien_flows.attribution.snapshot import attribute
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.tagpack import read_tagpack
from arien_flows.entities.roles import standard_policy as role_policy
from arien_flows.errors import NotFoundError
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.roles import COMMISSION_PERCENT, Actor, Kind
from arien_flows.simulation.truth import Truth, VendorTruth
from arien_flows.vendors.chain_case import AliasFacts, Case
from arien_flows.vendors.chain_evidence import findings
from arien_flows.vendors.chain_ground import VendorGround
from arien_flows.vendors.chain_pairs import stable_pairs
from arien_flows.vendors.chain_payouts import MarketMoney, PayoutKind, market_money
from arien_flows.vendors.chain_policy import standard_policy
from arien_flows.vendors.chain_prices import ListedPrice
from arien_flows.vendors.chain_score import vendor_score
from arien_flows.vendors.chain_tags import exchange_roots
from arien_flows.vendors.chain_wallet import Wallet, wallet_of
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import COIN_SAT, REGTEST
from chains.types import AnyArray, BoolArray, Int64Array

TINY = 4_000
BANDS = (("confirmed: 70 and more", 70, 999), ("45 to 69", 45, 69), ("30 to 44", 30, 44),
         ("1 to 29", 1, 29), ("0 and less", -999, 0))  # fmt: skip
POLICY, LIMITS = standard_policy(), role_policy().commission


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A ledger, what markets pay out in it, and the truth in the ledger's numbers."""

    ground: VendorGround
    money: MarketMoney
    truth: Truth
    owner: Int64Array
    """Of each address; -1 where nobody is known."""

    kind: AnyArray
    sender: AnyArray
    is_change: BoolArray
    """Of each output: the rest of a payment that came back."""

    @property
    def first_vendor(self) -> int:
        return self.truth.vendors[0]["owner"]

    def is_vendor(self, owner: Int64Array) -> BoolArray:
        """Return which owners are vendors."""
        found: BoolArray = (owner >= self.first_vendor) & (
            owner < self.first_vendor + len(self.truth.vendors)
        )
        return found

    def payees(self, outputs: Int64Array) -> Int64Array:
        """Return who owns the address of each output, -1 for data."""
        address = self.ground.view.output_address[outputs].astype(np.int64)
        payable = address < len(self.owner)
        owner = np.full(len(outputs), -1, np.int64)
        owner[payable] = self.owner[address[payable]]
        return owner


def column(truth: Truth, table: str, name: str) -> AnyArray:
    """Return one column of the truth: whole tables of a large chain take gigabytes."""
    found = pq.read_table(truth.directory / "truth" / f"{table}.parquet", columns=[name])
    values: AnyArray = found[name].to_numpy()
    return values


def bench_of(ground: VendorGround, money: MarketMoney, truth: Truth) -> Bench:
    """Match the truth with a ledger's numbers."""
    view = ground.view
    genesis = int(view.first_output[1])
    number = column(truth, "outputs", "address")
    paid = number >= 0
    owner = np.full(view.counts.addresses, -1, np.int64)
    owner[view.output_address[genesis:][paid]] = column(truth, "addresses", "owner")[number[paid]]
    return Bench(
        ground=ground,
        money=money,
        truth=truth,
        owner=owner,
        kind=np.concatenate([[Kind.COINBASE], column(truth, "transactions", "kind")]),
        sender=np.concatenate([[-1], column(truth, "transactions", "sender")]),
        is_change=np.concatenate(
            [np.zeros(genesis, np.bool_), column(truth, "outputs", "is_change")]
        ),
    )


def share(part: int, whole: int) -> float | None:
    """Return a share with four digits; nothing of nothing."""
    return round(part / whole, 4) if whole else None


def payouts_report(bench: Bench) -> dict[str, Any]:
    """Compare payouts with the truth, by what shows them."""
    view, paid = bench.ground.view, bench.money.payouts
    outputs = np.arange(view.counts.outputs)
    made = np.repeat(np.arange(view.counts.transactions), np.diff(view.first_output))
    to_vendor = bench.is_vendor(bench.payees(outputs)) & ~bench.is_change
    true = {
        "escrow and release": to_vendor & (bench.kind[made] == Kind.ESCROW_RELEASE),
        "payout": to_vendor & (bench.kind[made] == Kind.VENDOR_PAYOUT),
    }
    found = {
        "escrow and release": paid.output[paid.kind != PayoutKind.PAYOUT],
        "payout": paid.output[paid.kind == PayoutKind.PAYOUT],
    }
    report: dict[str, Any] = {}
    for name, is_true in true.items():
        right = int(np.count_nonzero(is_true[found[name]]))
        report[name] = {
            "found": len(found[name]),
            "right": right,
            "true": int(np.count_nonzero(is_true)),
            "precision": share(right, len(found[name])),
            "recall": share(right, int(np.count_nonzero(is_true))),
        }
    kinds, counts = np.unique(
        bench.kind[made[found["payout"][~true["payout"][found["payout"]]]]], return_counts=True
    )
    report["payout"]["wrong_by_kind"] = {
        Kind(kind).name.lower(): count
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)
    }
    return report


def commissions_report(bench: Bench) -> list[dict[str, Any]]:
    """Compare rates with the truth."""
    escrows = bench.money.escrows
    report = []
    for place, market in enumerate(bench.money.markets):
        roots = np.concatenate([market.tagged, market.by_key])
        owners = np.unique(bench.owner[roots])
        actor = Actor(int(owners[0])) if len(owners) == 1 else None
        true = None if actor is None else COMMISSION_PERCENT.get(actor)
        keyed = [escrows.commissions[key].rate_ppm for key in market.keys]
        splits = bench.money.commissions[place]
        report.append(
            {
                "market": market.name,
                "is_named": market.is_named,
                "tagged_entities": len(market.tagged),
                "entities_by_key": len(market.by_key),
                "owners_of_these": len(owners),
                "true_percent": true,
                "by_splits_ppm": splits.rate_ppm if splits.is_signature else None,
                "splits_at_it": splits.inside,
                "splits_in_range": splits.candidates,
                "by_escrows_ppm": keyed,
            }
        )
    return report


def published(bench: Bench) -> list[tuple[VendorTruth, int]]:
    """Return the vendors who publish an address that was used, with its number."""
    found = []
    for vendor in bench.truth.vendors:
        text = vendor["direct_address"]
        if text is not None:
            # Nobody may ever have paid there.
            with suppress(NotFoundError):
                found.append((vendor, bench.ground.view.find_address(text)))
    return found


def received_by(bench: Bench) -> Int64Array:
    """Return what each address received."""
    view = bench.ground.view
    received = np.zeros(view.counts.addresses, np.int64)
    address = view.output_address.astype(np.int64)
    payable = address < len(received)
    np.add.at(received, address[payable], view.output_value[payable].astype(np.int64))
    return received


def wallets_report(bench: Bench, wallets: Sequence[tuple[VendorTruth, Wallet]]) -> dict[str, Any]:
    """Compare wallets with what their owners own."""
    received = received_by(bench)
    sums = {name: np.zeros(6, dtype=object) for name in ("clustering", "with escrow key")}
    for vendor, wallet in wallets:
        mine = bench.owner == vendor["owner"]
        members = bench.ground.entities.members(wallet.root).astype(np.int64)
        both = wallet.gathered.subject.addresses.astype(np.int64)
        for name, found in (("clustering", members), ("with escrow key", both)):
            right = found[mine[found]]
            sums[name] += np.array(
                [
                    len(right), len(found), int(np.count_nonzero(mine)), int(received[right].sum()),
                    int(received[found].sum()), int(received[mine].sum()),
                ],
                dtype=object,
            )  # fmt: skip
    return {
        name: {
            "wallets": len(wallets),
            "addresses": {
                "right": int(each[0]), "found": int(each[1]), "true": int(each[2]),
                "precision": share(each[0], each[1]), "recall": share(each[0], each[2]),
            },
            "received": {
                "precision": share(each[3], each[4]), "recall": share(each[3], each[5]),
            },
        }
        for name, each in sums.items()
    }  # fmt: skip


def score_of(bench: Bench, ground: VendorGround, wallet: Wallet, alias: AliasFacts) -> int:
    """Return the score of a wallet; roles of entities are left out."""
    case = Case(
        ground=ground,
        money=bench.money,
        wallet=wallet,
        policy=POLICY,
        coin="tBTC",
        books={},
        alias=alias,
        roles={},
    )
    return vendor_score(findings(case), POLICY).score


def bands(rows: Sequence[tuple[int, bool]]) -> dict[str, Any]:
    """Return how many scores are in each band, and how many of them are vendors'."""
    report = {}
    for name, low, high in BANDS:
        inside = [is_vendor for score, is_vendor in rows if low <= score <= high]
        report[name] = {
            "wallets": len(inside),
            "vendors": sum(inside),
            "precision": share(sum(inside), len(inside)),
        }
    return report


def listed_prices(vendor: VendorTruth) -> AliasFacts:
    """Return the price list of a vendor as his listings show it."""
    prices = [
        ListedPrice(
            amount=Decimal(product["price_sat"]) / COIN_SAT,
            currency="tBTC",
            document=f"{vendor['owner']:064x}",
        )
        for product in vendor["products"]
        if product["price_sat"] > 0
    ]
    return AliasFacts(prices=prices)


def with_documents(
    bench: Bench, tags: Sequence[Tag], vendors: Sequence[VendorTruth]
) -> VendorGround:
    """Return the ground with a tag for each address that a vendor publishes."""
    told = [
        Tag(
            address=str(vendor["direct_address"]),
            tx_hash=None,
            network=REGTEST.name,
            label=vendor["aliases"][0]["name"],
            source=f"document:{vendor['owner']:064x}",
            currency="BTC",
            confidence="web_crawl",
            concepts=("vendor",),
            tag_type="actor",
            actor=None,
            is_cluster_definer=False,
            context=None,
            lastmod=None,
            creator="the benchmark",
        )
        for vendor in vendors
    ]
    ground = bench.ground
    return VendorGround(
        view=ground.view,
        entities=ground.entities,
        attribution=attribute(ground.view, [*tags, *told], ground.entities),
        marks=ground.marks,
    )


def bands_report(
    bench: Bench, tags: Sequence[Tag], wallets: Sequence[tuple[VendorTruth, Wallet]], most: int
) -> dict[str, Any]:
    """Score published wallets, entities that markets pay, and random ones."""
    documents = with_documents(bench, tags, [vendor for vendor, _ in wallets])
    nothing = AliasFacts()
    known = [
        (score_of(bench, documents, wallet, listed_prices(vendor)), True)
        for vendor, wallet in wallets
    ]
    bare = [(score_of(bench, bench.ground, wallet, nothing), True) for _, wallet in wallets]
    # The documents of one vendor held against the wallets of others.
    crossed = [
        (score_of(bench, bench.ground, wallet, listed_prices(wallets[place - 1][0])), False)
        for place, (_, wallet) in enumerate(wallets)
        if len(wallets) > 1
    ]
    random = np.random.default_rng(1)
    paid = np.unique(bench.money.payouts.holder)
    drawn = random.permutation(paid)[:most]
    drawn_addresses = random.integers(0, len(bench.ground.labels), most)
    anyone = np.unique(bench.ground.labels[drawn_addresses]).astype(np.int64)
    strangers = anyone[~bench.is_vendor(bench.owner[anyone])]

    def scored(roots: Int64Array) -> list[tuple[int, bool]]:
        rows = []
        for root in roots.tolist():
            wallet = wallet_of(bench.ground, bench.money, root, POLICY)
            is_vendor = bool(bench.is_vendor(bench.owner[[root]])[0])
            rows.append((score_of(bench, bench.ground, wallet, nothing), is_vendor))
        return rows

    return {
        "published, with documents": bands(known),
        "published, without documents": bands(bare),
        "published, with the price list of another": bands(crossed),
        "random entities that markets pay, without documents": bands(scored(drawn)),
        "random entities of others than vendors, without documents": bands(scored(strangers)),
    }


def flows_report(bench: Bench) -> dict[str, Any]:
    """Compare what markets pay to vendors, and what these pay on to exchanges at once."""
    view, paid = bench.ground.view, bench.money.payouts
    made = np.repeat(np.arange(view.counts.transactions), np.diff(view.first_output))
    payee = bench.payees(np.arange(view.counts.outputs))
    value = view.output_value.astype(np.int64)
    settled = np.isin(bench.kind[made], (Kind.ESCROW_RELEASE, Kind.VENDOR_PAYOUT))
    true_out = settled & bench.is_vendor(payee) & ~bench.is_change
    exchange_owner = np.isin(payee, (Actor.EXCHANGE_A, Actor.EXCHANGE_B))
    true_in = exchange_owner & bench.is_vendor(bench.sender[made])
    exchanges = exchange_roots(bench.ground.attribution, POLICY)
    found_in = np.isin(bench.ground.holders(np.flatnonzero(true_in)), exchanges)
    right = true_out[paid.output]
    return {
        "markets to vendors, sat": {
            "true": int(value[true_out].sum()),
            "found": int(value[paid.output].sum()),
            "found_right": int(value[paid.output[right]].sum()),
        },
        "vendors to exchanges, sat": {
            "true": int(value[true_in].sum()),
            "at_tagged_entities": int(value[np.flatnonzero(true_in)[found_in]].sum()),
        },
    }


def pairs_report(bench: Bench, wallets: Sequence[tuple[VendorTruth, Wallet]]) -> dict[str, Any]:
    """Compare stable pairs of wallets with suppliers that the truth knows."""
    suppliers = range(Actor.THIEF + 1, bench.first_vendor)
    stable = right = tested = 0
    for _, wallet in wallets:
        found = stable_pairs(bench.ground, wallet, POLICY)
        tested += found.tested
        paid = [pair for pair in found.stable if pair.direction == "pays"]
        services = bench.ground.attribution.service_root
        leads = [pair for pair in paid if pair.other not in services]
        stable += len(leads)
        right += sum(int(bench.owner[pair.other]) in suppliers for pair in leads)
    return {
        "wallets": len(wallets),
        "tested": tested,
        "payees_that_are_no_service": stable,
        "of_which_suppliers": right,
        "precision": share(right, stable),
    }


def measure(ledger: Path, truth: Truth, folder: Path, most: int) -> dict[str, Any]:
    """Measure one ledger."""
    network, _ = opened(ledger, folder)
    reading = network.read()
    tags = list(read_tagpack(truth.tagpack).tags)
    plain = ground_of(reading)
    ground = VendorGround(
        view=plain.view,
        entities=plain.entities,
        attribution=attribute(plain.view, tags, plain.entities),
        marks=plain.marks,
    )
    seconds = []
    for _ in range(2):
        started, cpu = time.perf_counter(), time.process_time()
        money = market_money(ground, POLICY, LIMITS)
        seconds.append(
            {
                "wall": round(time.perf_counter() - started, 2),
                "cpu": round(time.process_time() - cpu, 2),
            }
        )
    bench = bench_of(ground, money, truth)
    chosen = published(bench)[:most]
    wallets, each = [], []
    for vendor, address in chosen:
        started = time.perf_counter()
        root = ground.entities.root_of(address)
        wallets.append((vendor, wallet_of(ground, money, root, POLICY)))
        each.append(time.perf_counter() - started)
    return {
        "transactions": ground.view.counts.transactions,
        "addresses": ground.view.counts.addresses,
        "read_market_payouts_seconds": {"first": seconds[0], "again": seconds[1]},
        "wallet_seconds": {
            "p50": round(float(np.percentile(each, 50)), 3) if each else None,
            "most": round(max(each), 3) if each else None,
        },
        "transactions_of_several_markets": money.mixed,
        "moves_of_markets_to_one_output": money.moved,
        "payouts": payouts_report(bench),
        "commissions": commissions_report(bench),
        "wallets": wallets_report(bench, wallets),
        "bands": bands_report(bench, tags, wallets, most),
        "market_to_exchange": flows_report(bench),
        "supplier_pairs": pairs_report(bench, wallets[: min(most, 20)]),
    }


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a small chain, for the tests")
    parser.add_argument("--ledger", type=Path, help="a simulated chain's ledger")
    parser.add_argument("--truth", type=Path, help="the folder of that chain")
    parser.add_argument("--most", type=int, default=200, help="wallets of each sort")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger, chain = options.ledger, options.truth
        if ledger is None or chain is None:
            chain, ledger = folder / "chain", folder / "made"
            make_chain(TINY if options.tiny else 100_000, chain)
            with LedgerWriter(ledger, REGTEST) as writer:
                ingest(writer, BlockFiles(chain / "blocks", REGTEST))
        most = 5 if options.tiny else options.most
        result = {
            "benchmark": "vendors",
            "machine": f"{platform.machine()} {platform.system()}",
            "python": platform.python_version(),
            **measure(ledger, Truth(chain), folder / "opened", most),
        }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
