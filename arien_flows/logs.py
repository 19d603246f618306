"""How the service writes its log: one line an event on standard error, for people or for programs.

Everything goes through the standard library's `logging`, so that lines of the web server and of
libraries look like ours. At the level INFO no line names an address, a transaction or a secret:
what is being investigated stands in the audit log only.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

_FIELDS = frozenset({"operation", "status", "milliseconds", "request_id", "caller", "bytes"})


def write_logs(form: str | None, stream: TextIO | None = None) -> None:
    """Write all logs of the process to a stream, by default standard error.

    `form` is `json` or `text`; nothing chooses text for a terminal and JSON otherwise.
    """
    out = stream or sys.stderr
    as_json = form == "json" or (form is None and not out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(as_json=as_json, has_colours=out.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("arien_flows").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.WARNING)


def _formatter(*, as_json: bool, has_colours: bool) -> logging.Formatter:
    told: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(_FIELDS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        ending += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        ending += [structlog.dev.ConsoleRenderer(colors=has_colours)]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=told, processors=ending)
