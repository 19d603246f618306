"""The facts that an answer from fetched transactions stands on: their hash, and finding them again.

A record names the transactions with their blocks, the questions whose answers no proof stands
behind, and the outputs whose spender nobody asked for. With the archive that is enough to assemble
the very ledger of a run again, and the hash tells whether it is the same. No source is asked.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arien_flows.errors import LedgerDamagedError, StaleSnapshotError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.checking import spent_outputs
from arien_flows.fetched.contents import read_contents
from arien_flows.fetched.records import Contents, Outpoint, Proved
from chains.lookups import BlockHeader
from chains.types import TxIdRaw, shown_txid


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an answer stood on, by the names under which the archive has it."""

    source: str
    tip: bytes
    """Hash of the source's last block."""

    transactions: tuple[tuple[TxIdRaw, bytes], ...]
    """Each with the hash of its block, in chain order."""

    questions: tuple[bytes, ...]
    """What the source was asked about the present, ascending."""

    unasked: tuple[Outpoint, ...]
    """Outputs whose spender nobody asked for, in chain order."""

    limits: object
    """What every answer from it leaves out, as JSON knows it."""

    def encode(self) -> bytes:
        """Return the one text of the record."""
        told = {
            "source": self.source,
            "tip": self.tip.hex(),
            "transactions": [[txid.hex(), block.hex()] for txid, block in self.transactions],
            "questions": [question.hex() for question in self.questions],
            "unasked": [[txid.hex(), vout] for txid, vout in self.unasked],
            "limits": self.limits,
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, content: bytes) -> "Record":
        """Return the record of a text that `encode` made."""
        told: dict[str, Any] = json.loads(content)
        return cls(
            source=told["source"],
            tip=bytes.fromhex(told["tip"]),
            transactions=tuple(
                (TxIdRaw(bytes.fromhex(txid)), bytes.fromhex(block))
                for txid, block in told["transactions"]
            ),
            questions=tuple(bytes.fromhex(question) for question in told["questions"]),
            unasked=tuple((TxIdRaw(bytes.fromhex(txid)), vout) for txid, vout in told["unasked"]),
            limits=told["limits"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of a record."""

    tip: BlockHeader
    transactions: tuple[Proved, ...]
    """In chain order."""

    sha256: str


def facts_sha256(tip: BlockHeader, listings: Mapping[bytes, bytes], used: Sequence[Proved]) -> str:
    """Return the hash over everything that sources said and an answer rests on.

    It does not depend on when, in which order or in how many runs it was asked.
    """
    facts = [b"tip" + tip.header]
    facts += [key + said for key, said in listings.items()]
    for each in used:
        place = each.place
        at = struct.pack("<qq", place.height, place.position)
        facts.append(b"transaction" + each.raw)
        facts.append(b"place" + each.txid + place.block_hash + at + b"".join(place.path))
        facts += [
            b"spent" + struct.pack("<q", output.value_sat) + output.script for output in each.spent
        ]
    digests = sorted(hashlib.sha256(fact).digest() for fact in facts)
    return hashlib.sha256(b"".join(digests)).hexdigest()


def recalled(archive: Archive, record: Record) -> Facts:
    """Return the facts of a record from the archive.

    Raises
    ------
    LedgerDamagedError
        The archive holds some of them no more.
    StaleSnapshotError
        The source showed another block at one of the heights since.
    """
    txids = [txid for txid, _ in record.transactions]
    fetched = archive.transactions(txids)
    places = archive.places(txids)
    headers = archive.headers({record.tip, *(block for _, block in record.transactions)})
    listings = archive.statements(record.source, record.tip, record.questions)
    lost = [txid for txid in txids if txid not in fetched or txid not in places]
    if lost or record.tip not in headers or len(listings) < len(record.questions):
        raise LedgerDamagedError(
            f"{archive.path} holds no more what the answer stood on: ask the source again with the "
            "command that made the answer"
        )
    for block in sorted({record.tip, *(block for _, block in record.transactions)}):
        other = archive.replaced_by(block)
        if other is not None:
            raise StaleSnapshotError(
                f"block {headers[block].height:,} was {shown_txid(block)} and was seen as "
                f"{shown_txid(other)} since: ask the source again"
            )
    for txid, block in record.transactions:
        if places[txid].block_hash != block:
            raise StaleSnapshotError(
                f"transaction {shown_txid(txid)} stood in block {shown_txid(block)} and was seen "
                f"in block {shown_txid(places[txid].block_hash)} since: ask the source again"
            )
    contents: dict[TxIdRaw, Contents] = dict(read_contents(fetched))
    parents = {parent for each in contents.values() for parent, _ in each.spends} - fetched.keys()
    contents |= read_contents(archive.transactions(sorted(parents)))
    proved = []
    for txid, block in record.transactions:
        spent = spent_outputs(record.source, txid, fetched[txid].spent, contents)
        if spent is None:
            raise LedgerDamagedError(f"{archive.path} lacks what {shown_txid(txid)} spends")
        proved.append(
            Proved(
                txid=txid,
                raw=fetched[txid].raw,
                place=places[txid],
                header=headers[block],
                contents=contents[txid],
                spent=spent[0],
                is_proved=spent[1],
            )
        )
    tip = headers[record.tip]
    return Facts(tip=tip, transactions=tuple(proved), sha256=facts_sha256(tip, listings, proved))
