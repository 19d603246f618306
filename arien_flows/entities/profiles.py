"""Profiles: which rules a clustering uses, and what else its result depends on.

| profile | joins by | for |
|---|---|---|
| `strict` | co-spends, and scripts that one key opens | evidence: no guesses |
| `standard` | the same, and change that many votes agree on | the wider picture |
| `wide` | the same, and change that few votes speak for | exploration, never a report |

Profile `standard` can be run by the learned model instead of the votes, by whoever wants to compare
them on data of their own. What decides unasked is what the model's card prefers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from arien_flows.entities.change_decisions import Decider
from arien_flows.entities.change_model import ChangeBy, ChangeModel, load_model
from arien_flows.entities.change_votes import DECISION_LAG
from arien_flows.entities.coinjoin_findings import MARK_OF_RULE
from arien_flows.entities.coinjoin_findings import RULES as COINJOIN_RULES
from arien_flows.entities.coinjoins import CoinJoins
from arien_flows.entities.constraints import Constraints, no_constraints, read_constraints
from arien_flows.entities.rule_names import rule_name
from arien_flows.entities.storage import DerivedSet
from arien_flows.entities.vote_decider import VoteDecider, VotePolicy
from arien_flows.errors import InputError
from arien_flows.ledger.view import View
from heuristics import change, change_rules, constrained, cospend
from heuristics.change import VOTES_NEEDED
from heuristics.coinjoin import STANDARD_EXCLUSION, STRICT_EXCLUSION, CoinJoinMark
from heuristics.constrained_fields import DecidedBy

DEFAULT_PROFILE = "strict"
"""What questions are answered from where nobody says otherwise."""

PROOFS = {
    "cospend": cospend.VERSION,
    "same_key": cospend.VERSION,
    "inner_script": cospend.VERSION,
}
"""Rules that join, whatever the profile."""

TAG_RULE = "different_owners"
SEPARATION_RULE = "not_change"
GROWTH_RULE = "growth_alarm"
GUARDS = {
    TAG_RULE: constrained.VERSION,
    SEPARATION_RULE: constrained.VERSION,
    GROWTH_RULE: constrained.VERSION,
}
"""Rules that keep sets apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a run depends on beside the ledger and its profile."""

    decision_lag: int = DECISION_LAG
    """Blocks that a decision about change waits."""

    without: frozenset[str] = frozenset()
    """Names of rules that are switched off."""

    constraints: Constraints = field(default_factory=no_constraints)


def switched_off(made: DerivedSet) -> frozenset[str]:
    """Return the rules that a stored clustering was made without."""
    told = made.manifest.parameters
    return frozenset(told["without"].split(",")) if "without" in told else frozenset()


def terms_of(made: DerivedSet) -> Terms:
    """Return the terms under which a stored clustering was made."""
    return Terms(
        decision_lag=int(made.manifest.parameters.get("decision_lag", DECISION_LAG)),
        without=switched_off(made),
        constraints=read_constraints(made),
    )


DeciderOf = Callable[[View, CoinJoins, CoinJoinMark, Terms], Decider]
"""Makes what decides about change; the marks are those of transactions that are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A choice of rules."""

    name: str
    exclusion: CoinJoinMark
    """Marks of transactions whose inputs are not joined."""

    change_rules: Mapping[str, int] = field(default_factory=dict)
    """Rules that decide about change, with their versions."""

    change_parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By rule: how sure it has to be, as the manifest says it."""

    change_by: ChangeBy | None = None
    """What decides about change, where one can choose."""

    decider_of: DeciderOf | None = None
    """None where no change rule is used."""

    for_exploration: bool = False
    """It guesses too much for a report, and every answer from it says so."""

    @property
    def known_rules(self) -> dict[str, int]:
        """Return every rule that a run of this profile may use."""
        guards = GUARDS if self.decider_of is not None else {TAG_RULE: GUARDS[TAG_RULE]}
        coinjoins = {
            name: version
            for name, version in COINJOIN_RULES.items()
            if MARK_OF_RULE[name] & self.exclusion
        }
        return {**PROOFS, **coinjoins, **self.change_rules, **guards}

    def rules(self, terms: Terms) -> dict[str, int]:
        """Return the rules of a run; InputError where an unknown one is switched off."""
        unknown = sorted(terms.without - set(self.known_rules))
        if unknown:
            raise InputError(
                f"profile {self.name} has no rule {unknown[0]!r}; its rules are: "
                f"{', '.join(sorted(self.known_rules))}"
            )
        return {
            name: version
            for name, version in self.known_rules.items()
            if name not in terms.without and (name != TAG_RULE or terms.constraints.revision)
        }

    def heeded(self, terms: Terms) -> Constraints:
        """Return the constraints that a run heeds."""
        return no_constraints() if TAG_RULE in terms.without else terms.constraints

    def parameters(self, terms: Terms) -> dict[str, str]:
        """Return what a run's manifest says of its terms."""
        told = dict(self.heeded(terms).parameters)
        if terms.without:
            told["without"] = ",".join(sorted(terms.without))
        if self.decider_of is not None:
            told["decision_lag"] = str(terms.decision_lag)
        if self.change_by is not None:
            told["change_by"] = self.change_by
        for rule, parameters in self.change_parameters.items():
            # What a rule that is switched off would have heeded has no part in the result.
            told |= {} if rule in terms.without else parameters
        return told

    def decider(self, view: View, coinjoins: CoinJoins, terms: Terms) -> Decider | None:
        """Return what decides about change in a run, or nothing where no rule does."""
        if self.decider_of is None:
            return None
        return self.decider_of(view, coinjoins, exclusion_by(self.rules(terms)), terms)


