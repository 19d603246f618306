"""Where a node is and how it is greeted: its URI, its usual port, its credentials.

`core+http://[USER:PASS@]HOST[:PORT][/PATH][?cookie=FILE][&transport=FORM]`. A node writes a fresh
name and password into a cookie file whenever it starts, which whoever may read its folder can use.
They are looked for in this order: in the URI, in `Access`, in the cookie that the URI names, in
the cookie of the node's usual folder. The last is tried for this machine's own node only; another
host has no business with it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from chains.access import Access, Secret
from chains.bitcoin.networks import Network
from chains.endpoint import Endpoint, is_loopback
from chains.errors import SourceUnavailableError

RPC_PORTS: Mapping[str, int] = {
    "bitcoin": 8332,
    "bitcoin-testnet3": 18332,
    "bitcoin-testnet4": 48332,
    "bitcoin-signet": 38332,
    "bitcoin-regtest": 18443,
}
"""Where Bitcoin Core listens unless it is told otherwise."""

_OPTIONS = ("cookie", "transport")


class Transport(StrEnum):
    """The form in which a node is asked for blocks."""

    REST = "rest"
    """Binary, over REST: the fastest, where the node was started with `-rest=1`."""

    RPC = "rpc"
    """Hexadecimal, by `getblock` of verbosity 0; every node can do it."""

    RPC3 = "rpc3"
    """JSON, by `getblock` of verbosity 3, blocks being put together again from it: the slowest.
    The other forms fall back to it for what blocks spend where the node can't say that in
    binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and a password, or the file that holds them at the moment."""

    user: str | None = None
    password: Secret | None = None
    cookie: Path | None = None

    def read(self) -> tuple[str, Secret]:
        """Return name and password as they are now."""
        if self.cookie is None:
            return self.user or "", self.password or Secret("")
        try:
            text = self.cookie.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SourceUnavailableError(
                f"the node wants a password, and its cookie {self.cookie} cannot be read "
                f"({error.strerror}): is the node running? else name user and password, or the "
                "cookie with ?cookie=FILE"
            ) from None
        except ValueError:
            text = ""
        user, colon, password = text.partition(":")
        if not colon:
            raise SourceUnavailableError(f"{self.cookie} is not the cookie file of a node")
        return user, Secret(password)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlace:
    """A node's address, with what is needed to be let in."""

    endpoint: Endpoint
    """With a port, and without name and password."""

    credentials: Credentials

    transport: Transport | None
    """Nothing where the fastest is to be found out."""

    @classmethod
    def of(cls, endpoint: Endpoint, network: Network, access: Access) -> Self:
        """Complete what a URI says; `SourceUnavailableError` where that can't be done."""
        unknown = [key for key in endpoint.query if key not in _OPTIONS]
        if unknown:
            raise SourceUnavailableError(
                f"the address of a node has the options {' and '.join(_OPTIONS)}; it holds another"
            )
        port = endpoint.port or RPC_PORTS[network.name]
        bare = replace(endpoint, port=port, user=None, password=None, query={})
        return cls(
            endpoint=bare,
            credentials=_credentials(endpoint, network, access),
            transport=_transport(endpoint.query.get("transport")),
        )


def _credentials(endpoint: Endpoint, network: Network, access: Access) -> Credentials:
    if endpoint.user or endpoint.password is not None:
        password = endpoint.password or access.rpc_password
        return Credentials(user=endpoint.user, password=password)
    named = endpoint.query.get("cookie")
    if named:
        return Credentials(cookie=Path(named).expanduser())
    if access.rpc_user is not None or access.rpc_password is not None:
        return Credentials(user=access.rpc_user, password=access.rpc_password)
    if not is_loopback(endpoint.host):
        raise SourceUnavailableError(
            f"{endpoint.name} is not on this machine: name its RPC user and password, or a copy "
            "of its cookie with ?cookie=FILE"
        )
    return Credentials(cookie=_usual_folder() / network.folder / ".cookie")


def _usual_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Bitcoin"
    return Path.home() / ".bitcoin"


def _transport(named: str | None) -> Transport | None:
    if named is None:
        return None
    if named not in tuple(Transport):
        raise SourceUnavailableError(f"the transport must be one of {', '.join(Transport)}")
    return Transport(named)
