"""What the cell for an address says: an address, a transaction, an output, or why it is none.

A text is read as what its checksum says. The network that a row names must agree with it: an
address that is none of the named network is refused, not looked up elsewhere. What is wrong is
explained without repeating the text. A suggestion is made where exactly one valid address can have
been meant; the program never assumes it, since it would be accusing somebody on a guess.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from arien_flows.attribution.subjects import (
    BITCOIN_NETWORKS,
    ETHEREUM_NAMES,
    canonical_address,
    canonical_transaction,
)
from arien_flows.batch.rows import FaultCode, SubjectKind
from arien_flows.extraction.addresses import (
    BITCOIN_CASH,
    FUTURE,
    LITECOIN,
    MONERO,
    SOLANA,
    TRON,
    Reading,
    is_checked,
    read_address,
    read_bare_base58,
)
from arien_flows.extraction.letters import look_alikes
from arien_flows.extraction.misread import read_misread
from chains.bitcoin import bech32
from chains.bitcoin.address import LONGEST_BASE58, SHORTEST_BASE58
from chains.bitcoin.mistakes import foreign_base58, foreign_prefix
from chains.detect import base58
from chains.errors import AddressError
from chains.ethereum.address import parse_ethereum_address

FOREIGN: Mapping[str, str] = {
    **dict.fromkeys(("ltc", "litecoin"), LITECOIN),
    **dict.fromkeys(("xmr", "monero"), MONERO),
    **dict.fromkeys(("bch", "bitcoincash", "bitcoin-cash", "bitcoin cash"), BITCOIN_CASH),
    **dict.fromkeys(("trx", "tron", "trc20", "usdt-trc20"), TRON),
    **dict.fromkeys(("sol", "solana"), SOLANA),
    "doge": "dogecoin", "dogecoin": "dogecoin", "dash": "dash", "zec": "zcash", "zcash": "zcash",
    "xrp": "xrp", "ripple": "xrp", "ada": "cardano", "cardano": "cardano", "bsc": "bnb",
    "bnb": "bnb", "polygon": "polygon", "matic": "polygon", "avax": "avalanche", "ton": "ton",
    "dot": "polkadot", "etc": "ethereum-classic", "xlm": "stellar", "arbitrum": "arbitrum",
    "optimism": "optimism", "base": "base",
}  # fmt: skip
"""How tables call networks that this program does not trace, and their names here."""

_BITCOIN_WORDS = frozenset({"btc", "xbt", "bitcoin"})
_ETHEREUM_WORDS = frozenset({"eth", "ether", "ethereum", "erc20", "erc-20", "usdt-erc20"})
_TRANSACTION = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
_OUTPUT = re.compile(r"([0-9a-fA-F]{64}):([0-9]{1,7})")
_URI = re.compile(r"(bitcoin|ethereum):(?://)?([^?@/]+)(?:@[0-9]+)?(/[^?]*)?(\?.*)?", re.IGNORECASE)
_LINK = re.compile(
    r"https?://[^\s]+?/(?:address|addr|tx|transaction|btc/address|btc/tx)/"
    r"([0-9A-Za-z]{25,100})(?:[/?#].*)?",
    re.IGNORECASE,
)
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}")
_WITNESS = re.compile(r"(?:bc|tb|bcrt)1[0-9a-z]{8,87}", re.IGNORECASE)
_ANY_BECH32 = re.compile(r"[a-z]{1,20}1[02-9ac-hj-np-z]{30,110}")
_BASE58 = re.compile(rf"[13mn2][{base58.ALPHABET}]{{{SHORTEST_BASE58 - 1},{LONGEST_BASE58 - 1}}}")
_BARE_HEX = re.compile(r"[0-9a-fA-F]{40}")
_AROUND = " \t\r\n'\"`<>()[]{},.;"
_LONGEST = 25_000
"""Characters of the longest subject: a descriptor of the longest script that can be spent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a row asks about."""

    text: str
    """In canonical form."""

    kind: SubjectKind
    network: str
    remarks: tuple[str, ...]


class Refusal(NamedTuple):
    """Why a cell is no subject."""

    code: FaultCode
    detail: str


def named_network(word: str, networks: Sequence[str]) -> str | Refusal | None:
    """Return the network that a row names, None where it names none.

    `btc` means the first Bitcoin network of the run, `eth` its first Ethereum network.
    """
    word = word.casefold().strip()
    if not word:
        return None
    if word in networks:
        return word
    for words, family in ((_BITCOIN_WORDS, BITCOIN_NETWORKS), (_ETHEREUM_WORDS, ETHEREUM_NAMES)):
        if word in words:
            found = next((known for known in networks if known in family), None)
            return found or Refusal(
                "network_mismatch", f"this run is for {_listed(networks)}, which the row is not of"
            )
    if word in FOREIGN:
        return Refusal("unsupported_chain", f"{FOREIGN[word]} is not traced by this program")
    if word in BITCOIN_NETWORKS or word in ETHEREUM_NAMES:
        return Refusal(
            "network_mismatch", f"the row is of {word}, and this run is for {_listed(networks)}"
        )
    return Refusal("bad_value", "no network is called so: write btc or eth, or leave it empty")


def read_subject(text: str, named: str | None, networks: Sequence[str]) -> Subject | Refusal:
    """Return what a cleaned cell asks about.

    Parameters
    ----------
    text
        Holds no secret: `cleaning.is_secret_subject` has seen it.
    named
        The network that the row names.
    networks
        Those that the run is for; a text that is valid on several is of the first.
    """
    if not text:
        return Refusal("empty", "the row names no address and no transaction")
    if _ROUNDED.fullmatch(text):
        return Refusal(
            "rounded_number",
            "a spreadsheet made a number of the text and rounded it: format the column as text and "
            "paste the address again",
        )
    if len(text) > _LONGEST:
        return Refusal("unknown_format", f"the cell has {len(text):,} characters: no address has")
    bare, remarks = _unwrapped(text)
    found = _read_transaction(bare, named, networks) or _read_address(bare, named, networks)
    if isinstance(found, Refusal):
        return found
    return Subject(
        text=found.text,
        kind=found.kind,
        network=found.network,
        remarks=(*remarks, *found.remarks),
    )


def suggestion_for(text: str) -> str:
    """Return the one address that a text may be meant for; nothing where there is none, or two."""
    bare, _ = _unwrapped(text)
    joined = "".join(bare.split())
    looks = look_alikes()
    plain = "".join(looks.get(letter, letter) for letter in joined)
    found: set[str] = set()
    for candidate in dict.fromkeys((joined, plain, plain.lower(), f"0x{plain}")):
        reading = read_address(candidate) if candidate != bare else None
        if reading is not None and (is_checked(reading) or candidate == f"0x{plain}"):
            found.add(reading.address)
    if not found and _may_be_misread(plain):
        misread = read_misread(plain)
        found |= {misread.address} if misread is not None else set()
    return found.pop() if len(found) == 1 else ""


def _may_be_misread(text: str) -> bool:
    if SHORTEST_BASE58 <= len(text) <= LONGEST_BASE58:
        return True
    return 42 <= len(text) <= 62 and text[:2].lower() in ("bc", "8c", "0x", "ox")


def _unwrapped(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without the URI, link or signs that it stands in, and remarks on that."""
    remarks: list[str] = []
    link = _LINK.fullmatch(text)
    if link is not None:
        return link[1], ("taken out of a link to a block explorer",)
    bare = text if "(" in text else text.strip(_AROUND)
    if bare != text:
        remarks.append("punctuation around it was dropped")
    uri = _URI.fullmatch(bare)
    if uri is not None:
        remarks.append(f"taken out of a {uri[1].lower()}: URI")
        if uri[4] or uri[3]:
            remarks.append("what else the URI says was not read")
        bare = uri[2].strip()
    return bare, tuple(remarks)


