"""The manifest: the one small file that says what a ledger holds.

Rows past its counts do not exist for anybody but the writer. It is replaced at one stroke, so a
batch is visible as a whole or not at all. It holds no times and no host names: the same blocks
taken in the same way give the same bytes.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from arien_flows.errors import LedgerDamagedError, LedgerVersionError
from arien_flows.ledger.schema import FORMAT_VERSION
from arien_flows.ledger.sorted_runs import RunName
from arien_flows.ledger.view import Counts

MANIFEST = "manifest.json"
INTENT = "intent.json"
"""Present while words may have been written in place for rows that the manifest does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The sorted runs of each index, in chain order."""

    transactions: tuple[RunName, ...] = ()
    addresses: tuple[RunName, ...] = ()
    reveals: tuple[RunName, ...] = ()
    history: tuple[RunName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a ledger holds."""

    network: str
    generation: int = 0
    """Raised by each roll-back."""

    counts: Counts = field(default_factory=Counts)
    byte_counts: dict[str, int] = field(default_factory=dict)
    """Length of each bytes column, by path."""

    unspent_sat: int = 0
    """Value of all outputs that no transaction spends or voids; OP_RETURN and genesis included."""

    runs: Runs = field(default_factory=Runs)
    segments: int = 0
    """Rows of the table of checksums: one a commit."""

    sealed: Counts = field(default_factory=Counts)
    """Rows that the checksums cover; fewer than `counts` only after a roll-back."""

    def encode(self) -> bytes:
        """Return the file's content."""
        return (
            json.dumps({"format": FORMAT_VERSION, **asdict(self)}, indent=1, sort_keys=True) + "\n"
        ).encode()


def read_manifest(root: Path) -> Manifest | None:
    """Return the manifest of the ledger in a folder, or nothing where there is no ledger."""
    path = root / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        document: dict[str, Any] = json.loads(content)
        version = int(document.pop("format"))
        if version > FORMAT_VERSION:
            raise LedgerVersionError(
                f"the ledger in {root} has format {version}, and this program knows formats up "
                f"to {FORMAT_VERSION}: use the version of arien-flows that wrote it, or a newer one"
            )
        return _decoded(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerDamagedError(
            f"{path} is not a manifest: "
            "restore it from a copy, or remove the ledger and ingest anew"
        ) from error


def _decoded(document: dict[str, Any]) -> Manifest:
    runs = {
        family: tuple(RunName(**run) for run in names)
        for family, names in document.pop("runs").items()
    }
    return Manifest(
        counts=Counts(**document.pop("counts")),
        sealed=Counts(**document.pop("sealed")),
        runs=Runs(**runs),
        **document,
    )
