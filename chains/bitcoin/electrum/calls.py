"""Many calls at once to an Electrum server: grouped, pipelined, repeated where that may help.

Some servers hold back a reply of less than a kilobyte for up to a second, and each small call made
alone would take that second. So calls go out in groups, several groups in flight at a time, and
replies are matched by id whatever their order. A group is one JSON array; where a server does not
know arrays, which shows when the first one is sent, it is as many lines at once.

What fails is repeated within bounds. A lost connection is made anew after a growing pause and what
was not answered is asked again. Where a connection brought no answer at all, fewer calls are sent
over the next one, down to a single one: if the server goes away over that, it is this call that
it can't answer, and the call fails and not the source. Then more are sent again. An answer that a
server finds too large for one array is asked for alone.

Every call counts as one request at the recorder, each repetition again. When no more may be made,
what is in flight is still awaited and kept.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from chains.access import Access
from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.electrum.messages import Call, Refusal, Reply
from chains.bitcoin.electrum.session import EXCESSIVE_USE, ExcessiveUseError, Patience, Session
from chains.bitcoin.electrum.socket import (
    LineTooLongError,
    LostConnectionError,
    Wait,
    proxy_to,
)
from chains.errors import RequestBudgetError, SourceUnavailableError
from chains.exchange import Recorder

GROUP_CALLS = 40
IN_FLIGHT_CALLS = 160
"""At about 150 bytes a call all of them fit into the sockets' buffers, so that sending never waits
for a server that waits for us to read."""

LOSSES_OF_A_CALL = 3
"""So often the connection may be lost over one call, the last time over it alone."""

SERVER_BUSY = -102
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
NOT_ANSWERED = 1
"""The code of a refusal that is not the server's own."""

_WORTH_ASKING_ALONE = frozenset({SERVER_BUSY, INVALID_REQUEST})
"""Servers refuse with `INVALID_REQUEST` the members that make an array's answer too large."""

_FEWER = 4
"""By this factor the calls in flight become fewer after a fruitless connection, or more again."""


@dataclass(slots=True)
class _Job:
    call: Call

    losses: int = 0
    """Connections over which nothing was answered while this was in flight."""

    alone: bool = False
    """It must have no company."""


@dataclass(slots=True)
class _Round:
    """What is to be asked, in flight and answered."""

    waiting: deque[_Job]
    flight: dict[int, _Job] = field(default_factory=dict)
    answers: dict[Call, object] = field(default_factory=dict)
    most_in_flight: int = IN_FLIGHT_CALLS

    def blame(self, lost: LostConnectionError, *, losses: int) -> None:
        """Count a loss against what is in flight; a single call is at last answered as failed."""
        for job in self.flight.values():
            job.losses += 1
        if len(self.flight) == 1 and job.losses >= losses:
            self.answers[job.call] = Refusal(NOT_ANSWERED, f"the server {lost}")
            self.flight.clear()

    def settle(self, job: _Job, answer: object) -> None:
        """Take an answer, or queue the call again where it may do better without company."""
        del self.flight[job.call.ident]
        worth_another = isinstance(answer, Refusal) and answer.code in _WORTH_ASKING_ALONE
        if worth_another and not job.alone:
            job.alone = True
            self.waiting.append(job)
        else:
            self.answers[job.call] = answer


