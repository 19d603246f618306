"""What a text that looks like an address is: on which networks, of what form, in canonical text.

Every form has its own letters, length and checksum, so that a text is at most one of them. What
comes here was picked by its letters and its length; almost all of it is no address, so the
checksums come first and are cheap. What passes is read once more by the reader of its chain, whose
canonical text is the one under which the casebook files it.
"""

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from arien_flows.attribution.subjects import ETHEREUM, canonical_address
from chains.bitcoin import bech32
from chains.bitcoin.networks import NETWORKS
from chains.detect import base58
from chains.detect.cashaddr import parse_cash_address
from chains.detect.monero import parse_monero_address
from chains.errors import AddressError
from chains.ethereum.address import parse_ethereum_address

MONERO, LITECOIN, BITCOIN_CASH, TRON, SOLANA = (
    "monero",
    "litecoin",
    "bitcoin-cash",
    "tron",
    "solana",
)
"""Networks whose addresses are recognised and never attributed to anybody."""

FUTURE = "future"
"""The form of segwit addresses whose version has no meaning yet: valid, and anybody's to spend."""

CHECKED, UNCHECKED = Fraction(1), Fraction(4, 5)
BARE_BASE58 = Fraction(1, 4)
"""For 32 bytes without any checksum: nothing but a word nearby speaks for it."""

_WITNESS_NETWORKS = {
    prefix: tuple(known.name for known in NETWORKS if known.bech32_prefix == prefix)
    for prefix in {known.bech32_prefix for known in NETWORKS}
}
_SYMBOLS = {letter: symbol for symbol, letter in enumerate(bech32.CHARSET)}
_LITECOIN_PREFIX = "ltc"


class Reading(NamedTuple):
    """What an address says."""

    networks: tuple[str, ...]
    address: str
    """In canonical text."""

    form: str
    factor: Fraction
    """By what confidence is multiplied: less than 1 where nothing checks the text."""


def _base58_versions() -> dict[int, tuple[tuple[str, ...], str]]:
    versions: dict[int, tuple[tuple[str, ...], str]] = {
        0x30: ((LITECOIN,), "p2pkh"),
        0x32: ((LITECOIN,), "p2sh"),
        0x41: ((TRON,), "tron"),
    }
    for known in NETWORKS:
        for version, form in (
            (known.key_hash_version, "p2pkh"),
            (known.script_hash_version, "p2sh"),
        ):
            names, _ = versions.get(version, ((), form))
            versions[version] = ((*names, known.name), form)
    return versions


_VERSIONS = _base58_versions()


def read_address(text: str) -> Reading | None:
    """Return what an address says; None where the text is none. Nothing may stand around it."""
    if text[:2] == "0x":
        return _read_ethereum(text)
    if len(text) in (95, 106):
        monero = parse_monero_address(text)
        return monero and Reading((MONERO,), monero.text, monero.form, CHECKED)
    prefix = text[: text.rfind("1")].lower()
    if prefix in _WITNESS_NETWORKS or prefix == _LITECOIN_PREFIX:
        return _read_witness(text, prefix)
    if text[:1] in "qpQPbB" and len(text) >= 42:
        cash = parse_cash_address(text)
        return cash and Reading((BITCOIN_CASH,), cash.text, cash.form, CHECKED)
    return _read_base58(text)


def read_bare_base58(text: str) -> Reading | None:
    """Return what 32 bytes in base58 say, if they are an account of Solana; None otherwise."""
    decoded = base58.decode(text)
    if decoded is None or len(decoded) != 32:
        return None
    return Reading((SOLANA,), text, "unchecked", BARE_BASE58)


def is_checked(reading: Reading) -> bool:
    """Return whether a checksum speaks for an address."""
    return reading.factor == CHECKED


def _read_base58(text: str) -> Reading | None:
    if not 26 <= len(text) <= 35:
        return None
    body = base58.checked(text)
    if body is None or len(body) != 21:
        return None
    networks, form = _VERSIONS.get(body[0], ((), ""))
    if not networks:
        return None
    return Reading(networks, _canonical(text, networks[0]), form, CHECKED)


def _read_witness(text: str, prefix: str) -> Reading | None:
    # The reader explains what is wrong with an address, which takes long; most of what comes here
    # has a wrong checksum, and nobody wants to know why.
    if len(text) > bech32.LONGEST or text not in (text.lower(), text.upper()):
        return None
    body = text.lower()[len(prefix) + 1 :]
    if not _SYMBOLS.keys() >= set(body):
        return None
    state = bech32.remainder(prefix, [_SYMBOLS[letter] for letter in body])
    if state not in (bech32.Checksum.BECH32, bech32.Checksum.BECH32M):
        return None
    try:
        _, version, program = bech32.decode_witness(text)
    except AddressError:
        return None
    form = {(0, 20): "p2wpkh", (0, 32): "p2wsh", (1, 32): "taproot"}.get((version, len(program)))
    networks = _WITNESS_NETWORKS.get(prefix, (LITECOIN,))
    return Reading(networks, text.lower(), form or FUTURE, CHECKED)


def _read_ethereum(text: str) -> Reading | None:
    try:
        _, checked = parse_ethereum_address(text)
    except AddressError:
        return None
    form, factor = ("eip55", CHECKED) if checked else ("unchecked", UNCHECKED)
    return Reading((ETHEREUM,), _canonical(text, ETHEREUM), form, factor)


@lru_cache(maxsize=4_096)
def _canonical(text: str, network: str) -> str:
    """Return an address as the casebook files it, read by its chain's own reader."""
    return canonical_address(text, network)
