"""Tracing money by fetching one account after the other, the most promising ones first.

The trace is run over what is here; where it ends because nobody has asked about an account, that
account is the *frontier*. Those on the shortest paths are fetched next, the largest amounts first,
and the trace is run again. Every stop rule of the request is applied before anything is asked, so
services, limits and time windows save requests. Rounds double in size, so that the number of runs
stays small.

Where nothing is left to ask, the answer is the one that a ledger of whole blocks gives, as far as
the explorer tells the movements; what it does not tell, every answer says.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from arien_flows.account_entities.burns import burn_accounts
from arien_flows.account_entities.denied import denied_accounts
from arien_flows.account_inquiry.gathering import AccountGathering
from arien_flows.account_inquiry.questions import (
    ReadSoFar,
    read_address,
    read_tx_hash,
    take_transaction,
    take_whole,
    whole,
)
from arien_flows.account_tracing.ground import Ground
from arien_flows.account_tracing.mixing import WHOLE_POOLS_ONLY
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_tracing.stops import Reason
from arien_flows.account_tracing.traced import run_trace
from arien_flows.account_workspace import AccountReading
from arien_flows.errors import InputError
from arien_flows.passages.conversion import conversions_in

FIRST_ROUND = 8
"""Accounts that the first round asks about."""

LARGEST_ROUND = 256

Round = Callable[[int, int], None]
"""Is told the number of a round and the accounts that it asks about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTraceQuestion:
    """Where money went or came from, by one convention or by several."""

    requests: tuple[AccountTraceRequest, ...]
    """Differ in the policy only."""

    on_round: Round = field(default=lambda _number, _accounts: None, repr=False)

    def check(self) -> None:
        """Refuse sources that are neither addresses nor movements, and what needs whole blocks."""
        if self.requests[0].lists_candidates:
            raise InputError(WHOLE_POOLS_ONLY)
        for text in self.requests[0].sources:
            _read_source(text.strip())

    def gather(self, gathering: AccountGathering, read: ReadSoFar) -> None:
        """Fetch the sources, then the frontier until there is none."""
        for text in self.requests[0].sources:
            account, tx_hash = _read_source(text.strip())
            if account is not None:
                take_whole(gathering, account)
            if tx_hash is not None:
                with whole(gathering, f"transaction 0x{tx_hash.hex()}"):
                    take_transaction(gathering, tx_hash)
        size, number = FIRST_ROUND, 0
        while frontier := self._frontier(gathering, read()):
            number += 1
            self.on_round(number, len(frontier[:size]))
            # Those of later rounds are named too where the requests run out.
            gathering.waiting = dict.fromkeys(frontier)
            gathering.take(frontier[:size])
            size = min(2 * size, LARGEST_ROUND)
        gathering.waiting = {}

    def _frontier(self, gathering: AccountGathering, reading: AccountReading) -> list[bytes]:
        """Return the accounts to ask about, the most promising first."""
        best: dict[bytes, tuple[int, bool, int]] = {}
        for request in self.requests:
            for account, rank in open_accounts(reading, request):
                if account not in gathering.failures:
                    best[account] = min(best.get(account, rank), rank)
        return sorted(best, key=lambda account: (best[account], account))


def open_accounts(
    reading: AccountReading, request: AccountTraceRequest
) -> Iterator[tuple[bytes, tuple[int, bool, int]]]:
    """Yield accounts at which a trace ends because they are not here, each with its rank.

    Amounts of different assets have no common measure: those of the source's asset go first.
    """
    ground = Ground(
        view=reading.view,
        entities=reading.entities,
        attribution=reading.attribution,
        find_conversions=conversions_in,
        burns=burn_accounts(reading.view),
        denied=denied_accounts(reading.view),
        fetched=reading.fetched,
    ).stopping_from(request.min_confidence)
    traced = run_trace(ground, request)
    for end in traced.ends:
        if end.reason is Reason.NOT_FETCHED:
            account = reading.view.addresses[end.account].tobytes()
            yield account, (end.hops, end.asset != traced.sources.asset, -end.traced)


def _read_source(text: str) -> tuple[bytes | None, bytes | None]:
    """Return the account or the transaction that a source names."""
    kind, colon, rest = text.partition(":")
    if kind == "entity" and colon:
        return read_address(rest), None
    if not colon:
        return read_address(text), None
    if not rest.isdecimal():
        raise InputError(f"{text!r} is not a movement: write it as TXHASH:POSITION")
    return None, read_tx_hash(kind)
