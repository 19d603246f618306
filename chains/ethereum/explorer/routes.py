"""An explorer's questions, one request each, their answers read and their refusals told.

Two dialects. Etherscan and those that copy it take everything under one address, by query, and
pass single questions to a node behind them (`module=proxy`). Blockscout has its lists under
`/api` and its node under `/api/eth-rpc`, which takes JSON-RPC.

The key travels in the query, which no message, log line or stored exchange shows. Should a server
repeat it in an answer, it is taken out before the answer is kept.
"""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from chains.access import Access, Secret
from chains.endpoint import Endpoint, is_loopback
from chains.errors import ChainError, LookupFailedError, SourceUnavailableError
from chains.ethereum.explorer.answers import read_node_answer, refusal
from chains.ethereum.explorer.errors import (
    ExplorerBusyError,
    NotOfferedError,
    UnexpectedAnswerError,
)
from chains.ethereum.explorer.rate import TokenBucket
from chains.ethereum.lookups import AnswerMemory
from chains.exchange import Recorder
from chains.http import HttpClient, HttpRefusalError, Patience

Answer = TypeVar("Answer")

RATE = 4.0
"""Requests a second where the URI does not say: what free keys allow, and a little less."""

BLOCKSCOUT_SHARED_HOST = "api.blockscout.com"
"""Serves all chains under `/CHAIN`, and its node under another path than single instances do."""

_MOST_BYTES = 256 << 20
"""Of one answer: 10,000 rows, each of which may hold all that a transaction was sent with."""

_OPTIONS = frozenset({"apikey", "chainid", "rate"})


class ForgetfulMemory:
    """Knows nothing."""

    def recall(self, question: str) -> bytes | None:  # noqa: ARG002
        """Return nothing."""
        return None

    def remember(self, question: str, answer: bytes) -> None:
        """Do nothing."""


class ExplorerOptions(NamedTuple):
    """What stands behind the question mark of an explorer's URI."""

    key: Secret | None
    chain_id: int | None
    rate: float | None

    @classmethod
    def of(cls, endpoint: Endpoint, access: Access) -> "ExplorerOptions":
        """Read the options; `SourceUnavailableError` for others, without repeating any."""
        unknown = set(endpoint.query) - _OPTIONS
        if unknown:
            raise SourceUnavailableError(
                f"{endpoint.name} takes the options {', '.join(sorted(_OPTIONS))} and no others"
            )
        named = endpoint.query.get("apikey")
        chain_id, rate = endpoint.query.get("chainid"), endpoint.query.get("rate")
        return cls(
            key=Secret(named) if named else access.explorer_key,
            chain_id=None if chain_id is None else _whole(endpoint, "chainid", chain_id),
            rate=None if rate is None else float(_whole(endpoint, "rate", rate)),
        )


