"""Labelled data of others: CoinJoins by protocol, a wallet that knows its change, an emulation.

Nothing of it comes with this program. A folder holds one folder for each data set, and each is
used where it is there:

- `btc_coinjoin/txs.jsonl.gz`: one transaction a line, with `txid`, `label`, `inputs` (`txid`,
  `vout`, `value`, `script`) and `outputs` (`value`, `script`).
- `btc_change_groundtruth/*.json`: a wallet with `network`, `own_addresses` and `txs` (`txid`,
  `raw`, `inputs` with `address` and `value`).
- `btc_emul_groundtruth/*/txs.jsonl.gz` with `address_owner.json.gz` beside: the chain of an
  emulation, and the wallet of each address. Its folder is called after the design of its rounds
  (`wasabi2_run1`); of a design that no rule looks for, rounds are not judged.
- `btc_graph_100000_*/vertices.csv.gz` with `edges.csv.gz`: early blocks, see `ordinary`.

Where a data set comes from is said in `SOURCE.txt` in its folder: the first sentence of each
paragraph is printed beside every rate. A file of another form is refused with its name and what is
missing.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arien_flows.errors import InputError, NotFoundError, SourceError
from arien_flows.evaluation.judging import UNKNOWN, KnownOwners
from arien_flows.evaluation.listed import Listed, Spent, in_order, view_of_list
from arien_flows.evaluation.ordinary import ordinary_transactions
from arien_flows.ledger.view import View
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import REGTEST, Network, network
from chains.bitcoin.script import script_of
from chains.errors import ChainError
from chains.types import TxIdHex, raw_txid

COINJOIN_LIST = "btc_coinjoin/txs.jsonl.gz"
WALLETS = "btc_change_groundtruth/*.json"
EMULATIONS = "btc_emul_groundtruth/*/address_owner.json.gz"

EARLY_BLOCKS = "btc_graph_100000_*/vertices.csv.gz"
ORIGIN = "SOURCE.txt"

SOMEBODY_ELSE = 1
"""Owner of what a wallet pays that is not its own; who that is, nobody says."""

_NOBODY = b"\x6a"
_ANYBODY = b"\x51"


@dataclass(frozen=True, kw_only=True)
class LabelledTransactions:
    """Transactions with the protocol that others found in them."""

    name: str
    """What they are, as a population is called."""

    source: str
    """Where they come from."""

    view: View
    labels: tuple[str, ...]
    """Of each transaction of the view."""


@dataclass(frozen=True, kw_only=True)
class LabelledOwners:
    """A chain, or a part of one, whose owners are known."""

    name: str
    """What it is, as a population is called."""

    source: str
    """Where it comes from."""

    owners: KnownOwners
    shared: str = ""
    """What transactions of several owners are labelled; empty where nobody says."""


def check_folder(folder: Path) -> None:
    """Raise InputError unless the folder holds at least one of the data sets."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name the one that holds the labelled data")
    known = (COINJOIN_LIST, WALLETS, EMULATIONS, EARLY_BLOCKS)
    if not any(next(folder.glob(part), None) for part in known):
        raise InputError(f"{folder} holds no labelled data: none of {', '.join(known)}")


def coinjoin_list(folder: Path) -> LabelledTransactions | None:
    """Return the labelled CoinJoins, or nothing where the folder has none."""
    path = folder / COINJOIN_LIST
    if not path.is_file():
        return None
    with _reading(path):
        listed = [_from_list(row) for row in _lines(path)]
        ordered = in_order(listed)
        # Amounts, scripts and order are all that is known, so the height is not: regtest has no
        # height before which a design cannot be.
        view = view_of_list(ordered, REGTEST)
    labels = tuple(each.label for each in ordered)
    return LabelledTransactions(
        name=f"{len(labels):,} listed transactions ({', '.join(sorted(set(labels)))})",
        source=_origin(path.parent),
        view=view,
        labels=labels,
    )


def ordinary_chains(folder: Path) -> Iterator[LabelledTransactions]:
    """Yield stretches of the chain that hold no CoinJoin."""
    for path in sorted(folder.glob(EARLY_BLOCKS)):
        with _reading(path):
            early = ordinary_transactions(path.parent)
            listed = in_order(early.transactions)
            view = view_of_list(listed, REGTEST)
        yield LabelledTransactions(
            name=f"{len(listed):,} transactions of blocks {early.first:,} to {early.last:,}",
            source=_origin(path.parent),
            view=view,
            labels=tuple(each.label for each in listed),
        )


def wallets(folder: Path) -> Iterator[LabelledOwners]:
    """Yield the wallets that know their change."""
    for path in sorted(folder.glob(WALLETS)):
        with _reading(path):
            wallet = json.loads(path.read_text(encoding="utf-8"))
            yield _wallet(path, wallet)


def emulations(folder: Path) -> Iterator[LabelledOwners]:
    """Yield the emulated chains."""
    for path in sorted(folder.glob(EMULATIONS)):
        chain = path.parent / "txs.jsonl.gz"
        if not chain.is_file():
            raise InputError(f"{chain} is missing, of which {path.name} gives the owners")
        with _reading(path), gzip.open(path, "rt", encoding="utf-8") as file:
            of_text = {text: str(each["wallet"]) for text, each in json.load(file).items()}
        with _reading(chain):
            yield _emulation(path.parent, [*_lines(chain)], of_text)


