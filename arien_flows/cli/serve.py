"""`arien-flows serve`: the HTTP API and start page.

This process only listens and looks after others: those that answer requests and those that do
jobs. It imports no library, and the application is started by its name, so that the command line
does not import it.
"""

import os
import signal
import socket
import tempfile
from dataclasses import replace

import click

from arien_flows.cli.binding import ip_version, require_protection
from arien_flows.cli.session import session_of, session_options
from arien_flows.errors import InputError
from arien_flows.settings import Settings

WAITING_CONNECTIONS = 2048
"""Connections that the kernel keeps while no process has taken them yet."""


@click.command()
@session_options
@click.option("--host", metavar="ADDRESS", help="Address to listen on (ARIEN_HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port (ARIEN_PORT; 8000); 0: any.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes that answer requests (ARIEN_PROCESSES; 1).",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    metavar="N",
    help="Workers that do jobs (ARIEN_WORKERS; 1); 0 where `arien-flows worker` runs apart.",
)
@click.pass_context
def serve(
    context: click.Context,
    host: str | None,
    port: int | None,
    processes: int | None,
    workers: int | None,
) -> int:
    """Serve the ledgers on this machine: HTTP API and start page.

    Without accounts (ARIEN_ACCOUNTS=1) it listens on loopback only. To use it from another
    machine, forward the port: ssh -L 8000:127.0.0.1:8000 HOST
    """
    settings = session_of(context).settings
    settings = replace(
        settings,
        processes=settings.processes if processes is None else processes,
        workers=settings.workers if workers is None else workers,
    )
    return run_service(
        settings,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
    )


def run_service(settings: Settings, *, host: str, port: int) -> int:
    """Serve until the process is told to stop; return the exit code."""
    from arien_flows.worker.supervising import Role, Supervisor, child_command

    require_protection(settings, host)
    listener = listen(host, port)
    descriptor = listener.fileno()
    # Messages to receivers of events say where the service is.
    settings = replace(settings, host=host, port=listener.getsockname()[1])
    roles = [
        Role(
            title=f"Answering process {number}",
            command=lambda _name, _before: child_command(
                "arien_flows.worker.answering", str(descriptor)
            ),
            descriptors=(descriptor,),
        )
        for number in range(1, settings.processes + 1)
    ] + [
        Role(
            title=f"Worker {number}",
            command=lambda name, before: child_command(
                "arien_flows.worker.running",
                *("--name", name),
                *(() if before is None else ("--instead-of", before)),
            ),
        )
        for number in range(1, settings.workers + 1)
    ]
    # Processes count what they do in files of this folder; whichever is asked adds them up.
    counters = tempfile.TemporaryDirectory(prefix="arien-flows-counters-")
    supervisor = Supervisor(
        roles=roles,
        environment=_environment(settings) | {"PROMETHEUS_MULTIPROC_DIR": counters.name},
        grace_seconds=settings.grace_seconds,
        tell=lambda line: click.echo(line, err=True),
        # Whoever connects now is refused at once instead of waiting in vain.
        release=listener.close,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    name = f"[{host}]" if ":" in host else host
    click.echo(
        f"Serving {settings.data} at http://{name}:{settings.port} (Ctrl-C ends it)",
        err=True,
    )
    with listener, counters:
        return supervisor.run()


def _environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the children, which read their settings from it."""
    from arien_flows.worker.supervising import child_environment

    changed = {
        "ARIEN_DATA": str(settings.data),
        "ARIEN_DEBUG": str(int(settings.debug)),
        "ARIEN_HOST": settings.host,
        "ARIEN_PORT": str(settings.port),
    }
    if settings.network is not None:
        changed["ARIEN_NETWORK"] = settings.network
    environment = child_environment(os.environ, **changed)
    if settings.casebook is None:
        environment.pop("ARIEN_CASEBOOK", None)
    return environment


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; whether it may listen there is decided before."""
    address = "127.0.0.1" if host == "localhost" else host
    if ip_version(address) is None:
        raise InputError(f"{host} is no IP address of this machine: name one, or localhost")
    listener = socket.socket(socket.AF_INET6 if ip_version(address) == 6 else socket.AF_INET)
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
