"""One network's part of a run: the ledger, pinned to a block, and the code that answers on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

from arien_flows.account_workspace import AccountReading, OpenAccounts
from arien_flows.batch.accounts import AccountBatch
from arien_flows.batch.answered import Answered
from arien_flows.batch.coins import CoinBatch
from arien_flows.batch.items import Item
from arien_flows.batch.request import BatchRequest
from arien_flows.batch.states import AnyReading, ChainState, check_same, state_of
from arien_flows.errors import ConflictError, NotFoundError
from arien_flows.ledger.reading_ahead import reading_ahead
from arien_flows.workspace import Workspace

Answer = TypeVar("Answer")

WORTH_READING_AHEAD = 500
"""Subjects for which columns are read from end to end."""


class Engine(Protocol):
    """Works out answers over one reading."""

    @property
    def cuts(self) -> tuple[str, ...]:
        """What every answer leaves out, one sentence each."""

    def order(self, items: Sequence[Item]) -> list[int]:
        """Return the places of items in the order in which neighbours share most."""

    def answers(self, items: Sequence[Item]) -> Iterator[Answered]:
        """Yield the answer to each item, in order."""


class NoLedgerError(NotFoundError):
    """There is no ledger of a network that rows name."""


class Pinned:
    """A network as of one block; answers are asked of it part by part."""

    def __init__(
        self, workspace: Workspace, name: str, request: BatchRequest, state: ChainState | None
    ) -> None:
        """Open the network as of a state; without one, as it is now.

        `NoLedgerError` where there is no ledger, `ConflictError` where the state is gone.
        """
        try:
            self._network = workspace.open_any(name)
        except NotFoundError as error:
            raise NoLedgerError(str(error)) from error
        self._request = request
        self._made: tuple[AnyReading, Engine] | None = None
        present = self._network.read(request.profile)
        self.state = state or state_of(present, request.currency)
        """What the answers are true for."""

        if present.view.tip.height < self.state.height:
            raise ConflictError(
                f"the ledger of {name} ends at block {present.view.tip.height:,} by now and the "
                f"batch was begun at block {self.state.height:,}: start it anew in an empty folder"
            )
        self.cuts = self.ask(lambda engine: engine.cuts)
        """What every answer leaves out, one sentence each."""

    def order(self, items: Sequence[Item]) -> list[int]:
        """Return the places of items in the order in which neighbours share most."""
        return self.ask(lambda engine: engine.order(items))

    @contextmanager
    def ready_for(self, items: int) -> Iterator[None]:
        """Have the columns in memory soon, where so many items make that worth while."""
        network = self._network
        if items < WORTH_READING_AHEAD or isinstance(network, OpenAccounts):
            yield
            return
        derived = sorted((network.derived / "clusterings" / self._request.profile).glob("*"))
        with reading_ahead(network.root, more=derived):
            yield

    def ask(self, question: Callable[[Engine], Answer]) -> Answer:
        """Return what a question to the network's engine says, true for the pinned state."""

        def put(reading: AnyReading) -> Answer:
            return question(self._engine(reading))

        profile, height = self._request.profile, self.state.height
        return self._network.ask(put, profile, height)

    def _engine(self, reading: AnyReading) -> Engine:
        """Return the engine over a reading; made anew where the ledger has changed meanwhile."""
        if self._made is None or self._made[0] is not reading:
            check_same(self.state, state_of(reading, self._request.currency))
            self._made = reading, self._engine_over(reading)
        return self._made[1]

    def _engine_over(self, reading: AnyReading) -> Engine:
        request = self._request
        # However far the ledger goes on by now, the tags are those that were there at the block
        # when the run was begun: `check_same` has seen to it.
        if isinstance(reading, AccountReading):
            return AccountBatch(replace(reading, tags_are_later=False), request)
        prices = None if request.currency is None else reading.prices(request.currency)
        return CoinBatch(replace(reading, tags_are_later=False), request, prices)
