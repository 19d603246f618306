"""Asking a source, checking every answer, and asking nothing twice.

A transaction's bytes must hash to its id. Its place must follow from a merkle branch that leads to
the root in the header of that height, and the header must meet its own target. A transaction
whose stripped form has 64 bytes proves nothing in a merkle tree, because an inner node has 64
bytes too (CVE-2017-12842), and is refused. What an input spends is read from the transaction that
makes the output wherever its bytes are at hand; a source that states something else contradicts
itself and is not used further.

A place that was proved earlier is used again if its block was `SETTLED_DEPTH` deep when it was
seen last; a younger one only if the source's present chain still has that block. Questions go out
in parts no larger than the requests that are left, and each part is kept before the next one is
asked, so that a budget or a failure in the middle costs nothing that was answered.
"""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from arien_flows.errors import LedgerDamagedError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.checking import (
    check_branch,
    check_statement,
    checked_headers,
    contradicts,
    spent_outputs,
)
from arien_flows.fetched.contents import read_contents
from arien_flows.fetched.conversation import Conversation
from arien_flows.fetched.records import (
    Contents,
    Outpoint,
    Place,
    Proved,
    pack_sightings,
    unpack_sightings,
)
from arien_flows.fetched.statements import Answers, Statements
from chains.errors import LookupFailedError, MalformedBlockError, SourceUnavailableError
from chains.lookups import (
    BlockHeader,
    FetchedTransaction,
    MerkleBranch,
    OutputQuestion,
    Sighting,
    StatedOutput,
)
from chains.source import LookupSource
from chains.types import TxIdRaw

SETTLED_DEPTH = 100
"""Blocks on top of a block that no reorganisation is expected to remove."""

HEADER_COST = 3
"""Requests that a header may take: explorers name its hash, its fields and its median time."""

HISTORY_COST = 2
"""Requests that a short history takes at most; long ones have pages."""

_LISTINGS = (b"history ", b"spender ")
"""Statements that no proof stands behind."""


