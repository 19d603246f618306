"""Where webhooks may be sent: nowhere inside the service's own network, unless it is allowed.

Whoever names a receiver makes this service open a connection to it, from where it stands. So a
receiver's URL is read strictly (what two programs could read in two ways is refused), its name is
looked up once, every address that the name has is judged, and the connection goes to an address
that was judged, never to the name again. All that happens at each sending: a name that was public
when the receiver was made may point inside an hour later.

An address counts as public where IANA's special-purpose registries (RFC 6890 and its successors)
do not set it apart. IPv6 is allowed in the block of global unicast only, without the parts that
carry an IPv4 address inside (6to4, Teredo); mapped and translated forms lie outside that block.
Everything else needs an entry in the administrator's list, `ARIEN_WEBHOOK_ALLOW`, which names a
host, the network that its addresses must lie in, and the port. Only such a target may be reached
without TLS.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from arien_flows.errors import InputError

LONGEST_URL = 2_000
PUBLIC_PORTS = frozenset({443, 8443})

MOST_ADDRESSES = 32
"""A name with more addresses is refused; all of them would have to be judged."""

Address = IPv4Address | IPv6Address

Resolve = Callable[[str, int], Sequence[str]]
"""Returns all addresses of a name as text; `OSError` where there are none."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own, and some clouds' metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, and a cloud's platform to machines inside it
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # once 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


class TargetError(InputError):
    """A receiver's URL is not one that events may be sent to; the words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver's URL, taken apart."""

    scheme: str
    host: str
    """In small letters; an IPv6 address without brackets."""

    port: int
    path: str
    """What stands behind host and port, with the query. It may hold a receiver's secret."""

    @property
    def authority(self) -> str:
        """Return what the header `Host` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One entry of the administrator's list."""

    host: str
    network: IPv4Network | IPv6Network
    port: int

    def covers(self, target: Target, address: Address) -> bool:
        """Tell whether this entry allows a target at an address."""
        if (self.host, self.port) != (target.host, target.port):
            return False
        return address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPolicy:
    """Which targets are allowed."""

    allowed: tuple[Allowed, ...] = ()
    proxy_is_set: bool = False
    """Whether outgoing connections have to take a proxy, which would look the name up itself."""


def allow_list(text: str) -> tuple[Allowed, ...]:
    """Read `HOST,NETWORK,PORT` entries, with `;` between them; `InputError` for anything else."""
    return tuple(_entry(part.strip()) for part in text.split(";") if part.strip())


def _entry(text: str) -> Allowed:
    parts = [part.strip() for part in text.split(",")]
    try:
        host, network, port = parts
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
            raise ValueError("no port")
        known = ipaddress.ip_network(network)
    except ValueError as error:
        raise InputError(
            f"ARIEN_WEBHOOK_ALLOW holds {text!r}: write HOST,NETWORK,PORT with `;` between "
            "entries, as thehive.example,10.1.2.0/24,9000"
        ) from error
    return Allowed(host=_host(host), network=known, port=int(port))


def read_target(url: str) -> Target:
    """Take a URL apart; `TargetError` for one that could be read in more than one way."""
    if len(url) > LONGEST_URL:
        raise TargetError(f"the URL is longer than {LONGEST_URL:,} characters")
    found = _URL.fullmatch(url)
    if found is None:
        raise TargetError(
            "this is not a plain URL: write https://HOST[:PORT][/PATH][?QUERY] in ASCII letters, "
            "without user, password, fragment, spaces or backslashes"
        )
    scheme = found["scheme"]
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if not 1 <= port <= 65_535:
        raise TargetError(f"{port} is no port")
    return Target(
        scheme=scheme,
        host=_host(found["host"]),
        port=port,
        path=(found["path"] or "/") + (found["query"] or ""),
    )


def _host(text: str) -> str:
    """Return a name or an address as it is compared; `TargetError` for ambiguous writing."""
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError as error:
            raise TargetError(f"{text} is no IPv6 address") from error
    host = text.lower()
    labels = host.split(".")
    # Programs read 127.1, 0x7f.0.0.1, 0177.0.0.1 and 2130706433 as addresses; names of hosts
    # never end in a number.
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError as error:
            raise TargetError(
                f"{text} is no address: write four numbers from 0 to 255, none with a leading zero"
            ) from error
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise TargetError(f"{text} is no name of a host")
    return host


def checked_addresses(target: Target, policy: TargetPolicy, resolve: Resolve) -> list[Address]:
    """Look a target's name up once, and return its addresses in the order to try them in.

    `TargetError` where one of them is not allowed: a name with a public and a private address is
    a trick, or a mistake.
    """
    addresses = [_address(text) for text in _looked_up(target, resolve)]
    if not addresses:
        raise TargetError(f"{target.host} has no address")
    for address in addresses:
        _judge(target, address, policy)
    return addresses


def _looked_up(target: Target, resolve: Resolve) -> Sequence[str]:
    try:
        return [str(ipaddress.ip_address(target.host))]
    except ValueError:
        pass
    try:
        found = list(dict.fromkeys(resolve(target.host, target.port)))
    except (OSError, UnicodeError) as error:
        raise TargetError(f"the name {target.host} was not found") from error
    if len(found) > MOST_ADDRESSES:
        raise TargetError(f"{target.host} has more than {MOST_ADDRESSES} addresses")
    return found


def _address(text: str) -> Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise TargetError("the name has an address that cannot be read") from error
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise TargetError("the name has an address of a single link")
    return address


def _judge(target: Target, address: Address, policy: TargetPolicy) -> None:
    if any(entry.covers(target, address) for entry in policy.allowed):
        return
    ask = "ask the administrator to add it to ARIEN_WEBHOOK_ALLOW"
    # The address itself is not told: it would map the network behind the service.
    if not is_public(address):
        raise TargetError(f"{target.host} is not a public address: {ask}")
    if target.scheme != "https":
        raise TargetError(f"{target.host} has to be reached by https, or {ask}")
    if target.port not in PUBLIC_PORTS:
        raise TargetError(f"port {target.port} is neither 443 nor 8443: {ask}")
    if policy.proxy_is_set:
        raise TargetError(
            "ARIEN_PROXY is set, and a proxy cannot be held to the address that was checked: "
            f"only receivers of ARIEN_WEBHOOK_ALLOW are told then; {ask}"
        )


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def system_resolve(host: str, port: int) -> list[str]:
    """Look a name up as the operating system does, within its own time-outs."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(where[0]) for *_, where in found]