def _origin(folder: Path) -> str:
    """Return where a data set comes from, as it says itself."""
    path = folder / ORIGIN
    if not path.is_file():
        return f"folder {folder.name}, which does not say where it comes from"
    with _reading(path):
        paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    sentences = (" ".join(part.split()).partition(". ")[0] for part in paragraphs)
    return "; ".join(each.removesuffix(".") for each in sentences if each)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a file of another form raises into one clear error."""
    try:
        yield
    except KeyError as error:
        raise InputError(f"{path}: a row has no field {error}") from error
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        ChainError,
        SourceError,
    ) as error:
        raise InputError(f"{path} cannot be read as labelled data: {error}") from error


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _from_list(row: Mapping[str, Any]) -> Listed:
    return Listed(
        txid=raw_txid(row["txid"]),
        inputs=tuple(
            Spent(
                txid=raw_txid(each["txid"]),
                vout=int(each["vout"]),
                value_sat=int(each["value"]),
                script=bytes.fromhex(each["script"]),
            )
            for each in row["inputs"]
        ),
        outputs=tuple(
            (int(each["value"]), bytes.fromhex(each["script"])) for each in row["outputs"]
        ),
        label=str(row["label"]),
    )


def _script(text: str | None, chain: Network, other: bytes) -> bytes:
    """Return the script of an address; `other` where there is none."""
    if text is None:
        return other
    locking = parse_address(text, chain)
    return script_of(locking.script_type, locking.payload)


def _wallet(path: Path, wallet: Mapping[str, Any]) -> LabelledOwners:
    chain = network(_NETWORKS[wallet["network"]])
    listed = [
        Listed(
            txid=raw_txid(row["txid"]),
            inputs=tuple(
                Spent(
                    txid=raw_txid(each["txid"]),
                    vout=int(each["vout"]),
                    # What somebody else put in is not told; it is no less than what is paid.
                    value_sat=int(each["value"] or _paid_sat(row)),
                    script=_script(each["address"], chain, _ANYBODY),
                )
                for each in row["inputs"]
            ),
            outputs=(),
            raw=bytes.fromhex(row["raw"]),
        )
        for row in wallet["txs"]
    ]
    view = view_of_list(in_order(listed), chain)
    owner = np.full(view.counts.addresses, SOMEBODY_ELSE, dtype=np.int64)
    # Inputs of others, of which the file holds nothing, are no evidence of anything.
    foreign = _foreign_inputs(listed, view)
    owner[foreign] = UNKNOWN
    for text in wallet["own_addresses"]:
        _assign(owner, view, text, 0)
    return LabelledOwners(
        name=f"wallet {path.stem} on {chain.name}",
        source=_origin(path.parent),
        owners=KnownOwners(view=view, of_address=owner),
    )


def _paid_sat(row: Mapping[str, Any]) -> int:
    return sum(int(each["value"]) for each in row["outputs"])


def _foreign_inputs(listed: list[Listed], view: View) -> list[int]:
    """Return the address that stands for scripts of inputs which the wallet does not know."""
    if not any(each.script == _ANYBODY for row in listed for each in row.inputs):
        return []
    return [view.find_address("raw(51)")]


def _assign(owner: np.ndarray, view: View, text: str, number: int) -> None:
    """Give an address its owner, if the view holds it."""
    try:
        owner[view.find_address(text)] = number
    except NotFoundError:
        return


def _emulation(
    folder: Path, rows: list[Mapping[str, Any]], of_text: Mapping[str, str]
) -> LabelledOwners:
    listed = [
        Listed(
            txid=raw_txid(row["txid"]),
            inputs=() if row["coinbase"] else tuple(_emulated(each) for each in row["inputs"]),
            outputs=tuple(
                (int(each["value"]), _script(each["address"], REGTEST, _NOBODY))
                for each in row["outputs"]
            ),
        )
        for row in rows
    ]
    view = view_of_list(in_order(listed), REGTEST)
    numbers = {wallet: number for number, wallet in enumerate(sorted(set(of_text.values())))}
    owner = np.full(view.counts.addresses, UNKNOWN, dtype=np.int64)
    for text, wallet in of_text.items():
        _assign(owner, view, text, numbers[wallet])
    return LabelledOwners(
        name=f"emulation {folder.name}: {len(numbers):,} wallets on {REGTEST.name}",
        source=_origin(folder.parent),
        owners=KnownOwners(view=view, of_address=owner),
        shared=_DESIGNS.get(folder.name.partition("_")[0], ""),
    )


def _emulated(row: Mapping[str, Any]) -> Spent:
    spent = row["prevout"]
    return Spent(
        txid=raw_txid(TxIdHex(row["txid"])),
        vout=int(row["vout"]),
        value_sat=int(spent["value"]),
        script=_script(spent["address"], REGTEST, _NOBODY),
    )


_NETWORKS = {"mainnet": "bitcoin", "testnet3": "bitcoin-testnet3", "regtest": "bitcoin-regtest"}
"""What wallet files call networks."""

_DESIGNS = {
    "joinmarket": "joinmarket_like",
    "wasabi1": "wasabi1",
    "wasabi2": "wasabi2",
    "whirlpool": "whirlpool_mix",
}
"""The labels of what emulations are called after."""
