"""Transactions from a list as a ledger in memory, so that rules read them as they read a chain.

Lists of labelled transactions hold amounts and scripts, but neither signatures nor, mostly, the
raw bytes. A transaction is then written anew with what is known of it, empty signatures and
sequences that say nothing; it keeps its true id. Rules that look at amounts, scripts and owners
read it rightly. Rules that look at versions, sequences and locktimes must not be judged on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.ledger.memory import view_of
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.view import Gaps, View
from chains.bitcoin.decode import decode_transactions, header_hashes
from chains.bitcoin.headers import HEADER_LENGTH
from chains.bitcoin.networks import Network
from chains.bitcoin.script import classify_scripts
from chains.types import TxIdRaw

_NO_OUTPOINT = bytes(32) + b"\xff\xff\xff\xff"
_FINAL = b"\xff\xff\xff\xff"
_VERSION = (2).to_bytes(4, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The output that an input spends."""

    txid: TxIdRaw
    vout: int
    value_sat: int
    script: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A transaction of a list; without inputs it is a coinbase."""

    txid: TxIdRaw
    inputs: tuple[Spent, ...]
    outputs: tuple[tuple[int, bytes], ...]
    """Amount in satoshi and script."""

    label: str = ""
    raw: bytes = b""
    """As it stands on the chain; empty where the list does not hold it."""


def in_order(transactions: Sequence[Listed]) -> list[Listed]:
    """Return transactions so that each stands after those that it spends, else as they were.

    Later ones of equal id are left out.
    """
    by_id = {each.txid: each for each in reversed(transactions)}
    done: dict[TxIdRaw, Listed] = {}
    for start in transactions:
        stack = [start.txid]
        while stack:
            txid = stack[-1]
            waiting = [
                spent.txid
                for spent in by_id[txid].inputs
                if spent.txid in by_id and spent.txid not in done
            ]
            if waiting and txid not in done:
                stack.extend(waiting)
            else:
                done.setdefault(stack.pop(), by_id[txid])
    return list(done.values())


def view_of_list(transactions: Sequence[Listed], network: Network) -> View:
    """Return a view of one block that holds these transactions, which must stand in order.

    Inputs whose funding transaction is not in the list are external, with the amount and script
    that the list gives.
    """
    pieces = [each.raw or _written(each) for each in transactions]
    spent = [spent for each in transactions for spent in each.inputs]
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    script_lengths = np.array([len(each.script) for each in spent], dtype=np.int64)
    raw = np.frombuffer(b"".join([*pieces, *(each.script for each in spent)]), dtype=np.uint8)
    script_starts = int(lengths.sum()) + np.cumsum(script_lengths) - script_lengths
    batch = decode_transactions(raw, np.cumsum(lengths) - lengths, lengths)
    header = np.zeros((1, HEADER_LENGTH), dtype=np.uint8)
    txid = np.frombuffer(b"".join(each.txid for each in transactions), dtype=np.uint8)
    batch = replace(
        batch,
        txid=txid.reshape(-1, 32),
        header=header,
        block_hash=header_hashes(header),
        first_transaction=np.array([0, len(transactions)], dtype=np.int64),
        coinbase_script_start=np.zeros(1, dtype=np.int64),
        coinbase_script_length=np.zeros(1, dtype=np.int64),
        coinbase_sequence=np.zeros(1, dtype=np.uint32),
    )
    kind, start, length = classify_scripts(raw, script_starts, script_lengths)
    return view_of(
        batch,
        network,
        heights=np.zeros(1, dtype=np.uint32),
        external=ExternalOutputs(
            value_sat=np.array([each.value_sat for each in spent], dtype=np.int64),
            locks=Locks(source=raw, script_type=kind, start=start, length=length),
        ),
        gaps=Gaps(
            median_times=np.zeros(1, dtype=np.int64),
            positions=np.arange(len(transactions), dtype=np.int64),
        ),
    )


def _written(transaction: Listed) -> bytes:
    """Return the transaction as bytes, with empty signatures."""
    inputs = [each.txid + each.vout.to_bytes(4, "little") for each in transaction.inputs]
    body = [outpoint + b"\x00" + _FINAL for outpoint in inputs]
    if not body:
        body = [_NO_OUTPOINT + b"\x02\x00\x00" + _FINAL]
    outputs = [
        value.to_bytes(8, "little") + _count(len(script)) + script
        for value, script in transaction.outputs
    ]
    return _VERSION + _listed(body) + _listed(outputs) + bytes(4)


def _listed(parts: Iterable[bytes]) -> bytes:
    held = list(parts)
    return _count(len(held)) + b"".join(held)


def _count(number: int) -> bytes:
    """Return a compact size."""
    if number < 0xFD:
        return number.to_bytes(1, "little")
    if number < 0x10000:
        return b"\xfd" + number.to_bytes(2, "little")
    return b"\xfe" + number.to_bytes(4, "little")
