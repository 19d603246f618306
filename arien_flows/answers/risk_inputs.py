"""Gathering what a score is made of from a reading: exposures, tags of the subject, behaviour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from arien_flows.answers.entity import clustering_of
from arien_flows.answers.exposure import ground_of
from arien_flows.attribution.confidence import claimed
from arien_flows.attribution.owner import reading_key, readings
from arien_flows.attribution.source_documents import source_document
from arien_flows.attribution.tag import NAMES_SOMEBODY
from arien_flows.entities.activity import Bounds, Subject, address_of, entity_of, gather
from arien_flows.entities.peel_hops import Hops, coinjoin_test
from arien_flows.exposure.request import LEAST_CONFIDENCE, ExposureRequest
from arien_flows.exposure.run import ExposureSetUp, exposure_of, exposure_set_up
from arien_flows.exposure.shares import COINJOIN, Exposure
from arien_flows.prices.rates import PriceBook
from arien_flows.risk.flags import Observed, flags_of
from arien_flows.risk.inputs import Direction, Exposed, Inputs, OwnTag
from arien_flows.shapes import Truncation
from arien_flows.tag_book import FoundTag, FoundTags
from arien_flows.workspace import Reading

ENTITY = "entity:"
MOST_TAGS = 10_000
"""Tags of the subject that are weighed, the most confident first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a score is made of, and what was left out of it."""

    text: str
    """The subject, as it is called in answers."""

    subject: Subject
    inputs: Inputs
    exposures: Mapping[Direction, Exposure]
    cuts: tuple[Truncation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the inputs of all subjects of one reading rest on; made once for many of them."""

    reading: Reading
    prices: PriceBook
    exposure: ExposureSetUp
    hops: Hops
    """Keeps what it learns: renew it now and then where there are thousands of subjects."""

    tags_of: Callable[[int, int], FoundTags]
    """At most so many tags of an address number and its entity."""


def basis_of(reading: Reading, prices: PriceBook) -> Basis:
    """Return what inputs rest on; `NotFoundError` where nothing was clustered."""
    clustering_of(reading)
    return Basis(
        reading=reading,
        prices=prices,
        exposure=exposure_set_up(ground_of(reading), LEAST_CONFIDENCE),
        hops=hops_of(reading),
        tags_of=reading.tags.tags_of,
    )


def hops_of(reading: Reading) -> Hops:
    """Return what judges peel hops of a reading, and has learned nothing yet."""
    return Hops(reading.view, coinjoin_test(reading.view, reading.coinjoin_marks))


def gather_inputs(basis: Basis, text: str, budget: int) -> Gathered:
    """Return the inputs of an address, or of `entity:ADDRESS`.

    `budget` is how many transactions each direction of the exposure may go through.
    """
    reading = basis.reading
    clustering, view = clustering_of(reading), reading.view
    is_entity = text.lower().startswith(ENTITY)
    address = view.find_address(text[len(ENTITY) :] if is_entity else text)
    subject = (entity_of if is_entity else address_of)(clustering, address)
    name = view.address_text(address) or text
    called = f"{ENTITY}{name}" if is_entity else name
    both: tuple[Direction, Direction] = ("in", "out")
    found = {
        way: exposure_of(
            basis.exposure.ground,
            ExposureRequest(subjects=(called,), direction=way, budget=budget),
            basis.exposure,
        )
        for way in both
    }
    own, left_out = own_tags(basis.tags_of, address, view.tip.time.date(), is_entity=is_entity)
    marks = reading.coinjoin_marks
    assert marks is not None  # noqa: S101 there is a clustering, so there are marks
    activity = gather(view, clustering.labels, marks, subject, Bounds())
    seen = Observed(
        view=view,
        gathered=activity,
        hops=basis.hops,
        naming=basis.exposure.naming,
        prices=basis.prices,
    )
    inputs = Inputs(
        total_in=found["in"].total,
        total_out=found["out"].total,
        exposed=tuple(part for each in found.values() for part in exposed_parts(each)),
        own=own,
        flags=flags_of(seen),
    )
    cuts = [cut for each in found.values() for cut in each.truncations]
    if activity.cut:
        cuts.append(Truncation(where="behaviour", reason="bounded", detail=activity.cut))
    if left_out:
        cuts.append(
            Truncation(
                where="tags of the subject",
                reason="row_limit",
                limit=MOST_TAGS,
                detail=f"{left_out:,} less confident tags were not weighed",
            )
        )
    return Gathered(text=called, subject=subject, inputs=inputs, exposures=found, cuts=tuple(cuts))


def own_tags(
    tags_of: Callable[[int, int], FoundTags], address: int, on: date, *, is_entity: bool
) -> tuple[tuple[OwnTag, ...], int]:
    """Return what sources call the subject, each reading of it, and how many were not weighed.

    An entity goes by all of its tags together. Of an address its own are read by themselves, as
    they are of a counterpart; what is said of the rest of its entity stands beside that, inherited.
    """
    found = tags_of(address, MOST_TAGS)
    inherited = [each for each in found.shown if each.is_inherited]
    direct = [each for each in found.shown if not each.is_inherited]
    named = {
        reading_key(each.stored.tag)
        for each in direct
        if each.stored.tag.tag_type in NAMES_SOMEBODY
    }
    groups: list[tuple[Sequence[FoundTag], bool]] = [(direct, False), (inherited, True)]
    if is_entity:
        groups = [(found.shown, False)]
    own = tuple(
        OwnTag(
            category=it.category,
            label=it.label,
            confidence=it.confidence,
            documents=frozenset(it.documents),
            is_inherited=is_inherited
            or (claimed(label=it.label, actor=it.actor), it.category) not in named,
            is_disputed=it.is_disputed,
        )
        for group, is_inherited in groups
        for it in readings(
            ((each.stored.tag.statement, source_document(each.stored)) for each in group), on
        )
    )
    return own, found.left_out


def exposed_parts(found: Exposure) -> list[Exposed]:
    """Return the shares of an exposure as a score weighs them."""
    direction: Direction = "in" if found.direction == "in" else "out"
    return [
        Exposed(
            direction=direction,
            category=share.category,
            label=share.label,
            value=share.value,
            hops=share.hops,
            confidence=share.confidence,
            documents=frozenset(share.documents),
            # Whoever is named by neither is refused by the score.
            rule=COINJOIN if share.category == COINJOIN and not share.documents else "",
            entity=share.entity,
            transaction=share.transaction,
            is_disputed=share.is_disputed,
            is_inferred=share.certainty == "inference",
            stated=share.stated,
        )
        for share in found.shares
    ]
