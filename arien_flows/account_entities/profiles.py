"""Profiles: which rules a clustering of accounts uses, and what else its result depends on.

| profile | joins by | for |
|---|---|---|
| `strict` | deposit addresses, contracts of one creator | evidence |
| `standard` | the same, and airdrops, and gas funding with a common sweep | the wider picture |
| `wide` | all rules, with doubtful deposit addresses | exploration, never a report |

What strict asks of a deposit address was chosen on made-up people (`rates_1.json`, made by
`arien-flows heuristics evaluate-accounts`). That it pays to exchanges only halves the share of
wrong links, 14 % to 7 %, and costs nearly none of the right ones. The confidence of its matches
tells little: at 0.9 half of the right links are lost, and 6 % of the rest are wrong. So it is asked
for 0.5, which is what is left where one of the two measures is at its worst and the other at its
best.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from arien_flows.account_entities.deposit_reuse import DepositTerms
from arien_flows.account_entities.known import KnownAccounts
from arien_flows.account_entities.links import NAME_OF_RULE, VERSION_OF_RULE, AccountRule
from arien_flows.entities.profiles import GROWTH_RULE, GUARDS, TAG_RULE
from arien_flows.entities.storage import DerivedSet
from arien_flows.errors import InputError
from heuristics.airdrops import AirdropTerms
from heuristics.funding import MANY_FUNDED

STRICT_CONFIDENCE_PPM = 500_000
WIDE_CONFIDENCE_PPM = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProfile:
    """A choice of rules."""

    name: str
    rules: tuple[AccountRule, ...]
    deposits: DepositTerms
    only_swept: bool = True
    """Whether gas funding counts only where the funded accounts were swept to one."""

    for_exploration: bool = False
    """It guesses too much for a report, and every answer from it says so."""


_STRICT = (AccountRule.DEPOSIT_REUSE, AccountRule.SAME_CREATOR)
_SURE_DEPOSITS = DepositTerms(least_confidence_ppm=STRICT_CONFIDENCE_PPM, pays_exchanges_only=True)
STRICT = AccountProfile(name="strict", rules=_STRICT, deposits=_SURE_DEPOSITS)
STANDARD = AccountProfile(
    name="standard",
    rules=(*_STRICT, AccountRule.AIRDROP, AccountRule.GAS_FUNDING),
    deposits=_SURE_DEPOSITS,
)
WIDE = AccountProfile(
    name="wide",
    rules=tuple(AccountRule),
    deposits=DepositTerms(least_confidence_ppm=WIDE_CONFIDENCE_PPM, pays_exchanges_only=False),
    only_swept=False,
    for_exploration=True,
)
ACCOUNT_PROFILES = {profile.name: profile for profile in (STRICT, STANDARD, WIDE)}


@dataclass(frozen=True, kw_only=True)
class AccountTerms:
    """What a run depends on beside the ledger and its profile."""

    known: KnownAccounts = field(default_factory=KnownAccounts)
    without: frozenset[str] = frozenset()
    """Names of rules that are switched off."""

    airdrops: AirdropTerms = field(default_factory=AirdropTerms)
    many_funded: int = MANY_FUNDED

    def among(self, accounts: int) -> "AccountTerms":
        """Return the same terms for an earlier state, which holds fewer accounts."""
        known = self.known
        kept = known.exchange < accounts
        return replace(
            self,
            known=replace(
                known,
                constraints=known.constraints.among(accounts),
                exchange=known.exchange[kept],
                exchange_name=known.exchange_name[kept],
                service=known.service[known.service < accounts],
                tagged=known.tagged[known.tagged < accounts],
            ),
        )


def account_profile(name: str) -> AccountProfile:
    """Return the profile of that name; InputError lists the known ones."""
    if name not in ACCOUNT_PROFILES:
        raise InputError(
            f"there is no clustering profile {name!r}; this version has: "
            f"{', '.join(ACCOUNT_PROFILES)}"
        )
    return ACCOUNT_PROFILES[name]


def known_rules(profile: AccountProfile) -> dict[str, int]:
    """Return every rule that a run of a profile may use, with its version."""
    joins = {NAME_OF_RULE[rule]: VERSION_OF_RULE[rule] for rule in profile.rules}
    return {**joins, TAG_RULE: GUARDS[TAG_RULE], GROWTH_RULE: GUARDS[GROWTH_RULE]}


def rules_of(profile: AccountProfile, terms: AccountTerms) -> dict[str, int]:
    """Return the rules of a run; InputError where an unknown one is switched off."""
    known = known_rules(profile)
    unknown = sorted(terms.without - set(known))
    if unknown:
        raise InputError(
            f"profile {profile.name} has no rule {unknown[0]!r}; its rules are: "
            f"{', '.join(sorted(known))}"
        )
    return {name: version for name, version in known.items() if name not in terms.without}


def parameters_of(profile: AccountProfile, terms: AccountTerms) -> dict[str, str]:
    """Return what a run's manifest says of its terms."""
    deposits = profile.deposits
    told = {
        "deposit_least_confidence_ppm": str(deposits.least_confidence_ppm),
        "deposit_most_addresses": str(deposits.most_addresses),
        "deposit_most_senders": str(deposits.most_senders),
        "deposit_pays_exchanges_only": str(deposits.pays_exchanges_only).lower(),
        "deposit_window_blocks": str(deposits.window_blocks),
        **terms.known.constraints.parameters,
    }
    if AccountRule.AIRDROP in profile.rules:
        told |= {f"airdrop_{name}": str(value) for name, value in terms.airdrops._asdict().items()}
    if AccountRule.GAS_FUNDING in profile.rules:
        told["gas_funding_many"] = str(terms.many_funded)
        told["gas_funding_only_swept"] = str(profile.only_swept).lower()
    if terms.known.revision:
        told["known"] = terms.known.revision
    if terms.without:
        told["without"] = ",".join(sorted(terms.without))
    return told


def terms_from(made: DerivedSet, known: KnownAccounts) -> AccountTerms:
    """Return the terms under which a stored clustering was made."""
    told: Mapping[str, str] = made.manifest.parameters
    thresholds = {
        name: int(told[f"airdrop_{name}"])
        for name in AirdropTerms._fields
        if f"airdrop_{name}" in told
    }
    return AccountTerms(
        known=known,
        without=frozenset(told["without"].split(",")) if "without" in told else frozenset(),
        airdrops=AirdropTerms(**thresholds),
        many_funded=int(told.get("gas_funding_many", MANY_FUNDED)),
    )
