"""The shape of an answer about a peel chain."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.answers.facts import Sighting
from arien_flows.entities.peel_hops import Direction
from arien_flows.shapes import Certainty, ChainAnswer, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class PeeledOutput(Shape):
    """An output that left the chain."""

    outpoint: str
    """As `txid:vout`."""

    value: str
    """In base units."""

    address: str
    """Who is paid."""

    entity: str | None
    """The entity of the address, by its first-seen address; nothing without a clustering."""

    label: str | None
    """What the most confident tag of the address or its entity calls it."""

    label_inherited: bool
    """Whether that tag is of another address of the entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelHop(Shape):
    """One transaction of the chain."""

    txid: str
    """Transaction id as people read it."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states."""

    input_value: str
    """What it spends."""

    peeled: tuple[PeeledOutput, ...]
    """What it pays away: one or two outputs."""

    next_outpoint: str
    """The output with which the chain goes on."""

    next_value: str
    """What that output holds."""

    fee: str
    """Fee of the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelStop(Shape):
    """Why the chain was not followed further."""

    reason: str
    """A word that programs may rely on."""

    detail: str
    """What it means."""

    at: Sighting
    """The transaction where it ended; it is not one of the hops."""

    candidates: tuple[str, ...]
    """Outputs, as `txid:vout`, from which to go on where other evidence allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelSums(Shape):
    """What the hops moved, in base units: `start + joined = peeled + fees + left`."""

    start: str
    """What the first hop spends."""

    joined: str
    """What later hops spend besides the output handed on; 0 where each has one input."""

    peeled: str
    """Paid away."""

    fees: str
    """Fees, and outputs that nobody can spend."""

    left: str
    """What the last hop hands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelRecipient(Shape):
    """What the chain paid to one recipient."""

    id: str
    """First-seen address of the recipient's entity; the address itself without a clustering."""

    label: str | None
    """What the most confident tag calls it."""

    outputs: int
    """Peeled outputs that it received."""

    value: str
    """Their sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelValidation(Shape):
    """How far the co-spend rule confirms the chain."""

    testable: int
    """Hops of which the co-spend rule joins some outputs, but not all, with the inputs."""

    agreeing: int
    """Of these, hops whose followed output is among the joined ones."""

    share: str | None
    """Agreeing by testable, rounded down to four digits; nothing where no hop is testable."""

    fit_for_clustering: bool | None
    """False from 20 testable hops on where fewer than 98 % agree; nothing for fewer hops."""

    clustering: str | None
    """Names the run that was asked; nothing where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelCriterion(Shape):
    """One condition of calling the chain a behaviour."""

    name: str
    """Stable name."""

    value: str
    """What was found."""

    threshold: str
    """What is asked for."""

    passed: bool
    """Whether it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeelChainAnswer(ChainAnswer):
    """A peel chain from one transaction on."""

    network: str
    """Name of the network."""

    start: str
    """The transaction or output that was asked for."""

    direction: Direction
    """Which way it was followed."""

    rule: str
    """The rule that names the output which goes on."""

    rule_version: int
    """Version of the rule."""

    error_rate: str
    """How often the rule is wrong about a hop, with the population; a simulated rate is called
    that."""

    certainty: Certainty
    """Always `inference`: a rule says that each hop's next output stayed with its payer."""

    hop_count: int
    """Hops found."""

    hops: tuple[PeelHop, ...]
    """In chain order, whatever the direction."""

    stop: PeelStop
    """Why there are no more."""

    sums: PeelSums
    """What the hops moved."""

    asset: str
    """What the amounts count."""

    decimals: int
    """Digits after the point when base units are shown as whole coins."""

    recipients: tuple[PeelRecipient, ...]
    """Who was paid, by entity, the largest sums first."""

    validation: PeelValidation
    """How far the co-spend rule confirms it."""

    is_behaviour: bool
    """Whether it is reported as a peel chain; shorter or odder ones are shown, not reported."""

    criteria: tuple[PeelCriterion, ...]
    """The conditions of that."""
