"""Lists of tags and actors in any format, their reviews, and the policy on those without one."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from arien_flows.attribution.actorpack import Actor, parse_actorpack
from arien_flows.attribution.formats import read_tags
from arien_flows.attribution.pack import TagPack
from arien_flows.attribution.terms import NO_TERMS, Terms
from arien_flows.casebook import actors, imports, reviews
from arien_flows.casebook.actors import ActorList, StoredActor
from arien_flows.casebook.collector import paused_collector
from arien_flows.casebook.imports import Offer, Origin
from arien_flows.casebook.records import ImportOutcome, Review, TagImport, TagPolicy
from arien_flows.casebook.verdicts import count_rejected_before

Answer = TypeVar("Answer")
BYTES_TOGETHER = 2**26
"""Documents of so many bytes are taken in by one transaction."""

Progress = Callable[[str, int, int], None]
"""Is told of which file how many of how many tags are written."""


class Read(Protocol):
    """How a casebook lets its parts read."""

    def __call__(self, question: Callable[[Connection], Answer], otherwise: Answer, /) -> Answer:
        """Ask a question, or answer otherwise where there is no casebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOffer:
    """A list of tags that shall be taken in."""

    raw: bytes
    name: str
    form: str
    """One of `attribution.formats.READERS`."""

    terms: Terms = NO_TERMS


class TagLists:
    """What a casebook does with lists of tags, and with the doubts about them."""

    def __init__(
        self, read: Read, writing: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._read = read
        self._writing = writing

    def import_list(
        self, offer: ListOffer, *, network: str, now: datetime, by: str
    ) -> ImportOutcome:
        """Import one list; `InputError` where it is none of its format."""
        (outcome,) = self.import_lists([offer], network=network, now=now, by=by)
        return outcome

    def import_lists(
        self,
        offers: Sequence[ListOffer],
        *,
        network: str,
        now: datetime,
        by: str,
        report: Progress = lambda _name, _done, _total: None,
    ) -> list[ImportOutcome]:
        """Import lists in their order, all or none; `InputError` where one is none of its format.

        `network` is what `BTC` means in them.
        """
        packs = [self.read(offer) for offer in offers]
        return self.import_read(offers, packs, network=network, now=now, by=by, report=report)

    @staticmethod
    def read(offer: ListOffer) -> TagPack:
        """Read a list, and write nothing; `InputError` where it is none of its format."""
        with paused_collector():
            return read_tags(offer.raw, offer.name, offer.form, offer.terms)

    def import_read(
        self,
        offers: Sequence[ListOffer],
        packs: Sequence[TagPack],
        *,
        network: str,
        now: datetime,
        by: str,
        report: Progress = lambda _name, _done, _total: None,
    ) -> list[ImportOutcome]:
        """Import lists that were read: all or none."""
        ready = [
            _offer(offer, pack, network, now, by) for offer, pack in zip(offers, packs, strict=True)
        ]
        with paused_collector(), self._writing() as connection:
            return imports.import_packs(connection, ready, report)

    def import_actors(self, raw: bytes, *, name: str, now: datetime, by: str) -> ActorList:
        """Import an ActorPack; `InputError` where it is none."""
        pack = parse_actorpack(raw, name)
        sha256 = hashlib.sha256(raw).hexdigest()
        with self._writing() as connection:
            return actors.import_actors(connection, raw, pack, sha256, name=name, now=now, by=by)

    def actor_lists(self) -> list[ActorList]:
        """Return all imports of actors, in their order."""
        return self._read(actors.lists, [])

    def actor(self, name: str) -> StoredActor | None:
        """Return an actor by the id that tags name."""
        return self._read(lambda connection: actors.find_actor(connection, name), None)

    def all_actors(self) -> list[Actor]:
        """Return every actor, each as the last list that holds it says."""
        return self._read(actors.everybody, [])

    def review(
        self,
        number: int,
        *,
        row: int | None,
        verdict: str,
        reason: str,
        now: datetime,
        by: str,
    ) -> TagImport:
        """Approve or reject an import, or one of its tags."""
        with self._writing() as connection:
            return reviews.review(
                connection, number, row=row, verdict=verdict, reason=reason, now=now, by=by
            )

    def reviews(self, number: int | None = None) -> list[Review]:
        """Return the reviews of an import and its tags, or of all, in their order."""
        return self._read(lambda connection: reviews.reviews_of(connection, number), [])

    def rejected_before(self, number: int) -> int:
        """Return how many tags of an import do not speak because they were rejected before it."""
        return self._read(lambda connection: count_rejected_before(connection, number), 0)

    def set_policy(self, *, counts_proposed: bool, reason: str, now: datetime, by: str) -> None:
        """Decide whether tags count that nobody has approved."""
        with self._writing() as connection:
            reviews.set_policy(
                connection, counts_proposed=counts_proposed, reason=reason, now=now, by=by
            )

    def policies(self) -> Sequence[TagPolicy]:
        """Return all decisions about proposed tags; without any they count."""
        return self._read(reviews.policies, [])


def _offer(offer: ListOffer, pack: TagPack, network: str, now: datetime, by: str) -> Offer:
    return Offer(
        raw=offer.raw,
        pack=pack,
        origin=Origin(
            name=offer.name,
            network=network,
            imported_at=now,
            imported_by=by,
            form=offer.form,
            terms=offer.terms,
        ),
    )
