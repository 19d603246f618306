"""GraphSense TagPacks: what named sources say about addresses.

A TagPack is a YAML file with a title, a creator and a list of tags; any tag field may stand in
the header and is inherited by every tag, whose own value wins. The reader is strict: a tag that
is silently dropped or misread would later be a wrong name in a report. A fault of the file or its
header refuses the file; a fault of one tag is listed with its row, and the other tags stand.

A pack must be one file, because its bytes are kept as the evidence: a header that is included
from elsewhere (`!include`) is refused.
"""

import hashlib
from pathlib import Path
from typing import Any

from arien_flows.attribution.pack import Gathering, TagPack, told_by
from arien_flows.attribution.pack_scan import Scanned, scan_pack
from arien_flows.attribution.pack_yaml import load_pack
from arien_flows.attribution.tag_fields import (
    TAG_FIELDS,
    FaultError,
    subject_in,
    tag_of,
    text_in,
)
from arien_flows.errors import InputError

_LARGEST_FILE = 200 * 2**20
_HEADER_ONLY = frozenset({"title", "creator", "description", "owner", "is_public", "tags"})


def read_tagpack(path: Path) -> TagPack:
    """Read one TagPack file.

    Raises
    ------
    InputError
        If the file cannot be read or is no TagPack; names the file and the fault.
    """
    return parse_tagpack(read_pack_bytes(path), path.name)


def read_pack_bytes(path: Path) -> bytes:
    """Return the bytes of a file that may hold tags."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path.name}: larger than 200 MB; split the pack")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def parse_tagpack(raw: bytes, name: str) -> TagPack:
    """Read a TagPack from its bytes; `name` is what errors call it."""
    try:
        scanned = scan_pack(raw, lambda part: load_pack(part, name))
    except InputError:
        scanned = None  # the strict reader says what is wrong with the whole
    return parse_strictly(raw, name) if scanned is None else _from_scan(scanned, raw, name)


def parse_strictly(raw: bytes, name: str) -> TagPack:
    """Read a TagPack with the strict reader alone."""
    content = load_pack(raw, name)
    if not isinstance(content, dict):
        raise InputError(f"{name}: a TagPack is a mapping with a title, a creator and tags")
    title, gathering = _begin(content, name)
    listed = content.get("tags")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{name}: header: tags must be a list with at least one tag")
    for number, row in enumerate(listed, start=1):
        gathering.take(number, row)
    return gathering.pack(title=title, sha256=hashlib.sha256(raw).hexdigest())


def _begin(header: dict[str, Any], name: str) -> tuple[str, Gathering]:
    """Return a pack's title, and what its header says of all tags."""
    for field in header:
        if field not in _HEADER_ONLY and field not in TAG_FIELDS:
            raise InputError(f"{name}: header: the field {field!r} is unknown")
    try:
        title = text_in(header, "title")
        creator = text_in(header, "creator")
    except FaultError as error:
        raise InputError(f"{name}: header: {error}") from error
    inherited = {field: value for field, value in header.items() if field in TAG_FIELDS}
    return title, Gathering(creator, inherited)


def _from_scan(scanned: Scanned, raw: bytes, name: str) -> TagPack:
    """Judge each body once; all of its tags share the verdict."""
    title, gathering = _begin(dict(scanned.header), name)
    verdicts: list[int | str] = []
    for kind, body in zip(scanned.kinds, scanned.bodies, strict=True):
        try:
            # Any subject of letters and digits is as good as another one here.
            tag = tag_of({**body, kind: "subject"}, gathering.inherited, gathering.creator)
            verdicts.append(gathering.place(told_by(tag)))
        except FaultError as error:
            verdicts.append(str(error))
    faulty = {place for place, verdict in enumerate(verdicts) if isinstance(verdict, str)}
    if not faulty:
        gathering.numbers = list(range(1, len(scanned.subjects) + 1))
        gathering.subjects = scanned.subjects
        gathering.told_at = [verdicts[place] for place in scanned.body]  # type: ignore[misc]
        return gathering.pack(title=title, sha256=hashlib.sha256(raw).hexdigest())
    for number, (subject, place) in enumerate(
        zip(scanned.subjects, scanned.body, strict=True), start=1
    ):
        verdict = verdicts[place]
        if isinstance(verdict, str):
            row = {**scanned.bodies[place], scanned.kinds[place]: subject}
            gathering.refuse(number, subject_in(row), verdict)
            continue
        gathering.numbers.append(number)
        gathering.subjects.append(subject)
        gathering.told_at.append(verdict)
    return gathering.pack(title=title, sha256=hashlib.sha256(raw).hexdigest())
