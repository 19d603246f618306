"""Risk, in the shape in which it leaves the program."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arien_flows.shapes import Certainty, ChainAnswer, Shape
from arien_flows.tracing.manifest_answer import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvidence(Shape):
    """One thing to look at, to check what counts."""

    kind: Literal["document", "rule", "transaction"]
    """What it is."""

    id: str
    """SHA-256 of the document, name of the rule, or transaction id."""

    name: str | None
    """Name of the document."""

    date: datetime | None
    """When the document was taken into the casebook, or the transaction's block was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContribution(Shape):
    """One thing that counts."""

    points: str
    """What it adds to the score. The points of all contributions sum to the score exactly."""

    kind: Literal["floor", "exposure", "flag"]
    """A floor that the score may not fall below, money moved with somebody, or behaviour."""

    sentence: str
    """What it says, in words that can be read out."""

    certainty: Certainty
    """`attribution` where sources name the very addresses; `inference` where they name another
    address of the entity, or where a rule says it."""

    category: str | None
    """Risk category of the owner, or of the tag."""

    label: str | None
    """What sources call the owner."""

    direction: Literal["in", "out"] | None
    """Whether the money came or went."""

    share_percent: str | None
    """Of all that came, or went."""

    value: str | None
    """In base units."""

    hops: int | None
    """Entities up to the owner: 1 is direct."""

    confidence: int | None
    """0 to 100; of the weaker claim where sources name different actors. Of several owners who make
    a floor together, this, the label, the category and the hops are those of the one with the most
    value, and the share and the value are of all."""

    is_disputed: bool
    """Whether sources contradict each other."""

    weight: str
    """Severity of the category, or weight of the behaviour, by the policy: 0 to 1."""

    evidence: tuple[RiskEvidence, ...]
    """What it rests on. Nothing counts without. At most 50 documents are named."""

    documents: int
    """How many documents it rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInterval(Shape):
    """What the score may be if sources are wrong."""

    lower: str
    """The lower percentile."""

    upper: str
    """The upper percentile."""

    lower_percent: int
    """Which percentile the lower one is."""

    upper_percent: int
    """Which one the upper is."""

    sources: int
    """Documents and rules that may be right or wrong, each as a whole."""

    outcomes: int
    """Outcomes that were gone through."""

    is_exact: bool
    """Whether these are all that there are; otherwise they were drawn, always the same ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCoverage(Shape):
    """How much of the value has a name. The rest is not clean: nobody is known."""

    percent: str
    """Of all that came and went."""

    in_percent: str
    """Of what came."""

    out_percent: str
    """Of what went."""

    known_percent: str
    """Of what came, or of what went where that is less: the share whose owners' business is known.
    The policy asks for so much before it calls a score low."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskUnknown(Shape):
    """A part of the value that has no name."""

    direction: Literal["in", "out"]
    """Whether it came or went."""

    reason: str
    """Why nobody was found, in a word that programs may rely on."""

    meaning: str
    """What that is."""

    value: str
    """In base units."""

    percent: str
    """Of what came, or went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFlag(Shape):
    """A behaviour that was looked for."""

    name: str
    """Stable name."""

    verdict: Literal["shown", "not_shown", "undecided", "not_measured"]
    """Only what is shown counts. Neither of the last two means that it did not happen."""

    weight: str
    """What it weighs where it is shown: 0 to 1."""

    measured: str
    """What was found, or why nothing could be."""

    transactions: tuple[str, ...]
    """Ids of transactions that show it, the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskOwnTag(Shape):
    """What sources call the subject itself."""

    label: str
    """The name."""

    category: str
    """Risk category."""

    confidence: int
    """0 to 100."""

    is_inherited: bool
    """Whether only other addresses of the entity are called so."""

    is_disputed: bool
    """Whether other sources contradict it."""

    documents: tuple[str, ...]
    """SHA-256 of each document that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskChange(Shape):
    """What the score would be if all that rests on one document alone fell away.

    Namings that others support too keep their confidence and category, and nobody else is named in
    place of those that fall: what a withdrawal comes to in the end only a new answer tells.
    """

    document_sha256: str
    """The document."""

    name: str | None
    """Its name."""

    score: str
    """The score then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFormula(Shape):
    """The quantities that the score is made of; see the policy for the formula's constants."""

    x_in: str
    """Weighted share of the money that came."""

    x_out: str
    """Weighted share of the money that went."""

    g_in: str
    """The same after the transform, 0 to 1."""

    g_out: str
    """The same after the transform, 0 to 1."""

    exposure: str
    """Both directions together, 0 to 1."""

    behaviour: str
    """All shown behaviour together, 0 to 1."""

    before_floors: str
    """The score before a floor was heeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicyName(Shape):
    """Which policy was used."""

    version: str
    """Its name."""

    sha256: str
    """Hash of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRequestShape(Shape):
    """The question, with every limit in force."""

    subject: str
    """Whose risk: an address, or `entity:ADDRESS`."""

    budget: int
    """Transactions that the exposure in one direction may go through."""

    min_value: str | None
    """Smallest amount followed, in base units; nothing where it was found by the budget."""

    max_hops: int
    """Entities up to the named owner, who is counted."""

    min_confidence: int
    """Confidence, of 100, from which a tag names an owner."""

    policy_sha256: str
    """Hash of the policy's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAnswer(ChainAnswer):
    """How risky an address or an entity is, by a policy, and why."""

    network: str
    """Name of the network."""

    request: RiskRequestShape
    """The question."""

    subject: str
    """What was asked about: an address, or `entity:ADDRESS`."""

    entity: str
    """First-seen address of its entity."""

    profile: str
    """The set of rules that made the entity."""

    clustering: str
    """Names the run that made it: rules, versions and last block."""

    certainty: Certainty
    """Always `inference`."""

    score: str
    """0 to 100, two digits after the point."""

    band: str
    """Advice, never a finding; `undetermined` where the score is low and of what came, or of what
    went, too little is known."""

    interval: RiskInterval
    """What it may be if sources are wrong."""

    coverage: RiskCoverage
    """How much has a name."""

    min_value_in: str
    """Smallest amount of what came that was followed beyond the direct counterparties."""

    min_value_out: str
    """The same of what went."""

    contributions: tuple[RiskContribution, ...]
    """What adds up to the score: a floor that binds first, then the most points first."""

    own_tags: tuple[RiskOwnTag, ...]
    """What sources call the subject itself, whether or not it counts."""

    flags: tuple[RiskFlag, ...]
    """Every behaviour of the policy, whatever it came to."""

    unknown: tuple[RiskUnknown, ...]
    """What has no name, the largest first."""

    changes: tuple[RiskChange, ...]
    """What the score would be without a document, the largest changes first; at most 20 are tried,
    those of the largest contributions."""

    changes_left_out: int
    """Documents that count and were not tried."""

    formula: RiskFormula
    """The quantities."""

    policy: RiskPolicyName
    """Severities, weights, floors and bands."""

    categories: RiskPolicyName
    """The map from what tags say to categories."""

    rules: dict[str, int]
    """Versions of the rules that exposures and behaviour rest on."""

    limits: tuple[str, ...]
    """What a score cannot say."""

    manifest: Manifest
    """What the answer stands on, and its hash."""

    manifest_sha256: str
    """Over the request and the manifest."""
