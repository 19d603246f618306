"""Requests over HTTP to a server that may be slow, busy, broken or hostile.

One client serves one endpoint, from several threads at once. It does what every source needs and
nothing of any protocol: connections are kept, answers are bounded in size and in time, what may
pass is tried again with growing pauses, and a server's wish to be left alone is respected by all
threads together. It goes to the named place and nowhere else: redirects are not followed, and
nothing of the process's environment (proxy variables, `.netrc`) is used.

A proxy is for every connection but those to this machine itself, which no proxy could make.

Messages never hold a secret. Exceptions of the HTTP library quote whole URLs, and a key may be
part of one, so what went wrong is told in our own words, and theirs are not chained to it.
"""

import base64
import email.utils
import logging
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.parse import quote

import requests
import urllib3

from chains.access import Access, Secret
from chains.deadlines import DeadlineAdapter
from chains.endpoint import Endpoint, proxy_for
from chains.errors import ChainError, SourceUnavailableError
from chains.exchange import Exchange, Recorder

USER_AGENT = "arien-flows"
"""Says what asks and nothing of who: no version, no system."""

MOST_BYTES = 32 << 20
"""Bytes of an answer that are accepted where the caller names no other bound."""

WORTH_ANOTHER_TRY = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""Statuses that may pass. Those from 520 on are what a large relay says of the server behind it."""

_REFUSED_FOR_NOW = 429
_NOT_FOUND = 404
_CHUNK = 1 << 20
_LEAST_KEY = 8
"""Characters of a text that is looked for in answers."""

_MOST_WORDS = 200
"""Characters of a server's own words that a message repeats."""

_SECRET_KEYS = re.compile(r"(?i)([?&](?:api_?key|key|token|access_token|secret|password)=)[^&\s]*")
_QUERY = re.compile(r"\?\S*")

_HTTP_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)

_UNREACHED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ConnectionRefusedError,
    socket.gaierror,
)
"""No connection came about."""

_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "shows a certificate that is not trusted"),
    (ssl.SSLError, "does not speak TLS there, or not a kind that is safe"),
    (socket.gaierror, "has a name that cannot be looked up"),
    (requests.exceptions.InvalidURL, "has a name that cannot be looked up"),
    (urllib3.exceptions.LocationValueError, "has a name that cannot be looked up"),
    (ConnectionRefusedError, "refuses connections: is it running, and is the port right?"),
    (ConnectionResetError, "breaks the connection off"),
    (BrokenPipeError, "breaks the connection off"),
    (TimeoutError, "does not answer in time"),
    (urllib3.exceptions.ReadTimeoutError, "does not answer in time"),
)
"""What goes wrong below HTTP, the more telling first."""


class HttpRefusalError(ChainError):
    """The server answered, and not with what was asked for.

    `text` is one line of its own words, fit to be shown; `body` is all that it sent.
    """

    def __init__(self, status: int, text: str, body: bytes) -> None:
        super().__init__(f"the server answers {status}{f': {text}' if text else ''}")
        self.status = status
        self.text = text
        self.body = body


class NotFoundAnswerError(HttpRefusalError):
    """The server has no such thing (404)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for. All times are in seconds."""

    connect: float = 15
    """Until a connection stands."""

    silence: float = 60
    """Without a byte of the answer."""

    answer: float = 300
    """For a whole answer, however steadily it drips."""

    attempts: int = 7

    first_pause: float = 0.5
    """After the first failure; each further pause is twice as long, shortened at random by up to
    half, so that many clients do not come back together."""

    longest_pause: float = 30
    """Also the longest that a server may ask us to wait; a longer wish ends the run."""

    in_all: float = 180
    """No further attempt begins later than this after the first one."""

    def pause_after(self, attempt: int) -> float:
        """Return how long to wait after failure number `attempt`, the first being 1."""
        doubled = self.first_pause * 2.0 ** min(attempt - 1, 30)
        shortened: float = random.SystemRandom().uniform(0.5, 1)
        return min(doubled, self.longest_pause) * shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    words: str
    lasting: bool = False
    """Another attempt would fail alike."""

    wait: float | None = None
    """Seconds that the server asks for."""


