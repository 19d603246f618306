"""One connection to an Electrum server, from the version's negotiation to its end.

The version is the first thing to be said, and nothing else is before it is agreed on. Every reply
is handed to the recorder as it arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chains.bitcoin.electrum.address import ElectrumAddress
from chains.bitcoin.electrum.messages import Call, Refusal, Reply, decode, encode, plain
from chains.bitcoin.electrum.socket import LostConnectionError, Wait, connect
from chains.endpoint import Endpoint
from chains.errors import SourceUnavailableError
from chains.exchange import Exchange, Recorder

OLDEST_PROTOCOL = "1.4"
NEWEST_PROTOCOL = "1.6"
"""Later ones that the server may know add methods that are not used here."""

MOST_LINE_BYTES = 64 << 20
"""The longest message that is accepted. The largest possible transaction is 8 MB in hexadecimal."""

EXCESSIVE_USE = -101
"""The code with which a server ends the connection of those who ask too much."""


class ExcessiveUseError(LostConnectionError):
    """The server wants to be asked less, and ends the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for. All times are in seconds."""

    connect: float = 20
    """For a connection, and again for the first reply over it."""

    answer: float = 90
    """From one answer to the next, while anything is in flight; messages that answer nothing do
    not count. A server that throttles works on, but slowly."""

    attempts: int = 6
    """Connections in a row that are lost without an answer."""

    first_pause: float = 0.5
    """After a lost connection; doubled each time."""

    longest_pause: float = 30


class Session:
    """A connection over which a version was agreed on."""

    def __init__(
        self,
        address: ElectrumAddress,
        proxy: Endpoint | None,
        recorder: Recorder,
        patience: Patience,
    ) -> None:
        """Connect and agree on a version.

        Raises `LostConnectionError` where trying again may help, else `SourceUnavailableError`.
        """
        self._name = address.name
        self._recorder = recorder
        self._patience = patience
        self._lines = connect(address, proxy, patience.connect)
        try:
            self._negotiate()
        except BaseException:
            self.close()
            raise

    def send(self, calls: Sequence[Call], *, as_array: bool) -> None:
        """Send a group of calls, which the recorder has allowed."""
        self._lines.send(encode(calls, as_array=as_array), Wait(self._patience.answer))

    def receive(self, wait: Wait) -> tuple[list[Reply], bool]:
        """Return the replies of the next message, and whether it was an array."""
        line = self._lines.read_line(most_bytes=MOST_LINE_BYTES, wait=wait)
        try:
            return decode(line)
        except ValueError as error:
            fault = f"what is no message of the Electrum protocol ({error})"
            raise self.garbage(fault) from error

    def keep(self, call: Call, reply: Reply) -> None:
        """Hand a reply to the recorder."""
        self._recorder.keep(
            Exchange(
                source=self._name,
                request=call.text,
                answer=reply.received,
                received_at=datetime.now(UTC),
            )
        )

    def garbage(self, what: str) -> SourceUnavailableError:
        """Return the error of a server that answers what no Electrum server would."""
        return SourceUnavailableError(f"{self._name} answers {what}")

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()

    def _negotiate(self) -> None:
        call = Call("server.version", ("arien-flows", (OLDEST_PROTOCOL, NEWEST_PROTOCOL)))
        wait = Wait(self._patience.connect)
        self._recorder.allow()
        self._lines.send(encode([call], as_array=False), wait)
        replies: list[Reply] = []
        while not replies:
            replies, _ = self.receive(wait)
        reply = replies[0]
        if reply.ident != call.ident or len(replies) > 1:
            raise self.garbage("something that was not asked")
        self.keep(call, reply)
        if not isinstance(reply.answer, Refusal):
            self._check_version(reply.answer)
        elif reply.answer.code == EXCESSIVE_USE:
            raise ExcessiveUseError(f"wants to be asked less ({reply.answer.words})")
        else:
            raise SourceUnavailableError(
                f"{self._name} speaks no version of the Electrum protocol from "
                f"{OLDEST_PROTOCOL} to {NEWEST_PROTOCOL}: {reply.answer.words}"
            )

    def _check_version(self, answer: object) -> None:
        match answer:
            case [str(), str() as version]:
                numbers = version.split(".")
                if all(number.isascii() and number.isdigit() for number in numbers) and (
                    tuple(int(number) for number in numbers) >= (1, 4)
                ):
                    return
        raise self.garbage(f"{plain(answer)!r} when asked for its version")
