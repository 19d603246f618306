"""Measure lists of tags: reading, importing, exporting and looking them up; prints JSON.

`--packs` names a folder or a .tar.gz of TagPacks, all of which are imported together into a new
SQLite casebook, exported again, and read back; without it a made pack of `--tags` tags is used.
`--peer` names the `graphsense-cli` of an environment of its own, in which
`pip install 'graphsense-lib[tagpacks]'` was done: its `tagpack-tool tagpack validate` reads the
same packs in the same run, with the ActorPack that `--actors` names.

*Look-up* asks for all tags of an entity of 100,000 addresses, each of which is tagged: the first
time, which places all tags in the ledger, and afterwards. `--ledger` names the ledger; it is only
read, through links. `--tiny` runs in the tests.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from bench_casebook import HEADER, address

from arien_flows.attribution.export import tagpack_text
from arien_flows.attribution.formats import TAGPACK, detect
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.tag_lists import ListOffer
from arien_flows.errors import InputError
from arien_flows.ledger.manifest import read_manifest
from arien_flows.ledger.view import View
from arien_flows.settings import Settings
from arien_flows.tag_book import TagBook
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import REGTEST, network
from chains.types import UInt32Array

NOW = datetime(2026, 1, 31, tzinfo=UTC)
MEMBERS = 100_000
ASKED = 20
SHOWN = 100

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class FirstAddresses:
    """A made entity: the first addresses of a ledger."""

    count: int
    identity: str = "first addresses"

    @property
    def labels(self) -> UInt32Array:
        """The first of them stands for all."""
        return np.zeros(self.count, np.uint32)

    def root_of(self, address: int) -> int:
        """Return the first address of an address's entity."""
        return 0 if address < self.count else address

    def members(self, root: int) -> UInt32Array:
        """Return the addresses of an entity."""
        return np.arange(self.count, dtype=np.uint32) if root == 0 else np.array([root], np.uint32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long something took, by the clock and in this process."""

    wall: float
    cpu: float

    def figures(self, tags: int) -> dict[str, float]:
        """Return it with a rate."""
        return {
            "seconds": round(self.wall, 3),
            "cpu_seconds": round(self.cpu, 3),
            "tags_per_second": round(tags / self.wall),
        }


def timed(work: Callable[[], Answer]) -> tuple[Took, Answer]:
    """Return how long some work took, and what it gave."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return Took(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu), answer


def packs_in(where: Path, folder: Path) -> list[Path]:
    """Return the TagPacks in a folder or an archive, which is unpacked."""
    if where.is_file():
        with tarfile.open(where) as archive:
            archive.extractall(folder, filter="data")
        where = folder
    found = sorted(path for path in where.rglob("*") if path.suffix in (".yaml", ".yml"))
    return [path for path in found if path.name != "config.yaml"]


def made_pack(tags: int, folder: Path) -> Path:
    """Write a pack of one source."""
    said = "  label: exchange\n  source: https://example.org\n"
    file = folder / "made.yaml"
    file.write_text(
        HEADER + "".join(f"- address: {address(number)}\n{said}" for number in range(tags))
    )
    return file


def offers_of(files: Sequence[Path]) -> Iterator[ListOffer]:
    """Yield the files that are TagPacks."""
    for file in files:
        raw = file.read_bytes()
        try:
            if detect(raw, file.name) == TAGPACK:
                parse_tagpack(raw, file.name)
                yield ListOffer(raw=raw, name=file.name, form=TAGPACK)
        except InputError:
            continue


def measure_import(casebook: Casebook, files: Sequence[Path], network: str) -> dict[str, Any]:
    """Read, import, export and read back all packs."""
    offers = list(offers_of(files))
    reading, packs = timed(lambda: [casebook.lists.read(offer) for offer in offers])
    tags = sum(len(pack.numbers) for pack in packs)
    casebook.upgrade()
    taking, outcomes = timed(
        lambda: casebook.lists.import_lists(offers, network=network, now=NOW, by="bench")
    )
    writing, texts = timed(lambda: exported(casebook))
    back, again = timed(lambda: [parse_tagpack(text, "export") for text in texts])
    return {
        "packs": len(offers),
        "bytes": sum(len(offer.raw) for offer in offers),
        "tags_read": tags,
        "faulty": sum(len(outcome.faults) for outcome in outcomes),
        "tags_in_effect": sum(outcome.record.current for outcome in outcomes),
        "read": reading.figures(tags),
        "read_and_import": taking.figures(tags),
        "export": writing.figures(sum(len(pack.numbers) for pack in again)),
        "exported_tags_read_back": sum(len(pack.numbers) for pack in again),
        "exported_tags_faulty": sum(len(pack.faults) for pack in again),
        "read_back": back.figures(sum(len(pack.numbers) for pack in again)),
    }


def exported(casebook: Casebook) -> list[bytes]:
    """Return the tags in effect as packs, one a creator."""
    by_creator: dict[str, list[Tag]] = {}
    for tag in casebook.export(None):
        by_creator.setdefault(tag.creator, []).append(tag)
    return [
        "".join(tagpack_text(tags, title="Export", creator=creator)).encode()
        for creator, tags in by_creator.items()
    ]


def measure_look_up(view: View, casebook: Casebook, members: int) -> dict[str, Any]:
    """Tag the first addresses of a ledger, and ask for the tags of them all."""
    count = min(members, view.counts.addresses)
    texts = [view.address_text(number) for number in range(count)]
    rows = "".join(f"- address: {text}\n" for text in texts if text is not None)
    head = f"title: Entity\ncreator: bench\ncurrency: BTC\nnetwork: {view.network.name}\n"
    head += "label: Somebody\nsource: https://example.org\nconcepts: [exchange]\ntags:\n"
    casebook.import_tagpack(
        (head + rows).encode(), name="entity.yaml", network=view.network.name, now=NOW, by="bench"
    )
    book = TagBook(view, casebook, FirstAddresses(count))
    first, found = timed(lambda: book.tags_of(0, SHOWN))
    times = [timed(lambda: book.tags_of(0, SHOWN))[0] for _ in range(ASKED)]
    all_numbers = [timed(lambda: book.attribution.holder == 0)[0] for _ in range(ASKED)]
    return {
        "addresses": count,
        "tags": len(found.shown) + found.left_out,
        "casebook_tags": casebook.count(view.network.name),
        "first_milliseconds": round(1e3 * first.wall, 1),
        "warm_milliseconds_p50": round(1e3 * statistics.median(it.wall for it in times), 2),
        "warm_milliseconds_most": round(1e3 * max(it.wall for it in times), 2),
        "warm_cpu_milliseconds_p50": round(1e3 * statistics.median(it.cpu for it in times), 2),
        "as_numbers_milliseconds_p50": round(
            1e3 * statistics.median(it.wall for it in all_numbers[1:]), 3
        ),
    }


def measure_peer(
    peer: Path, actors: Path | None, files: Sequence[Path], tags: int
) -> dict[str, Any]:
    """Have GraphSense's own tool validate the same packs."""
    folder = Path(os.path.commonpath([file.parent for file in files]))
    command = [str(peer), "tagpack-tool", "tagpack", "validate", str(folder)]
    if actors is not None:
        # It would download the list otherwise.
        command += ["--actorpack-path", str(actors)]
    took, done = timed(lambda: subprocess.run(command, check=False, capture_output=True, text=True))
    last = " ".join((done.stdout + done.stderr).split())[-300:]
    return {"exit_code": done.returncode, "says": last, **took.figures(tags)}


def viewed(ledger: Path, folder: Path) -> View:
    """Open a ledger through links."""
    manifest = read_manifest(ledger)
    if manifest is None:
        raise SystemExit(f"{ledger} holds no ledger")
    root = folder / "data" / network(manifest.network).name
    root.mkdir(parents=True)
    for entry in ledger.iterdir():
        (root / entry.name).symlink_to(entry.resolve())
    return Workspace(Settings(data=folder / "data")).open(manifest.network).read().view


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, help="a folder or .tar.gz of TagPacks")
    parser.add_argument("--tags", type=int, default=200_000, help="of the made pack")
    parser.add_argument("--ledger", type=Path, help="a ledger that exists")
    parser.add_argument("--peer", type=Path, help="graphsense-cli")
    parser.add_argument("--actors", type=Path, help="an ActorPack, for the peer")
    parser.add_argument("--tiny", action="store_true", help="does it run?")
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "load": [round(each, 1) for each in os.getloadavg()],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        casebook = Casebook(sqlite_url(folder / "casebook.sqlite"))
        if options.packs is not None:
            files, meant = packs_in(options.packs, folder / "packs"), "bitcoin"
        else:
            files = [made_pack(1_000 if options.tiny else options.tags, folder)]
            meant = REGTEST.name
        figures["import"] = measure_import(casebook, files, meant)
        if options.ledger is not None:
            view = viewed(options.ledger, folder)
            figures["look_up"] = measure_look_up(view, casebook, MEMBERS)
        if options.peer is not None:
            tags = figures["import"]["tags_read"]
            figures["peer"] = measure_peer(options.peer, options.actors, files, tags)
        casebook.close()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
