"""From a source URI to the source: the only place that knows every kind.

Sources are imported when they are asked for: reading block files must not load a web client.
"""

from collections.abc import Callable
from pathlib import Path

from chains.bitcoin.networks import Network, network
from chains.errors import SourceUnavailableError
from chains.source import BlockSource


def _blockfiles(rest: str, chosen: Network) -> BlockSource:
    from chains.bitcoin.blockfiles import BlockFiles

    return BlockFiles(Path(rest).expanduser(), chosen)


_OPENERS: dict[str, Callable[[str, Network], BlockSource]] = {"blockfiles": _blockfiles}

SCHEMES = tuple(_OPENERS)
"""The schemes that `open_source` knows."""


def open_source(uri: str, network_name: str) -> BlockSource:
    """Open the source of blocks that `uri` names, for the network of that name.

    Raises `UnknownNetworkError`, or `SourceUnavailableError` with what to do about it.
    """
    chosen = network(network_name)
    scheme, colon, rest = uri.partition(":")
    opener = _OPENERS.get(scheme.lower())
    known = ", ".join(f"{name}:…" for name in SCHEMES)
    if not colon or opener is None:
        # The rest of the URI may hold a password and stays out of the message.
        shown = f"{scheme}:" if colon else "a text without a scheme"
        raise SourceUnavailableError(f"no block source is called {shown!r}; known are {known}")
    if not rest:
        raise SourceUnavailableError(f"{scheme}: needs a path, as in {scheme}:PATH")
    return opener(rest, chosen)
