"""Making an account ledger of an export: its rows become batches again, as a source delivers them.

The same numbers come out, because they follow from the order of the chain alone. Every file is
checked against the export's manifest before the first row is taken in.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arien_flows.account_ledger.manifest import read_account_manifest
from arien_flows.account_ledger.parquet_export import AccountExport
from arien_flows.account_ledger.parquet_reading import ExportedPart, read_table
from arien_flows.account_ledger.parquet_schema import (
    EXPORT_FORMAT,
    EXPORT_TABLES,
    MANIFEST_FILE,
    part_path,
)
from arien_flows.account_ledger.writer import AccountLedgerWriter
from arien_flows.errors import InputError
from chains.account_source import AssetClaim
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import CallCoverage, OpeningCoverage, Ordering

PIECE = 1 << 24
"""Bytes that are hashed at a time."""


def exported_network(directory: Path) -> str | None:
    """Return the network of an export of a ledger of accounts; nothing for any other folder."""
    try:
        said = json.loads((directory / MANIFEST_FILE).read_bytes())
        return str(said["network"]) if said["ledger"] == "accounts" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def import_accounts(
    directory: Path,
    root: Path,
    network: EthereumNetwork,
    *,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> AccountExport:
    """Make a ledger in `root`, where there is none yet, of an export.

    Raises
    ------
    InputError
        The folder holds no such export, of another network, or a damaged one; or there is a ledger
        already.
    """
    said = _checked(directory, network)
    if read_account_manifest(root) is not None:
        raise InputError(f"there is a ledger in {root} already: move it away first")
    total = said.rows.get("blocks", 0)
    if not total:
        raise InputError(f"the export in {directory} is empty: there is nothing to import")
    claims = _Claims(directory, said.parts)
    with AccountLedgerWriter(root, network) as writer:
        for part in range(said.parts):
            _take_in(writer, ExportedPart(directory, part), claims)
            report(writer.rows.blocks, total)
        writer.finish_merges()
        tip, rows = writer.view.tip, writer.view.counts._asdict()
    if rows != said.rows or tip.block_hash != said.tip_hash:
        raise InputError(
            f"{directory} does not hold what its manifest says; remove {root} and export again"
        )
    return AccountExport(
        network=network.name,
        tip_height=tip.height,
        tip_hash=tip.block_hash,
        movements=rows["movements"],
        bytes=said.bytes,
    )


def _checked(directory: Path, network: EthereumNetwork) -> "_Export":
    """Return what the manifest says, once every file has the checksum that stands in it."""
    if exported_network(directory) is None:
        raise InputError(f"{directory} holds no export of a ledger of accounts")
    said: dict[str, Any] = json.loads((directory / MANIFEST_FILE).read_bytes())
    if said.get("format") != EXPORT_FORMAT:
        raise InputError(
            f"the export in {directory} has format {said.get('format')}, which is unknown"
        )
    if said["network"] != network.name:
        raise InputError(f"{directory} holds {said['network']}, not {network.name}")
    try:
        export = _Export(
            rows={str(table): int(count) for table, count in said["rows"].items()},
            tip_hash=str(said["tip_hash"]),
            files={str(each["path"]): str(each["sha256"]) for each in said["files"]},
            bytes=sum(int(each["bytes"]) for each in said["files"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{directory / MANIFEST_FILE} is not what was exported: export again"
        ) from error
    every = {part_path(table, part) for table in EXPORT_TABLES for part in range(export.parts)}
    if export.files.keys() != every or not every:
        raise InputError(f"{directory / MANIFEST_FILE} does not name every file: export again")
    for name, sha256 in export.files.items():
        path = directory / name
        if not path.is_file() or _sha256(path) != sha256:
            raise InputError(f"{path} is missing or is not what was exported: export again")
    return export


@dataclass(frozen=True, slots=True, kw_only=True)
class _Export:
    """What the manifest of an export says."""

    rows: dict[str, int]
    tip_hash: str
    files: dict[str, str]
    """SHA-256 by path."""

    bytes: int

    @property
    def parts(self) -> int:
        return len(self.files) // len(EXPORT_TABLES)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _take_in(writer: AccountLedgerWriter, part: "ExportedPart", claims: "_Claims") -> None:
    """Append the blocks of a part, in stretches of which the source told the same."""
    for blocks, (traced, ordered, opened) in part.stretches():
        batch = part.batch(
            blocks,
            CallCoverage.TRACED if traced else CallCoverage.MISSING,
            Ordering.EXECUTION if ordered else Ordering.CALLS_FIRST,
        )
        marked = [
            (contract, row)
            for row, height in enumerate(batch.height.tolist())
            for contract in claims.marks.get(height, ())
        ]
        openings = OpeningCoverage.KNOWN if opened else OpeningCoverage.MISSING
        writer.append(batch, claims.of, openings=openings, marked=marked)


class _Claims:
    """What contracts say of themselves, and which were found not to conserve, of all parts."""

    def __init__(self, directory: Path, parts: int) -> None:
        self._claims: dict[bytes, AssetClaim] = {}
        self.marks: dict[int, list[bytes]] = defaultdict(list)
        """Contracts by the height that showed it."""

        for part in range(parts):
            for row in read_table(directory, "assets", part).to_pylist():
                contract = row["contract"]
                self._claims[contract] = AssetClaim(
                    contract, row["symbol"], row["name"], row["decimals"]
                )
                if row["not_conserving_from"] is not None:
                    self.marks[row["not_conserving_from"]].append(contract)
        for contracts in self.marks.values():
            contracts.sort()

    def of(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        """Return what contracts say; nothing of one that the export does not list."""
        nothing = AssetClaim(b"", "", "", None)
        return [self._claims.get(it, nothing._replace(contract=it)) for it in contracts]