class ElectrumCalls:
    """A conversation with one server; safe to use from several threads, one after the other."""

    def __init__(
        self, address: ElectrumAddress, access: Access, recorder: Recorder, patience: Patience
    ) -> None:
        """Connect and agree on a version; nothing is tried twice here."""
        self._address = address
        self._proxy = proxy_to(address, access)
        self._recorder = recorder
        self._patience = patience
        self._lock = threading.Lock()
        self._arrays: bool | None = None
        self._session: Session | None = None
        try:
            self._connected()
        except LostConnectionError as error:
            raise SourceUnavailableError(
                f"{address.name} {error}; see that the server runs and the address is right"
            ) from error

    def ask(self, calls: Sequence[Call]) -> list[object]:
        """Return what each call returns, in order; a `Refusal` where the server refuses.

        A call that occurs twice is made once. Raises `SourceUnavailableError` and
        `RequestBudgetError`.
        """
        with self._lock:
            asked = _Round(deque(_Job(call) for call in dict.fromkeys(calls)))
            try:
                self._ask_all(asked)
            except BaseException:
                # Replies that are still to come would be taken for those of later calls.
                self.close()
                raise
            return [asked.answers[call] for call in calls]

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _ask_all(self, asked: _Round) -> None:
        failures = 0
        while asked.waiting:
            answered = len(asked.answers)
            try:
                self._converse(self._connected(), asked)
            except LostConnectionError as lost:
                self.close()
                fruitless = len(asked.answers) == answered
                failures = failures + 1 if fruitless else 1
                if failures >= self._patience.attempts:
                    raise SourceUnavailableError(
                        f"{self._address.name} {lost}, {failures} times in a row; try again later"
                    ) from lost
                self._learn(lost, asked, fruitless=fruitless)
                asked.waiting.extendleft(reversed(asked.flight.values()))
                asked.flight.clear()
                pause = self._patience.first_pause * 2.0 ** (failures - 1)
                time.sleep(min(pause, self._patience.longest_pause))

    def _learn(self, lost: LostConnectionError, asked: _Round, *, fruitless: bool) -> None:
        """Ask differently after a connection was lost, where that may be the reason."""
        if self._arrays is None and len(asked.flight) > 1:
            # The first array ever: the server may not know them.
            self._arrays = False
        elif isinstance(lost, LineTooLongError):
            asked.most_in_flight = 1
            asked.blame(lost, losses=1)
        elif fruitless and not isinstance(lost, ExcessiveUseError):
            asked.most_in_flight = max(1, asked.most_in_flight // _FEWER)
            asked.blame(lost, losses=LOSSES_OF_A_CALL)

    def _converse(self, session: Session, asked: _Round) -> None:
        """Send and receive until everything is answered."""
        wait = Wait(self._patience.answer)
        while asked.waiting or asked.flight:
            spent = self._send_some(session, asked)
            if not asked.flight and spent is not None:
                raise spent
            if self._receive(session, asked, wait):
                wait = Wait(self._patience.answer)
            if not asked.flight:
                asked.most_in_flight = min(asked.most_in_flight * _FEWER, IN_FLIGHT_CALLS)

    def _send_some(self, session: Session, asked: _Round) -> RequestBudgetError | None:
        """Send as many groups as may be in flight, and return whether the budget ended there."""
        while asked.waiting:
            room = min(GROUP_CALLS, asked.most_in_flight)
            if len(asked.flight) + room > asked.most_in_flight:
                break
            group, spent = self._next_group(asked, room)
            if not group:
                return spent
            asked.flight.update({job.call.ident: job for job in group})
            as_array = self._arrays is not False and len(group) > 1
            try:
                session.send([job.call for job in group], as_array=as_array)
            except LostConnectionError:
                # What the server answered before it went away can still be read.
                return spent
            if spent is not None:
                return spent
        return None

    def _next_group(self, asked: _Round, room: int) -> tuple[list[_Job], RequestBudgetError | None]:
        """Take the calls that may be sent now, and say whether the budget ended there."""
        group: list[_Job] = []
        while asked.waiting and len(group) < room:
            company = group[0] if group else next(iter(asked.flight.values()), None)
            if company is not None and (company.alone or asked.waiting[0].alone):
                break
            try:
                self._recorder.allow()
            except RequestBudgetError as error:
                return group, error
            group.append(asked.waiting.popleft())
        return group, None

    def _receive(self, session: Session, asked: _Round, wait: Wait) -> bool:
        """Read one message, settle what it answers, and return whether it answered anything."""
        replies, is_array = session.receive(wait)
        if is_array:
            self._arrays = True
        excessive: Refusal | None = None
        for reply in replies:
            if reply.ident is None:
                raise self._not_understood(session, reply)
            job = asked.flight.get(reply.ident)
            if job is None:
                raise session.garbage("something that was not asked")
            session.keep(job.call, reply)
            if isinstance(reply.answer, Refusal) and reply.answer.code == EXCESSIVE_USE:
                excessive = reply.answer
            else:
                asked.settle(job, reply.answer)
        if excessive is not None:
            raise ExcessiveUseError(f"wants to be asked less ({excessive.words})")
        return bool(replies)

    def _connected(self) -> Session:
        if self._session is None:
            self._session = Session(self._address, self._proxy, self._recorder, self._patience)
        return self._session

    def _not_understood(self, session: Session, reply: Reply) -> Exception:
        """Return what a reply to no call means: the server made nothing of what it got."""
        if self._arrays is None:
            return LostConnectionError("knows no arrays")
        words = reply.answer.words if isinstance(reply.answer, Refusal) else "no reason"
        return session.garbage(f"that it understood nothing: {words}")