class Fetcher:
    """What one run has fetched, and the way to fetch more."""

    def __init__(self, source: LookupSource, archive: Archive, conversation: Conversation) -> None:
        """Pin the source's last block; everything is as of it."""
        self.source = source
        self.conversation = conversation
        self._reused = 0
        self._archive = archive
        self._transactions: dict[TxIdRaw, FetchedTransaction] = {}
        self._contents: dict[TxIdRaw, Contents] = {}
        self._places: dict[TxIdRaw, Place] = {}
        self._headers: dict[bytes, BlockHeader] = {}
        self._failures: dict[TxIdRaw, LookupFailedError] = {}
        self.tip_height = source.tip_height()
        if self.tip_height < 0:
            raise SourceUnavailableError(f"{source.name} holds no block yet: ask it later")
        self.tip_hash = source.block_hash(self.tip_height)
        self._statements = Statements(archive, conversation, source.name, self.tip_hash)
        self._pin_tip()

    @property
    def tip(self) -> BlockHeader:
        """The header of the block that everything is as of."""
        return self._headers[self.tip_hash]

    @property
    def reused(self) -> int:
        """How many answers were taken from the archive."""
        return self._reused + self._statements.reused

    @property
    def ready(self) -> Collection[TxIdRaw]:
        """The transactions whose places are proved."""
        return self._places.keys()

    # --- what the source says of the present

    def histories(
        self, scripts: Iterable[bytes], *, most: int
    ) -> dict[bytes, tuple[Sighting, ...] | LookupFailedError]:
        """Return the transactions that touch each script, as the source lists them."""
        keys = {b"history " + script: script for script in scripts}

        def ask(part: Sequence[bytes]) -> Answers:
            return _packed(self.source.histories([keys[key] for key in part], most=most))

        said = self._statements.ask(list(keys), ask, HISTORY_COST)
        return {script: _unpacked(said[key]) for key, script in keys.items()}

    def candidates(
        self, outputs: Iterable[OutputQuestion], *, most: int
    ) -> dict[Outpoint, tuple[Sighting, ...] | LookupFailedError]:
        """Return transactions that may spend each output; one of them does if any does."""
        found: dict[Outpoint, tuple[Sighting, ...] | LookupFailedError] = {}
        keys: dict[bytes, OutputQuestion] = {}
        for output in outputs:
            history = self._statements.said.get(b"history " + output.script)
            if history is not None:
                found[output.txid, output.vout] = _after(output, unpack_sightings(history))
            else:
                keys[b"spender " + output.txid + struct.pack("<I", output.vout)] = output

        def ask(part: Sequence[bytes]) -> Answers:
            return _packed(self.source.candidates([keys[key] for key in part], most=most))

        said = self._statements.ask(list(keys), ask, HISTORY_COST)
        for key, output in keys.items():
            found[output.txid, output.vout] = _unpacked(said[key])
        return found

    def stated_height(self, txid: TxIdRaw) -> int | None:
        """Return the height that came with a transaction's bytes, if it did at this tip."""
        said = self._statements.known(b"height " + txid)
        return None if said is None else int(struct.unpack("<q", said)[0])

    # --- transactions

    def transactions(
        self, txids: Iterable[TxIdRaw]
    ) -> dict[TxIdRaw, FetchedTransaction | LookupFailedError]:
        """Return the transactions, each with the bytes that hash to its id."""
        wanted = list(dict.fromkeys(txids))
        self._recall(wanted)
        missing = [
            txid for txid in wanted if txid not in self._transactions and txid not in self._failures
        ]
        for part in self._statements.parts(missing, 1):
            self._take(dict(zip(part, self.source.transactions(part), strict=True)))
        return {
            txid: self._failures[txid]
            if txid not in self._transactions
            else self._transactions[txid]
            for txid in wanted
        }

    def contents(self, txid: TxIdRaw) -> Contents | None:
        """Return what a transaction's bytes say; nothing where it was not fetched."""
        return self._contents.get(txid)

    def is_ready(self, txid: TxIdRaw) -> bool:
        """Tell whether a transaction can go into a ledger."""
        return txid in self._places and self._spent(txid) is not None

    def failure(self, txid: TxIdRaw) -> LookupFailedError | None:
        """Return why a transaction could not be had, if it was asked for in vain."""
        return self._failures.get(txid)

    def height_of(self, txid: TxIdRaw) -> int | None:
        """Return the height of a transaction whose place is proved."""
        place = self._places.get(txid)
        return None if place is None else place.height

    def fetch_parents(self, txids: Iterable[TxIdRaw]) -> None:
        """Fetch what is needed to know what the transactions spend.

        Transactions that make the spent outputs are asked for only where the source does not
        state the amounts; from the archive they are taken in any case.
        """
        parents: dict[TxIdRaw, None] = {}
        for txid in txids:
            if txid in self._contents:
                ids = dict.fromkeys(parent for parent, _ in self._contents[txid].spends)
                self._recall(ids)
                if self._transactions[txid].spent is None:
                    parents |= ids
        self.transactions(parents)

    # --- places

    def places(self, heights: Mapping[TxIdRaw, int]) -> dict[TxIdRaw, Place | LookupFailedError]:
        """Return where fetched transactions stand, proved.

        `heights` holds where the source says that each one stands, none above the tip.
        """
        wanted = {txid: height for txid, height in heights.items() if txid not in self._places}
        kept = {
            txid: place
            for txid, place in self._archive.places(wanted).items()
            if place.height == wanted[txid]
        }
        self._use({txid: place for txid, place in kept.items() if place.is_settled})
        missing = {txid: height for txid, height in wanted.items() if txid not in self._places}
        hashes = self._hashes_at(set(missing.values()))
        still = {
            txid: replace(place, is_settled=self._is_settled(place.height))
            for txid, place in kept.items()
            if hashes.get(place.height) == place.block_hash
        }
        self._archive.keep_places({txid: each for txid, each in still.items() if each.is_settled})
        self._use(still)
        failed: dict[TxIdRaw, LookupFailedError] = {}
        self._prove(missing, hashes, failed)
        return {txid: self._places.get(txid) or failed[txid] for txid in heights}

    def proved(self) -> list[Proved]:
        """Return all transactions that are ready for a ledger, in chain order."""
        ready = []
        for txid, place in self._places.items():
            spent = self._spent(txid)
            if spent is None:
                continue
            outputs, is_proved = spent
            ready.append(
                Proved(
                    txid=txid,
                    raw=self._transactions[txid].raw,
                    place=place,
                    header=self._headers[place.block_hash],
                    contents=self._contents[txid],
                    spent=outputs,
                    is_proved=is_proved,
                )
            )
        return sorted(ready, key=lambda each: (each.place.height, each.place.position))

    # --- the end of a run

    def is_current(self) -> bool:
        """Ask the source whether its chain still has the block that everything is as of."""
        with self.conversation.closing():
            self.source.refresh()
            return (
                self.source.tip_height() >= self.tip_height
                and self.source.block_hash(self.tip_height) == self.tip_hash
            )

    @property
    def listings(self) -> Mapping[bytes, bytes]:
        """What the source said of the present in this run, by question; no proof stands behind."""
        said = self._statements.said
        return {key: answer for key, answer in said.items() if key.startswith(_LISTINGS)}

    # --- inside

    def _pin_tip(self) -> None:
        kept = self._archive.headers([self.tip_hash])
        if kept:
            self._headers |= kept
            return
        (answer,) = self.source.headers([self.tip_height])
        if isinstance(answer, LookupFailedError):
            raise SourceUnavailableError(f"{self.source.name} hides its last block: {answer}")
        found = checked_headers(self.source.name, self.source.network, [self.tip_height], [answer])
        if self.tip_hash not in found:
            contradicts(self.source.name, f"it names two blocks at height {self.tip_height}")
        self._archive.keep_headers(found)
        self._headers |= found

    def _recall(self, txids: Iterable[TxIdRaw]) -> None:
        """Take transactions from the archive."""
        kept = self._archive.transactions(txid for txid in txids if txid not in self._transactions)
        if kept:
            try:
                self._contents |= read_contents(kept)
            except (MalformedBlockError, ValueError) as error:
                raise LedgerDamagedError(
                    f"{self._archive.path} is damaged ({error}): move it away; what it held is "
                    "asked for again"
                ) from error
            self._transactions |= kept
            self._reused += len(kept)

    def _take(self, answers: Mapping[TxIdRaw, FetchedTransaction | LookupFailedError]) -> None:
        """Check and keep what the source answered."""
        good: dict[TxIdRaw, FetchedTransaction] = {}
        for txid, answer in answers.items():
            if isinstance(answer, LookupFailedError):
                self._failures[txid] = answer
            else:
                good[txid] = answer
        try:
            contents = read_contents(good)
        except (MalformedBlockError, ValueError) as error:
            raise SourceUnavailableError(
                f"{self.source.name} delivered something else than was asked for: {error}"
            ) from error
        for txid, answer in good.items():
            check_statement(self.source.name, txid, answer, len(contents[txid].spends))
        self._archive.keep_transactions(good)
        self._statements.keep(
            {
                b"height " + txid: struct.pack("<q", answer.height)
                for txid, answer in good.items()
                if answer.height is not None
            }
        )
        self._contents |= contents
        self._transactions |= good

    def _is_settled(self, height: int) -> bool:
        return self.tip_height - height >= SETTLED_DEPTH

    def _use(self, kept: Mapping[TxIdRaw, Place]) -> None:
        """Use places from the archive whose blocks are known to be in the chain."""
        unread = {place.block_hash for place in kept.values()} - self._headers.keys()
        self._headers |= self._archive.headers(unread)
        for txid, place in kept.items():
            if place.block_hash in self._headers:
                self._places[txid] = place
                self._reused += 1

    def _hashes_at(self, heights: Iterable[int]) -> dict[int, bytes]:
        """Return the hashes of the present chain's blocks, their headers checked and at hand."""
        keys = {b"header " + struct.pack("<q", height): height for height in sorted(heights)}

        def ask(part: Sequence[bytes]) -> Answers:
            asked = [keys[key] for key in part]
            answers = self.source.headers(asked)
            found = checked_headers(self.source.name, self.source.network, asked, answers)
            self._archive.keep_headers(found)
            self._headers |= found
            of_height = {header.height: block_hash for block_hash, header in found.items()}
            return [
                answer if isinstance(answer, LookupFailedError) else of_height[answer.height]
                for answer in answers
            ]

        said = self._statements.ask(list(keys), ask, HEADER_COST)
        hashes = {
            keys[key]: block_hash
            for key, block_hash in said.items()
            if isinstance(block_hash, bytes)
        }
        unread = [block_hash for block_hash in hashes.values() if block_hash not in self._headers]
        self._headers |= self._archive.headers(unread)
        return hashes

    def _prove(
        self,
        heights: Mapping[TxIdRaw, int],
        hashes: Mapping[int, bytes],
        failed: dict[TxIdRaw, LookupFailedError],
    ) -> None:
        """Ask for merkle branches and check them; what cannot be had is noted in `failed`."""
        questions: list[tuple[TxIdRaw, int]] = []
        for txid, height in heights.items():
            if txid in self._places:
                continue
            if height in hashes:
                questions.append((txid, height))
            else:
                failed[txid] = LookupFailedError(f"the header of height {height} cannot be had")
        for part in self._statements.parts(questions, 1):
            places: dict[TxIdRaw, Place] = {}
            for (txid, height), answer in zip(part, self.source.branches(part), strict=True):
                if isinstance(answer, LookupFailedError):
                    failed[txid] = answer
                    continue
                try:
                    places[txid] = self._checked_place(txid, hashes[height], answer)
                except LookupFailedError as error:
                    failed[txid] = error
            self._archive.keep_places(places)
            self._places |= places

    def _checked_place(self, txid: TxIdRaw, block_hash: bytes, branch: MerkleBranch) -> Place:
        header = self._headers[block_hash]
        check_branch(self.source.name, txid, self._contents[txid], branch, header)
        return Place(
            block_hash=block_hash,
            height=header.height,
            position=branch.position,
            path=branch.path,
            is_settled=self._is_settled(header.height),
        )

    def _spent(self, txid: TxIdRaw) -> tuple[tuple[StatedOutput, ...], tuple[bool, ...]] | None:
        """Return what a transaction spends, and whether each is proved; nothing if not known."""
        stated = self._transactions[txid].spent
        return spent_outputs(self.source.name, txid, stated, self._contents)


def _packed(
    answers: Sequence[tuple[Sighting, ...] | LookupFailedError],
) -> list[bytes | LookupFailedError]:
    return [
        answer if isinstance(answer, LookupFailedError) else pack_sightings(answer)
        for answer in answers
    ]


def _unpacked(said: bytes | LookupFailedError) -> tuple[Sighting, ...] | LookupFailedError:
    return said if isinstance(said, LookupFailedError) else unpack_sightings(said)


def _after(output: OutputQuestion, history: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Return the transactions of a script's history that may spend one of its outputs."""
    return tuple(
        seen
        for seen in history
        if seen.txid != output.txid and (seen.height is None or seen.height >= output.height)
    )
