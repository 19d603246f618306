"""Armoured PGP blocks in a text (RFC 9580, section 6): keys, messages, signed texts.

The letters of a key are no writing, and what happens to look like an address in them is none. The
text of a signed message is what its signer says; whether the signature holds is not decided here.
"""

import re
from collections.abc import Iterator

from arien_flows.extraction.text import Region, RegionKind

_MARK = re.compile(r"-----(BEGIN|END) PGP ([A-Z ,/0-9]{3,40})-----")

SIGNED_MESSAGE = "SIGNED MESSAGE"
SIGNATURE = "SIGNATURE"


def pgp_regions(text: str) -> Iterator[Region]:
    """Yield the armoured blocks of a text, and the texts that are signed.

    A block that does not end reaches to the next mark, or to the end of the text. A signed text
    reaches to its signature; one without a signature is not signed.
    """
    begun: re.Match[str] | None = None
    for mark in _MARK.finditer(text):
        what = mark[2]
        if begun is not None:
            yield from _block(begun, mark)
        begun = mark if mark[1] == "BEGIN" else None
        if mark[1] == "END" and what == SIGNED_MESSAGE:
            begun = None
    if begun is not None and begun[2] != SIGNED_MESSAGE:
        yield _region(RegionKind.KEY, begun.start(), len(text), begun[2])


def _block(begun: re.Match[str], mark: re.Match[str]) -> Iterator[Region]:
    """Yield what lies between the mark that began a block and the next mark."""
    if begun[2] != SIGNED_MESSAGE:
        stop = mark.end() if mark[1] == "END" else mark.start()
        yield _region(RegionKind.KEY, begun.start(), stop, begun[2])
    elif mark[1] == "BEGIN" and mark[2] == SIGNATURE:
        yield _region(RegionKind.SIGNED, begun.end(), mark.start(), SIGNED_MESSAGE)


def _region(kind: RegionKind, start: int, stop: int, what: str) -> Region:
    return Region(kind=kind, start=start, stop=stop, rule=f"pgp:{what.lower().replace(' ', '-')}")
