"""Making an account ledger of an export: its rows become batches again, as a source delivers them.

The same numbers come out, because they follow from the order of the chain alone. Every file is
checked against the export's manifest before the first row is taken in.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arien_flows.account_ledger.manifest import read_account_manifest
from arien_flows.account_ledger.parquet_export import AccountExport
from arien_flows.account_ledger.parquet_reading import ExportedPart, read_table
from arien_flows.account_ledger.parquet_schema import EXPORT_FORMAT, MANIFEST_FILE
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
    total = int(said["rows"]["blocks"])
    parts = 1 + max((int(each["path"][-13:-8]) for each in said["files"]), default=-1)
    claims = _Claims(directory, parts)
    with AccountLedgerWriter(root, network) as writer:
        for part in range(parts):
            _take_in(writer, ExportedPart(directory, part), claims)
            report(writer.rows.blocks, total)
        writer.finish_merges()
        tip, rows = writer.view.tip, writer.view.counts._asdict()
    if rows != said["rows"] or tip.block_hash != said["tip_hash"]:
        raise InputError(
            f"{directory} does not hold what its manifest says; remove {root} and export again"
        )
    return AccountExport(
        network=network.name,
        tip_height=tip.height,
        tip_hash=tip.block_hash,
        movements=rows["movements"],
        bytes=sum(int(each["bytes"]) for each in said["files"]),
    )


def _checked(directory: Path, network: EthereumNetwork) -> dict[str, Any]:
    """Return what the manifest says, once every file has the checksum that stands in it."""
    if exported_network(directory) is None:
        raise InputError(f"{directory} holds no export of a ledger of accounts")
    said: dict[str, Any] = json.loads((directory / MANIFEST_FILE).read_bytes())
    if said["format"] != EXPORT_FORMAT:
        raise InputError(f"the export in {directory} has format {said['format']}, which is unknown")
    if said["network"] != network.name:
        raise InputError(f"{directory} holds {said['network']}, not {network.name}")
    for each in said["files"]:
        path = directory / each["path"]
        if not path.is_file() or _sha256(path) != each["sha256"]:
            raise InputError(f"{path} is missing or is not what was exported: export again")
    return said


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
