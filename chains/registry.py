"""From a source URI to the source: the only place that knows every kind.

Sources are imported when they are asked for: reading block files must not load a web client.
A URI may hold a password, so no message repeats one; what is shown is a source's `name`.
"""

from collections.abc import Callable
from pathlib import Path

from chains.access import DIRECT, Access
from chains.account_source import AccountBlockSource, AccountLookupSource
from chains.bitcoin.networks import Network, network
from chains.errors import SourceUnavailableError
from chains.ethereum.networks import ETHEREUM_NETWORKS, EthereumNetwork
from chains.exchange import NoRecorder, Recorder
from chains.networks import any_network
from chains.source import BlockSource, LookupSource


def _blockfiles(uri: str, chosen: Network, access: Access) -> BlockSource:  # noqa: ARG001
    from chains.bitcoin.blockfiles import BlockFiles

    path = uri.partition(":")[2]
    if not path:
        raise SourceUnavailableError("blockfiles: needs a path, as in blockfiles:PATH")
    return BlockFiles(Path(path).expanduser(), chosen)


def _core(uri: str, chosen: Network, access: Access) -> BlockSource:
    from chains.bitcoin.core.source import CoreNode
    from chains.endpoint import Endpoint

    return CoreNode(Endpoint.parse(uri), chosen, access)


def _esplora(uri: str, chosen: Network, access: Access, recorder: Recorder) -> LookupSource:
    from chains.bitcoin.esplora.source import Esplora
    from chains.endpoint import Endpoint

    return Esplora(Endpoint.parse(uri), chosen, access, recorder)


def _electrum(uri: str, chosen: Network, access: Access, recorder: Recorder) -> LookupSource:
    from chains.bitcoin.electrum.address import ElectrumAddress
    from chains.bitcoin.electrum.source import ElectrumServer

    return ElectrumServer(ElectrumAddress.parse(uri), chosen, access, recorder)


def _ethereum_node(uri: str, chosen: EthereumNetwork, access: Access) -> AccountBlockSource:
    from chains.endpoint import Endpoint
    from chains.ethereum.rpc.source import EthereumNode

    return EthereumNode(Endpoint.parse(uri), chosen, access)


def _explorer(
    uri: str, chosen: EthereumNetwork, access: Access, recorder: Recorder
) -> AccountLookupSource:
    from chains.endpoint import Endpoint
    from chains.ethereum.explorer.source import Explorer

    return Explorer(Endpoint.parse(uri), chosen, access, recorder)


def _export(uri: str, chosen: EthereumNetwork, access: Access) -> AccountBlockSource:  # noqa: ARG001
    from chains.ethereum.etl.source import EtlExport

    path = uri.partition(":")[2]
    if not path:
        raise SourceUnavailableError("etl: needs the folder of an export, as in etl:PATH")
    return EtlExport(Path(path).expanduser(), chosen)


_BLOCKS: dict[str, Callable[[str, Network, Access], BlockSource]] = {
    "blockfiles": _blockfiles,
    "core+http": _core,
    "core+https": _core,
}
_LOOKUPS: dict[str, Callable[[str, Network, Access, Recorder], LookupSource]] = {
    "esplora+https": _esplora,
    "esplora+http": _esplora,
    "electrum+tcp": _electrum,
    "electrum+ssl": _electrum,
}

_ACCOUNT_BLOCKS: dict[str, Callable[[str, EthereumNetwork, Access], AccountBlockSource]] = {
    "eth+http": _ethereum_node,
    "eth+https": _ethereum_node,
    "etl": _export,
}

_ACCOUNT_LOOKUPS: dict[
    str, Callable[[str, EthereumNetwork, Access, Recorder], AccountLookupSource]
] = {
    "etherscan+https": _explorer,
    "etherscan+http": _explorer,
    "blockscout+https": _explorer,
    "blockscout+http": _explorer,
}

BLOCK_SCHEMES = tuple(_BLOCKS)
"""The schemes that `open_blocks` knows."""

LOOKUP_SCHEMES = tuple(_LOOKUPS)
"""The schemes that `open_lookups` knows."""

ACCOUNT_BLOCK_SCHEMES = tuple(_ACCOUNT_BLOCKS)
"""The schemes that `open_account_blocks` knows."""

ACCOUNT_LOOKUP_SCHEMES = tuple(_ACCOUNT_LOOKUPS)
"""The schemes that `open_account_lookups` knows."""


def open_blocks(uri: str, network_name: str, access: Access = DIRECT) -> BlockSource:
    """Open the source of blocks that `uri` names, for the network of that name.

    Raises `UnknownNetworkError`, or `SourceUnavailableError` with what to do about it.
    """
    return _BLOCKS[_scheme(uri, BLOCK_SCHEMES, LOOKUP_SCHEMES)](uri, network(network_name), access)


def open_lookups(
    uri: str, network_name: str, access: Access = DIRECT, recorder: Recorder | None = None
) -> LookupSource:
    """Open the explorer or index server that `uri` names, for the network of that name.

    Raises `UnknownNetworkError`, or `SourceUnavailableError` with what to do about it.
    """
    opener = _LOOKUPS[_scheme(uri, LOOKUP_SCHEMES, BLOCK_SCHEMES)]
    return opener(uri, network(network_name), access, recorder or NoRecorder())


def open_account_blocks(uri: str, network_name: str, access: Access = DIRECT) -> AccountBlockSource:
    """Open the source of blocks of a chain of accounts, for the network of that name.

    Raises `UnknownNetworkError`, or `SourceUnavailableError` with what to do about it.
    """
    opener = _ACCOUNT_BLOCKS[_scheme(uri, ACCOUNT_BLOCK_SCHEMES, ACCOUNT_LOOKUP_SCHEMES)]
    return opener(uri, _account_network(network_name), access)


def open_account_lookups(
    uri: str, network_name: str, access: Access = DIRECT, recorder: Recorder | None = None
) -> AccountLookupSource:
    """Open the explorer of a chain of accounts that `uri` names, for the network of that name.

    Raises `UnknownNetworkError`, or `SourceUnavailableError` with what to do about it.
    """
    opener = _ACCOUNT_LOOKUPS[_scheme(uri, ACCOUNT_LOOKUP_SCHEMES, ACCOUNT_BLOCK_SCHEMES)]
    return opener(uri, _account_network(network_name), access, recorder or NoRecorder())


def _account_network(name: str) -> EthereumNetwork:
    found = any_network(name)
    if isinstance(found, EthereumNetwork):
        return found
    names = " or ".join(known.name for known in ETHEREUM_NETWORKS)
    raise SourceUnavailableError(
        f"{name} is no chain of accounts, and such a source knows no other: add --network {names}"
    )


def _scheme(uri: str, wanted: tuple[str, ...], others: tuple[str, ...]) -> str:
    scheme, colon, _ = uri.partition(":")
    scheme = scheme.lower()
    if colon and scheme in wanted:
        return scheme
    known = ", ".join(f"{name}:…" for name in wanted)
    if colon and scheme in others:
        does = (
            "delivers whole blocks and is for `arien-flows ledger ingest`"
            if others in (BLOCK_SCHEMES, ACCOUNT_BLOCK_SCHEMES)
            else "answers about single addresses and fills no ledger"
        )
        raise SourceUnavailableError(f"{scheme}: {does}; what is wanted here is {known}")
    # The rest of the URI may hold a password and stays out of the message.
    shown = f"{scheme}:" if colon else "a text without a scheme"
    raise SourceUnavailableError(f"no source is called {shown!r}; known are {known}")
