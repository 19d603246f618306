"""Statements that were signed: with a PGP key, or with the key of an address.

A clear-signed PGP message keeps its text readable between two marks, followed by the signature.
It proves that the holder of a key said these words, if the signature holds under a key that is
known from elsewhere by its full fingerprint. Pages change such texts (markup for line ends,
entities for signs), so a few readings of the bytes are tried; a signature that holds for one of
them holds, and one that holds for none proves nothing, not even forgery.

An address proof is an address, a message and a signature that belong together; see
`chains.bitcoin.signed_messages` and `arien_flows.vendors.signed_ethereum`. It proves that who
wrote the message held the key of the address. Its confidence is 95 and not 100: a signature may
be copied from where its owner published it for another purpose. Only a message that we chose
ourselves (a nonce that nobody could have signed before) removes that doubt.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from arien_flows.extraction.entities import without_entities
from arien_flows.vendors.keys import PgpKey, unarmoured
from arien_flows.vendors.signed_ethereum import check_personal_message
from chains.bitcoin.networks import NETWORKS
from chains.bitcoin.signed_messages import MessageCheck, Verdict, check_message

if TYPE_CHECKING:
    from pysequoia.packet import Packet

LONGEST_MESSAGE = 262_144
"""Characters of one signed message."""

MOST_MESSAGES = 32
"""Signed messages that are looked at in one document, of each kind."""

LONGEST_BITCOIN_MESSAGE = 20_000
"""Characters of a message, and of the address and signature, that a wallet printed."""

ETHEREUM = "ethereum"
SIGNED_CONFIDENCE = 95
CHOSEN_CONFIDENCE = 100
"""Where the message holds words that we chose for this one proof."""

_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_END = "-----END PGP SIGNATURE-----"
_TAG = re.compile(r"<[^<>]{0,2000}>")
_LINE_BREAK = re.compile(
    # A run of blanks is entered at its beginning only, or behind what the last match took of it:
    # tried from each of its blanks, a long one would take hours.
    r"(?:(?<![ \t])[ \t]*+(?:\r?\n[ \t]*+)?|(?<=[ \t]))"
    r"<(?:br|/p|/div|p|div)\b[^<>]{0,200}>[ \t]*\r?\n?",
    re.IGNORECASE,
)
_PLAIN_BREAK = re.compile(r"<br\b[^<>]{0,200}>", re.IGNORECASE)
_BITCOIN_MARK = re.compile(
    r"-----(?:(?P<opening>BEGIN BITCOIN SIGNED MESSAGE)|(?P<signature>BEGIN (?:BITCOIN )?SIGNATURE)"
    r"|END BITCOIN (?:SIGNED MESSAGE|SIGNATURE))-----"
)
_LINES = re.compile(r"\r?\n(?P<lines>.*?)\r?\n", re.DOTALL)
"""What stands between two marks on lines of their own."""


class SignedState(Enum):
    """What is known of a PGP-signed message."""

    VERIFIED = "verified"
    UNKNOWN_KEY = "unknown_key"
    """Signed by a key that no document showed yet."""

    UNTRUSTED = "untrusted"
    """The key is known, and no reading of the bytes verifies: changed by the page, forged, or
    signed in a way that is not trusted any more."""

    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A clear-signed PGP message in a document."""

    begin: int
    """First byte of the mark that opens it."""

    end: int
    state: SignedState
    text: str
    """What was signed, as it verified; as it stands where it did not."""

    fingerprint: str | None
    """Full fingerprint of the primary key that signed; None where none verified."""

    signed_at: datetime | None
    """As the signature says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressProof:
    """An address, a message and a signature that belong together."""

    network: str
    address: str
    message: str
    check: MessageCheck
    confidence: int
    """95, or 100 where the message holds the words that we chose; 0 where nothing is proved."""


def signed_messages(raw: bytes, keys: Sequence[PgpKey], encoding: str) -> list[SignedMessage]:
    """Return the clear-signed messages in a document's bytes, checked against known keys."""
    found: list[SignedMessage] = []
    at = 0
    opening, signature, end = (each.encode() for each in (_SIGNED, _SIGNATURE, _END))
    while len(found) < MOST_MESSAGES:
        begin = raw.find(opening, at)
        middle = raw.find(signature, begin) if begin >= 0 else -1
        stop = raw.find(end, middle) if middle >= 0 else -1
        if stop < 0:
            return found
        # The innermost opening mark: an earlier one that is never closed must not hide it.
        begin = raw.rfind(opening, begin, middle)
        stop += len(end)
        at = stop
        if stop - begin <= LONGEST_MESSAGE:
            found.append(_verified(raw[begin:stop], begin, keys, encoding))
    return found


