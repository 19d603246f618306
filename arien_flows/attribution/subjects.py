"""What a tag speaks of: the network it means, and the address in canonical text.

TagPacks write `BTC` for a chain that they mean to be the main one; test networks have no name
there. So a pack is read for one network, `bitcoin` unless another is named, and our own names
(`bitcoin-regtest`, `ethereum-dev`) may stand in a pack, too. An address must be valid on its
network: a mistyped one would accuse somebody else, or nobody. Networks that this program does not
know keep their name in lower case and their addresses as written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from arien_flows.attribution.tag import Tag
from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.networks import BITCOIN, NETWORKS, Network, network
from chains.errors import AddressError
from chains.ethereum.address import parse_ethereum_address
from chains.ethereum.networks import ETHEREUM_NETWORKS
from chains.tables import ScriptType

BITCOIN_NAMES = frozenset({"BTC", "BITCOIN"})
"""How packs name the Bitcoin network that they are read for."""

ETHEREUM = "ethereum"
ETHEREUM_PACK_NAMES = frozenset({"ETH", "ETHEREUM"})
"""How packs name the Ethereum network that they are read for."""

ETHEREUM_NAMES = frozenset(known.name for known in ETHEREUM_NETWORKS)
_PACK_NAMES: Mapping[str, str] = {BITCOIN.name: "BTC", ETHEREUM: "ETH"}
BITCOIN_NETWORKS: Mapping[str, Network] = {known.name: known for known in NETWORKS}
_NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_HASH = re.compile(r"(0x)?[0-9a-f]{64}")
_LONGEST = 25_000
"""Characters of the longest subject: a descriptor of the longest script that can be spent."""


class SubjectError(Exception):
    """A tag names something that does not exist on its network; says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The address or transaction that a tag speaks of."""

    network: str
    """Name of the network, as people and programs type it."""

    text: str
    """The address in canonical text, or the transaction's id."""

    is_transaction: bool
    script_type: ScriptType | None
    """Of a Bitcoin address: with `payload`, what the text stands for."""

    payload: bytes | None


def network_of(name: str, assumed: str = BITCOIN.name) -> str:
    """Return our name of the network that a pack names.

    `assumed` is what `BTC` means, or `ETH` where it is an Ethereum network; the other of the two
    then means the main network.
    """
    upper = name.upper()
    if upper in BITCOIN_NAMES:
        return BITCOIN.name if assumed in ETHEREUM_NAMES else assumed
    if upper in ETHEREUM_PACK_NAMES:
        return assumed if assumed in ETHEREUM_NAMES else ETHEREUM
    return name.lower()


def pack_name(name: str) -> str:
    """Return the name under which a network is exported, so that it is read back as the same."""
    if name in _PACK_NAMES:
        return _PACK_NAMES[name]
    return name if name in BITCOIN_NETWORKS or name in ETHEREUM_NAMES else name.upper()


def canonical_address(text: str, name: str) -> str:
    """Return an address as the casebook files it; `AddressError` where it is none."""
    if name in BITCOIN_NETWORKS:
        known = network(name)
        script_type, payload = parse_address(text, known)
        found = address_text(script_type, payload, known)
        if found is None:
            raise AddressError("an OP_RETURN output carries data and belongs to nobody")
        return found
    if name in ETHEREUM_NAMES:
        stripped = text.strip()
        return parse_ethereum_address(stripped.replace("0X", "0x", 1)).text
    return text.strip()


def subject_of(tag: Tag, assumed: str) -> Subject:
    """Return what a tag speaks of; `SubjectError` where it is not valid on its network."""
    name = network_of(tag.network, assumed)
    if not _NETWORK_NAME.fullmatch(name):
        raise SubjectError(f"{tag.network!r} is no name of a network")
    text = tag.address or tag.tx_hash or ""
    if len(text) > _LONGEST:
        raise SubjectError(f"longer than {_LONGEST:,} characters")
    if tag.address is None:
        text = canonical_transaction(text, name)
        return Subject(network=name, text=text, is_transaction=True, script_type=None, payload=None)
    known = BITCOIN_NETWORKS.get(name)
    try:
        if known is None:
            text = canonical_address(text, name)
            return Subject(
                network=name, text=text, is_transaction=False, script_type=None, payload=None
            )
        script_type, payload = parse_address(text, known)
    except AddressError as error:
        raise SubjectError(f"{error}{_hint(text, name)}") from error
    return Subject(
        network=name,
        text=_canonical(text, script_type, payload, known),
        is_transaction=False,
        script_type=script_type,
        payload=payload,
    )


def _canonical(text: str, script_type: ScriptType, payload: bytes, known: Network) -> str:
    """Return the canonical text of an address that was parsed from `text`."""
    # A bare address is its own canonical text, but for the case of bech32 letters. To know that
    # saves a fifth of the time that an import of many addresses takes.
    if text.isalnum():
        is_base58 = script_type in (ScriptType.P2PKH, ScriptType.P2SH)
        return text if is_base58 else text.lower()
    canonical = address_text(script_type, payload, known)
    if canonical is None:
        raise SubjectError("an OP_RETURN output carries data and belongs to nobody")
    return canonical


def canonical_transaction(text: str, name: str) -> str:
    """Return a transaction's id as the casebook files it; `SubjectError` where it is none."""
    text = text.strip()
    if name in BITCOIN_NETWORKS:
        if not _HASH.fullmatch(text.lower()):
            raise SubjectError("a transaction id has 64 hexadecimal digits")
        return text.lower().removeprefix("0x")
    if name in ETHEREUM_NAMES:
        if not (text.lower().startswith("0x") and _HASH.fullmatch(text.lower())):
            raise SubjectError("a transaction id is 0x and 64 hexadecimal digits")
        return text.lower()
    return text


def canonical_subject(text: str, name: str) -> str:
    """Return an address or a transaction's id as it is filed; `AddressError` if it is neither."""
    if not _HASH.fullmatch(text.strip().lower()):
        return canonical_address(text, name)
    try:
        return canonical_transaction(text, name)
    except SubjectError as error:
        raise AddressError(str(error)) from error


def _hint(text: str, name: str) -> str:
    """Name the network on which an address is valid, where there is exactly one other."""
    for other in NETWORKS:
        if other.name != name:
            try:
                parse_address(text, other)
            except AddressError:
                continue
            return f" (if the whole pack is of that network, import it with --network {other.name})"
    return ""
