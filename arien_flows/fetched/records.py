"""What was learned from sources, in the program's own terms, and its bytes in the archive."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from chains.lookups import BlockHeader, Sighting, StatedOutput
from chains.types import TxIdRaw

Outpoint = tuple[TxIdRaw, int]
"""An output by the id of its transaction, as stored, and its position there."""

_UNCONFIRMED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a transaction's bytes say, as far as fetching needs it."""

    spends: tuple[Outpoint, ...]
    """Empty for a coinbase."""

    pays: tuple[StatedOutput, ...]
    stripped_size: int
    """Bytes without witness."""

    @property
    def is_coinbase(self) -> bool:
        """Whether it creates coins and spends none."""
        return not self.spends


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a transaction stands, proved by a merkle branch against a header."""

    block_hash: bytes
    height: int
    position: int
    path: tuple[bytes, ...]
    is_settled: bool
    """Whether the block was seen in the chain so deep that no reorganisation removes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A transaction that is ready for the ledger: its bytes, its place, and what it spends."""

    txid: TxIdRaw
    raw: bytes
    place: Place
    header: BlockHeader
    contents: Contents
    spent: tuple[StatedOutput, ...]
    """What each input spends, in order."""

    is_proved: tuple[bool, ...]
    """Whether that is read from the transaction which makes the output, whose id the input
    commits to, and not only stated by the source."""


def pack_outputs(outputs: Iterable[StatedOutput]) -> bytes:
    """Return the bytes that `unpack_outputs` reads."""
    parts = (
        struct.pack("<qI", output.value_sat, len(output.script)) + output.script
        for output in outputs
    )
    return b"".join(parts)


def unpack_outputs(packed: bytes) -> tuple[StatedOutput, ...]:
    """Return the outputs that `pack_outputs` was given."""
    outputs, at = [], 0
    while at < len(packed):
        value_sat, length = struct.unpack_from("<qI", packed, at)
        at += 12
        outputs.append(StatedOutput(value_sat=value_sat, script=packed[at : at + length]))
        at += length
    return tuple(outputs)


def pack_sightings(sightings: Iterable[Sighting]) -> bytes:
    """Return the bytes that `unpack_sightings` reads."""
    return b"".join(
        seen.txid + struct.pack("<q", _UNCONFIRMED if seen.height is None else seen.height)
        for seen in sightings
    )


def unpack_sightings(packed: bytes) -> tuple[Sighting, ...]:
    """Return the sightings that `pack_sightings` was given."""
    found = []
    for at in range(0, len(packed), 40):
        (height,) = struct.unpack_from("<q", packed, at + 32)
        txid = TxIdRaw(packed[at : at + 32])
        found.append(Sighting(txid=txid, height=None if height == _UNCONFIRMED else height))
    return tuple(found)