def _read_transaction(
    text: str, named: str | None, networks: Sequence[str]
) -> Subject | Refusal | None:
    """Return the transaction or output that a text names; None where it has another shape."""
    output = _OUTPUT.fullmatch(text)
    found = _TRANSACTION.fullmatch(text)
    if output is None and found is None:
        return None
    is_prefixed = found is not None and found[1] is not None
    family = ETHEREUM_NAMES if is_prefixed and output is None else BITCOIN_NETWORKS
    network = named or next((known for known in networks if known in family), networks[0])
    if output is not None:
        if network not in BITCOIN_NETWORKS:
            return Refusal("network_mismatch", f"{network} has no outputs: write a transaction id")
        text = f"{output[1].lower()}:{int(output[2])}"
        return Subject(text=text, kind="output", network=network, remarks=())
    if network in ETHEREUM_NAMES:
        text = text if is_prefixed else f"0x{text}"
    elif is_prefixed:
        return Refusal("network_mismatch", f"a transaction id with 0x is none of {network}")
    text = canonical_transaction(text.lower(), network)
    return Subject(text=text, kind="transaction", network=network, remarks=())


def _read_address(text: str, named: str | None, networks: Sequence[str]) -> Subject | Refusal:
    if text[:2] == "0X":
        text = f"0x{text[2:]}"
    reading = read_address(text)
    if reading is None:
        return _read_descriptor(text, named, networks) or _explained(text, named, networks)
    network = _network_of(reading, named, networks)
    if isinstance(network, Refusal):
        return network
    remarks = []
    if reading.form == FUTURE:
        remarks.append("an address of a segwit version that has no meaning yet")
    elif not is_checked(reading):
        remarks.append("written in letters of one case, so that no checksum speaks for it")
    return Subject(text=reading.address, kind="address", network=network, remarks=tuple(remarks))


