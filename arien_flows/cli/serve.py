"""`arien-flows serve`: the HTTP API and start page, on this machine.

The application is started by its name, so that the command line does not import it.
"""

import ipaddress
import os
import socket
from contextlib import suppress

import click

from arien_flows.cli.session import session_of, session_options
from arien_flows.errors import InputError
from arien_flows.settings import Settings

WAITING_CONNECTIONS = 128


@click.command()
@session_options
@click.option("--host", metavar="ADDRESS", help="Loopback address (ARIEN_HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port (ARIEN_PORT; 8000); 0: any.")
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None) -> None:
    """Serve the ledgers on this machine: HTTP API and start page.

    The service has no accounts, so it listens on loopback only. To use it from another machine,
    forward the port: ssh -L 8000:127.0.0.1:8000 HOST
    """
    settings = session_of(context).settings
    run_service(
        settings,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
    )


def run_service(settings: Settings, *, host: str, port: int) -> None:
    """Serve until the process is told to stop."""
    import uvicorn

    listener = listen(host, port)
    # The application reads its settings from the environment when uvicorn makes it.
    os.environ["ARIEN_DATA"] = str(settings.data)
    name = f"[{host}]" if ":" in host else host
    click.echo(
        f"Serving {settings.data} at http://{name}:{listener.getsockname()[1]} (Ctrl-C ends it)",
        err=True,
    )
    # No access log: its lines would hold the addresses that are being investigated.
    server = uvicorn.Server(
        uvicorn.Config("api.main:create_app", factory=True, log_level="warning", access_log=False)
    )
    # Ctrl-C is how a person ends it, not a failure.
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket on a loopback address."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise InputError(
            f"{host} is not a loopback address, and this version has no accounts to protect the "
            "data: serve on 127.0.0.1 and forward the port with ssh -L"
        )
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"{host}:{port} cannot be listened on ({error.strerror}): choose another port with "
            "--port"
        ) from error
    listener.listen(WAITING_CONNECTIONS)
    return listener
