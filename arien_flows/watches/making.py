"""From what somebody wants to hear of to watches: what is named is read, and bounds are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from arien_flows.account_workspace import OpenAccounts
from arien_flows.attribution.subjects import canonical_address
from arien_flows.casebook.watch_records import ADDRESSES, NewWatch, WatchDirection
from arien_flows.errors import InputError
from arien_flows.passages.asset_choice import chosen_asset
from arien_flows.watches.following import ground_of
from arien_flows.watches.ground import Ground
from arien_flows.workspace import Workspace
from chains.errors import AddressError

MOST_SUBJECTS = 10_000
"""Of one request."""

MOST_TRANSACTIONS = 100_000
"""That a look into a subject's past may have to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchWish:
    """What somebody wants to hear of."""

    network: str
    subjects: tuple[str, ...]
    """Addresses as people write them; one that is named twice is watched once."""

    profile: str | None = None
    """Watch their entities under this profile; nothing for the addresses alone."""

    direction: WatchDirection = "both"
    min_value: int = 0
    asset: str | None = None
    """On a network of accounts: the coin, the symbol of a main token, or a contract."""

    list_name: str | None = None
    since: int | None = None
    """Height of the first block to look at; by default the one after the ledger's last."""

    until: datetime | None = None


def wished(workspace: Workspace, wish: WatchWish) -> list[NewWatch]:
    """Return the watches that a wish comes to, in its order.

    `InputError` for what is no address or cannot be watched so, `NotFoundError` where the network
    has no ledger.
    """
    if not 1 <= len(wish.subjects) <= MOST_SUBJECTS:
        raise InputError(f"name 1 to {MOST_SUBJECTS:,} addresses at a time")
    asset = _asset(workspace, wish)
    subjects = _subjects(wish)
    lane = wish.profile or ADDRESSES
    begins_at = ground_of(
        workspace, wish.network, lane, partial(_beginning, wish=wish, subjects=subjects)
    )
    return [
        NewWatch(
            network=wish.network,
            lane=lane,
            subject=subject,
            direction=wish.direction,
            min_value=wish.min_value,
            asset=asset,
            list_name=wish.list_name,
            begins_at=begins_at,
            until=wish.until,
        )
        for subject in subjects
    ]


def _subjects(wish: WatchWish) -> list[str]:
    found = {}
    for text in wish.subjects:
        try:
            found[canonical_address(text, wish.network)] = True
        except AddressError as error:
            raise InputError(f"{text[:100]!r} cannot be watched: {error}") from error
    return list(found)


def _asset(workspace: Workspace, wish: WatchWish) -> str | None:
    """Return the one asset that counts, as the casebook names it."""
    opened = workspace.open_any(wish.network)
    if not isinstance(opened, OpenAccounts):
        if wish.asset is not None:
            raise InputError("asset is for networks of accounts: leave it out")
        return None
    if wish.asset is None:
        if wish.min_value:
            raise InputError("name the asset that min_value counts")
        return None
    view = opened.read().view
    contract = view.asset_facts[chosen_asset(view, wish.asset)].contract
    return view.network.coin if contract is None else "0x" + contract.hex()


def _beginning(ground: Ground, wish: WatchWish, subjects: Sequence[str]) -> int:
    """Return the first block to look at."""
    if wish.profile is not None and ground.clustering is None:
        raise InputError(
            f"entities of {wish.network} under {wish.profile} are not known: run "
            f"`arien-flows cluster run --network {wish.network} --profile {wish.profile}` first"
        )
    begin = max(ground.top, ground.first_height - 1) + 1
    if wish.since is None or wish.since >= begin:
        return begin
    if wish.since < ground.first_height:
        raise InputError(
            f"the ledger begins at block {ground.first_height:,}: look back no further"
        )
    left = MOST_TRANSACTIONS
    for subject in subjects:
        left -= ground.transactions_since(subject, wish.since)
        if left < 0:
            raise InputError(
                f"to look back from block {wish.since:,} means to read more than "
                f"{MOST_TRANSACTIONS:,} transactions: begin later, or name fewer addresses"
            )
    return wish.since
