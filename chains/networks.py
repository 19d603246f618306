"""All networks of all chains, by the names that people type."""

from difflib import get_close_matches

from chains.bitcoin.networks import NETWORKS as BITCOIN_NETWORKS
from chains.bitcoin.networks import Network as BitcoinNetwork
from chains.errors import UnknownNetworkError
from chains.ethereum.networks import ETHEREUM_NETWORKS, EthereumNetwork

ALL_NETWORKS: tuple[BitcoinNetwork | EthereumNetwork, ...] = (
    *BITCOIN_NETWORKS,
    *ETHEREUM_NETWORKS,
)
"""Every network that the program knows."""


def any_network(name: str) -> BitcoinNetwork | EthereumNetwork:
    """Return the network of that name, or say which names there are."""
    by_name = {known.name: known for known in ALL_NETWORKS}
    if name in by_name:
        return by_name[name]
    close = get_close_matches(name.lower(), by_name, n=1)
    suggestion = f"did you mean {close[0]!r}? " if close else ""
    raise UnknownNetworkError(
        f"no network is called {name!r}: {suggestion}known are {', '.join(by_name)}"
    )


def is_account_network(name: str) -> bool:
    """Tell whether a network keeps balances of accounts, not coins; `UnknownNetworkError`."""
    return isinstance(any_network(name), EthereumNetwork)
