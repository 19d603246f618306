"""Where a vendor can be reached, found in a text.

Only identifiers that belong to one holder count: a handle on Wickr or Telegram, an address on a
Jabber server, an id of Session or Tox. Words that anybody may write ("support", "me") are no
handles, and a market's own addresses are nobody's contact. Handles without a shape of their own
count only beside the word that says what they are ("Wickr: greenshop").

Each kind has one spelling in which equal handles are equal: small letters where the service does
not tell them apart.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arien_flows.vendors.account import ContactKind

LONGEST_TEXT = 2_000_000
"""Characters of a text that is searched."""

MOST_CONTACTS = 200

_NO_HANDLES = frozenset(
    {
        *("me", "id", "us", "is", "and", "or", "my", "the", "for", "not", "at", "on", "in", "with"),
        *("user", "username", "name", "handle", "contact", "support", "only", "here", "please"),
        *("app", "pro", "account", "number", "messages", "message", "if", "you", "we", "it", "am"),
        *("no", "yes", "via", "also", "to", "channel", "group", "admin", "bot", "just", "ask"),
        *("available", "request", "upon", "soon", "coming", "sent", "after", "before", "order"),
        *("orders", "customers", "including", "yet", "now", "none", "below", "above", "address"),
        *("jabber", "wickr", "telegram", "session", "email", "mail", "xmpp", "new", "our", "add"),
    }
)
"""Words that stand beside the name of a service, and are nobody's handle."""

_MAIL = (
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@"
    r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}"
)
_GAP = (
    r"(?:\s{0,3}(?:id|me|handle|user(?:name)?|is|contact|account|name|app|at)(?![A-Za-z]))?"
    "\\s{0,3}[:=>.@\u2013-]{0,3}\\s{0,3}@?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundContact:
    """A contact in a text."""

    kind: ContactKind
    handle: str
    start: int
    stop: int
    rule: str


def _labelled(words: str, handle: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z])(?:{words})(?P<gap>{_GAP})(?P<handle>{handle})", re.IGNORECASE
    )


_WICKR = _labelled(r"wickr(?:[ -]?me)?|wicker(?:[ -]?me)?", r"[A-Za-z0-9][A-Za-z0-9_.-]{2,31}")
_TELEGRAM = _labelled(r"telegram|\btg\b", r"[A-Za-z][A-Za-z0-9_]{4,31}")
_TELEGRAM_LINK = re.compile(
    r"(?<![A-Za-z0-9.])t(?:elegram)?\.me/(?P<handle>[A-Za-z][A-Za-z0-9_]{4,31})"
)
_JABBER = _labelled(r"jabber|xmpp(?:/jabber)?(?: id)?|\bjid\b", _MAIL)
_EMAIL = re.compile(rf"(?<![A-Za-z0-9._%+@-])(?P<handle>{_MAIL})(?![A-Za-z0-9@])")
_SESSION = re.compile(r"(?<![0-9A-Za-z])(?P<handle>05[0-9a-fA-F]{64})(?![0-9A-Za-z])")
_TOX = re.compile(r"(?<![0-9A-Za-z])(?P<handle>[0-9a-fA-F]{76})(?![0-9A-Za-z])")
_ONION = re.compile(
    r"(?<![a-z2-7A-Z0-9])(?P<handle>[a-zA-Z2-7]{56}|[a-zA-Z2-7]{16})\.onion(?![A-Za-z0-9])"
)
_JABBER_SERVERS = re.compile(
    r"(?:^|\.)(?:jabber|xmpp|jabb|exploit|xabber|conversations|thesecure|creep|blah|jabbim)\b"
)


def _tox_checksum_holds(match: re.Match[str]) -> bool:
    """Check a Tox id: its last two bytes are the exclusive or of all pairs before."""
    raw = bytes.fromhex(match["handle"])
    folded = [0, 0]
    for at, byte in enumerate(raw[:36]):
        folded[at % 2] ^= byte
    return bytes(folded) == raw[36:]


