"""What one question has fetched so far, and what it knows of the gaps.

The ledger of a question grows by whole transactions: one counts only once its bytes, its place and
everything that it spends are known. Two kinds of knowledge close the gaps between them. Where all
transactions of an address are here, none of its outputs has another spender; and of a single
output one can ask who spends it. All of that is as of the source's last block: a transaction that
is said to stand above it, or nowhere, is *unconfirmed* here, is listed apart, and enters no sum.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from arien_flows.fetched.assembly import Assembled, assemble
from arien_flows.fetched.completeness import Origin
from arien_flows.fetched.facts import facts_sha256
from arien_flows.fetched.fetcher import Fetcher
from arien_flows.fetched.records import Outpoint, Proved
from arien_flows.inquiry.scripts import read_script
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from chains.bitcoin.networks import Network
from chains.errors import LookupFailedError
from chains.lookups import OutputQuestion, Sighting
from chains.types import Int64Array, TxIdRaw, shown_txid

MOST_OF_HISTORY = 10_000
"""An address with more transactions is not fetched one by one."""

MOST_CANDIDATES = 1_000
"""Transactions that are looked through for the spender of one output."""

FIRST_CANDIDATES = 4
"""How many are looked at first; spenders mostly follow soon. Then twice as many each time."""

MOST_SCRIPTS_TO_LOCATE = 8
"""Outputs of a transaction whose histories are asked for where it stands."""

OP_RETURN = b"\x6a"
"""First byte of a script that nobody can spend, and that servers do not list."""

LEAST_SLICE = 16
LARGEST_SLICE = 256
SLICES_OF_BUDGET = 8
"""Items are completed in slices before others are begun, so that a budget that ends leaves few
halves: the fewer requests are left, the smaller the slices, within these bounds."""

Item = TypeVar("Item")

Report = Callable[[int, int], None]
"""Is told how many transactions are here and how many requests were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """An output whose spender or maker is looked for."""

    outpoint: Outpoint
    script: bytes
    height: int
    """Of the transaction that makes it, or of one that spends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The ledger of a question at one moment."""

    transactions: Sequence[Proved]
    """In chain order."""

    ledger: Assembled
    unasked: Int64Array
    """Outputs whose spender nobody has asked for, ascending."""

    whole: frozenset[bytes]
    """Scripts all of whose transactions are here."""

    @property
    def view(self) -> View:
        """The ledger's view."""
        return self.ledger.view


