"""Calls of a node's JSON-RPC in batches, and what its refusals mean.

Servers differ in what they take: some no batch at all, some batches of so many calls, some stop
in the middle of one whose answers become too long. What was refused because of the batch is asked
again in smaller ones and at last alone, and the smaller size is kept. A refusal because of too
many questions in a short time is waited for.

There is no list of error codes that nodes keep to, so refusals are told apart by their words too:
those of geth, erigon, nethermind, besu, reth and anvil, and of the services that run them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, cast

from web3.types import RPCEndpoint

from chains.errors import SourceUnavailableError
from chains.ethereum.rpc.provider import NodeProvider
from chains.http import HttpRefusalError, Patience

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

MOST_CALLS = 100
"""In one request; many services take no more."""

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_TOO_LARGE = 413
_BUSY_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between attempts where a node says that it is asked too much."""


class Why(Enum):
    """Why a call was refused."""

    ABSENT = "the node does not offer the method"
    STATE_GONE = "the node has not kept that old a state"
    TOO_MUCH = "the answer would be too much"
    BUSY = "too many questions in a short time"
    OTHER = "something else"


_WORDS = (
    (
        Why.BUSY,
        r"rate.?limit|too many requests|compute units|request count|requests per second|"
        r"capacity|throttl",
    ),
    (
        Why.STATE_GONE,
        r"missing trie node|historical state|state (is )?(not available|unavailable|not found)|"
        r"pruned|archive|state .* not available|no state|old data not available|"
        r"distance to target block exceeds|header not found|BlockOutOfRange",
    ),
    # Ranges "over 10000 blocks are not supported": the method is.
    (Why.TOO_MUCH, r"\branges?\b"),
    (
        Why.ABSENT,
        r"method not found|does not exist/is not available|not supported|unsupported|"
        r"not available|not allowed|not whitelisted|disabled|unknown method|no such method",
    ),
    (
        Why.TOO_MUCH,
        r"more than|too large|too big|too many|too wide|limit|exceed|max(imum)? |range|"
        r"time(d)? ?out|deadline|narrow|reduce|split",
    ),
)
_ABSENT_CODES = frozenset({-32601, -32004})
_REVERTED = 3
_TOO_MUCH_CODES = frozenset({-32005, -32003})