def _by_votes(policy: VotePolicy) -> DeciderOf:
    """Return what decides by votes, but for the rules that are switched off."""

    def decider_of(
        view: View, coinjoins: CoinJoins, exclusion: CoinJoinMark, terms: Terms
    ) -> Decider:
        def used(rules: tuple[DecidedBy, ...]) -> tuple[DecidedBy, ...]:
            return tuple(rule for rule in rules if rule_name(rule) not in terms.without)

        counted = bool(used((DecidedBy.VOTE,)))
        left = replace(
            policy,
            before=used(policy.before),
            votes_needed=policy.votes_needed if counted else None,
            after=used(policy.after),
            model=policy.model if used((DecidedBy.MODEL,)) else None,
        )
        return VoteDecider(view, coinjoins, exclusion, left, terms.decision_lag)

    return decider_of


WIDE_VOTES_NEEDED = 3
WIDE_POLICY = VotePolicy(
    votes_needed=WIDE_VOTES_NEEDED, after=(DecidedBy.ONE_TIME,), only_two_outputs=False
)
_SURE_RULES = {
    rule_name(DecidedBy.REUSE): change_rules.VERSION,
    rule_name(DecidedBy.KEYSET): change_rules.VERSION,
}
_VOTE = {rule_name(DecidedBy.VOTE): change.VERSION}
STRICT = Profile(name="strict", exclusion=STRICT_EXCLUSION)
WIDE = Profile(
    name="wide",
    exclusion=STANDARD_EXCLUSION,
    change_rules={**_SURE_RULES, **_VOTE, rule_name(DecidedBy.ONE_TIME): change_rules.VERSION},
    change_parameters={rule_name(DecidedBy.VOTE): {"votes_needed": str(WIDE_VOTES_NEEDED)}},
    decider_of=_by_votes(WIDE_POLICY),
    for_exploration=True,
)


def standard_by_votes() -> Profile:
    """Return profile `standard` with change that many votes agree on."""
    return Profile(
        name="standard",
        exclusion=STANDARD_EXCLUSION,
        change_rules={**_SURE_RULES, **_VOTE},
        change_parameters={rule_name(DecidedBy.VOTE): {"votes_needed": str(VOTES_NEEDED)}},
        change_by="vote",
        decider_of=_by_votes(VotePolicy(votes_needed=VOTES_NEEDED, only_two_outputs=True)),
    )


def standard_by_model(model: ChangeModel) -> Profile:
    """Return profile `standard` with change that a model is sure of."""
    return Profile(
        name="standard",
        exclusion=STANDARD_EXCLUSION,
        change_rules={**_SURE_RULES, rule_name(DecidedBy.MODEL): model.version},
        change_parameters={
            rule_name(DecidedBy.MODEL): {
                "model": str(model.card["model_sha256"]),
                "tau_plus_ppm": str(model.tau_plus_ppm),
                "tau_minus_ppm": str(model.tau_minus_ppm),
            }
        },
        change_by="model",
        decider_of=_by_votes(VotePolicy(votes_needed=None, model=model, only_two_outputs=True)),
    )


@cache
def standard(change_by: ChangeBy | None = None) -> Profile:
    """Return profile `standard` by votes or by the model; by which its card prefers, unasked."""
    by = load_model().preferred if change_by is None else change_by
    return standard_by_model(load_model()) if by == "model" else standard_by_votes()


_KNOWN: dict[str, Callable[[], Profile]] = {
    "strict": lambda: STRICT,
    "standard": standard,
    "wide": lambda: WIDE,
}
PROFILES = tuple(_KNOWN)
"""Names of the profiles that can be run."""


def all_profiles() -> tuple[Profile, ...]:
    """Return every profile in every form that can be asked for."""
    return STRICT, standard_by_votes(), WIDE, standard_by_model(load_model())


def profile_of(made: DerivedSet) -> Profile:
    """Return the profile that a stored clustering was made by."""
    name = made.manifest.kind.removeprefix("clustering/")
    if name != "standard":
        return profile_named(name)
    return standard("model" if made.manifest.parameters["change_by"] == "model" else "vote")


def profile_named(name: str) -> Profile:
    """Return the profile of that name; InputError lists the known ones."""
    if name not in _KNOWN:
        raise InputError(
            f"there is no clustering profile {name!r}; this version has: {', '.join(PROFILES)}"
        )
    return _KNOWN[name]()


def exclusion_by(rules: Iterable[str]) -> CoinJoinMark:
    """Return the marks that a run with these rules leaves out."""
    marks = CoinJoinMark(0)
    for name in rules:
        marks |= MARK_OF_RULE.get(name, CoinJoinMark(0))
    return marks
