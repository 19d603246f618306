"""A provider for web3.py that goes to one node through our own HTTP client, and nowhere else.

web3.py encodes requests and decodes answers; its own transport would follow redirects, read the
process's environment, and let an answer be as long as the server likes. Reading further addresses
from answers of contracts (CCIP-read) is off: a contract would choose whom we ask.

Services that run nodes for others put a customer's key into the path or the query. So a node's
name is its host alone, and neither path nor query is ever shown or logged.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlencode

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chains.access import Access, Secret
from chains.endpoint import Endpoint
from chains.exchange import NoRecorder
from chains.http import HttpClient, HttpRefusalError, Patience

RECURSION_LIMIT = 2_500
"""Traces nest calls 1,024 deep, and each is an object in a list; Python's own is 1,000."""

# A library that web3 loads (py_ecc) raises the limit a hundredfold for the whole process. JSON that
# a hostile server nests deeply would then overrun the stack of the decoder, and end the process.
sys.setrecursionlimit(RECURSION_LIMIT)

MOST_BYTES = 256 << 20
"""Of one answer: traces of a full block are the longest."""

_LEAST_KEY = 8
"""Characters from which on a part of a path or query is taken for a key."""


class NodeProvider(JSONBaseProvider):
    """The connections to one node. Called from several threads at once."""

    global_ccip_read_enabled = False

    def __init__(self, endpoint: Endpoint, access: Access, patience: Patience) -> None:
        """Connect to nothing yet; `SourceUnavailableError` where the proxy can't be used."""
        super().__init__()
        # What the URI of the source says beyond the node's own address was taken out before.
        options = urlencode(dict(endpoint.query))
        self._path = f"{endpoint.path or '/'}{f'?{options}' if options else ''}"
        self._client = HttpClient(
            replace(endpoint, path="", query={}),
            access=access,
            recorder=NoRecorder(),
            patience=patience,
        )
        self.name = self._client.name
        parts = (*endpoint.path.split("/"), *endpoint.query.values())
        for key in (part for part in parts if len(part) >= _LEAST_KEY):
            self._client.hide(Secret(key))
            _NO_KEYS.hide(key)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Send one request; errors are those of `HttpClient.post`, or a `ValueError`."""
        return cast("RPCResponse", self._exchange(self.encode_rpc_request(method, params), None))

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Send several requests as one; a node that takes none answers with one error."""
        return self.make_patient_request(requests, None)

    def make_patient_request(
        self, requests: Sequence[tuple[RPCEndpoint, Any]], patience: Patience | None
    ) -> list[RPCResponse] | RPCResponse:
        """Send several requests as one, or one alone, and wait as long as is said."""
        if len(requests) == 1:
            return self._exchange(self.encode_rpc_request(*requests[0]), patience)
        return self._exchange(self.encode_batch_rpc_request(list(requests)), patience)

    def pause(self, seconds: float) -> None:
        """Wait; `SourceUnavailableError` as soon as the provider is closed."""
        self._client.pause(seconds)

    def fit_to_show(self, words: str) -> str:
        """Return the beginning of a server's own words: one line, and no secret echoed."""
        return self._client.fit_to_show(words)

    def close(self) -> None:
        """Close the connections; requests under way, in whatever thread, are given up."""
        self._client.close()

    def _exchange(self, body: bytes, patience: Patience | None) -> list[RPCResponse] | RPCResponse:
        try:
            answer = self._client.post(
                self._path, body, "application/json", most_bytes=MOST_BYTES, patience=patience
            )
        except HttpRefusalError as refusal:
            # Many servers state errors of JSON-RPC under a status of HTTP that says so too.
            told = self._decoded(refusal.body)
            if isinstance(told, dict) and isinstance(told.get("error"), dict):
                return cast("RPCResponse", told)
            raise
        told = self._decoded(answer)
        if not isinstance(told, list | dict):
            raise ValueError("the answer is not JSON-RPC")
        return cast("RPCResponse", told)

    def _decoded(self, answer: bytes) -> object:
        try:
            return self.decode_rpc_response(answer)
        except (ValueError, RecursionError):
            return None


class _NoKeys(logging.Filter):
    """Takes keys out of what the HTTP library writes into its log."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: set[str] = set()

    def hide(self, key: str) -> None:
        self._keys.add(key)
        logging.getLogger("urllib3.connectionpool").addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(self._bare(part) for part in record.args)
        return True

    def _bare(self, part: object) -> object:
        if isinstance(part, str):
            for key in self._keys:
                part = part.replace(key, "…")
        return part


_NO_KEYS = _NoKeys()