class ExplorerRoutes:
    """One explorer's questions. All methods may be called from several threads at once.

    Each raises `LookupFailedError` where the explorer refuses the item, `SourceUnavailableError`
    where it is of no use, and `RequestBudgetError`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        options: ExplorerOptions,
        access: Access,
        recorder: Recorder,
        patience: Patience,
    ) -> None:
        """Connect to nothing yet."""
        self.name = endpoint.name
        self.memory: AnswerMemory = ForgetfulMemory()
        self.reused = 0
        """Answers that were known from before."""

        self._is_blockscout = endpoint.kind == "blockscout"
        self._is_shared = endpoint.host == BLOCKSCOUT_SHARED_HOST
        self._options = options
        self._patience = patience
        self._http = HttpClient(endpoint, access=access, recorder=recorder, patience=patience)
        if options.key is not None:
            self._http.hide(options.key)
        limited = options.rate is not None or not is_loopback(endpoint.host)
        self._bucket = TokenBucket(options.rate or RATE) if limited else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def account(
        self,
        action: str,
        parameters: Mapping[str, str],
        read: Callable[[bytes], Answer],
        *,
        is_lasting: bool,
    ) -> Answer:
        """Ask the account module; a lasting answer holds as of the block that is stood at."""
        query = {"module": "account", "action": action, **parameters}
        return self._ask(query, read, is_lasting=is_lasting)

    def node(self, method: str, arguments: Mapping[str, str | bool], *, is_lasting: bool) -> object:
        """Ask the node behind the explorer; `arguments` stand in the order of the method's."""
        if not self._is_blockscout:
            shown = {name: str(value).lower() if isinstance(value, bool) else value
                     for name, value in arguments.items()}  # fmt: skip
            query = {"module": "proxy", "action": method, **shown}
            return self._ask(query, read_node_answer, is_lasting=is_lasting)
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(arguments.values())}
        body = json.dumps(call, separators=(",", ":")).encode()
        path = "/json-rpc" if self._is_shared else "/api/eth-rpc"
        path += self._key_query("?")

        def post() -> bytes:
            return self._http.post(path, body, "application/json", most_bytes=_MOST_BYTES)

        return self._answered(body.decode(), post, read_node_answer, is_lasting=is_lasting)

    def _ask(
        self, query: Mapping[str, str], read: Callable[[bytes], Answer], *, is_lasting: bool
    ) -> Answer:
        chain = self._options.chain_id
        chained = query if chain is None else {"chainid": str(chain), **query}
        question = urlencode(chained)
        path = f"{'/api' if self._is_blockscout else ''}?{question}{self._key_query('&')}"

        def get() -> bytes:
            return self._http.get(path, most_bytes=_MOST_BYTES)

        return self._answered(question, get, read, is_lasting=is_lasting)

    def _answered(
        self,
        question: str,
        send: Callable[[], bytes],
        read: Callable[[bytes], Answer],
        *,
        is_lasting: bool,
    ) -> Answer:
        known = self.memory.recall(question) if is_lasting else None
        if known is not None:
            self.reused += 1
            return self._told(question, lambda: read(known))
        body, answer = self._until_not_busy(question, send, read)
        if is_lasting:
            self.memory.remember(question, body)
        return answer

    def _until_not_busy(
        self, question: str, send: Callable[[], bytes], read: Callable[[bytes], Answer]
    ) -> tuple[bytes, Answer]:
        def once() -> tuple[bytes, Answer]:
            body = self._sent(send)
            return body, read(body)

        for attempt in range(1, self._patience.attempts):
            try:
                return self._told(question, once)
            except ExplorerBusyError:
                if self._bucket is not None:
                    self._bucket.slow_down()
                self._http.pause(self._patience.pause_after(attempt))
        return self._told(question, once)

    def _sent(self, send: Callable[[], bytes]) -> bytes:
        if self._bucket is not None:
            wait = self._bucket.take()
            if wait > 0:
                self._http.pause(wait)
        try:
            return send()
        except HttpRefusalError as error:
            raise _refused(error) from None

    def _told(self, question: str, task: Callable[[], Answer]) -> Answer:
        """Do a task; say in its errors who was asked what."""
        try:
            return task()
        except (LookupFailedError, SourceUnavailableError) as error:
            if self.name in str(error):
                raise
            words = self._http.fit_to_show(str(error), most=400)
            raise type(error)(f"{self.name} was asked {question[:200]}: {words}") from None

    def _key_query(self, joint: str) -> str:
        key = self._options.key
        return "" if key is None else f"{joint}apikey={quote(key.reveal(), safe='')}"


def _refused(error: HttpRefusalError) -> ChainError:
    """Return what a refusal by status means; its body mostly says it as a 200 would."""
    if error.status == 404:
        return NotOfferedError("it answers 404: it does not have this, or stands elsewhere")
    try:
        found = json.loads(error.body)
    except (ValueError, RecursionError):
        found = None
    said = found.get("result") or found.get("message") if isinstance(found, dict) else None
    told = refusal(str(said or error.text or "nothing"))
    if type(told) is LookupFailedError and error.status in (401, 402, 403):
        return UnexpectedAnswerError(f"it answers {error.status}: {error.text or 'no words'}")
    return told


def _whole(endpoint: Endpoint, name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:18]) == int(text)):
        raise SourceUnavailableError(f"{endpoint.name}: {name} must be a whole number above 0")
    return int(text)
