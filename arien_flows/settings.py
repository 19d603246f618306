"""What may be set from outside: read once from the environment, then passed along as a value.

Every setting is a variable `ARIEN_…`; options of the command line stand above them. Nothing is
read at import, and nothing is kept in a module, so that two parts of a program (or two tests)
can hold different settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arien_flows.errors import InputError
from chains.access import Access, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run."""

    data: Path = Path("arien-data")
    """`ARIEN_DATA`: folder of the ledgers, one sub-folder a network."""

    network: str | None = None
    """`ARIEN_NETWORK`: the network that is meant where none is named."""

    casebook: str | None = field(default=None, repr=False)
    """`ARIEN_CASEBOOK`: address of the casebook's database; by default `casebook.sqlite` in the
    data folder. It may hold a password, and is shown by `Casebook.name` only."""

    source: str | None = field(default=None, repr=False)
    """`ARIEN_SOURCE`: URI of the server that questions are put to where `--source` names none; by
    default they are put to the ledger. It may hold a password."""

    proxy: str | None = field(default=None, repr=False)
    """`ARIEN_PROXY`: `socks5h://HOST:PORT` or `http://HOST:PORT` for every outgoing connection. It
    may hold a password."""

    rpc_user: str | None = None
    """`ARIEN_RPC_USER`: user of a node whose URI names none."""

    rpc_password: Secret | None = field(default=None, repr=False)
    """`ARIEN_RPC_PASSWORD`: its password."""

    rpc_password_file: Path | None = None
    """`ARIEN_RPC_PASSWORD_FILE`: a file that holds the password instead, on its first line."""

    explorer_key: Secret | None = field(default=None, repr=False)
    """`ARIEN_EXPLORER_KEY`: API key of a block explorer whose URI names none."""

    explorer_key_file: Path | None = None
    """`ARIEN_EXPLORER_KEY_FILE`: a file that holds the key instead, on its first line."""

    host: str = "127.0.0.1"
    """`ARIEN_HOST`: loopback address that `serve` listens on."""

    port: int = 8000
    """`ARIEN_PORT`: port that `serve` listens on."""

    page_rows: int = 1000
    """`ARIEN_PAGE_ROWS`: most rows of one page of an answer of the service."""

    trace_budget: int = 20_000
    """`ARIEN_TRACE_BUDGET`: most transactions that a trace asked of the service may touch."""

    body_bytes: int = 1_048_576
    """`ARIEN_BODY_BYTES`: longest request body that the service reads."""

    debug: bool = False
    """`ARIEN_DEBUG`: `1` shows the traceback of an unexpected error."""

    def access(self) -> Access:
        """Return how sources are reached; reads the files of secrets where they are named."""
        return Access(
            proxy=self.proxy,
            rpc_user=self.rpc_user,
            rpc_password=_secret(
                self.rpc_password, self.rpc_password_file, "ARIEN_RPC_PASSWORD", "password"
            ),
            explorer_key=_secret(
                self.explorer_key, self.explorer_key_file, "ARIEN_EXPLORER_KEY", "key"
            ),
        )


def _secret(said: Secret | None, path: Path | None, variable: str, what: str) -> Secret | None:
    """Return a secret that is set, or that stands on the first line of a file."""
    if path is None:
        return said
    if said is not None:
        raise InputError(f"{variable} and {variable}_FILE exclude each other")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} does not hold a {what}") from error
    if not lines or not lines[0]:
        raise InputError(f"{path} is empty: it should hold the {what}")
    return Secret(lines[0])


VARIABLES: Mapping[str, str] = {
    "ARIEN_DATA": "data",
    "ARIEN_NETWORK": "network",
    "ARIEN_CASEBOOK": "casebook",
    "ARIEN_SOURCE": "source",
    "ARIEN_PROXY": "proxy",
    "ARIEN_RPC_USER": "rpc_user",
    "ARIEN_RPC_PASSWORD": "rpc_password",
    "ARIEN_RPC_PASSWORD_FILE": "rpc_password_file",
    "ARIEN_EXPLORER_KEY": "explorer_key",
    "ARIEN_EXPLORER_KEY_FILE": "explorer_key_file",
    "ARIEN_HOST": "host",
    "ARIEN_PORT": "port",
    "ARIEN_PAGE_ROWS": "page_rows",
    "ARIEN_TRACE_BUDGET": "trace_budget",
    "ARIEN_BODY_BYTES": "body_bytes",
    "ARIEN_DEBUG": "debug",
}
"""The variables and the setting that each one fills."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as absent, a bad one is an `InputError`."""
    text = {
        setting: environment[variable]
        for variable, setting in VARIABLES.items()
        if environment.get(variable)
    }
    default = Settings()
    return Settings(
        data=Path(text.get("data", default.data)),
        network=text.get("network"),
        casebook=text.get("casebook"),
        source=text.get("source"),
        proxy=text.get("proxy"),
        rpc_user=text.get("rpc_user"),
        rpc_password=Secret(text["rpc_password"]) if "rpc_password" in text else None,
        rpc_password_file=(
            Path(text["rpc_password_file"]) if "rpc_password_file" in text else None
        ),
        explorer_key=Secret(text["explorer_key"]) if "explorer_key" in text else None,
        explorer_key_file=(
            Path(text["explorer_key_file"]) if "explorer_key_file" in text else None
        ),
        host=text.get("host", default.host),
        port=_whole("ARIEN_PORT", text.get("port"), default.port, 1, 65_535),
        page_rows=_whole("ARIEN_PAGE_ROWS", text.get("page_rows"), default.page_rows, 1, 100_000),
        trace_budget=_whole(
            "ARIEN_TRACE_BUDGET", text.get("trace_budget"), default.trace_budget, 1, 10_000_000
        ),
        body_bytes=_whole(
            "ARIEN_BODY_BYTES", text.get("body_bytes"), default.body_bytes, 1024, 2**30
        ),
        debug=_switch("ARIEN_DEBUG", text.get("debug")),
    )


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the `ARIEN_…` variables that set nothing: most often a misspelling."""
    return sorted(
        name
        for name in environment
        if name.startswith("ARIEN_")
        and not name.startswith("ARIEN_TEST_")
        and name not in VARIABLES
    )


def _whole(variable: str, text: str | None, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit() and least <= int(digits) <= most):
        raise InputError(f"{variable} must be a whole number from {least} to {most}, not {text!r}")
    return int(digits)


def _switch(variable: str, text: str | None) -> bool:
    meanings = {None: False, "0": False, "false": False, "1": True, "true": True}
    if (text.lower() if text else None) not in meanings:
        raise InputError(f"{variable} must be 0 or 1, not {text!r}")
    return meanings[text.lower() if text else None]
