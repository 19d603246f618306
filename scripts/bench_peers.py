"""Measure how quickly other programs decode blocks; prints JSON. Imports nothing of this one.

`ingest_peers.py` starts it, also with another interpreter: the package blockchain-parser asks for
one exact old version of python-bitcoinlib, so it needs an environment of its own. The blocks come
in a file of records, each the length in four little-endian bytes and then the block.
"""

import argparse
import importlib.metadata
import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

Decoded = Callable[[bytes], list[object]]


def records(path: Path) -> Iterator[bytes]:
    """Yield the blocks of a file of records."""
    content, at = path.read_bytes(), 0
    while at < len(content):
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        yield content[at + 4 : end]
        at = end


def python_bitcoinlib() -> Decoded:
    from bitcoin.core import CBlock

    return lambda raw: list(CBlock.stream_deserialize(BytesIO(raw)).vtx)


def blockchain_parser() -> Decoded:
    from blockchain_parser.block import Block

    return lambda raw: list(Block(raw).transactions)


PEERS = {"python-bitcoinlib": python_bitcoinlib, "blockchain-parser": blockchain_parser}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("records", type=Path)
    chosen = parser.parse_args()
    blocks = list(records(chosen.records))
    try:
        decode = PEERS[chosen.peer]()
    except ImportError as error:
        print(json.dumps({"unavailable": f"{chosen.peer} cannot be imported: {error}"}))
        return
    decode(blocks[0])
    started, cpu = time.perf_counter(), time.process_time()
    transactions = sum(len(decode(raw)) for raw in blocks)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        json.dumps(
            {
                "version": importlib.metadata.version(chosen.peer),
                "blocks": len(blocks),
                "transactions": transactions,
                "bytes": sum(map(len, blocks)),
                "seconds": round(seconds, 3),
                "cpu_seconds": round(cpu, 3),
                "transactions_per_second": round(transactions / seconds),
                "megabytes_per_second": round(sum(map(len, blocks)) / seconds / 1e6, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
