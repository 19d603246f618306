"""Have other programs decode blocks (`bench_peers.py`), to compare an ingest with.

The peer blockchain-parser needs an environment of its own, because it insists on another
python-bitcoinlib: `python -m venv .venv-peer && .venv-peer/bin/pip install blockchain-parser`.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import Network

SAMPLED_BLOCKS = 12
PEER_PYTHON = Path(__file__).parents[1] / ".venv-peer/bin/python"


def sample(source: Path, network: Network) -> Iterator[bytes]:
    """Yield blocks from all over a chain."""
    files = BlockFiles(source, network, batch_bytes=1)
    tip = files.tip_height()
    for height in sorted({int(place) for place in np.linspace(0, tip, SAMPLED_BLOCKS)}):
        for batch in files.batches(height, height + 1):
            yield frames_of(batch.raw.tobytes(), batch.header[0].tobytes())


def frames_of(raw: bytes, header: bytes) -> bytes:
    """Return a block alone: a batch's bytes may have a few of the file's before and after."""
    return raw[raw.index(header) :]


def peers(blocks: list[bytes], interpreter: Path) -> dict[str, Any]:
    """Have other programs decode blocks."""
    interpreters = {"python-bitcoinlib": Path(sys.executable), "blockchain-parser": interpreter}
    script = Path(__file__).with_name("bench_peers.py")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        records = Path(name) / "records"
        records.write_bytes(b"".join(len(raw).to_bytes(4, "little") + raw for raw in blocks))
        for peer, python in interpreters.items():
            if not python.exists():
                figures[peer] = {
                    "unavailable": f"no {python}: see the top of {Path(__file__).name}"
                }
                continue
            done = subprocess.run(
                [python, script, peer, records], check=True, stdout=subprocess.PIPE, text=True
            )
            figures[peer] = json.loads(done.stdout)
    return figures


def ratio(rate: float, peer: dict[str, Any]) -> float | None:
    """Return how many times a peer's rate ours is, where the peer could run."""
    theirs = peer.get("transactions_per_second")
    return round(rate / theirs, 1) if theirs else None


def ratio_name(peer: str) -> str:
    return "ratio_to_" + peer.replace("-", "_")
