"""What may be set from outside: read once from the environment, then passed along as a value.

Every setting is a variable `ARIEN_…`; options of the command line stand above them. Nothing is
read at import, and nothing is kept in a module, so that two parts of a program (or two tests)
can hold different settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from arien_flows.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run."""

    data: Path = Path("arien-data")
    """`ARIEN_DATA`: folder of the ledgers, one sub-folder a network."""

    network: str | None = None
    """`ARIEN_NETWORK`: the network that is meant where none is named."""

    tags: Path | None = None
    """`ARIEN_TAGS`: a TagPack file or a folder of them; by default `tags` in the data folder."""

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

    @property
    def tag_files(self) -> Path:
        """Return the file or folder that tags are read from."""
        return self.tags if self.tags is not None else self.data / "tags"


VARIABLES: Mapping[str, str] = {
    "ARIEN_DATA": "data",
    "ARIEN_NETWORK": "network",
    "ARIEN_TAGS": "tags",
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
        tags=Path(text["tags"]) if "tags" in text else None,
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
