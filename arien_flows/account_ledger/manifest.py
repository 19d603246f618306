"""The manifest of an account ledger: what of its files counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from arien_flows.account_ledger.schema import ACCOUNT_FORMAT, Rows
from arien_flows.errors import LedgerDamagedError
from arien_flows.ledger.manifest import MANIFEST, decoded_document, encoded_document
from arien_flows.ledger.sorted_runs import RunName


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRuns:
    """The sorted runs of each index, in chain order."""

    transactions: tuple[RunName, ...] = ()
    addresses: tuple[RunName, ...] = ()
    touches: tuple[RunName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountManifest:
    """What an account ledger holds. Rows past these do not exist for anybody but the writer."""

    network: str
    generation: int = 0
    """Raised by each roll-back."""

    rows: Rows = field(default_factory=Rows)
    runs: AccountRuns = field(default_factory=AccountRuns)
    segments: int = 0
    """Rows of the table of checksums: one a batch."""

    sealed: Rows = field(default_factory=Rows)
    """Rows that the checksums cover; fewer than `rows` only after a roll-back."""

    def encode(self) -> bytes:
        """Return the file's content."""
        said = asdict(self) | {"rows": self.rows._asdict(), "sealed": self.sealed._asdict()}
        return encoded_document(said, ACCOUNT_FORMAT)


def read_account_manifest(root: Path) -> AccountManifest | None:
    """Return the manifest of the ledger in a folder, or nothing where there is no ledger."""
    path = root / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _decoded(decoded_document(root, content, ACCOUNT_FORMAT))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerDamagedError(
            f"{path} is not the manifest of a ledger of accounts, or is damaged: "
            "restore it from a copy, or remove the ledger and ingest anew"
        ) from error


def _decoded(document: Mapping[str, Any]) -> AccountManifest:
    said = dict(document)
    runs = {
        family: tuple(RunName(**run) for run in names) for family, names in said.pop("runs").items()
    }
    return AccountManifest(
        rows=Rows(**said.pop("rows")),
        sealed=Rows(**said.pop("sealed")),
        runs=AccountRuns(**runs),
        **said,
    )
