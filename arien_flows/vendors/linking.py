"""What links two accounts: each rule, how sure it is, and the bytes that show it.

A link is between two accounts and of one rule. Rules of at least `JOINING` join accounts into one
set, as far as nothing speaks against it (`arien_flows.vendors.groups`); all others are leads,
which a person may follow and no program does.

| rule | what it asks | confidence |
|---|---|---|
| `signed-statement` | each signed by his own key a message that names the other, or his key | 95 |
| `same-key` | the same PGP key, by its full fingerprint, shown as the key of both | 90 |
| `same-cluster` | paid to one cluster of the strict clustering under both names | 80 |
| `same-contact` | the same handle on Session, Jabber, Wickr, Telegram or Tox | 75 |
| `same-photo` | a picture with the same SHA-256 | 70 |
| `same-mail` | the same e-mail address | 60 |
| `similar-photos` | three pictures or more that look alike | 55 |
| `same-fingerprint-text` | a fingerprint that both write in a text, without showing the key | 50 |
| `named-in-statement` | only the one signed such a message | 40 |
| `same-onion` | the same onion address in both profiles | 30 |
| `same-handle` | the same name on two markets: branding, or impersonation | 30 |

A signature proves who wrote, not that it is true: whoever signs "GreenShop is me" is an impostor as
likely as the vendor, and whoever signs "do not trust GreenShop" names him, too. So a message joins
nobody until the other side has signed that it is so.

A short key id is never looked at: keys with a given short id are made in minutes. A value that
more than `MOST_HOLDERS` accounts of one market show is that market's own, or a copied text, and
links nobody.

Every rule looks at two accounts and what documents show of them, at nothing else: so the links do
not depend on the order in which documents came, and a document that is withdrawn takes with it
exactly the links that it alone showed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from arien_flows.vendors.photos import look_alike
from arien_flows.vendors.sightings import FINGERPRINT, PHOTO, Known, Shown, Sighting

JOINING = 70
"""Links of at least this confidence join accounts; all others are leads."""

MOST_HOLDERS = 8
"""Accounts of one market that may show a value as their own. Vendors open a second account, and
staff shares one; a value of more accounts is not of one owner."""

LEAST_ALIKE = 3
"""Pictures that must look alike: two vendors may well show the same leaf."""

MOST_ON_A_VALUE = 60
"""Accounts that may share a value: beyond that pairs would be many, and mean nothing."""


class LinkRule(StrEnum):
    """Why two accounts may have one owner."""

    SIGNED_STATEMENT = "signed-statement"
    SAME_KEY = "same-key"
    SAME_CLUSTER = "same-cluster"
    SAME_CONTACT = "same-contact"
    SAME_PHOTO = "same-photo"
    SAME_MAIL = "same-mail"
    SIMILAR_PHOTOS = "similar-photos"
    SAME_FINGERPRINT_TEXT = "same-fingerprint-text"
    NAMED_IN_STATEMENT = "named-in-statement"
    SAME_ONION = "same-onion"
    SAME_HANDLE = "same-handle"


CONFIDENCE: Mapping[LinkRule, int] = {
    LinkRule.SIGNED_STATEMENT: 95,
    LinkRule.SAME_KEY: 90,
    LinkRule.SAME_CLUSTER: 80,
    LinkRule.SAME_CONTACT: 75,
    LinkRule.SAME_PHOTO: 70,
    LinkRule.SAME_MAIL: 60,
    LinkRule.SIMILAR_PHOTOS: 55,
    LinkRule.SAME_FINGERPRINT_TEXT: 50,
    LinkRule.NAMED_IN_STATEMENT: 40,
    LinkRule.SAME_ONION: 30,
    LinkRule.SAME_HANDLE: 30,
}
"""Of each rule, 0 to 100. The figures are those of the design's table where it has the rule; the
others (mail, onion, a fingerprint in a text, a claim that the other side does not sign) are set
below it, because anybody can write them."""

_CONTACTS = {
    "session": LinkRule.SAME_CONTACT,
    "jabber": LinkRule.SAME_CONTACT,
    "wickr": LinkRule.SAME_CONTACT,
    "telegram": LinkRule.SAME_CONTACT,
    "tox": LinkRule.SAME_CONTACT,
    "email": LinkRule.SAME_MAIL,
    "onion": LinkRule.SAME_ONION,
}
WRITTEN = "fingerprint-text"
"""Rule of a sighting where a fingerprint only stands in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Why two accounts may have one owner, by one rule and one value."""

    first: str
    """Public names of the accounts; the first one comes first in the order of text."""

    second: str
    rule: LinkRule
    value: str
    """What both show: a fingerprint, a handle, a hash, a cluster."""

    confidence: int
    shown: tuple[Shown, ...]
    """Every place that shows it, of either account, in order."""

    @property
    def joins(self) -> bool:
        """Tell whether it may join the two."""
        return self.confidence >= JOINING

    @property
    def pair(self) -> tuple[str, str]:
        """Return the two accounts."""
        return self.first, self.second


def links_of(
    known: Known, clusters: Mapping[str, Sequence["ClusterSeen"]] | None = None
) -> list[Link]:
    """Return all links between accounts, by accounts, the surest first.

    `clusters` are the on-chain clusters that were paid under an account's name, by account.
    """
    found = [
        *_by_value(known),
        *_by_statement(known),
        *_by_looks(known.sightings),
        *_by_handle(known),
        *_by_cluster(clusters or {}),
    ]
    return sorted(found, key=lambda each: (each.pair, -each.confidence, each.rule, each.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSeen:
    """A cluster of the strict clustering that was paid under an account's name."""

    cluster: str
    """The entity, named by its first address."""

    shown: tuple[Shown, ...]
    """Where documents name an address of it as the account's."""


