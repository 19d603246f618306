"""Who has which accounts, worked out from what documents in effect show.

Signed messages are checked here, with all keys that are known today: a message may have come
before the key that signed it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from arien_flows.attribution.categories import category_of
from arien_flows.attribution.source_documents import source_document
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import StoredTag, TagFilter
from arien_flows.casebook.vendor_records import AccountName, StoredStatement
from arien_flows.entities.clustering import Clustering
from arien_flows.errors import NotFoundError
from arien_flows.shapes import Truncation
from arien_flows.vendors.account import market_name
from arien_flows.vendors.groups import Groups, enemies_of, group
from arien_flows.vendors.keys import PgpKey, written_fingerprints
from arien_flows.vendors.linking import ClusterSeen, Link, links_of
from arien_flows.vendors.sightings import Known, Shown, SignedStatement
from arien_flows.vendors.signed import SignedState, signed_messages
from arien_flows.workspace import Reading, Workspace
from chains.errors import AddressError

NEAR = 160
"""Characters between the names of a market and of an account that belong together."""

LEAST_NAME = 3
"""Letters that a name must have to be looked for in a text."""

MOST_TAGS = 5_000
"""Tags that are looked through for the wallets of one account."""

VENDOR = "darknet_vendor"
"""The category of vendors themselves, whose entities are no services to others."""

STRICT = "strict"
"""The profile whose entities link accounts: no guess about change joins its addresses."""

STATEMENT_RULE = "clear-signed"
_FULL = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")


@dataclass(frozen=True, kw_only=True)
class AliasBook:
    """All accounts of a casebook, what links them, and the sets that come of it."""

    names: Mapping[str, AccountName]
    """By public name."""

    known: Known
    links: tuple[Link, ...]
    enemies: frozenset[tuple[str, str]]

    @cached_property
    def groups(self) -> Groups:
        """The sets of accounts that have one owner, as far as the links say so."""
        return group(self.known.accounts, self.links, self.enemies)

    def find(self, text: str) -> AccountName:
        """Return the account that a text names; `NotFoundError` says what to do.

        `market/handle`, in any case where that is unique, or a handle that only one account has.
        """
        wanted = text.strip()
        if wanted in self.names:
            return self.names[wanted]
        folded = wanted.casefold()
        everybody = list(self.names.values())
        for found in (
            [each for each in everybody if each.id.casefold() == folded],
            [each for each in everybody if each.handle.casefold() == folded],
        ):
            if len(found) == 1:
                return found[0]
            if found:
                raise NotFoundError(
                    f"{wanted} may be {' or '.join(sorted(each.id for each in found)[:8])}: "
                    "name market and handle as written there"
                )
        raise NotFoundError(
            f"no document in effect speaks of {wanted}: `arien-flows vendors list` lists the "
            "accounts, as MARKET/HANDLE"
        )


def alias_book(casebook: Casebook, reading: Reading | None = None) -> AliasBook:
    """Return the accounts of a casebook and what links them.

    With a reading, clusters of its clustering that were paid under two names link them, too; they
    must be of the strict profile.
    """
    vendors = casebook.vendors
    names = {each.id: each for each in vendors.names()}
    keys = vendors.keys()
    known = Known(
        accounts=frozenset(names),
        sightings=vendors.sightings(),
        statements=_statements(vendors.statements(), keys, names.values()),
        keys=vendors.key_facts(),
        activity=vendors.activity(),
    )
    clusters = {} if reading is None else clusters_of(casebook, reading, names.values())
    links = tuple(links_of(known, clusters))
    return AliasBook(names=names, known=known, links=links, enemies=enemies_of(known, links))


def _statements(
    stored: Iterable[StoredStatement], keys: Sequence[PgpKey], names: Iterable[AccountName]
) -> list[SignedStatement]:
    """Return the messages that verify under a known key, and whom each names."""
    found = []
    listed = list(names)
    for each in stored:
        for message in signed_messages(each.raw, keys, each.encoding):
            if message.state is not SignedState.VERIFIED or message.fingerprint is None:
                continue
            found.append(
                SignedStatement(
                    fingerprint=message.fingerprint,
                    signed_at=message.signed_at,
                    shown=Shown(
                        document_sha256=each.document_sha256,
                        begin=each.begin,
                        end=each.end,
                        rule=STATEMENT_RULE,
                        captured_at=each.captured_at,
                    ),
                    accounts=named_accounts(message.text, listed),
                    fingerprints=named_fingerprints(message.text) - {message.fingerprint},
                )
            )
    return found


def named_accounts(text: str, names: Iterable[AccountName]) -> frozenset[str]:
    """Return the accounts that a text names: handle and market, near each other, as words."""
    folded = text.casefold()
    found = set()
    for name in names:
        handle, market = name.handle.casefold(), name.market.replace("-", " ")
        if len(handle) < LEAST_NAME or len(market) < LEAST_NAME:
            continue
        if handle not in folded or market.split()[0] not in folded:
            continue
        markets = _places(folded, market)
        if any(abs(at - there) <= NEAR for at in _places(folded, handle) for there in markets):
            found.add(name.id)
    return frozenset(found)


def _places(text: str, words: str) -> list[int]:
    """Return where words stand, as words; white space and signs between them as they like."""
    pattern = r"[\W_]+".join(re.escape(word) for word in words.split())
    return [each.start() for each in re.finditer(rf"(?<!\w){pattern}(?!\w)", text)]


def named_fingerprints(text: str) -> frozenset[str]:
    """Return the full fingerprints in a message, grouped or not."""
    grouped = {each.fingerprint for each in written_fingerprints(text)}
    return frozenset(grouped | set(_FULL.findall(text.lower())))


def wallet_tags(casebook: Casebook, name: AccountName, network: str | None) -> list[StoredTag]:
    """Return the tags that documents gave to addresses as an account's."""
    wanted = TagFilter(network=network, label=f"{name.handle} @ ")
    found: list[StoredTag] = []
    after = 0
    while len(found) < MOST_TAGS:
        page = casebook.page(wanted, after, 1_000)
        for number, stored in page:
            after = number
            if _is_of(stored, name):
                found.append(stored)
        if len(page) < 1_000:
            break
    return found


