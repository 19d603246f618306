"""Measure importing a large TagPack and reading it again; prints JSON.

The tags name made-up regtest addresses, ten sources speak of them, and every hundredth address is
named by two of them. `--casebook` measures another database than a new SQLite file; it should be
empty. `--tiny` runs in the tests.
"""

import argparse
import hashlib
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url, sqlite_url
from chains.bitcoin.address import address_text
from chains.bitcoin.networks import REGTEST
from chains.tables import ScriptType

NETWORK = REGTEST.name
HEADER = f"""\
title: Measured pack
creator: bench_casebook
currency: BTC
network: {NETWORK}
confidence: web_crawl
tags:
"""
LOOK_UPS = 200

Answer = TypeVar("Answer")


def address(number: int) -> str:
    """Return the address of a made-up key hash."""
    payload = hashlib.sha256(number.to_bytes(8, "little")).digest()[:20]
    text = address_text(ScriptType.P2WPKH, payload, REGTEST)
    if text is None:
        raise ValueError("a key hash has an address")
    return text


def rows(tags: int) -> Iterator[str]:
    """Yield the tags of a pack as YAML."""
    for number in range(tags):
        source = number % 10
        named = number - 1 if number % 100 == 1 else number
        yield f"- address: {address(named)}\n"
        yield f"  label: exchange {source}\n  source: https://source-{source}.example\n"
        yield f"  concepts: [exchange]\n  lastmod: 2026-01-{number % 28 + 1:02}\n"


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Return how long some work took, in seconds, and what it gave."""
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


def measure(casebook: Casebook, tags: int) -> dict[str, object]:
    """Import a pack, read it in the three ways that answers do; return the figures."""
    raw = (HEADER + "".join(rows(tags))).encode()

    def take_in() -> int:
        return casebook.import_tagpack(
            raw, name="pack.yaml", network=NETWORK, now=datetime.now(UTC), by="bench"
        ).record.tags

    import_seconds, imported = timed(take_in)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    revision_seconds, _ = timed(lambda: casebook.revision(NETWORK))
    table_seconds, _ = timed(lambda: casebook.table(NETWORK))
    wanted = [address(number) for number in range(0, tags, max(1, tags // LOOK_UPS))]
    one_by_one, found = timed(lambda: [casebook.tags_of(NETWORK, [each]) for each in wanted])
    return {
        "casebook": casebook.name,
        "tags": imported,
        "pack_bytes": len(raw),
        "import_seconds": round(import_seconds, 3),
        "tags_per_second": round(imported / import_seconds),
        "import_peak_megabytes": round(peak / (1024 if sys.platform != "darwin" else 1024**2)),
        "revision_milliseconds": round(1e3 * revision_seconds, 3),
        "all_tags_as_arrays_seconds": round(table_seconds, 3),
        "look_up_milliseconds": round(1e3 * one_by_one / len(wanted), 3),
        "looked_up": sum(map(len, found)),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=200_000)
    parser.add_argument("--casebook", metavar="URL", help="postgresql+psycopg://USER@HOST/NAME")
    parser.add_argument("--tiny", action="store_true", help="1,000 tags: does it run?")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "casebook.sqlite"
        url = sqlite_url(file) if options.casebook is None else database_url(options.casebook)
        casebook = Casebook(url)
        figures = measure(casebook, 1_000 if options.tiny else options.tags)
        casebook.close()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