def _rule_of(sighting: Sighting) -> LinkRule | None:
    if sighting.kind == FINGERPRINT:
        is_text = sighting.shown.rule == WRITTEN
        return LinkRule.SAME_FINGERPRINT_TEXT if is_text else LinkRule.SAME_KEY
    if sighting.kind == PHOTO:
        return LinkRule.SAME_PHOTO
    return _CONTACTS.get(sighting.kind)


def _by_value(known: Known) -> Iterator[Link]:
    """Yield links between accounts that show the same value."""
    holders: dict[tuple[str, str], dict[str, list[Sighting]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for each in known.sightings:
        value = each.value.partition(":")[0] if each.kind == PHOTO else each.value
        holders[each.kind, value][each.account].append(each)
    for (_, value), shown in sorted(holders.items()):
        if not _is_personal(shown):
            continue
        for first, second in combinations(sorted(shown), 2):
            rules = {_rule_of(each) for each in (*shown[first], *shown[second])}
            for rule in sorted(each for each in rules if each is not None):
                link = _value_link(first, second, rule, value, shown)
                if link is not None:
                    yield link


def _value_link(
    first: str, second: str, rule: LinkRule, value: str, shown: Mapping[str, list[Sighting]]
) -> Link | None:
    """Return the link by a rule: what both show must be strong enough for it."""
    mine, theirs = shown[first], shown[second]
    if rule is LinkRule.SAME_FINGERPRINT_TEXT:
        # One of them shows the key itself, at most: two that do are linked by that.
        is_strong = all(
            any(_rule_of(each) is LinkRule.SAME_KEY for each in side) for side in (mine, theirs)
        )
        used = [*mine, *theirs]
        if is_strong:
            return None
    else:
        used = [each for each in (*mine, *theirs) if _rule_of(each) is rule]
        if {each.account for each in used} != {first, second}:
            return None
    return _link(first, second, rule, value, (each.shown for each in used))


def _is_personal(shown: Mapping[str, object]) -> bool:
    """Tell whether a value can be one owner's, by who shows it."""
    if not 2 <= len(shown) <= MOST_ON_A_VALUE:
        return False
    markets: dict[str, int] = defaultdict(int)
    for account in shown:
        markets[account.partition("/")[0]] += 1
    return max(markets.values()) <= MOST_HOLDERS


def _by_statement(known: Known) -> Iterator[Link]:
    """Yield links by messages that one account's key signed and that name the other.

    They join only where the other account's key signed one that names the first, too.
    """
    holders: dict[str, dict[str, list[Shown]]] = defaultdict(lambda: defaultdict(list))
    for each in known.sightings:
        if each.kind == FINGERPRINT and each.shown.rule != WRITTEN:
            holders[each.value][each.account].append(each.shown)
    merged: dict[tuple[str, str, str], set[Shown]] = defaultdict(set)
    told: set[tuple[str, str]] = set()
    for statement in known.statements:
        signers = holders.get(statement.fingerprint, {})
        if not signers or not _is_own(signers):
            continue
        named: dict[str, list[Shown]] = {each: [] for each in statement.accounts}
        for fingerprint in statement.fingerprints:
            others = holders.get(fingerprint, {})
            if others and _is_own(others):
                for account, shown in others.items():
                    named.setdefault(account, []).extend(shown)
        for signer, shown in signers.items():
            for account, places in named.items():
                if account != signer and account in known.accounts:
                    told.add((signer, account))
                    first, second = sorted((signer, account))
                    merged[first, second, statement.fingerprint].update(
                        (*shown, *places, statement.shown)
                    )
    for (first, second, value), all_places in merged.items():
        is_mutual = {(first, second), (second, first)} <= told
        rule = LinkRule.SIGNED_STATEMENT if is_mutual else LinkRule.NAMED_IN_STATEMENT
        yield _link(first, second, rule, value, all_places)


def _is_own(shown: Mapping[str, object]) -> bool:
    """Tell whether a key can be one owner's."""
    return len(shown) == 1 or _is_personal(shown)


def _by_looks(sightings: Iterable[Sighting]) -> Iterator[Link]:
    """Yield links between accounts of which several pictures look alike."""
    pictures: dict[str, dict[str, list[Shown]]] = defaultdict(lambda: defaultdict(list))
    for each in sightings:
        if each.kind == PHOTO and ":" in each.value:
            pictures[each.account][each.value].append(each.shown)
    for first, second in combinations(sorted(pictures), 2):
        pairs = look_alike(list(pictures[first]), list(pictures[second]))
        if len(pairs) >= LEAST_ALIKE:
            shown = [
                place
                for mine, theirs in pairs
                for place in (*pictures[first][mine], *pictures[second][theirs])
            ]
            value = f"{len(pairs)} pictures"
            yield _link(first, second, LinkRule.SIMILAR_PHOTOS, value, shown)


def _by_handle(known: Known) -> Iterator[Link]:
    """Yield leads between accounts of one name on different markets."""
    named: dict[str, list[str]] = defaultdict(list)
    for account in known.accounts:
        named[plain_handle(account.partition("/")[2])].append(account)
    for handle, accounts in sorted(named.items()):
        if not handle or len(accounts) > MOST_ON_A_VALUE:
            continue
        for first, second in combinations(sorted(accounts), 2):
            if first.partition("/")[0] != second.partition("/")[0]:
                yield _link(first, second, LinkRule.SAME_HANDLE, handle, ())


def plain_handle(handle: str) -> str:
    """Return a name without case and signs, as people recognise it."""
    return "".join(each for each in handle.casefold() if each.isalnum())


def _by_cluster(clusters: Mapping[str, Sequence[ClusterSeen]]) -> Iterator[Link]:
    """Yield links between accounts under whose names one cluster was paid."""
    holders: dict[str, dict[str, list[Shown]]] = defaultdict(lambda: defaultdict(list))
    for account, seen in clusters.items():
        for each in seen:
            holders[each.cluster][account].extend(each.shown)
    for cluster, shown in sorted(holders.items()):
        if _is_personal(shown):
            for first, second in combinations(sorted(shown), 2):
                places = (*shown[first], *shown[second])
                yield _link(first, second, LinkRule.SAME_CLUSTER, cluster, places)


def _link(first: str, second: str, rule: LinkRule, value: str, shown: Iterable[Shown]) -> Link:
    return Link(
        first=first,
        second=second,
        rule=rule,
        value=value,
        confidence=CONFIDENCE[rule],
        shown=tuple(sorted(set(shown), key=place)),
    )


def place(shown: Shown) -> tuple[str, int, int, str, float]:
    """Return by what places are ordered: document, bytes, rule, time."""
    when = shown.captured_at.timestamp() if shown.captured_at else 0.0
    return shown.document_sha256, shown.begin, shown.end, shown.rule, when