def _is_of(stored: StoredTag, name: AccountName) -> bool:
    handle, parted, market = stored.tag.label.rpartition(" @ ")
    return bool(parted) and handle == name.handle and market_name(market) == name.market


def clusters_of(
    casebook: Casebook, reading: Reading, names: Iterable[AccountName]
) -> dict[str, list[ClusterSeen]]:
    """Return the entities that documents name as each account's wallets."""
    clustering, view = reading.clustering, reading.view
    if clustering is None:
        return {}
    found: dict[str, list[ClusterSeen]] = {}
    for name, tags in _tags_by_account(casebook, view.network.name, names).items():
        shown: dict[str, list[Shown]] = defaultdict(list)
        for stored in tags:
            root = entity_named(reading, clustering, stored.tag.address)
            if root is not None:
                shown[root].append(shown_by(stored))
        found[name] = [
            ClusterSeen(cluster=root, shown=tuple(places)) for root, places in sorted(shown.items())
        ]
    return found


def _tags_by_account(
    casebook: Casebook, network: str, names: Iterable[AccountName]
) -> dict[str, list[StoredTag]]:
    """Return the wallets' tags of all accounts, in one pass over the tags of listings."""
    by_label = {(each.handle, each.market): each.id for each in names}
    found: dict[str, list[StoredTag]] = defaultdict(list)
    after = 0
    while True:
        page = casebook.page(TagFilter(network=network, label=" @ "), after, 5_000)
        for number, stored in page:
            after = number
            handle, _, market = stored.tag.label.rpartition(" @ ")
            account = by_label.get((handle, market_name(market)))
            if account is not None:
                found[account].append(stored)
        if len(page) < 5_000:
            return dict(found)


def entity_named(reading: Reading, clustering: Clustering, address: str | None) -> str | None:
    """Return the first address of an address's entity; nothing for one that was never used.

    Nothing for a service, either: that two vendors were paid at one exchange links them to it, and
    not to each other.
    """
    if address is None:
        return None
    try:
        number = reading.view.find_address(address)
    except (NotFoundError, AddressError):
        return None
    root = clustering.root_of(number)
    service = reading.tags.attribution.service_at(number, root)
    if service is not None and category_of(service.tag.concepts) != VENDOR:
        return None
    return reading.view.address_text(root)


def shown_by(stored: StoredTag) -> Shown:
    """Return the bytes of the document by which a tag was given."""
    begin = end = 0
    rule = "tag"
    try:
        context = json.loads(stored.tag.context or "")
        begin, end, rule = int(context["begin"]), int(context["end"]), str(context["rule"])
    except (ValueError, KeyError, TypeError):
        pass
    return Shown(document_sha256=source_document(stored), begin=begin, end=end, rule=rule)


def strict_reading_of(workspace: Workspace, network: str | None) -> Reading | Truncation:
    """Return a network's reading with its strict clustering, or what answers without it leave out.

    Without a name it is the network that is set, or the only one that has a ledger.
    """
    if network is None and workspace.settings.network is None:
        several = workspace.coin_networks()
        if len(several) > 1:
            return _unread("several_networks", f"name a network: {' or '.join(several)}")
        network = several[0] if several else None
    try:
        reading = workspace.open(network or workspace.choose()).read(STRICT)
    except NotFoundError:
        return _unread("no_ledger", "there is no ledger of the network")
    return (
        _unread("no_clustering", reading.clustering_gap) if reading.clustering is None else reading
    )


def _unread(reason: str, why: str) -> Truncation:
    return Truncation(
        where="entities of wallets, and links by payments",
        reason=reason,
        detail=f"documents alone were asked: {why}",
    )