def _network_of(reading: Reading, named: str | None, networks: Sequence[str]) -> str | Refusal:
    known = {*BITCOIN_NETWORKS, *ETHEREUM_NAMES}
    if not known & set(reading.networks):
        return Refusal(
            "unsupported_chain",
            f"this is an address of {_listed(reading.networks)}, which this program does not trace",
        )
    # Every account chain has the same addresses.
    names = tuple(ETHEREUM_NAMES) if reading.networks[0] in ETHEREUM_NAMES else reading.networks
    if named is not None:
        if named in names:
            return named
        return Refusal(
            "network_mismatch",
            f"this is an address of {_listed(reading.networks)}, and the row names {named}",
        )
    found = next((network for network in networks if network in names), None)
    return found or Refusal(
        "network_mismatch",
        f"this is an address of {_listed(reading.networks)}, and this run is for "
        f"{_listed(networks)}",
    )


def _read_descriptor(
    text: str, named: str | None, networks: Sequence[str]
) -> Subject | Refusal | None:
    """Return the address that an output descriptor names; None where the text is none."""
    if "(" not in text:
        return None
    network = named or next((known for known in networks if known in BITCOIN_NETWORKS), None)
    if network is None or network not in BITCOIN_NETWORKS:
        return None
    try:
        canonical = canonical_address(text, network)
    except AddressError as error:
        return Refusal("unknown_format", str(error))
    return Subject(text=canonical, kind="address", network=network, remarks=())


def _explained(text: str, named: str | None, networks: Sequence[str]) -> Refusal:
    """Return why a text is no address."""
    foreign = _foreign(text)
    if foreign is not None:
        return Refusal("unsupported_chain", f"this is {foreign}, which this program does not trace")
    if text.lower().endswith(".eth"):
        return Refusal("unknown_format", "this is a name, not an address: write what it points to")
    try:
        if text[:2] == "0x":
            parse_ethereum_address(text)
        else:
            meant = [each for each in (named or "", *networks) if each in BITCOIN_NETWORKS]
            canonical_address(text, meant[0] if meant else "bitcoin")
    except AddressError as error:
        is_shaped = len(text) == 42 if text[:2] == "0x" else _is_shaped(text)
        return Refusal("checksum" if is_shaped else "unknown_format", str(error))
    return Refusal("unknown_format", "this is no address that the program knows")


def _is_shaped(text: str) -> bool:
    """Return whether a text has the letters and the length of an address of Bitcoin."""
    if _BASE58.fullmatch(text):
        return True
    body = text.lower().partition("1")[2]
    return _WITNESS.fullmatch(text) is not None and set(body) <= set(bech32.CHARSET)


def _foreign(text: str) -> str | None:
    """Return of what other chain a text is an address, as far as its checksum or shape says."""
    body = base58.checked(text) if len(text) <= LONGEST_BASE58 else None
    if body is not None and len(body) == 1 + 20:
        return foreign_base58(body[0]) or "an address of a network with a prefix of its own"
    lower = text.lower()
    if _ANY_BECH32.fullmatch(lower) and not _WITNESS.match(lower):
        prefix, _, symbols = lower.rpartition("1")
        values = [bech32.CHARSET.index(symbol) for symbol in symbols]
        if bech32.remainder(prefix, values) in (bech32.Checksum.BECH32, bech32.Checksum.BECH32M):
            return foreign_prefix(prefix) or "an address of a network with a prefix of its own"
    if 43 <= len(text) <= 44 and read_bare_base58(text) is not None:
        return "32 bytes in base58, perhaps an account of Solana"
    return None


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
