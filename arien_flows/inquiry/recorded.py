"""Answers from a server that can be made again without it.

When a question has been answered, what the answer stood on is noted in the archive. From that note
the same reading is made again: the same transactions, the same outputs that nobody asked about,
the same words on what was left out. Nothing is asked; whether the server still exists, and what it
would say today, makes no difference.
"""

from dataclasses import replace
from typing import cast

import numpy as np

from arien_flows.errors import LedgerDamagedError, NotFoundError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.assembly import Assembled, assemble
from arien_flows.fetched.completeness import Fetched, Origin
from arien_flows.fetched.facts import Facts, Record, recalled
from arien_flows.fetched.fetcher import Fetcher
from arien_flows.inquiry.readings import Tags, cluster
from arien_flows.ledger.view import View
from arien_flows.shapes import Truncation, plain, shaped
from arien_flows.workspace import Reading
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.networks import Network
from chains.errors import MalformedBlockError
from chains.types import Int64Array, TxIdRaw


def recorded(reading: Reading, fetcher: Fetcher, archive: Archive) -> Reading:
    """Note in the archive what a reading stands on; return it with the name of the note."""
    fetched = reading.fetched
    if fetched is None:
        raise ValueError("a ledger of whole blocks needs no note")
    view = reading.view
    name = archive.keep_record(
        Record(
            source=fetcher.source.name,
            tip=fetcher.tip_hash,
            transactions=_transactions(view),
            questions=tuple(sorted(fetcher.listings)),
            unasked=_outpoints(view, fetched.unasked),
            limits=plain(fetched.limits),
        ).encode()
    )
    return replace(reading, fetched=replace(fetched, origin=replace(fetched.origin, record=name)))


def reading_again(archive: Archive, origin: Origin, network: Network, tags: Tags) -> Reading:
    """Return the reading that an answer stood on, from the archive alone.

    Raises
    ------
    NotFoundError
        The archive has no note of it.
    LedgerDamagedError
        Something that it stood on is gone, or is not what it was.
    StaleSnapshotError
        The source showed another block at one of the heights since.
    """
    content = None if origin.record is None else archive.record(origin.record)
    if content is None:
        raise NotFoundError(
            f"{archive.path} has no note of this answer: it was made in another data folder, or by "
            "an earlier version; name the folder with --data, or ask the source again"
        )
    record = Record.decode(content)
    try:
        facts = recalled(archive, record)
    except (MalformedBlockError, ValueError) as error:
        raise LedgerDamagedError(f"{archive.path} is damaged ({error})") from error
    if facts.sha256 != origin.facts_sha256:
        raise LedgerDamagedError(
            f"{archive.path} does not hold what the answer stood on: its hash is {facts.sha256} "
            f"and not {origin.facts_sha256}"
        )
    return _reading(network, record, facts, tags)


def _reading(network: Network, record: Record, facts: Facts, tags: Tags) -> Reading:
    ledger = assemble(network, facts.tip, facts.transactions)
    book = tags(ledger.view)
    clustering = cluster(ledger.view, book.constraints)
    limits = cast("tuple[Truncation, ...]", shaped(tuple[Truncation, ...], record.limits))
    return Reading(
        view=ledger.view,
        clustering=clustering,
        clustering_gap="",
        tags=book.among(clustering),
        fetched=Fetched(
            ledger=ledger,
            unasked=_outputs(ledger.view, record.unasked),
            limits=limits,
            origin=_origin(record, facts, ledger),
        ),
    )


def _origin(record: Record, facts: Facts, ledger: Assembled) -> Origin:
    proved = int(np.count_nonzero(ledger.is_proved))
    return Origin(
        source=record.source,
        requests=0,
        requests_allowed=0,
        reused=len(facts.transactions),
        transactions=len(facts.transactions),
        inputs_proved=proved,
        inputs_stated=len(ledger.is_proved) - proved,
        facts_sha256=facts.sha256,
    )


def _transactions(view: View) -> tuple[tuple[TxIdRaw, bytes], ...]:
    hashes = header_hashes(view.header)[view.blocks_of(np.arange(view.counts.transactions))]
    return tuple(
        (TxIdRaw(txid.tobytes()), block.tobytes())
        for txid, block in zip(view.txid, hashes, strict=True)
    )


def _outpoints(view: View, outputs: Int64Array) -> tuple[tuple[TxIdRaw, int], ...]:
    makers = view.transactions_of_outputs(outputs)
    positions = outputs - view.first_output[makers]
    return tuple(
        (TxIdRaw(view.txid[maker].tobytes()), vout)
        for maker, vout in zip(makers.tolist(), positions.tolist(), strict=True)
    )


def _outputs(view: View, outpoints: tuple[tuple[TxIdRaw, int], ...]) -> Int64Array:
    """Return the outputs' numbers, in the same order, which is theirs."""
    number = {txid.tobytes(): row for row, txid in enumerate(view.txid)}
    found = [int(view.first_output[number[txid]]) + vout for txid, vout in outpoints]
    return np.array(found, dtype=np.int64)
