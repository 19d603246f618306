"""The manifest: the one small file that says what a ledger holds.

Rows past its counts do not exist for anybody but the writer. It is replaced at one stroke, so a
batch is visible as a whole or not at all. It holds no times and no host names: the same blocks
taken in the same way give the same bytes. It carries the checksum of its own text, so that a
flipped bit in it is damage and not another ledger.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from arien_flows.errors import LedgerDamagedError, LedgerVersionError
from arien_flows.ledger.schema import FORMAT_VERSION
from arien_flows.ledger.sorted_runs import RunName
from arien_flows.ledger.view import Counts

MANIFEST = "manifest.json"
INTENT = "intent.json"
"""Present while words may have been written in place for rows that the manifest does not count."""

CHECKSUM = re.compile(rb'"checksum": "[0-9a-f]{16}"')
BLANK = b'"checksum": "0000000000000000"'
"""What stands in the place of the checksum in the text that it is made of."""


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
    """Rows of the table of checksums: one a batch."""

    sealed: Counts = field(default_factory=Counts)
    """Rows that the checksums cover; fewer than `counts` only after a roll-back."""

    def encode(self) -> bytes:
        """Return the file's content."""
        return encoded_document(asdict(self), FORMAT_VERSION)


def _sealed(content: bytes) -> bytes:
    """Return a manifest with the checksum of its text in place."""
    blank = CHECKSUM.sub(BLANK, content, count=1)
    return blank.replace(BLANK, f'"checksum": "{xxhash.xxh3_64_hexdigest(blank)}"'.encode(), 1)


def read_manifest(root: Path) -> Manifest | None:
    """Return the manifest of the ledger in a folder, or nothing where there is no ledger."""
    path = root / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _decoded(decoded_document(root, content, FORMAT_VERSION))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerDamagedError(
            f"{path} is not a manifest, or is damaged: "
            "restore it from a copy, or remove the ledger and ingest anew"
        ) from error


def decoded_document(root: Path, content: bytes, known_version: int) -> dict[str, Any]:
    """Return what a manifest says, without its format and checksum, which are right.

    Raises
    ------
    LedgerVersionError
        It has another format than `known_version`.
    ValueError
        It is damaged; a `KeyError` or `TypeError` says the same.
    """
    document: dict[str, Any] = json.loads(content)
    version = int(document.pop("format"))
    # Format 1 of ledgers of coins had no checksum; later formats keep it as it is, so that damage
    # to the number of the format is not taken for another format.
    is_sealed = CHECKSUM.search(content) is not None
    if content != _sealed(content) or (version == known_version and not is_sealed):
        raise ValueError("the text does not have the checksum that stands in it")
    if version != known_version:
        raise LedgerVersionError(_other_format(root, version, known_version))
    del document["checksum"]
    return document


def encoded_document(contents: dict[str, Any], version: int) -> bytes:
    """Return the text of a manifest, with its checksum."""
    document = {"checksum": "0" * 16, "format": version, **contents}
    return _sealed((json.dumps(document, indent=1, sort_keys=True) + "\n").encode())


def _other_format(root: Path, version: int, known_version: int) -> str:
    """Return what to do with a ledger of a format that this program does not read."""
    if version > known_version:
        return (
            f"the ledger in {root} has format {version}, and this program reads format "
            f"{known_version}: use the version of arien-flows that wrote it, or a newer one"
        )
    return (
        f"the ledger in {root} has format {version}, written by an earlier version of arien-flows; "
        f"this one reads format {known_version}: move the folder away and ingest again, or export "
        "it with the version that wrote it and import that with this one"
    )


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
