"""What the card of a change model says beside its figures: what to use unasked, and warnings.

Whether model or votes decide where nobody says is answered from the card's own figures and from
what is known of these very trees on real payments.
"""

from dataclasses import dataclass
from typing import Any

from heuristics.forest import WHOLE_PPM

GOAL_PPM = 500
"""Share of payments that may be taken for change: 0.05 %, as in the published comparison."""

WARNINGS = (
    "Every figure here is simulated. Nobody has measured this model on the real chain, where "
    "owners are unknown.",
    "The published recipe for ground truth speaks of a biased choice of transactions: 39 % of "
    "them have three or more inputs against 8 % of the others, 39 % against 79 % have one "
    "(Moeser and Narayanan 2022, on the chain up to 2021, before taproot, ordinals and runes).",
    "The published forest lost most of its reach on payments between services: 6.9 % of the "
    "change found at 0.05 % false positives, against 80.1 % on its own held-out clusters.",
    "Simulated wallets differ from observed ones, vote by vote: compare `precision_of_votes` with "
    "the published figures beside it. They pick more coins than they need, so that optimal change "
    "is often wrong here and was right in 92 % of published cases.",
    "Simulated chains end within one or two epochs of 1,008 blocks, so the model knows nothing "
    "of how habits change over the years, and its trees do not ask for the epoch.",
)


HISTORY = (
    "First a random forest with the published parameters was taken: 100 trees that learned the "
    "recipe's answer, 37,324 nodes, chosen by what it found at 0.05 % false positives over all "
    "held-out rows. On the evaluation chains of seeds 901 and 902 it found 57.4 % of the change "
    "(59.3 % with all known) at false-positive rates of 0.095 % and 0.102 %, twice the goal, most "
    "of it on payments of services; by the rule that was fixed beforehand the vote was preferred.",
    "That forest was also free to ask for an output's share of the value and its place. Of 82 real "
    "payments of blocks 100,000 to 102,000 whose change later co-spending shows, it put the "
    "outputs of 62 in the wrong order and of 11 in the right one; the count of votes 10 and 46. "
    "The trees may not ask for either any more.",
    "Then thresholds had to hold for the worst fold of wallet programs instead of the mean, and "
    "candidates were restricted to boosted trees, which are a ninth of the size. The evaluation "
    "below uses seeds that no earlier one had; the wallet programs are those of the first.",
    "The trees that were shipped first (model c08b8952) are sure of none of the 82 real payments. "
    "Where they prefer an output there, it is the change in 24 cases and not in 15; the count of "
    "votes is right on 46 and wrong on 10. These payments have no witness, one version and no lock "
    "time, so hardly any vote about programs is cast; their sizes were estimated.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPayments:
    """How certain trees, and the count of votes, ordered the outputs of payments.

    `HISTORY` tells which payments these were.
    """

    model_sha256: str
    """Of the trees; what they did says nothing of others."""

    model_right: int
    model_wrong: int
    model_sure: int
    vote_right: int
    vote_wrong: int


REAL_PAYMENTS = RealPayments(
    model_sha256="c08b89522001bad0d28a7b454ee98f83c70d7ab86225de373d2dc76740818d7c",
    model_right=24,
    model_wrong=15,
    model_sure=0,
    vote_right=46,
    vote_wrong=10,
)
"""Of 82: the only real ones to which any of these trees were put."""


def verdict(
    judged: dict[str, dict[str, Any]], model_sha256: str, real: RealPayments = REAL_PAYMENTS
) -> tuple[str, str]:
    """Return which of both a clustering should use unasked, and why.

    The model must find more change than seven votes do, and take no more payments for change
    than these or than the goal, on every kind of simulated evaluation rows. Real payments outrank
    simulated ones: it must order no smaller share of them right, and have been put to them.
    """
    preferred, reason = _simulated_verdict(judged)
    if preferred == "vote":
        return preferred, reason
    if model_sha256 != real.model_sha256:
        return "vote", (
            "nobody has put these trees to real payments yet, and simulated ones alone do not "
            f"decide; there the model does better: {reason}"
        )
    if real.model_right * real.vote_wrong < real.vote_right * real.model_wrong:
        return "vote", (
            f"on real payments the model ordered {real.model_right} outputs right and "
            f"{real.model_wrong} wrong, the votes {real.vote_right} and {real.vote_wrong}, and the "
            f"model was sure of {real.model_sure or 'none'}; that outranks what was simulated, "
            f"where the model does better: {reason}"
        )
    return preferred, reason


def _simulated_verdict(judged: dict[str, dict[str, Any]]) -> tuple[str, str]:
    reasons = []
    for hindsight, table in judged.items():
        model, vote = table["all"]["model"], table["all"]["vote"]
        more = model["true_positive_interval"][0] > vote["true_positive_interval"][1]
        bound = max(GOAL_PPM / WHOLE_PPM, vote["false_positive_rate"])
        safe = model["false_positive_rate"] <= bound
        reasons.append(
            f"{hindsight}: the model finds {model['true_positive_rate']:.4f} of the change at a "
            f"false-positive rate of {model['false_positive_rate']:.6f}, seven votes "
            f"{vote['true_positive_rate']:.4f} at {vote['false_positive_rate']:.6f}"
        )
        if not (more and safe):
            return "vote", "; ".join(reasons)
    return "model", "; ".join(reasons)
