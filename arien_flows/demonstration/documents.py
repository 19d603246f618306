"""Reading a document for addresses, as the sample investigation needs it.

A word counts as an address if it is one: its checksum holds on the network. Which of several
addresses is the author's own is for the reader to judge, so the line is kept with it.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from arien_flows.errors import NotFoundError
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import Network
from chains.errors import AddressError

_WORD = re.compile(r"[A-Za-z0-9]{26,90}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """An address in a document, with what is needed to find it again."""

    file: str
    sha256: str
    """Of the document's bytes."""

    address: str
    text: str
    """The document."""


def first_address(document: Path, network: Network) -> Quotation:
    """Return the first address in a document."""
    raw = document.read_bytes()
    text = raw.decode("utf-8")
    for word in _WORD.findall(text):
        try:
            parse_address(word, network)
        except AddressError:
            continue
        return Quotation(
            file=document.name,
            sha256=hashlib.sha256(raw).hexdigest(),
            address=word,
            text=text.strip(),
        )
    raise NotFoundError(f"{document.name} holds no address of {network.name}")
