"""The reading that an answer stood on: the ledger as of its last block, and what was said then.

A ledger that has grown since shows the earlier state by itself. The tags of then are found among
the earlier states of the casebook. The clustering of then is the stored one, cut back, where it
was made by the same rules and tags; otherwise it is made anew, as of the block that it went up to,
which on a large ledger takes as long as it took then. Whatever cannot be had as it was is taken as
it is now: the manifest of the replay then names what differs.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from arien_flows.account_tags import AccountTags
from arien_flows.account_tracing.fiat import AccountPrices
from arien_flows.account_workspace import AccountReading, account_reading_as_of
from arien_flows.amounts import asset_of
from arien_flows.attribution.ownership import SingleAddresses
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.past import earlier_casebook
from arien_flows.casebook.records import PriceTableName
from arien_flows.entities.clustering import Clustering, earlier_clustering, run_clustering
from arien_flows.entities.constraints import Constraints, no_constraints
from arien_flows.entities.profiles import (
    PROFILES,
    Profile,
    Terms,
    profile_named,
    standard,
)
from arien_flows.errors import InputError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.completeness import Origin
from arien_flows.inquiry.recorded import reading_again
from arien_flows.ledger.as_of import view_as_of
from arien_flows.ledger.schema import FORMAT_VERSION
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook
from arien_flows.tag_book import TagBook
from arien_flows.tracing.manifest_answer import ClusteringMade, Manifest
from arien_flows.workspace import OpenNetwork, Reading
from chains.bitcoin.networks import Network


@contextmanager
def ledger_then(
    network: OpenNetwork, casebook: Casebook, present: Reading, manifest: Manifest
) -> Iterator[Reading]:
    """Yield the reading of a ledger that a manifest tells of; its last block is in the ledger."""
    view = view_as_of(present.view, manifest.tip_height)
    with ExitStack() as stack:
        past = stack.enter_context(_tags_then(casebook, manifest))
        clustering = None
        if manifest.clustering_made is not None:
            clustering = _clustering_then(
                network, (past, casebook), present, manifest.clustering_made
            )
        yield Reading(
            view=view,
            clustering=clustering,
            clustering_gap="",
            tags=TagBook(view, past, clustering or SingleAddresses()),
            tags_are_later=manifest.tags_are_later,
        )


@contextmanager
def fetched_then(
    archive: Archive, casebook: Casebook, network: Network, manifest: Manifest, origin: Origin
) -> Iterator[Reading]:
    """Yield the reading of fetched transactions that a manifest tells of; nothing is asked."""
    if origin.record is not None and re.fullmatch("[0-9a-f]{64}", origin.record) is None:
        raise InputError("the manifest's fetched.record is no hash: no program wrote it so")
    with _tags_then(casebook, manifest) as past:
        yield reading_again(
            archive, origin, network, lambda view: TagBook(view, past, SingleAddresses())
        )


@contextmanager
def accounts_then(
    casebook: Casebook, present: AccountReading, manifest: Manifest
) -> Iterator[AccountReading]:
    """Yield the reading of a ledger of accounts that a manifest tells of.

    Entities are those of the present clustering, cut back: where its rules or tags are others than
    then, the manifest of the replay names another.
    """
    earlier = account_reading_as_of(present, manifest.tip_height)
    clustering = None if manifest.clustering_made is None else earlier.clustering
    with _tags_then(casebook, manifest) as past:
        yield AccountReading(
            view=earlier.view,
            clustering=clustering,
            clustering_gap="",
            tags=AccountTags(earlier.view, past, clustering or SingleAddresses()),
            tags_are_later=manifest.tags_are_later,
        )


def account_prices_then(casebook: Casebook, manifest: Manifest, currency: str) -> AccountPrices:
    """Return the price tables of each asset that a manifest names."""
    names = {
        table.asset: [
            PriceTableName(each.source, each.sha256, each.points_sha256)
            for each in manifest.prices
            if each.asset == table.asset
        ]
        for table in manifest.prices
    }
    return lambda asset: casebook.price_book_of(asset, currency, names.get(asset, []))


def prices_then(casebook: Casebook, manifest: Manifest, currency: str) -> PriceBook:
    """Return the price tables that a manifest names, whatever was imported or withdrawn since."""
    names = [
        PriceTableName(table.source, table.sha256, table.points_sha256) for table in manifest.prices
    ]
    return casebook.price_book_of(asset_of(manifest.network).name, currency, names)


@contextmanager
def _tags_then(casebook: Casebook, manifest: Manifest) -> Iterator[Casebook]:
    """Yield the casebook as it was, or as it is where that cannot be had."""

    def is_meant(book: Casebook) -> bool:
        return book.revision(manifest.network) == manifest.tags_sha256

    with earlier_casebook(casebook, is_meant) as past:
        yield casebook if past is None else past


def _clustering_then(
    network: OpenNetwork,
    books: tuple[Casebook, ...],
    present: Reading,
    made: ClusteringMade,
) -> Clustering | None:
    """Return the clustering that a manifest names, or the present one, cut back."""
    if made.profile not in PROFILES or made.height > present.view.tip.height:
        return present.clustering
    view = view_as_of(present.view, made.height)
    stored = network.read(made.profile).clustering
    if stored is not None and stored.manifest.height >= made.height and _is_of(stored, made):
        return _cut_back(stored, network, view)
    profile = _profile_of(made)
    terms = Terms(without=_without(made))
    if "decision_lag" in made.parameters:
        terms = replace(terms, decision_lag=_number(made, "decision_lag"))
    constraints = _constraints_then(books, view, made)
    if constraints is not None:
        terms = replace(terms, constraints=constraints)
        try:
            is_same = profile.rules(terms) == made.rules and made.parameters == {
                **profile.parameters(terms),
                "ledger_format": str(FORMAT_VERSION),
            }
        except InputError:
            # A rule was switched off that this version does not have.
            is_same = False
        if is_same:
            return run_clustering(view, network.derived, profile, terms, aside=True)
    return None if stored is None else _cut_back(stored, network, view)


def _is_of(stored: Clustering, made: ClusteringMade) -> bool:
    manifest = stored.manifest
    return (manifest.rules, manifest.parameters) == (made.rules, made.parameters)


def _cut_back(stored: Clustering, network: OpenNetwork, view: View) -> Clustering:
    if stored.manifest.height <= view.tip.height:
        return stored
    return earlier_clustering(stored, network.derived, view)


def _profile_of(made: ClusteringMade) -> Profile:
    if made.profile == "standard":
        return standard("model" if made.parameters.get("change_by") == "model" else "vote")
    return profile_named(made.profile)


def _number(made: ClusteringMade, name: str) -> int:
    try:
        return int(made.parameters[name])
    except ValueError as error:
        raise InputError(
            f"the manifest's clustering_made.parameters.{name} is no number: no program wrote it so"
        ) from error


def _without(made: ClusteringMade) -> frozenset[str]:
    told = made.parameters.get("without")
    return frozenset(told.split(",")) if told else frozenset()


def _constraints_then(
    books: tuple[Casebook, ...], view: View, made: ClusteringMade
) -> Constraints | None:
    """Return the tags of owners that the run heeded, or nothing where no state has them."""
    wanted = made.parameters.get("tags", "")
    if not wanted:
        return no_constraints()

    def of(book: Casebook) -> Constraints:
        return TagBook(view, book, SingleAddresses()).constraints

    for book in books:
        constraints = of(book)
        if constraints.revision == wanted:
            return constraints
    with earlier_casebook(books[-1], lambda book: of(book).revision == wanted) as past:
        return None if past is None else of(past)