def _any(_match: re.Match[str]) -> bool:
    return True


def _is_name(match: re.Match[str]) -> bool:
    """Tell whether the word after the name of a service is a handle, not the sentence's next word.

    A word with a digit or a sign in it is one. Any other must end its line or its clause; without
    a colon or the like before it, its line.
    """
    handle = match["handle"].rstrip(".-_")
    if handle.lower() in _NO_HANDLES:
        return False
    if re.search(r"[0-9_.-]", handle):
        return True
    after = match.string[match.end("handle") : match.end("handle") + 2]
    has_sign = bool(re.search(r"[^\s]", match.groupdict().get("gap") or ""))
    ends_line = not after or after[0] in "\r\n"
    return ends_line or (has_sign and not re.match(r"[ \t]?[A-Za-z]", after))


_RULES: tuple[tuple[ContactKind, str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (ContactKind.SESSION, "session-id", _SESSION, _any),
    (ContactKind.TOX, "tox-id", _TOX, _tox_checksum_holds),
    (ContactKind.JABBER, "jabber-label", _JABBER, _any),
    (ContactKind.WICKR, "wickr-label", _WICKR, _is_name),
    (ContactKind.TELEGRAM, "telegram-link", _TELEGRAM_LINK, _any),
    (ContactKind.TELEGRAM, "telegram-label", _TELEGRAM, _is_name),
    (ContactKind.EMAIL, "e-mail", _EMAIL, _any),
    (ContactKind.ONION, "onion", _ONION, _any),
)


def find_contacts(text: str) -> list[FoundContact]:
    """Return the contacts in a text, in its order, each place once."""
    found = list(_find(text[:LONGEST_TEXT]))
    return sorted(found, key=lambda each: (each.start, each.stop))[:MOST_CONTACTS]


def _find(text: str) -> Iterator[FoundContact]:
    taken: list[tuple[int, int]] = []
    lower = text.lower()
    for kind, rule, pattern, holds in _RULES:
        if not _may_hold(kind, lower):
            continue
        count = 0
        for match in pattern.finditer(text):
            start, stop = match.span("handle")
            handle = match["handle"].rstrip(".-_" if kind is ContactKind.WICKR else ".")
            stop = start + len(handle)
            if any(start < taken_stop and at < stop for at, taken_stop in taken):
                continue
            if not holds(match):
                continue
            taken.append((start, stop))
            actual = kind
            if kind is ContactKind.EMAIL and _JABBER_SERVERS.search(handle.partition("@")[2]):
                actual, rule = ContactKind.JABBER, "jabber-server"
            yield FoundContact(
                kind=actual, handle=canonical(actual, handle), start=start, stop=stop, rule=rule
            )
            count += 1
            if count >= MOST_CONTACTS:
                break


def _may_hold(kind: ContactKind, lower: str) -> bool:
    """Tell cheaply whether a text can hold a contact of a kind."""
    match kind:
        case ContactKind.WICKR:
            return "wick" in lower
        case ContactKind.TELEGRAM:
            return "telegram" in lower or "t.me/" in lower or "tg" in lower
        case ContactKind.JABBER:
            return "@" in lower and ("jab" in lower or "xmpp" in lower or "jid" in lower)
        case ContactKind.EMAIL:
            return "@" in lower
        case ContactKind.ONION:
            return ".onion" in lower
    return True


def canonical(kind: ContactKind, handle: str) -> str:
    """Return the spelling in which equal handles are equal: no service here tells cases apart."""
    plain = handle.strip().lstrip("@").lower()
    if kind is ContactKind.ONION:
        return plain.removesuffix(".onion") + ".onion"
    if kind is ContactKind.TOX:
        # The last six bytes are a number against spam, which its holder changes, and a checksum.
        return plain[:64]
    return plain
