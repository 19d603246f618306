"""Strict readers of what an Electrum server returns; pure.

A reader raises `ValueError` with the fault where an answer does not have the shape that the
protocol gives it. Ids and hashes arrive as people read them and leave as the chain stores them.
"""

import re

from chains.bitcoin.headers import HEADER_LENGTH
from chains.lookups import MerkleBranch, Sighting
from chains.types import TxIdHex, TxIdRaw, raw_txid

LONGEST_BRANCH = 32
"""Levels of a merkle tree: far more than a block's transactions can fill."""

_ID = re.compile(r"[0-9a-f]{64}")


def tip(answer: object) -> tuple[int, bytes]:
    """Return height and header of `blockchain.headers.subscribe`."""
    match answer:
        case {"height": int(height), "hex": str(digits)} if height >= 0:
            return height, _one_header(digits)
    raise ValueError("a tip without height and header")


def headers(answer: object) -> bytes:
    """Return the consecutive headers of `blockchain.block.headers`, one after the other.

    Until protocol 1.5 they arrive as one text, since 1.6 as a list.
    """
    match answer:
        case {"headers": list(each)}:
            return b"".join(_one_header(one) for one in each)
        case {"hex": str(digits)}:
            together = _bytes(digits)
            if len(together) % HEADER_LENGTH:
                raise ValueError(f"headers that are not {HEADER_LENGTH} bytes each")
            return together
    raise ValueError("no headers where headers were asked for")


def sightings(answer: object, tip_height: int, genesis_txid: TxIdRaw) -> tuple[Sighting, ...]:
    """Return the history of a script: confirmed ones by height, then unconfirmed ones by id.

    What was confirmed above `tip_height` is unconfirmed for a source that stands there. Height 0
    stands for "unconfirmed" too, except for the one transaction of the genesis block.
    """
    if not isinstance(answer, list):
        raise ValueError("a history that is no list")
    seen = [_sighting(entry, tip_height, genesis_txid) for entry in answer]
    confirmed = [sighting for sighting in seen if sighting.height is not None]
    confirmed.sort(key=lambda sighting: sighting.height or 0)
    unconfirmed = [sighting for sighting in seen if sighting.height is None]
    unconfirmed.sort(key=lambda sighting: sighting.txid[::-1])
    return (*confirmed, *unconfirmed)


def _sighting(entry: object, tip_height: int, genesis_txid: TxIdRaw) -> Sighting:
    match entry:
        case {"tx_hash": str(shown), "height": int(height)} if height >= -1:
            txid = _stored(shown)
            known = 0 < height <= tip_height or (height == 0 and txid == genesis_txid)
            return Sighting(txid=txid, height=height if known else None)
    raise ValueError("a history with an entry that names no transaction and height")


def raw_transaction(answer: object) -> bytes:
    """Return the bytes of `blockchain.transaction.get`."""
    if not isinstance(answer, str):
        raise ValueError("a transaction that is no text")
    return _bytes(answer)


def branch(answer: object) -> tuple[int, MerkleBranch]:
    """Return the height and the branch of `blockchain.transaction.get_merkle`."""
    match answer:
        case {"block_height": int(height), "merkle": list(path), "pos": int(position)}:
            stored = tuple(_stored(one) for one in path)
            if len(stored) > LONGEST_BRANCH or not 0 <= position < 1 << len(stored):
                raise ValueError("a merkle branch whose length does not fit its position")
            return height, MerkleBranch(position=position, path=stored)
    raise ValueError("no merkle branch where one was asked for")


def genesis_hash(answer: object) -> bytes | None:
    """Return the genesis block that `server.features` states; nothing where it states none."""
    match answer:
        case {"genesis_hash": str(shown)}:
            return _stored(shown)
    return None


def _stored(shown: object) -> TxIdRaw:
    if not isinstance(shown, str) or not _ID.fullmatch(shown):
        raise ValueError("an id that is not 64 hexadecimal digits")
    return raw_txid(TxIdHex(shown))


def _one_header(digits: object) -> bytes:
    if not isinstance(digits, str):
        raise ValueError("a header that is no text")
    single = _bytes(digits)
    if len(single) != HEADER_LENGTH:
        raise ValueError(f"a header of {len(single)} bytes instead of {HEADER_LENGTH}")
    return single


def _bytes(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ValueError("digits that are not hexadecimal") from None