class RpcRefusalError(SourceUnavailableError):
    """The node refused a call.

    Where nobody knows what to do about it, the source is of no use.
    """

    def __init__(self, node: str, method: str, code: int, words: str) -> None:
        super().__init__(f"{node} refuses {method}: {words} ({code})")
        self.method = method
        self.code = code
        self.words = words

    @property
    def why(self) -> Why:
        """Return what the refusal means, as far as its code and words tell."""
        if self.code in _ABSENT_CODES:
            return Why.ABSENT
        if self.method == "eth_call" and (self.code == _REVERTED or "revert" in self.words.lower()):
            # The words are the contract's own, which may say that we ask too much.
            return Why.OTHER
        for why, pattern in _WORDS:
            if re.search(pattern, self.words, re.IGNORECASE):
                return why
        return Why.TOO_MUCH if self.code in _TOO_MUCH_CODES else Why.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a method."""

    method: str
    parameters: tuple[Json, ...] = ()


Outcome: TypeAlias = Json | RpcRefusalError


class NodeRpc:
    """The JSON-RPC of one node. Called from several threads at once."""

    def __init__(self, provider: NodeProvider) -> None:
        self.name = provider.name
        self._provider = provider
        self._most_calls = MOST_CALLS

    def ask(self, method: str, *parameters: Json, patience: Patience | None = None) -> Json:
        """Return the result of one call; a refusal is raised as `RpcRefusalError`."""
        (answer,) = self.ask_all([Call(method=method, parameters=parameters)], patience=patience)
        return accepted(answer)

    def ask_all(self, calls: Sequence[Call], *, patience: Patience | None = None) -> list[Outcome]:
        """Return the results of calls, in order, a refusal in the place of its call."""
        found: list[Outcome] = []
        while len(found) < len(calls):
            following = calls[len(found) : len(found) + self._most_calls]
            answers = self._batch(following, patience)
            if answers is None:
                self._most_calls = max(1, len(following) // 2)
                continue
            found += answers
        return found

    def _batch(self, calls: Sequence[Call], patience: Patience | None) -> list[Outcome] | None:
        """Return the outcomes of calls that go as one; nothing where they are too many."""
        answers = self._once(calls, patience)
        for pause in _BUSY_PAUSES:
            if answers is None or all(_why(answer) is not Why.BUSY for answer in answers):
                break
            self._provider.pause(pause)
            answers = self._once(calls, patience)
        if answers is None or len(calls) == 1:
            return answers
        # A server may stop in the middle of a batch whose answers become too long.
        for place, answer in enumerate(answers):
            if _why(answer) is Why.TOO_MUCH:
                (answers[place],) = self._batch([calls[place]], patience) or [answer]
        return answers

    def _once(self, calls: Sequence[Call], patience: Patience | None) -> list[Outcome] | None:
        requests = [(RPCEndpoint(call.method), list(call.parameters)) for call in calls]
        try:
            told = self._provider.make_patient_request(requests, patience)
        except HttpRefusalError as refusal:
            if refusal.status == _TOO_LARGE and len(calls) > 1:
                return None
            raise self._closed(refusal) from None
        except ValueError:
            raise self._strange() from None
        if isinstance(told, dict):
            if len(calls) > 1:
                return None
            return [self._result(calls[0], cast("Mapping[str, Json]", told))]
        return self._in_order(calls, cast("list[Json]", told))

    def _in_order(self, calls: Sequence[Call], answers: Sequence[Json]) -> list[Outcome] | None:
        """Match answers to calls by their ids, which rise; a node may answer in any order."""
        rows = [answer for answer in answers if isinstance(answer, Mapping)]
        ids = {row["id"]: row for row in rows if isinstance(row.get("id"), int)}
        if len(ids) != len(calls) or len(rows) != len(answers):
            # One error for all of them, or one that stands for what was left out.
            if len(calls) > 1 and any("error" in row for row in rows):
                return None
            raise self._strange()
        return [
            self._result(call, ids[number])
            for call, number in zip(calls, sorted(ids), strict=True)  # type: ignore[type-var]
        ]

    def _result(self, call: Call, answer: Mapping[str, Json]) -> Outcome:
        error = answer.get("error")
        if error is None:
            if "result" not in answer:
                raise self._strange()
            return answer["result"]
        code, words = (
            (error.get("code"), error.get("message")) if isinstance(error, Mapping) else (0, error)
        )
        if not isinstance(code, int) or not isinstance(words, str):
            code, words = 0, "for a reason that it does not state"
        return RpcRefusalError(self.name, call.method, code, self._provider.fit_to_show(words))

    def _closed(self, refusal: HttpRefusalError) -> SourceUnavailableError:
        if refusal.status == _UNAUTHORIZED:
            return SourceUnavailableError(
                f"{self.name} does not accept the user, password or key: name them in the address "
                "as the node or service wants them, eth+https://USER:PASS@HOST or with its path"
            )
        if refusal.status == _FORBIDDEN:
            return SourceUnavailableError(
                f"{self.name} does not let us in (403): see the key in the address, and for a node "
                "of your own its list of hosts (geth: --http.vhosts)"
            )
        return SourceUnavailableError(
            f"{self.name} has no JSON-RPC of a node there (it answers {refusal.status}): are "
            "host, port and path right?"
        )

    def _strange(self) -> SourceUnavailableError:
        return SourceUnavailableError(
            f"{self.name} answers with something that is not the JSON-RPC of a node: are host, "
            "port and path right?"
        )


def accepted(answer: Outcome) -> Json:
    """Return an answer, or raise it where it is a refusal."""
    if isinstance(answer, RpcRefusalError):
        raise answer
    return answer


def _why(answer: Outcome) -> Why | None:
    return answer.why if isinstance(answer, RpcRefusalError) else None
