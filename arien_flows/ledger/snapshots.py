"""Reading a ledger while another process may be writing it.

A view is taken from one manifest and stays valid while blocks are added. Only a roll-back can take
away what a view shows; it raises the generation before it touches anything, so whoever checks the
generation *after* computing an answer knows whether the answer stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from arien_flows.errors import LedgerDamagedError, NotFoundError, StaleSnapshotError
from arien_flows.ledger.manifest import MANIFEST


class _HasGeneration(Protocol):
    @property
    def generation(self) -> int: ...


Answer = TypeVar("Answer")
ViewT = TypeVar("ViewT", bound=_HasGeneration)
ManifestT = TypeVar("ManifestT", bound=_HasGeneration)

ATTEMPTS = 5
"""How often a question is put anew when roll-backs or merges get in its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened(Generic[ViewT, ManifestT]):
    """A view and where it comes from; replaced as a whole, so that threads see no mixture."""

    identity: tuple[int, int] | None
    manifest: ManifestT
    view: ViewT


class Snapshots(Generic[ViewT, ManifestT]):
    """A ledger opened for reading. Any number of processes may do so."""

    def __init__(
        self,
        root: Path,
        read: Callable[[Path], ManifestT | None],
        view_of: Callable[[Path, ManifestT], ViewT],
    ) -> None:
        """Open the ledger in `root`; `NotFoundError` where there is none.

        `read` returns the manifest of a folder, and `view_of` maps what it describes.
        """
        self.root = root
        self._read = read
        self._view_of = view_of
        self._opened: _Opened[ViewT, ManifestT] | None = None
        self.view()

    @property
    def manifest(self) -> ManifestT:
        """The manifest of the last view taken."""
        assert self._opened is not None  # noqa: S101 - set by the view that __init__ takes
        return self._opened.manifest

    def view(self) -> ViewT:
        """Return the newest committed state; the same object as long as nothing changes."""
        for attempt in range(ATTEMPTS):
            identity = self._manifest_identity()
            if self._opened is not None and identity == self._opened.identity:
                return self._opened.view
            manifest = self._read(self.root)
            if manifest is None:
                break
            try:
                view = self._view_of(self.root, manifest)
            except (FileNotFoundError, LedgerDamagedError):
                # A merge has replaced runs that this manifest names. If it still stands, the
                # files are really gone.
                if attempt + 1 == ATTEMPTS or self._manifest_identity() == identity:
                    raise
                continue
            self._opened = _Opened(identity=identity, manifest=manifest, view=view)
            return view
        raise NotFoundError(
            f"there is no ledger in {self.root}: make one with `arien-flows ledger ingest`"
        )

    def answer(self, question: Callable[[ViewT], Answer]) -> Answer:
        """Return what `question` says of a view that is still valid when it has been asked.

        Raises
        ------
        StaleSnapshotError
            The chain was reorganised again and again meanwhile.
        """
        for _ in range(ATTEMPTS):
            view = self.view()
            try:
                result = question(view)
            except Exception:
                if self.is_current(view):
                    raise
                continue
            if self.is_current(view):
                return result
        raise StaleSnapshotError(
            "blocks were removed while the answer was made, several times over: ask again"
        )

    def is_current(self, view: ViewT) -> bool:
        """Return whether everything that the view shows still stands in the ledger."""
        opened = self._opened
        if (
            opened is not None
            and view is opened.view
            and self._manifest_identity() == opened.identity
        ):
            # Nothing was committed or rolled back since: no need to read the manifest anew.
            return True
        manifest = self._read(self.root)
        return manifest is not None and manifest.generation == view.generation

    def bytes_on_disk(self) -> int:
        """Return how much room the ledger takes, derived sets included."""
        return sum(file.stat().st_blocks * 512 for file in self.root.rglob("*") if file.is_file())

    def _manifest_identity(self) -> tuple[int, int] | None:
        try:
            status = (self.root / MANIFEST).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
