"""What an answer from fetched transactions leaves out, in words."""

from collections.abc import Iterator

from arien_flows.entities.clustering import Clustering
from arien_flows.inquiry.gathering import Gathered, Gathering
from arien_flows.inquiry.scripts import numbers_of
from arien_flows.shapes import Truncation
from chains.bitcoin.script import script_of
from chains.types import shown_txid

SHOWN = 10
"""Transactions that are named one by one."""


def limits_of(
    gathering: Gathering, gathered: Gathered, clustering: Clustering, *, is_exhausted: bool
) -> Iterator[Truncation]:
    """Yield what every answer from a ledger of fetched transactions leaves out."""
    if is_exhausted:
        budget = gathering.fetcher.conversation.budget
        yield Truncation(
            where="requests",
            reason="request_budget",
            limit=budget,
            detail=f"the {budget:,} requests of this run were used up; what was fetched is kept, "
            "and the same command goes on from there",
        )
    yield _provisional(gathering, gathered, clustering)
    if gathering.failures:
        first = next(iter(gathering.failures.values()))
        yield Truncation(
            where="source",
            reason="lookup_failed",
            detail=f"{len(gathering.failures):,} questions had no answer; the first: {first}",
        )
    if gathering.unconfirmed:
        yield _unconfirmed(gathering)


def _provisional(gathering: Gathering, gathered: Gathered, clustering: Clustering) -> Truncation:
    view = gathered.view
    roots = {clustering.root_of(number) for number in numbers_of(view, gathering.entity_of)}
    whose = "addresses here" if not roots else "addresses of the entity"
    addresses = (
        range(view.counts.addresses)
        if not roots
        else [int(each) for root in roots for each in clustering.members(root)]
    )
    known = sum(script_of(*view.lock(address)) in gathered.whole for address in addresses)
    return Truncation(
        where="entities",
        reason="provisional",
        detail=f"entities are made of the {view.counts.transactions:,} transactions that were "
        f"fetched from {gathering.fetcher.source.name}, which are the whole history of {known:,} "
        f"of the {len(addresses):,} {whose}: others may belong to them",
    )


def _unconfirmed(gathering: Gathering) -> Truncation:
    ids = sorted(shown_txid(txid) for txid in gathering.unconfirmed)
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return Truncation(
        where="transactions",
        reason="unconfirmed",
        detail=f"{len(ids):,} transactions after the last block touch what was looked at; they "
        f"are in no sum: {', '.join(ids[:SHOWN])}{more}",
    )
