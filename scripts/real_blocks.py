"""Measure on real blocks: chains of them are taken in, single ones only decoded."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from ingest_peers import peers, ratio, ratio_name
from ingest_run import run_apart

from chains.bitcoin.blockfiles import BATCH_BYTES
from chains.bitcoin.decode import decode_blocks


def decode_only(blocks: list[bytes]) -> dict[str, Any]:
    """Decode single blocks again and again for a second, on one thread."""
    raw = np.frombuffer(b"".join(blocks), dtype=np.uint8)
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    transactions = decode_blocks(raw, starts, lengths).transaction_count
    rounds, started = 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        decode_blocks(raw, starts, lengths)
        rounds += 1
    seconds = (time.perf_counter() - started) / rounds
    return {
        "blocks": len(blocks),
        "transactions": transactions,
        "bytes": len(raw),
        "seconds": round(seconds, 4),
        "transactions_per_second": round(transactions / seconds),
        "megabytes_per_second": round(len(raw) / seconds / 1e6),
    }


def real_blocks(folder: Path, interpreter: Path, work: Path) -> dict[str, Any]:
    """Take in the consecutive blocks of a folder of real ones, and decode the single ones."""
    figures: dict[str, Any] = {}
    for chain in sorted(folder.glob("chain_mainnet_*.dat")):
        figures[chain.stem] = run_apart(chain, work / chain.stem, BATCH_BYTES, "--mainnet")
    singles = [file for file in sorted(folder.glob("*.raw")) if ".undo." not in file.name]
    if singles:
        blocks = [file.read_bytes() for file in singles]
        figures["single_blocks"] = decode_only(blocks)
        measured = peers(blocks, interpreter)
        figures["single_blocks"]["peers"] = measured
        rate = figures["single_blocks"]["transactions_per_second"]
        for peer, theirs in measured.items():
            figures["single_blocks"][ratio_name(peer)] = ratio(rate, theirs)
    return figures
