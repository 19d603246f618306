"""TagPacks from disk, as the workspace reads them together with a ledger.

Attribution answers which tag speaks for an address; an analyst wants every one of them, with its
source. So the tags are kept by the script they were written for, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution, attribute
from arien_flows.attribution.tagpack import Tag, TagPack, read_tagpack
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from chains.types import Int64Array

SUFFIXES = frozenset({".yaml", ".yml"})

FileIdentity = tuple[str, int, int]
"""Path, size and time of change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagBook:
    """All tags that are loaded, looked up in one view."""

    packs: tuple[TagPack, ...]
    attribution: Attribution
    by_address: Mapping[int, tuple[Tag, ...]]
    """Tags of each tagged address number, best first."""

    roots: Int64Array
    """Root of each address in `attribution.address`."""

    def direct(self, address: int) -> tuple[Tag, ...]:
        """Return the tags that were written for an address."""
        return self.by_address.get(address, ())

    def of_entity(self, root: int) -> list[tuple[int, Tag]]:
        """Return the tags of all addresses of an entity, with the address of each."""
        addresses = self.attribution.address[self.roots == root].tolist()
        return [(address, tag) for address in addresses for tag in self.direct(address)]


def tag_files(path: Path) -> tuple[FileIdentity, ...]:
    """Return the TagPack files that a path means; none where it does not exist."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    else:
        files = [path] if path.exists() else []
    stats = [(file, file.stat()) for file in files]
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats)


def read_packs(files: tuple[FileIdentity, ...]) -> tuple[TagPack, ...]:
    """Read the files; `InputError` names the one that is faulty, and where."""
    return tuple(read_tagpack(Path(path)) for path, _size, _time in files)


def open_tags(view: View, packs: tuple[TagPack, ...], entities: EntityMap) -> TagBook:
    """Look up all tags of some packs in a view."""
    attribution = attribute(view, (tag for pack in packs for tag in pack.tags), entities)
    by_address: dict[int, list[Tag]] = {}
    for tag in attribution.tags:
        if tag.address is None:
            raise InputError("a tag without an address has no place in a ledger")
        by_address.setdefault(view.find_address(tag.address), []).append(tag)
    roots = [entities.root_of(int(address)) for address in attribution.address]
    return TagBook(
        packs=packs,
        attribution=attribution,
        by_address={address: tuple(tags) for address, tags in by_address.items()},
        roots=np.array(roots, dtype=np.int64),
    )
