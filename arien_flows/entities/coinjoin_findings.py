"""What the CoinJoin rules say about one transaction, put together from its marks.

A finding is an inference, never a fact. It names the rules that fired and those that object, with
the confidence that the rules' source gives, not with an error rate of ours.
"""

from dataclasses import dataclass
from typing import Literal

from heuristics import coinjoin, coinjoin_neighbours
from heuristics.coinjoin import DETECTIONS, VETOES, CoinJoinMark, Design

RULE_OF_MARK = {
    CoinJoinMark.WHIRLPOOL: "coinjoin_whirlpool",
    CoinJoinMark.WASABI_2: "coinjoin_wasabi_2",
    CoinJoinMark.WASABI_2_SHAPE: "coinjoin_wasabi_2_shape",
    CoinJoinMark.WASABI_1: "coinjoin_wasabi_1",
    CoinJoinMark.WASABI_1_0: "coinjoin_wasabi_1_0",
    CoinJoinMark.WASABI_1_1: "coinjoin_wasabi_1_1",
    CoinJoinMark.DEFINITE: "coinjoin_definite",
    CoinJoinMark.PROVEN: "coinjoin_proven",
    CoinJoinMark.JOINMARKET: "coinjoin_joinmarket",
    CoinJoinMark.EQUAL_OUTPUTS: "coinjoin_equal_outputs",
    CoinJoinMark.POSSIBLE: "coinjoin_possible",
    CoinJoinMark.WHIRLPOOL_TX0: "coinjoin_whirlpool_tx0",
    CoinJoinMark.PAYJOIN_POSSIBLE: "payjoin_possible",
    CoinJoinMark.STONEWALL: "coinjoin_stonewall",
    CoinJoinMark.ADDRESS_REUSE: "coinjoin_wasabi_2_reuse",
    CoinJoinMark.LOOKALIKE: "coinjoin_wasabi_2_lookalike",
}
"""The rule that each mark stands for, in the order in which findings name them."""

MARK_OF_RULE = {rule: mark for mark, rule in RULE_OF_MARK.items()}

RULES = dict.fromkeys(RULE_OF_MARK.values(), coinjoin.VERSION)
"""The rules that make the marks, with their versions."""

NEIGHBOUR_RULES = dict.fromkeys(
    (
        "coinjoin_whirlpool_lineage",
        "coinjoin_whirlpool_tx0_spent",
        "coinjoin_wasabi_2_isolated",
        "coinjoin_postmix",
        "coinjoin_exchange",
    ),
    coinjoin_neighbours.VERSION,
)
"""The rules that are applied when somebody asks, with their versions."""

Lineage = Literal["proven", "broken", "before_ledger"]

_NAMED_BY_SHAPE = CoinJoinMark.WASABI_1 | CoinJoinMark.WASABI_2 | CoinJoinMark.WHIRLPOOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount that several participants take out."""

    value_sat: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinJoinFinding:
    """What the rules say about one marked transaction."""

    marks: CoinJoinMark
    design: Design | None
    """What it is taken for; nothing where it may only be a PayJoin."""

    rules: tuple[str, ...]
    """Rules that fired, without vetoes, as `heuristics.rules` names them."""

    vetoes: tuple[str, ...]
    """Rules that object."""

    confidence: int | None
    """0 to 100 as the source of the design's rules gives it; None where none does."""

    participants: int | None
    """Presumed; see `DetailField.PARTICIPANTS`. None where the rules say nothing."""

    amounts: tuple[Amount, ...]
    """What is taken out several times, ascending; for Wasabi 2 all standard amounts."""

    level: Amount | None = None
    """What outputs are near, and how many are: of Wasabi 1, where only mixing levels speak for it.

    They need not be equal, and need not be among the amounts."""

    inputs_unasked: int = 0
    """Inputs past those whose tags were asked for an exchange."""

    lineage: Lineage | None = None
    """Of a Whirlpool mix, where the transactions before it were looked at."""

    @property
    def vetoed(self) -> bool:
        """A veto stands: clustering leaves the transaction out, reports call it no CoinJoin."""
        return bool(self.vetoes)

    @property
    def detected(self) -> bool:
        """Whether a rule takes the transaction for a CoinJoin, vetoed or not."""
        return bool(self.marks & DETECTIONS)

    @property
    def reportable(self) -> bool:
        """Whether a report may name the design.

        The source's confidence is 60 or more, or the shape is one that Dumplings knows for the
        design's own: the lists that research on coordinators rests on are made by these rules.
        """
        if self.vetoed or self.design is None:
            return False
        sure = self.confidence is not None and self.confidence >= coinjoin.REPORTING_CONFIDENCE
        return sure or bool(self.marks & _NAMED_BY_SHAPE)


def rules_of(marks: CoinJoinMark) -> tuple[str, ...]:
    """Return the rules that fired, without vetoes."""
    objecting = VETOES | CoinJoinMark.LOOKALIKE
    return tuple(
        rule for mark, rule in RULE_OF_MARK.items() if mark in marks and not mark & objecting
    )


def vetoes_of(marks: CoinJoinMark) -> tuple[str, ...]:
    """Return the rules that object, as far as the transaction itself shows it."""
    return tuple(rule for mark, rule in RULE_OF_MARK.items() if mark in marks & VETOES)


def undescribed(marks: CoinJoinMark) -> CoinJoinFinding:
    """Return the finding of a transaction that has no row of details."""
    return CoinJoinFinding(
        marks=marks,
        design=Design.POSSIBLE if CoinJoinMark.POSSIBLE in marks else None,
        rules=rules_of(marks),
        vetoes=(),
        confidence=None,
        participants=None,
        amounts=(),
    )