class Gathering:
    """Fetches transactions for a question."""

    def __init__(self, fetcher: Fetcher, network: Network, report: Report) -> None:
        self.fetcher = fetcher
        self.network = network
        self.failures: dict[Outpoint | bytes, str] = {}
        """Why an output (or a script's history) could not be followed."""

        self.tried: set[Outpoint] = set()
        """Outputs whose spender or maker was asked for in this run; nothing is asked twice."""

        self.unconfirmed: dict[TxIdRaw, None] = {}
        """Transactions that touch what was looked at and are not in the ledger's chain."""

        self.entity_of: list[bytes] = []
        """Scripts whose whole entities are asked for."""

        self._report = report
        self._histories: dict[bytes, tuple[TxIdRaw, ...]] = {}
        self._unspent: set[Outpoint] = set()

    # --- whole histories

    def has_asked(self, script: bytes) -> bool:
        """Tell whether the history of a script was asked for, with or without success."""
        return script in self._histories or script in self.failures

    def take_histories(self, scripts: Iterable[bytes]) -> None:
        """Fetch all transactions that touch the scripts; a history that is too long fails."""
        wanted = [script for script in dict.fromkeys(scripts) if not self.has_asked(script)]
        for part in self._slices(wanted):
            heights: dict[TxIdRaw, int] = {}
            for script, answer in self.fetcher.histories(part, most=MOST_OF_HISTORY).items():
                if isinstance(answer, LookupFailedError):
                    self.failures[script] = str(answer)
                    continue
                here = self._confirmed(answer)
                self._histories[script] = tuple(here)
                heights |= here
            self.take(heights)

    def missing(self, script: bytes) -> int:
        """Return how many transactions of a known history are not here yet."""
        return sum(not self.fetcher.is_ready(txid) for txid in self._histories.get(script, ()))

    # --- single transactions

    def take(self, heights: Mapping[TxIdRaw, int]) -> None:
        """Fetch transactions that are said to stand at these heights."""
        for part in self._slices(sorted(heights, key=lambda txid: (heights[txid], txid))):
            fetched = self.fetcher.transactions(part)
            good = {txid: heights[txid] for txid in part if self.fetcher.contents(txid)}
            self.fetcher.fetch_parents(good)
            placed = self.fetcher.places(good)
            for txid in part:
                answer = fetched[txid] if txid not in placed else placed[txid]
                if isinstance(answer, LookupFailedError):
                    self.failures[txid] = str(answer)
            self.tell()

    def locate(
        self, txids: Iterable[TxIdRaw], hints: Mapping[TxIdRaw, bytes]
    ) -> dict[TxIdRaw, int]:
        """Return the heights of confirmed transactions, as far as the source tells.

        Where it does not state them with the bytes, they are looked up in the histories of what
        the transaction pays; `hints` may name an output script to begin with.
        """
        wanted = list(dict.fromkeys(txids))
        self.fetcher.transactions(wanted)
        stated = {txid: self.fetcher.stated_height(txid) for txid in wanted}
        scripts = {
            txid: self._telling_scripts(txid, hints) for txid in wanted if stated[txid] is None
        }
        # All first questions together: servers answer many small ones at once much faster.
        self.fetcher.histories(
            (telling[0] for telling in scripts.values() if telling), most=MOST_OF_HISTORY
        )
        for txid, telling in scripts.items():
            stated[txid] = self._height_from_histories(txid, telling)
        return {
            txid: height
            for txid, height in stated.items()
            if height is not None and height <= self.fetcher.tip_height
        }

    def _telling_scripts(self, txid: TxIdRaw, hints: Mapping[TxIdRaw, bytes]) -> list[bytes]:
        """Return scripts whose histories name a transaction."""
        contents = self.fetcher.contents(txid)
        if contents is None:
            return []
        paid = [output.script for output in contents.pays if output.script[:1] != OP_RETURN]
        first = [hints[txid]] if txid in hints else []
        return list(dict.fromkeys(first + paid))[:MOST_SCRIPTS_TO_LOCATE]

    def _height_from_histories(self, txid: TxIdRaw, scripts: Iterable[bytes]) -> int | None:
        for script in scripts:
            answer = self.fetcher.histories([script], most=MOST_OF_HISTORY)[script]
            if isinstance(answer, LookupFailedError):
                continue
            for seen in answer:
                if seen.txid == txid:
                    return seen.height
        return None

    # --- from a coin to its spender or its maker

    def take_spenders(self, coins: Sequence[Coin]) -> None:
        """Fetch what spends each coin, or learn that nothing does; in the order given."""
        for part in self._slices(coins):
            self._take_spenders(part)

    def take_makers(self, coins: Sequence[Coin]) -> None:
        """Fetch the transactions that make the coins, in the order given."""
        for part in self._slices(coins):
            self._take_makers(part)

    def _slices(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        at = 0
        while at < len(items):
            wanted = self.fetcher.conversation.left // SLICES_OF_BUDGET
            size = max(LEAST_SLICE, min(LARGEST_SLICE, wanted))
            yield items[at : at + size]
            at += size

    def _take_spenders(self, coins: Sequence[Coin]) -> None:
        questions = [
            OutputQuestion(
                txid=coin.outpoint[0],
                vout=coin.outpoint[1],
                script=coin.script,
                height=coin.height,
            )
            for coin in coins
        ]
        candidates: dict[Outpoint, list[TxIdRaw]] = {}
        heights: dict[TxIdRaw, int] = {}
        for outpoint, answer in self.fetcher.candidates(questions, most=MOST_CANDIDATES).items():
            if isinstance(answer, LookupFailedError):
                self.failures[outpoint] = str(answer)
                continue
            here = self._confirmed(answer)
            heights |= here
            candidates[outpoint] = sorted(here, key=lambda txid: (here[txid], txid))
        spenders = self._look_through(candidates)
        self.take({txid: heights[txid] for txid in spenders.values()})
        self._end_round(coins, spenders)

    def _take_makers(self, coins: Sequence[Coin]) -> None:
        hints = {coin.outpoint[0]: coin.script for coin in coins}
        self.fetcher.transactions(hints)
        heights = self.locate(hints, hints)
        for coin in coins:
            if coin.outpoint[0] not in heights:
                self.failures[coin.outpoint] = "the source does not say in which block it was made"
        self.take(heights)
        self._end_round(
            coins,
            {coin.outpoint: coin.outpoint[0] for coin in coins if coin.outpoint[0] in heights},
        )

    def _look_through(
        self, candidates: Mapping[Outpoint, Sequence[TxIdRaw]]
    ) -> dict[Outpoint, TxIdRaw]:
        """Return the candidates that really spend an output; note which outputs none spends."""
        spenders: dict[Outpoint, TxIdRaw] = {}
        looking, start, stop = list(candidates), 0, FIRST_CANDIDATES
        while looking:
            self.fetcher.transactions(
                txid for outpoint in looking for txid in candidates[outpoint][start:stop]
            )
            still: list[Outpoint] = []
            for outpoint in looking:
                spender = self._spender(outpoint, candidates[outpoint][start:stop])
                if spender is not None:
                    spenders[outpoint] = spender
                elif len(candidates[outpoint]) > stop:
                    still.append(outpoint)
                else:
                    self._end_search(outpoint, candidates[outpoint])
            looking, start, stop = still, stop, 2 * stop
        return spenders

    def _end_round(self, coins: Iterable[Coin], found: Mapping[Outpoint, TxIdRaw]) -> None:
        """Note which transactions were found and yet could not be taken into the ledger."""
        self.tried.update(coin.outpoint for coin in coins)
        for outpoint, txid in found.items():
            if not self.fetcher.is_ready(txid):
                self.failures[outpoint] = self.failures.pop(
                    txid, f"what {shown_txid(txid)} spends cannot be had"
                )

    def _spender(self, outpoint: Outpoint, txids: Iterable[TxIdRaw]) -> TxIdRaw | None:
        for txid in txids:
            contents = self.fetcher.contents(txid)
            if contents is not None and outpoint in contents.spends:
                return txid
        return None

    def _end_search(self, outpoint: Outpoint, candidates: Iterable[TxIdRaw]) -> None:
        """Note that no candidate spends a coin: it is unspent, if all of them could be read."""
        unread = [txid for txid in candidates if self.fetcher.contents(txid) is None]
        if unread:
            self.failures[outpoint] = f"{shown_txid(unread[0])}, which may spend it, cannot be had"
        else:
            self._unspent.add(outpoint)

    def _confirmed(self, sightings: Iterable[Sighting]) -> dict[TxIdRaw, int]:
        """Return what stands in the ledger's chain; the rest is noted as unconfirmed."""
        here: dict[TxIdRaw, int] = {}
        for seen in sightings:
            if seen.height is None or seen.height > self.fetcher.tip_height:
                self.unconfirmed[seen.txid] = None
            else:
                here[seen.txid] = seen.height
        return here

    # --- the ledger

    def gathered(self) -> Gathered:
        """Return the ledger of what is here."""
        ready = self.fetcher.proved()
        ledger = assemble(self.network, self.fetcher.tip, ready)
        here = {each.txid for each in ready}
        whole = frozenset(
            script for script, txids in self._histories.items() if here.issuperset(txids)
        )
        return Gathered(
            transactions=ready,
            ledger=ledger,
            unasked=self._unasked(ledger.view, whole),
            whole=whole,
        )

    def _unasked(self, view: View, whole: frozenset[bytes]) -> Int64Array:
        unspent = np.flatnonzero(view.spenders(np.arange(view.counts.outputs)) < 0)
        unspent = unspent[view.output_address[unspent] != NO_ADDRESS]
        makers = view.transactions_of_outputs(unspent)
        known = {view.find_lock(*read_script(script)) for script in whole}
        unspent_here = np.isin(view.output_address[unspent], [n for n in known if n is not None])
        unspent, makers = unspent[~unspent_here], makers[~unspent_here]
        open_outputs = [
            output
            for output, maker in zip(unspent.tolist(), makers.tolist(), strict=True)
            if (
                TxIdRaw(view.txid[maker].tobytes()),
                output - int(view.first_output[maker]),
            )
            not in self._unspent
        ]
        return np.array(open_outputs, dtype=np.int64)

    def origin(self, gathered: Gathered) -> Origin:
        """Return where the ledger comes from."""
        proved = int(np.count_nonzero(gathered.ledger.is_proved))
        return Origin(
            source=self.fetcher.source.name,
            requests=self.fetcher.conversation.made,
            requests_allowed=self.fetcher.conversation.budget,
            reused=self.fetcher.reused,
            transactions=len(gathered.transactions),
            inputs_proved=proved,
            inputs_stated=len(gathered.ledger.is_proved) - proved,
            facts_sha256=facts_sha256(
                self.fetcher.tip, self.fetcher.listings, gathered.transactions
            ),
        )

    def tell(self) -> None:
        """Say how far it is."""
        self._report(len(self.fetcher.ready), self.fetcher.conversation.made)
