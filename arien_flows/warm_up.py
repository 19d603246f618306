"""Compiling the kernels ahead of time, by answering every kind of question about one block.

Machine code is made when a kernel is first called, and kept on disk. That takes a minute or so on
a fresh installation, once; whoever wants to spend it elsewhere (while something else is computed,
or before a service says that it is ready) runs this. The block is the first one of every regtest
chain; it goes through block files, ledger, clustering, tags and traces in a temporary folder.

Several processes of a service would spend it at the same time, on the same machine code. So the
first one holds a lock on the folder where that is kept, and the others wait for what it makes.

`python -m arien_flows.warm_up` does it in a process of its own.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Thread
from typing import get_args

import numpy as np

from arien_flows.answers.address import address_answer
from arien_flows.answers.exposure import exposure_answer
from arien_flows.answers.roles import roles_answer
from arien_flows.answers.taint import tainted
from arien_flows.answers.trace import traced
from arien_flows.answers.why import why_answer
from arien_flows.entities.clustering import run_clustering
from arien_flows.entities.counted_votes import counted_votes
from arien_flows.entities.peel_hops import Hops, coinjoin_test
from arien_flows.entities.profiles import Terms
from arien_flows.evaluation.listed import Listed, Spent, view_of_list
from arien_flows.exposure.request import DirectionName as ExposureDirection
from arien_flows.exposure.request import ExposureRequest
from arien_flows.extraction.reading import read_text
from arien_flows.extraction.scan import scan
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.tracing.paths import find_paths
from arien_flows.tracing.paths_request import OrderName, PathRequest
from arien_flows.tracing.request import DirectionName, TraceRequest, policies_of
from arien_flows.tracing.sweep_request import SweepRequest
from arien_flows.workspace import DERIVED, Workspace
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.types import TxIdRaw
from heuristics.demix_search import fit
from heuristics.exposure_moved import moved_by_entity
from heuristics.jit import CACHE_DIRECTORY

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac7"
    "2c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000"
    "000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65"
    "732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e642062616"
    "96c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b710"
    "5cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11"
    "d5fac00000000"
)
"""Block 0 of every regtest chain (Bitcoin Core, `chainparams.cpp`)."""


TAGPACK = """
title: Warm-up
creator: arien-flows
currency: BTC
source: none
label: The first block
confidence: ownership
tags:
  - address: {}
"""
"""Names the owner of an address of that block, so that tags are looked up and heeded, too."""


@cache
def compile_kernels() -> None:
    """Make the machine code of everything between block files and traces, once a process."""
    with alone(CACHE_DIRECTORY), tempfile.TemporaryDirectory() as folder:
        _ask_everything(Path(folder))


@cache
def compiling() -> Future[None]:
    """Begin to compile in a thread of its own, once a process; whoever asks may wait for it."""
    future: Future[None] = Future()
    Thread(target=_compile, args=(future,), name="compiling", daemon=True).start()
    return future


def _compile(future: Future[None]) -> None:
    try:
        compile_kernels()
    except BaseException as error:  # noqa: BLE001 whoever waits is told
        # A full disk, for one, may have room again when the next one asks.
        compiling.cache_clear()
        future.set_exception(error)
    else:
        future.set_result(None)


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Be the first to compile into a folder, or wait for whoever is.

    Those who waited go on together: what they need is there by then, and is only read.
    """
    if folder is None:
        yield
        return
    descriptor = os.open(folder / "compiling.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _ask_everything(folder: Path) -> None:
    record = REGTEST.magic + len(GENESIS).to_bytes(4, "little") + GENESIS
    (folder / "blk00000.dat").write_bytes(record)
    workspace = Workspace(Settings(data=folder))
    root = workspace.folder(REGTEST.name)
    with LedgerWriter(root, REGTEST) as writer:
        ingest(writer, BlockFiles(folder, REGTEST))
    network = workspace.open(REGTEST.name)
    run_clustering(network.read().view, root / DERIVED)
    address = network.read().view.address_text(0) or ""
    workspace.casebook.import_tagpack(
        TAGPACK.format(address).encode(),
        name="warm-up",
        network=REGTEST.name,
        now=datetime.fromtimestamp(0, UTC),
        by="warm-up",
    )
    # Once more: where a tag names an owner, other kernels join.
    view = network.read().view
    run_clustering(view, root / DERIVED, terms=Terms(constraints=network.constraints(view)))
    reading = network.read()
    address_answer(reading, address)
    why_answer(reading, address, address)
    # Where change was decided by votes, they are cast again.
    counted_votes(reading.view, 0, 0)
    roles_answer(reading, address)
    # Of a coinbase a peel chain's answer asks nothing, so its parts are asked here.
    Hops(reading.view, coinjoin_test(reading.view, None)).candidates(0)
    # No transaction of that block is a CoinJoin, so what looks behind one is asked here.
    one = np.ones(1, np.int64)
    fit(one, one, one)
    for direction in get_args(DirectionName):
        for policy in policies_of(direction):
            traced(reading, TraceRequest(sources=(address,), direction=direction, policy=policy))
    tainted(reading, SweepRequest(sources=(address,)), folder / "taint")
    for way in get_args(ExposureDirection):
        exposure_answer(reading, [ExposureRequest(subjects=(address,), direction=way)])
    # Entities of so many addresses that the ledger is looked through are not there.
    labels = reading.entities.labels
    moved_by_entity(view.first_output, view.output_address, view.output_value, labels, 0, 0, 1)
    _look_for_connections()
    # A page whose letters are not as they look, so that it is read twice.
    page = "<p>Pay to 1A1zP1eP5QGefi2DM PTfTL5SLmv7DivfN\u0430</p>".encode()
    scan(read_text(page, "text/html"), raw=page)


def _look_for_connections() -> None:
    """Look for the one connection of a chain of two transactions: that block has no two ends."""
    scripts = [bytes([0, 20]) + bytes([owner]) * 20 for owner in range(2)]
    mined, paid = (TxIdRaw(bytes([number]) * 32) for number in (1, 2))
    coin = Spent(txid=mined, vout=0, value_sat=2, script=scripts[0])
    transactions = [
        Listed(txid=mined, inputs=(), outputs=((2, scripts[0]),)),
        Listed(txid=paid, inputs=(coin,), outputs=((1, scripts[1]),)),
    ]
    view = view_of_list(transactions, REGTEST)
    for order in get_args(OrderName):
        find_paths(
            view,
            PathRequest(origin=view.outpoint_text(0), destination=view.outpoint_text(1), by=order),
        )


if __name__ == "__main__":
    compile_kernels()
