"""What sources say of an address and its entity; also of an address that no ledger knows."""

from dataclasses import dataclass
from datetime import date

from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_entities import account_cuts
from arien_flows.answers.address import no_entities
from arien_flows.answers.entity import lag, tags_changed
from arien_flows.answers.facts import named
from arien_flows.answers.tags import (
    MAX_TAGS,
    Naming,
    TagAnswer,
    left_out_cuts,
    naming,
    tag_answers,
    tag_cuts,
)
from arien_flows.attribution.subjects import BITCOIN_NETWORKS, ETHEREUM_NAMES, canonical_address
from arien_flows.casebook.book import Casebook
from arien_flows.errors import NotFoundError
from arien_flows.ledger.state import as_of
from arien_flows.shapes import AsOf, Shape, Truncation
from arien_flows.tag_book import direct_tags
from arien_flows.workspace import Reading, Workspace
from chains.networks import any_network


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressTagsAnswer(Shape):
    """What sources say of an address and of its entity."""

    as_of: AsOf | None
    """The state of the chain that entities are inferred from; nothing without a ledger."""

    complete: bool
    """Whether nothing is left out; if not, `truncations` says what."""

    truncations: tuple[Truncation, ...]
    """What is left out, and why."""

    network: str
    """Name of the network."""

    address: str
    """Canonical text."""

    naming: Naming | None
    """What the sources come to; nothing where none names the address."""

    tags: tuple[TagAnswer, ...]
    """Each source, those of the address itself first. None is not clean."""


def address_tags_answer(reading: Reading, text: str) -> AddressTagsAnswer:
    """Return what sources say of an address of a ledger."""
    address = reading.view.find_address(text)
    found = reading.tags.tags_of(address, MAX_TAGS)
    clustering = reading.clustering
    behind = (
        lag(reading.view, clustering, "tags") if clustering else (no_entities(reading, "tags"),)
    )
    cuts = (*behind, *tags_changed(reading, "tags"), *tag_cuts(reading, found), *reading.limits)
    return AddressTagsAnswer(
        as_of=as_of(reading.view),
        complete=not cuts,
        truncations=cuts,
        network=reading.view.network.name,
        address=named(reading.view, address),
        naming=naming(found, reading.view.tip.time.date()),
        tags=tag_answers(found.shown),
    )


def bare_tags_answer(
    casebook: Casebook, name: str, text: str, *, on: date, why: str
) -> AddressTagsAnswer:
    """Return what sources say of an address that no ledger knows, as of a day.

    `why` says what stands in the way of more.
    """
    found = direct_tags(casebook, name, text, MAX_TAGS)
    return AddressTagsAnswer(
        as_of=None,
        complete=False,
        truncations=(
            Truncation(
                where="tags",
                reason="no_entity",
                detail=f"what is said of other addresses of its owner is not known: {why}",
            ),
            *left_out_cuts(found),
        ),
        network=name,
        address=canonical_address(text, name),
        naming=naming(found, on),
        tags=tag_answers(found.shown),
    )


def account_tags_answer(reading: AccountReading, text: str) -> AddressTagsAnswer:
    """Return what sources say of an account of a ledger."""
    view = reading.view
    account = view.find_account(text)
    found = reading.tags.tags_of(account, MAX_TAGS)
    cuts = (*account_cuts(reading, "tags"), *tag_cuts(reading, found), *reading.limits)
    return AddressTagsAnswer(
        as_of=view.as_of(),
        complete=not cuts,
        truncations=cuts,
        network=view.network.name,
        address=view.account_text(account),
        naming=naming(found, view.tip.time.date()),
        tags=tag_answers(found.shown),
    )


def known_tags_answer(workspace: Workspace, name: str, text: str, *, on: date) -> AddressTagsAnswer:
    """Return what sources say of an address, with its entity where a ledger knows it.

    `on` is the day to which the age of sources is counted where there is no last block.
    """
    try:
        if name in BITCOIN_NETWORKS:
            return workspace.open(name).ask(lambda reading: address_tags_answer(reading, text))
        if name in ETHEREUM_NAMES:
            opened = workspace.open_accounts(name)
            return opened.ask(lambda reading: account_tags_answer(reading, text))
    except NotFoundError as error:
        return bare_tags_answer(workspace.casebook, name, text, on=on, why=str(error))
    if workspace.casebook.count(name) == 0:
        any_network(name)  # says which names there are
    why = f"there is no ledger of {name}"
    return bare_tags_answer(workspace.casebook, name, text, on=on, why=why)