def _verified(block: bytes, begin: int, keys: Sequence[PgpKey], encoding: str) -> SignedMessage:
    shown = block.decode(_usable(encoding), errors="replace")
    readings = _readings(shown)
    signers = _issuers(readings)
    candidates = [key for key in keys if _may_have_signed(key, signers)]
    state = SignedState.UNKNOWN_KEY if signers else SignedState.UNREADABLE
    for reading in readings if candidates else ():
        verified = _check(reading, candidates)
        if verified is not None:
            text, fingerprint, signed_at = verified
            return SignedMessage(
                begin=begin,
                end=begin + len(block),
                state=SignedState.VERIFIED,
                text=text,
                fingerprint=fingerprint,
                signed_at=signed_at,
            )
        state = SignedState.UNTRUSTED
    return SignedMessage(
        begin=begin,
        end=begin + len(block),
        state=state,
        text=_body(readings[-1]),
        fingerprint=None,
        signed_at=None,
    )


def _usable(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        return "utf-8"
    return encoding


def _readings(shown: str) -> list[str]:
    """Return the texts that a block's bytes may stand for, the plainest first."""
    plain = shown.replace("\r\n", "\n")
    unescaped = without_entities(plain)
    broken = without_entities(_TAG.sub("", _PLAIN_BREAK.sub("\n", plain)))
    joined = without_entities(_TAG.sub("", _LINE_BREAK.sub("\n", plain)))
    return list(dict.fromkeys(_mended(each) for each in (plain, unescaped, broken, joined)))


def _mended(reading: str) -> str:
    """Return a message whose lines begin where they did, whatever the page indents."""
    lines = [
        line.strip("\u00a0 \t") if line.lstrip().startswith("-----") else line
        for line in reading.split("\n")
    ]
    return "\n".join(lines) + "\n"


def _body(reading: str) -> str:
    """Return what a message says, without marks and headings."""
    text = reading.partition(_SIGNED)[2].partition(_SIGNATURE)[0]
    _, blank, rest = text.partition("\n\n")
    return (rest if blank else text).strip("\n")


@dataclass(frozen=True, slots=True)
class _Issuer:
    fingerprint: str | None
    key_id: str | None
    created_at: datetime | None


def _issuers(readings: Sequence[str]) -> list[_Issuer]:
    """Return by which keys a message says that it is signed."""
    from pysequoia.packet import Tag

    for reading in readings:
        body = reading.partition(_SIGNATURE)[2].partition(_END)[0]
        raw = unarmoured(body)
        if raw is None:
            continue
        packets = _packets(raw)
        found = [
            _Issuer(each.issuer_fingerprint, each.issuer_key_id, each.signature_created)
            for each in packets
            if each.tag == Tag.Signature
        ]
        if found:
            return found
    return []


def _packets(raw: bytes) -> list["Packet"]:
    from pysequoia.packet import PacketPile

    try:
        return list(PacketPile.from_bytes(raw))
    except Exception:  # noqa: BLE001 the library raises bare ones for what it cannot parse
        return []


def _may_have_signed(key: PgpKey, issuers: Sequence[_Issuer]) -> bool:
    """Tell whether checking is worth it. A short id chooses what to check, and proves nothing."""
    known = (key.fingerprint, *key.subkeys)
    for issuer in issuers:
        if issuer.fingerprint is not None and issuer.fingerprint.lower() in known:
            return True
        short = (issuer.key_id or "").lower()
        if issuer.fingerprint is None and short and any(_has_id(each, short) for each in known):
            return True
    return False


def _has_id(fingerprint: str, short: str) -> bool:
    # The id is the end of a version 4 fingerprint, and the beginning of a version 6 one.
    return fingerprint.startswith(short) if len(fingerprint) == 64 else fingerprint.endswith(short)


def _check(reading: str, candidates: Sequence[PgpKey]) -> tuple[str, str, datetime | None] | None:
    from pysequoia import Cert, verify

    certs = [Cert.from_bytes(key.raw) for key in candidates]
    try:
        result = verify(reading.encode(), lambda _ids: certs)
    except Exception:  # noqa: BLE001 what does not verify raises a bare one
        return None
    if not result.valid_sigs or result.bytes is None:
        return None
    signature = result.valid_sigs[0]
    signer = str(signature.certificate).lower()
    times = [each.created_at for each in _issuers([reading]) if each.created_at is not None]
    text = result.bytes.decode(errors="replace").replace("\r\n", "\n")
    return text, signer, min(times, default=None)


def prove_address(
    address: str, network: str, message: str, signature: str, *, chosen: str | None = None
) -> AddressProof:
    """Check that a signature is an address's, under the exact words of a message.

    `chosen` are words that we asked to be signed; where the message holds them, and the signature
    is good, nobody can have copied it from elsewhere. Of networks other than Bitcoin's and
    Ethereum no signature is checked, and none is valid.
    """
    known = {each.name: each for each in NETWORKS}
    if network in known:
        check = _best(
            check_message(address, each, signature, known[network]) for each in _spellings(message)
        )
    elif network == ETHEREUM:
        check = _best(
            check_personal_message(address, each, signature) for each in _spellings(message)
        )
    else:
        check = MessageCheck(
            verdict=Verdict.INCONCLUSIVE,
            scheme="none",
            note=f"signed messages of {network!r} are not checked",
        )
    confidence = 0
    if check.verdict is Verdict.VALID:
        confidence = CHOSEN_CONFIDENCE if chosen and chosen in message else SIGNED_CONFIDENCE
    return AddressProof(
        network=network, address=address, message=message, check=check, confidence=confidence
    )


def _spellings(message: str) -> list[bytes]:
    """Return the bytes that a message may have had: pages change line ends and outer space."""
    plain = message.replace("\r\n", "\n")
    stripped = plain.strip()
    tried = (message, plain, stripped, stripped.replace("\n", "\r\n"))
    return list(dict.fromkeys(each.encode() for each in tried))


def _best(checks: Iterable[MessageCheck]) -> MessageCheck:
    """Return the check that succeeded, else the first; there is at least one."""
    done: list[MessageCheck] = []
    for each in checks:
        if each.verdict is Verdict.VALID:
            return each
        done.append(each)
    return done[0]


def bitcoin_signed_blocks(text: str) -> list[Mapping[str, str | int]]:
    """Return what stands between the marks that wallets print around a signed message.

    Each with `message`, `address`, `signature` (texts) and `start`, `stop` (characters).
    """
    found: list[Mapping[str, str | int]] = []
    opening = signature = None
    for mark in _BITCOIN_MARK.finditer(text):
        if mark["opening"]:
            # The innermost opening mark: an earlier one that is never closed must not hide it.
            opening, signature = mark, None
        elif mark["signature"]:
            signature = signature or mark
        else:
            if opening is not None and signature is not None:
                found += _bitcoin_block(text, opening, signature, mark)
            opening = signature = None
        if len(found) == MOST_MESSAGES:
            break
    return found


def _bitcoin_block(
    text: str, opening: re.Match[str], signature: re.Match[str], closing: re.Match[str]
) -> list[Mapping[str, str | int]]:
    """Return what stands between three marks, if it is a message, an address and a signature."""
    longest = max(signature.start() - opening.end(), closing.start() - signature.end())
    if longest > LONGEST_BITCOIN_MESSAGE:
        return []
    message = _LINES.fullmatch(text[opening.end() : signature.start()])
    if message is None:
        return []
    lines = [line.strip() for line in text[signature.end() : closing.start()].splitlines()]
    words = [line.partition("ddress:")[2].strip() or line for line in lines]
    words = [word for word in words if word and not word.startswith(("Version", "Comment"))]
    if len(words) < 2:
        return []
    return [
        {
            "message": message["lines"],
            "address": words[0],
            "signature": "".join(words[1:]),
            "start": opening.start(),
            "stop": closing.end(),
        }
    ]
