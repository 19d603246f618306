"""A process that answers requests on a socket which another process listens on.

`python -m arien_flows.worker.answering DESCRIPTOR` is what `serve` starts, once or several times:
the kernel gives each connection to one of them. Settings are read from the environment, and the
process ends when its standard input does.

The application is started by its name, since this package does not know the one above it.
"""

import os
import signal
import socket
import sys
from collections.abc import Sequence
from threading import Event
from types import FrameType

import uvicorn

from arien_flows.failures import failure_of
from arien_flows.settings import Settings, settings_from
from arien_flows.worker.connections import BoundedConnection
from arien_flows.worker.lifeline import on_end_of_input

STOPPING = "stopping"
"""Where requests find, in the state that they share, an event that is set when the process is to
end: what would go on for ever ends by itself then."""


class Answering(uvicorn.Server):
    """A server that tells long answers of its end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, with the event where requests find it."""
        await super().startup(sockets)
        self.lifespan.state[STOPPING] = self.stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Heed a signal."""
        self.stopping.set()
        super().handle_exit(sig, frame)


def answer(settings: Settings, listener: socket.socket) -> None:
    """Answer requests until the process is told to stop."""
    # No access log: its lines would hold the addresses that are being investigated.
    config = uvicorn.Config(
        "api.main:create_app",
        factory=True,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=_connections(settings),
        timeout_graceful_shutdown=settings.grace_seconds,
    )
    config.load()
    Answering(config).run(sockets=[listener])


def _connections(settings: Settings) -> type[BoundedConnection]:
    """Return how connections are handled with the settings."""
    return type("Connection", (BoundedConnection,), {"body_seconds": settings.body_seconds})


def main(arguments: Sequence[str]) -> int:
    """Answer requests on the socket whose descriptor is named; return the exit code."""
    (descriptor,) = arguments
    on_end_of_input(lambda: os.kill(os.getpid(), signal.SIGTERM))
    with socket.socket(fileno=int(descriptor)) as listener:
        try:
            answer(settings_from(os.environ), listener)
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            sys.stderr.write(f"Error: {failure.detail}\n")
            return failure.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
