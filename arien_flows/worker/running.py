"""A worker as a process: its name, its signals, its end.

`python -m arien_flows.worker.running` is what `serve` starts beside itself. It reads its settings
from the environment, and ends when its standard input does.
"""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from arien_flows.failures import failure_of
from arien_flows.settings import Settings, settings_from
from arien_flows.worker.duties import DUTIES
from arien_flows.worker.handlers import HANDLERS
from arien_flows.worker.lifeline import on_end_of_input
from arien_flows.worker.loop import Worker
from arien_flows.worker.pace import Pace
from arien_flows.workspace import Workspace


def worker_name() -> str:
    """Return a name for a worker in this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def make_worker(settings: Settings, name: str) -> Worker:
    """Return a worker that does every kind of job and duty, and stops by the usual signals."""
    worker = Worker(
        Workspace(settings),
        name=name,
        handlers=HANDLERS,
        duties=DUTIES,
        pace=Pace(grace=settings.grace_seconds),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    return worker


def run_to_end(worker: Worker) -> None:
    """Run a worker until it is told to stop; where its code does not heed that, end regardless."""
    if not worker.run():
        logging.shutdown()
        # Code that heeds nothing would keep the process; its job has been given back.
        os._exit(0)


def main(arguments: Sequence[str]) -> int:
    """Run a worker that another process looks after; return the exit code."""
    parser = argparse.ArgumentParser(prog="worker")
    parser.add_argument("--name", required=True)
    parser.add_argument("--instead-of", metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        worker = make_worker(settings_from(os.environ), options.name)
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        sys.stderr.write(f"Error: {failure.detail}\n")
        return failure.exit_code
    on_end_of_input(worker.stop)
    if options.instead_of is not None:
        worker.take_place_of(options.instead_of)
    run_to_end(worker)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
