"""A node's JSON-RPC: calls in batches, and what its refusals mean.

Every request is a batch, even of one call: a node answers batches with the status 200 and the
fault of each call beside it, whatever its version, so that a status says something of the node
and never of a call. Numbers with a fraction arrive as `Decimal`.

A node that has just been started answers everything with error -28 and a word about what it is
loading, for minutes after an unclean stop; that is waited for. A restarted node has another
cookie, so a refused one is read again.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from chains.bitcoin.core.place import Credentials
from chains.errors import SourceUnavailableError
from chains.http import HttpClient, HttpRefusalError, Patience

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | Decimal | bool | None

WARMING_UP = -28
NOT_FOUND = -5

_LONGEST_WARM_UP_PAUSE = 5.0
_MOST_BYTES = 16 << 20
_UNAUTHORIZED = 401
_FORBIDDEN = 403


class RpcRefusalError(SourceUnavailableError):
    """The node refused a call; `code` is its own number for why.

    Where nobody knows what to do about it, the source is of no use.
    """

    def __init__(self, node: str, method: str, code: int, words: str) -> None:
        super().__init__(f"{node} refuses {method}: {words} ({code}); is it a Bitcoin node?")
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a method."""

    method: str
    parameters: tuple[str | int, ...] = ()


class NodeRpc:
    """The JSON-RPC of one node. Called from several threads at once."""

    def __init__(self, client: HttpClient, credentials: Credentials, *, warm_up: float) -> None:
        """Read the credentials; `warm_up` is how many seconds a starting node is waited for."""
        self.name = client.name
        self._client = client
        self._credentials = credentials
        self._warm_up = warm_up
        self._used = credentials.read()
        client.authorize(*self._used)

    def ask(self, method: str, *parameters: str | int, patience: Patience | None = None) -> Json:
        """Return the result of one call; a refusal is raised as `RpcRefusalError`."""
        (answer,) = self.ask_all([Call(method=method, parameters=parameters)], patience=patience)
        return accepted(answer)

    def ask_all(
        self,
        calls: Sequence[Call],
        *,
        most_bytes: int = _MOST_BYTES,
        patience: Patience | None = None,
    ) -> list[Json | RpcRefusalError]:
        """Return the results of calls, in order, a refusal in the place of its call."""
        deadline, pause = time.monotonic() + self._warm_up, 0.25
        while True:
            answers = self._answers(calls, most_bytes, patience)
            loading = next((a for a in answers if _is_loading(a)), None)
            if not isinstance(loading, RpcRefusalError):
                return answers
            if time.monotonic() + pause > deadline:
                raise SourceUnavailableError(
                    f"{self.name} is still starting after {self._warm_up:.0f} seconds: "
                    f"{loading.words}; run again when it is ready"
                )
            self._client.pause(pause)
            pause = min(2 * pause, _LONGEST_WARM_UP_PAUSE)

    def _answers(
        self, calls: Sequence[Call], most_bytes: int, patience: Patience | None
    ) -> list[Json | RpcRefusalError]:
        batch = [
            {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.parameters}
            for number, call in enumerate(calls)
        ]
        body = self._send(json.dumps(batch).encode(), most_bytes, patience)
        try:
            answers = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError):
            answers = None
        if not isinstance(answers, list):
            raise self._strange()
        return self._in_order(calls, answers)

    def _send(self, body: bytes, most_bytes: int, patience: Patience | None) -> bytes:
        used = self._used
        try:
            return self._post(body, most_bytes, patience)
        except HttpRefusalError as error:
            refusal = error
        if refusal.status == _UNAUTHORIZED and self._renewed(used):
            try:
                return self._post(body, most_bytes, patience)
            except HttpRefusalError as error:
                refusal = error
        raise self._closed(refusal)

    def _post(self, body: bytes, most_bytes: int, patience: Patience | None) -> bytes:
        return self._client.post(
            "/", body, "application/json", most_bytes=most_bytes, patience=patience
        )

    def _renewed(self, used: tuple[str, object]) -> bool:
        """Read the credentials again; return whether they are others than those used."""
        now = self._credentials.read()
        self._used = now
        self._client.authorize(*now)
        return now != used

    def _closed(self, refusal: HttpRefusalError) -> SourceUnavailableError:
        name = self.name
        if refusal.status == _UNAUTHORIZED:
            if self._credentials.cookie is not None:
                return SourceUnavailableError(
                    f"{name} does not accept the cookie {self._credentials.cookie}: it belongs to "
                    "another node; name the right one with ?cookie=FILE, or user and password"
                )
            return SourceUnavailableError(
                f"{name} does not accept the user or the password: give those of rpcuser and "
                "rpcpassword (or rpcauth) in the node's bitcoin.conf"
            )
        if refusal.status == _FORBIDDEN:
            return SourceUnavailableError(
                f"{name} does not let this machine, user or method in: see rpcallowip and "
                "rpcwhitelist in the node's bitcoin.conf"
            )
        return SourceUnavailableError(
            f"{name} has no JSON-RPC of a node there (it answers {refusal.status}): are host, "
            "port and path right?"
        )

    def _in_order(
        self, calls: Sequence[Call], answers: Sequence[object]
    ) -> list[Json | RpcRefusalError]:
        """Match answers to calls by their ids; a node may answer in any order."""
        found: dict[int, Json | RpcRefusalError] = {}
        for answer in answers:
            if not isinstance(answer, dict):
                raise self._strange()
            number = answer.get("id")
            if not isinstance(number, int) or not 0 <= number < len(calls) or number in found:
                raise self._strange()
            found[number] = self._result(calls[number], answer)
        if len(found) != len(calls):
            raise self._strange()
        return [found[number] for number in range(len(calls))]

    def _result(self, call: Call, answer: Mapping[str, Json]) -> Json | RpcRefusalError:
        error = answer.get("error")
        if error is None:
            if "result" not in answer:
                raise self._strange()
            return answer["result"]
        code, words = (
            (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
        )
        if not isinstance(code, int) or not isinstance(words, str):
            raise self._strange()
        return RpcRefusalError(self.name, call.method, code, self._client.fit_to_show(words))

    def _strange(self) -> SourceUnavailableError:
        return SourceUnavailableError(
            f"{self.name} answers with something that is not the JSON-RPC of a node: are "
            "host and port right?"
        )


def accepted(answer: Json | RpcRefusalError) -> Json:
    """Return an answer, or raise it where it is a refusal."""
    if isinstance(answer, RpcRefusalError):
        raise answer
    return answer


def _is_loading(answer: Json | RpcRefusalError) -> bool:
    return isinstance(answer, RpcRefusalError) and answer.code == WARMING_UP
