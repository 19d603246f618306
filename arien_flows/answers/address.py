"""The summary of an address: what the chain says, what rules infer, what sources say."""

from dataclasses import dataclass

from arien_flows.amounts import asset_of
from arien_flows.answers.entity import EntityName, entity_name, lag, tags_changed
from arien_flows.answers.facts import Flag, Sighting, script_type_name, sighting
from arien_flows.answers.tags import MAX_TAGS, Naming, TagAnswer, naming, tag_answers, tag_cuts
from arien_flows.ledger.state import as_of
from arien_flows.shapes import Certainty, ChainAnswer, Truncation
from arien_flows.workspace import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAnswer(ChainAnswer):
    """The summary of an address."""

    network: str
    """Name of the network."""

    address: str
    """Canonical text; for a script without an address its output descriptor."""

    script_type: str
    """Kind of script."""

    first_seen: Sighting
    """The first transaction that touches it."""

    last_seen: Sighting
    """The last one."""

    transaction_count: int
    """Transactions that touch it."""

    received: str
    """Sum of all outputs paid to it, in base units."""

    sent: str
    """Sum of all its outputs that were spent."""

    balance: str
    """What it holds as of the last block."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    certainty: Certainty
    """Certainty of all the above: always `fact`."""

    entity: EntityName | None
    """The entity that rules put it into; nothing where no clustering was made."""

    naming: Naming | None
    """What the tags come to; nothing where no source names the address."""

    tags: tuple[TagAnswer, ...]
    """What sources say of it, and of other addresses of its entity. None is not clean."""

    flags: tuple[Flag, ...]
    """What stands out, each with its own certainty."""


def address_answer(reading: Reading, text: str) -> AddressAnswer:
    """Return the summary of an address; its cost does not grow with its history."""
    view, clustering = reading.view, reading.clustering
    address = view.find_address(text)
    totals = view.totals(address)
    asset = asset_of(view.network.name)
    tags = reading.tags.tags_of(address, MAX_TAGS)
    entity_cuts = lag(view, clustering) if clustering else (no_entities(reading),)
    cuts = (*entity_cuts, *tags_changed(reading), *tag_cuts(reading, tags), *reading.limits)
    return AddressAnswer(
        as_of=as_of(view),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        address=view.address_text(address) or text,
        script_type=script_type_name(int(view.script_type[address])),
        first_seen=sighting(view, totals.first_transaction),
        last_seen=sighting(view, totals.last_transaction),
        transaction_count=totals.transaction_count,
        received=str(totals.received_sat),
        sent=str(totals.sent_sat),
        balance=str(totals.received_sat - totals.sent_sat),
        asset=asset.name,
        decimals=asset.decimals,
        certainty="fact",
        entity=entity_name(view, clustering, address) if clustering else None,
        naming=naming(tags, view.tip.time.date()),
        tags=tag_answers(tags.shown),
        flags=(),
    )


def no_entities(reading: Reading, where: str = "entity") -> Truncation:
    """Say that there is no clustering, and what to do."""
    return Truncation(where=where, reason="no_clustering", detail=reading.clustering_gap)
