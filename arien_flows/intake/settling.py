"""Making the tags that rest on documents, once all captures are known.

Whether an address attributes anybody depends on other documents too: on how many unrelated sites it
stands, whether other captures of the same listing name another one, and whose key signed a text. So
when documents come or go, those captures are judged again, from the bytes that are kept, that name
the same addresses, show the same listing, pay to an address that is doubted because of it, or hold
a text which a key of theirs signed. The result does not depend on the order in which they came.
Where the judgement is another one now it is kept beside the earlier one, and the tags are made
anew.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from arien_flows.casebook.capture_records import Capture, CaptureFilter, Derived, Reading
from arien_flows.casebook.captures import Captures
from arien_flows.intake.again import KeptItems
from arien_flows.intake.conflicts import conflicts_among, contradicted, scope
from arien_flows.intake.existence import Chains
from arien_flows.intake.extracting import (
    Circumstances,
    Place,
    UnreadableItemError,
    extract,
    look,
)
from arien_flows.intake.judging import MANY_SITES, PAYING_ROLES
from arien_flows.intake.order import Conflict
from arien_flows.vendors.keys import PgpKey
from arien_flows.vendors.signed import SignedState, signed_messages
from arien_flows.workspace import Workspace

JUDGED_AGAIN = "other captures changed what is known of its addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What followed from documents that came or went."""

    derived: tuple[Derived, ...]
    conflicts: tuple[Conflict, ...]


def settle(
    workspace: Workspace,
    chains: Chains,
    *,
    batch: Callable[[], int],
    sha256s: Iterable[str],
    addresses: Iterable[str],
    listings: Iterable[str],
    keys: Sequence[PgpKey],
    now: datetime,
    by: str,
) -> Settled:
    """Judge again what the documents bear on, and make the tags of all that are concerned.

    `addresses`, `listings` and PGP `keys` are those of the documents; `batch` returns the
    batch in which new judgements are filed.
    """
    captures = workspace.casebook.captures
    around = _listings(captures, captures.with_addresses(addresses)) | set(listings)
    paid = captures.payees(around, PAYING_ROLES)
    # What these listings pay to may be doubted now, or no longer, wherever else it stands.
    named = set(addresses) | {each.address for each in paid}
    signed = _signed_with(workspace, keys)
    numbers = sorted({*captures.with_addresses(named), *(each.capture for each in paid), *signed})
    found = _conflicts(captures, _listings(captures, numbers) | around)
    conflicts = [each for each in found if each.listing in around]
    readings = _judged_again(workspace, chains, numbers, found)
    derived = captures.settle(
        batch() if readings else None,
        readings,
        sha256s,
        now=now,
        by=by,
        reason="made anew: its findings changed",
    )
    return Settled(derived=tuple(derived), conflicts=tuple(conflicts))


def _listings(captures: Captures, numbers: Sequence[int]) -> set[str]:
    return {each.listing for each in captures.numbered(numbers)}


def _conflicts(captures: Captures, listings: Iterable[str]) -> list[Conflict]:
    """Return all conflicts that doubt an address to which one of some listings pays."""
    paid = {each.address for each in captures.payees(listings, PAYING_ROLES)}
    others = _listings(captures, captures.with_addresses(paid)) | set(listings)
    return conflicts_among(captures.payees(others, PAYING_ROLES), captures.listed(others))


def _signed_with(workspace: Workspace, keys: Sequence[PgpKey]) -> list[int]:
    """Return the captures that hold a text which one of some keys signed."""
    if not keys:
        return []
    return workspace.casebook.captures.holding(
        (each.document_sha256, each.begin)
        for each in workspace.casebook.vendors.statements()
        if any(
            message.state is SignedState.VERIFIED
            for message in signed_messages(each.raw, keys, each.encoding)
        )
    )


def _judged_again(
    workspace: Workspace,
    chains: Chains,
    numbers: Sequence[int],
    conflicts: Sequence[Conflict],
) -> list[tuple[int, Reading]]:
    """Return the captures of which the judgement is another one now, with it."""
    captures = workspace.casebook.captures
    standing = {
        each.capture: each.reading
        for each in captures.readings(numbers)
        if each.is_current and _may_change(each.reading)
    }
    sites = captures.sites({f.address for read in standing.values() for f in read.findings})
    against, kept = contradicted(conflicts), KeptItems(workspace.casebook)
    keys = workspace.casebook.vendors.keys() if standing else []
    changed: list[tuple[int, Reading]] = []
    for capture in captures.numbered(list(standing)):
        around = Circumstances(
            network=capture.network,
            first_use=chains.first_use,
            keys=keys,
            sites=sites,
            contradicted=against.get(scope(capture), frozenset()),
        )
        item = kept.item(capture)
        try:
            read = extract(item, _place(capture), look(item), around, reason=JUDGED_AGAIN).reading
        except UnreadableItemError:
            continue
        before = standing[capture.id]
        if read.findings != before.findings and read.extractor == before.extractor:
            changed.append((capture.id, read))
    return changed


def _may_change(reading: Reading) -> bool:
    """Tell whether other documents bear on what a reading says."""
    return any(
        each.role in PAYING_ROLES or each.role_rule == MANY_SITES for each in reading.findings
    )


def _place(capture: Capture) -> Place:
    return Place(
        listing=capture.listing,
        site=capture.site,
        market=capture.market,
        url=capture.url,
        captured_at=capture.captured_at,
        clock=capture.clock,
    )


def withdraw_listing(
    workspace: Workspace, sha256: str, *, reason: str, now: datetime, by: str
) -> Settled:
    """Take a document out of effect with the tags that rest on it.

    What it contradicted is judged again. `NotFoundError` where no listing has that hash.
    """
    captures = workspace.casebook.captures
    gone = captures.of(CaptureFilter(sha256=sha256))
    keys = workspace.casebook.vendors.keys([sha256])
    derived = captures.withdraw(sha256, reason=reason, now=now, by=by)
    named = {
        found.address
        for each in captures.readings([each.id for each in gone])
        for found in each.reading.findings
    }
    settled = settle(
        workspace,
        Chains(workspace),
        batch=lambda: gone[-1].batch,
        sha256s=(),
        addresses=named,
        listings={each.listing for each in gone},
        keys=keys,
        now=now,
        by=by,
    )
    return Settled(derived=(*derived, *settled.derived), conflicts=settled.conflicts)
