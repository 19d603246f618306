"""Noticing a new block: the node says so over ZeroMQ, or is asked now and then.

A node started with `-zmqpubhashblock` announces blocks at a port that it names over RPC. We listen
at that port of the host that the user named, never at another host that an answer names, and not
at all where a proxy leads to the node: ZeroMQ would go past it. Announcements can be lost, so the
node is asked beside them too, only less often. What an announcement says is not looked at: it may
be forged, and only means that it is time to ask.
"""

import re

import zmq

from chains.bitcoin.core.rpc import Json

_TOPIC = "hashblock"
_KIND = "pubhashblock"
_ADDRESS = re.compile(r"tcp://.*:([0-9]{1,5})")
_KEPT = 16
"""Announcements that wait to be heard; one is enough."""

_LONGEST_BYTES = 1024
"""Of each part of a message: a hash and a number are short, and what is longer is no node's."""


class Announcements:
    """The announcements of one node. Used by one thread at a time."""

    def __init__(self, host: str, port: int) -> None:
        """Subscribe; whether anybody is there shows only when something comes."""
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IPV6, 1)
        self._socket.setsockopt(zmq.RCVHWM, _KEPT)
        self._socket.setsockopt(zmq.MAXMSGSIZE, _LONGEST_BYTES)
        self._socket.setsockopt_string(zmq.SUBSCRIBE, _TOPIC)
        self._socket.connect(f"tcp://{f'[{host}]' if ':' in host else host}:{port}")

    def wait(self, seconds: float) -> bool:
        """Return whether a block was announced, at the latest after `seconds`."""
        heard = bool(self._socket.poll(round(1000 * seconds)))
        while self._socket.poll(0):
            self._socket.recv_multipart()
        return heard

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        self._context.term()


def announcing_port(answer: Json) -> int | None:
    """Return the port where new blocks are announced, from `getzmqnotifications`."""
    rows = answer if isinstance(answer, list) else []
    for row in rows:
        if isinstance(row, dict) and row.get("type") == _KIND:
            found = _ADDRESS.fullmatch(str(row.get("address")))
            if found and 0 < int(found[1]) < 1 << 16:
                return int(found[1])
    return None
