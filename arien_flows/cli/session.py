"""What every command shares: settings with the options laid over them, and where output goes.

The common options may stand before or after a command's name (`arien-flows --data D address A`
and `arien-flows address A --data D` mean the same); the later one wins.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import click

from arien_flows.settings import Settings, settings_from

C = TypeVar("C", bound="Callable[..., object] | click.Command")

ProgressForm = Literal["auto", "json", "none"]
REQUESTS = 2_000
"""How many requests a question may make where nothing else is said."""

LEAST_REQUESTS = 16
"""Opening a source and closing a run take some."""

PROGRESS_FORMS: tuple[ProgressForm, ...] = ("auto", "json", "none")

_META = "arien_flows.options"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Settings and output forms of one run of the program."""

    settings: Settings
    as_json: bool
    progress: ProgressForm
    source_is_named: bool = False
    """Whether an option names the source, and not only the environment."""

    requests: int = REQUESTS
    """Requests that a question may make of the source that is named."""


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value not in (None, False):
        context.meta.setdefault(_META, {})[parameter.name] = value


_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the ledgers (ARIEN_DATA; by default ./arien-data).",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--network",
        metavar="NAME",
        help="Network, as bitcoin or bitcoin-regtest (ARIEN_NETWORK; by default the only one "
        "that has a ledger).",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the answer as JSON, the same as the service gives.",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--progress",
        type=click.Choice(PROGRESS_FORMS),
        help="Progress on standard error: a bar where it is a terminal, one JSON line a step, "
        "or none.",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--debug",
        is_flag=True,
        help="Show the traceback of an unexpected error (ARIEN_DEBUG).",
        expose_value=False,
        callback=_keep,
    ),
)


_SOURCE_OPTIONS = (
    click.option(
        "--source",
        metavar="URI",
        help="Ask this server instead of a ledger: esplora+https://HOST/api or "
        "electrum+ssl://HOST:PORT, for Ethereum etherscan+https://HOST/api or "
        "blockscout+https://HOST (ARIEN_SOURCE). Its operator learns what is asked.",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--requests",
        type=click.IntRange(LEAST_REQUESTS),
        metavar="N",
        help=f"With --source: most requests of this run ({REQUESTS}). The same command goes on "
        "where they ended.",
        expose_value=False,
        callback=_keep,
    ),
    click.option(
        "--proxy",
        metavar="URI",
        help="Proxy of all outgoing connections (ARIEN_PROXY); with socks5h://HOST:PORT it also "
        "looks names up.",
        expose_value=False,
        callback=_keep,
    ),
)


profile_option = click.option(
    "--profile",
    default="strict",
    show_default=True,
    metavar="NAME",
    help="Whose entities: strict, standard or wide; each has to be run first.",
)

chain_size_option = click.option(
    "--transactions",
    type=click.IntRange(2_000, 20_000_000),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Size of the simulated chain.",
)


def source_options(command: C) -> C:
    """Give a command the options of questions that a server may answer."""
    for option in reversed(_SOURCE_OPTIONS):
        command = option(command)
    return command


def session_options(command: C) -> C:
    """Give a command (or the program itself) the common options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def session_of(context: click.Context) -> Session:
    """Return the session: the environment's settings with the options laid over them."""
    options = context.meta.get(_META, {})
    settings = settings_from(os.environ)
    return Session(
        settings=replace(
            settings,
            data=options.get("data", settings.data),
            network=options.get("network", settings.network),
            debug=options.get("debug", settings.debug),
            source=options.get("source", settings.source),
            proxy=options.get("proxy", settings.proxy),
        ),
        as_json=options.get("as_json", False),
        progress=options.get("progress", "auto"),
        source_is_named="source" in options,
        requests=options.get("requests", REQUESTS),
    )