class HttpClient:
    """The connections to one endpoint. All methods may be called from several threads at once."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        access: Access,
        recorder: Recorder,
        patience: Patience = Patience(),
        worth_another_try: frozenset[int] = WORTH_ANOTHER_TRY,
    ) -> None:
        """Connect to nothing yet; `SourceUnavailableError` where the proxy can't be used."""
        self.name = endpoint.name
        self._endpoint = endpoint
        self._recorder = recorder
        self._patience = patience
        self._worth_another_try = worth_another_try
        self._adapter = DeadlineAdapter()
        self._secrets: tuple[str, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._authorization: str | None = None
        self._left_alone_until = 0.0
        self._closed = threading.Event()
        self._proxy = proxy_for(endpoint.host, access)
        url = None if self._proxy is None else _proxy_url(self._proxy)
        self._proxies = {} if url is None else {"http": url, "https": url}
        if endpoint.user is not None or endpoint.password is not None:
            self.authorize(endpoint.user or "", endpoint.password or Secret(""))
        # The library below writes each request, query and all, into its log.
        logging.getLogger("urllib3.connectionpool").addFilter(_hide_queries)

    def authorize(self, user: str, password: Secret) -> None:
        """Send this name and password from now on."""
        joined = f"{user}:{password.reveal()}".encode()
        coded = base64.b64encode(joined).decode()
        self._secrets = tuple(text for text in (coded, password.reveal()) if text)
        self._authorization = f"Basic {coded}"

    def hide(self, secret: Secret) -> None:
        """Show this nowhere, and keep no exchange that holds it: a key that goes with requests."""
        self._keys += (secret.reveal(),)

    def get(
        self, path: str, *, most_bytes: int = MOST_BYTES, patience: Patience | None = None
    ) -> bytes:
        """Return the body of the answer; `path` begins with a slash and may hold a query.

        Raises `NotFoundAnswerError` for 404, `HttpRefusalError` for other refusals, and
        `SourceUnavailableError` where no answer is to be had.
        """
        request = requests.Request("GET", self._url(path))
        return self._ask(request, f"GET {path}", most_bytes, patience or self._patience)

    def post(
        self,
        path: str,
        body: bytes,
        content_type: str,
        *,
        most_bytes: int = MOST_BYTES,
        patience: Patience | None = None,
    ) -> bytes:
        """Send a body that may be sent twice; return that of the answer. Errors are `get`'s."""
        headers = {"Content-Type": content_type}
        request = requests.Request("POST", self._url(path), data=body, headers=headers)
        shown = f"POST {path} {body.decode('utf-8', 'replace')}"
        return self._ask(request, shown, most_bytes, patience or self._patience)

    def close(self) -> None:
        """Close the connections; requests under way, in whatever thread, are given up."""
        self._closed.set()
        self._adapter.close()

    def pause(self, seconds: float) -> None:
        """Wait; `SourceUnavailableError` as soon as the client is closed."""
        if self._closed.wait(seconds):
            raise SourceUnavailableError(f"{self.name} was closed")

    def fit_to_show(self, words: str, most: int = _MOST_WORDS) -> str:
        """Return the beginning of a server's own words: one line, and no secret echoed."""
        for secret in (*self._secrets, *self._keys):
            words = words.replace(secret, "…")
        line = "".join(sign if sign.isprintable() else " " for sign in words)
        line = " ".join(_SECRET_KEYS.sub(r"\1…", line).split())
        return line if len(line) <= most else f"{line[:most]}…"

    def _url(self, path: str) -> str:
        endpoint = self._endpoint
        return f"{endpoint.scheme}://{endpoint.authority}{endpoint.path}{path}"

    def _ask(
        self, request: requests.Request, shown: str, most_bytes: int, patience: Patience
    ) -> bytes:
        request.headers["User-Agent"] = USER_AGENT
        request.headers["Accept-Encoding"] = "gzip"
        last_start, attempt = time.monotonic() + patience.in_all, 1
        while not isinstance(
            outcome := self._attempt(request, shown, most_bytes, patience), _Answer
        ):
            # A server that names no wait worth the name is not hurried.
            pause = max(patience.pause_after(attempt), outcome.wait or 0)
            late = time.monotonic() + pause > last_start or attempt >= patience.attempts
            if outcome.lasting or late or pause > patience.longest_pause:
                raise SourceUnavailableError(self._final_words(outcome, attempt, patience))
            if outcome.wait is not None:
                # A longer wish than this one may have been expressed to another thread.
                self._left_alone_until = max(self._left_alone_until, time.monotonic() + pause)
            self.pause(pause)
            attempt += 1
        return self._accept(outcome)

    def _final_words(self, failure: _Failure, attempts: int, patience: Patience) -> str:
        if failure.wait is not None and failure.wait > patience.longest_pause:
            return (
                f"{self.name} {failure.words} and asks to wait {failure.wait:.0f} seconds; "
                "run again after that, or name another source"
            )
        tried = f" (tried {attempts} times)" if attempts > 1 else ""
        return f"{self.name} {failure.words}{tried}"

    def _attempt(
        self, request: requests.Request, shown: str, most_bytes: int, patience: Patience
    ) -> _Answer | _Failure:
        while (remaining := self._left_alone_until - time.monotonic()) > 0:
            self.pause(remaining)
        self._recorder.allow()
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        try:
            answer = self._exchange(request.prepare(), most_bytes, patience)
        except _HTTP_ERRORS as error:
            return self._failure(error)
        if isinstance(answer, _Failure):
            return answer
        # Kept as it was sent but for its compression, which says nothing.
        note = "" if answer.status == 200 else f" (answered {answer.status})"
        told = self._without_keys(answer.body)
        note += "" if told == answer.body else " (the key, which the answer repeats, was taken out)"
        answer = replace(answer, body=told)
        self._recorder.keep(
            Exchange(
                source=self.name,
                request=_SECRET_KEYS.sub(r"\1…", shown) + note,
                answer=answer.body,
                received_at=datetime.now(UTC),
            )
        )
        return self._judge(answer)

    def _exchange(
        self, request: requests.PreparedRequest, most_bytes: int, patience: Patience
    ) -> _Answer | _Failure:
        response = self._adapter.open(
            request,
            connect=patience.connect,
            silence=patience.silence,
            answer=patience.answer,
            proxies=self._proxies,
        )
        try:
            chunks, length = [], 0
            for chunk in _chunks(response.raw):
                length += len(chunk)
                if length > most_bytes:
                    words = f"answers with more than {most_bytes} bytes"
                    return _Failure(words=words, lasting=True)
                chunks.append(chunk)
        finally:
            # Closes the connection unless the answer was read to its end.
            response.close()
        return _Answer(status=response.status_code, body=b"".join(chunks), headers=response.headers)

    def _judge(self, answer: _Answer) -> _Answer | _Failure:
        status = answer.status
        if 300 <= status < 400:
            words = "answers with a redirect to another place, which is not followed"
            return _Failure(words=f"{words}{_place(answer.headers)}", lasting=True)
        if status not in self._worth_another_try:
            return answer
        said = self._words_of(answer.body)
        words = f"answers {status}{f': {said}' if said else ''}"
        if status == _REFUSED_FOR_NOW:
            words = "refuses because it was asked too often (429)"
        return _Failure(words=words, wait=_wish(answer.headers))

    def _accept(self, answer: _Answer) -> bytes:
        if answer.status == 200:
            return answer.body
        error = NotFoundAnswerError if answer.status == _NOT_FOUND else HttpRefusalError
        raise error(answer.status, self._words_of(answer.body), answer.body)

    def _without_keys(self, body: bytes) -> bytes:
        for key in self._keys:
            # A shorter text is no key, and may stand in any answer by chance.
            if len(key) >= _LEAST_KEY:
                body = body.replace(key.encode(), "…".encode())
        return body

    def _words_of(self, body: bytes) -> str:
        return self.fit_to_show(body[: 4 * _MOST_WORDS].decode("utf-8", "replace"))

    def _failure(self, error: Exception) -> _Failure:
        causes = list(_causes(error))
        if self._proxy is not None and any(isinstance(cause, _UNREACHED) for cause in causes):
            return _Failure(words=f"cannot be reached through the proxy {self._proxy.name}")
        for kind, words in _FAULTS:
            found = next((cause for cause in causes if isinstance(cause, kind)), None)
            if isinstance(found, ssl.SSLCertVerificationError):
                return _Failure(words=f"{words}: {found.verify_message}", lasting=True)
            if found is not None:
                return _Failure(words=words)
        return _Failure(words="answers with something that is not HTTP, or breaks off")


def _proxy_url(proxy: Endpoint) -> str:
    password = "" if proxy.password is None else f":{quote(proxy.password.reveal(), safe='')}"
    user = "" if proxy.user is None else f"{quote(proxy.user, safe='')}{password}@"
    return f"{proxy.scheme}://{user}{proxy.authority}"


def _chunks(raw: urllib3.HTTPResponse) -> Iterator[bytes]:
    # `read1` returns what has come; `read` would wait for a full chunk, past any deadline.
    while chunk := raw.read1(_CHUNK, decode_content=True):
        yield chunk


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that it came from, as the HTTP library nests them."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        nested = [*cause.args, cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
        waiting += [inner for inner in nested if isinstance(inner, BaseException)]


def _wish(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for; a date counts from the server's own."""
    wish = headers.get("Retry-After", "").strip()
    if wish.isascii() and wish.isdigit():
        return float(wish[:9])
    until, now = _date(wish), _date(headers.get("Date", "")) or datetime.now(UTC)
    return None if until is None else max((until - now).total_seconds(), 0)


def _date(text: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _place(headers: Mapping[str, str]) -> str:
    try:
        place = Endpoint.parse(headers.get("Location", ""))
    except SourceUnavailableError:
        return "; name the place itself"
    return f"; if that is what is meant, name {place.scheme}://{place.authority} instead"


def _hide_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            _QUERY.sub("?…", part) if isinstance(part, str) else part for part in record.args
        )
    return True
