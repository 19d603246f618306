"""The names of the rules that merges and decisions carry as numbers."""

from heuristics.constrained import ChangeRule
from heuristics.cospend import MergeRule

_NAMES = {
    MergeRule.COSPEND: "cospend",
    MergeRule.SAME_KEY: "same_key",
    MergeRule.INNER_SCRIPT: "inner_script",
    ChangeRule.REUSE: "change_address_reuse",
    ChangeRule.KEYSET: "change_keyset",
    ChangeRule.VOTE: "change_vote",
    ChangeRule.MODEL: "change_model",
    ChangeRule.FRESH: "change_one_time",
    ChangeRule.PEEL: "peel_chain",
}


def rule_name(number: int) -> str:
    """Return the name under which `heuristics.rules` documents a rule."""
    return _NAMES[MergeRule(number) if number < ChangeRule.REUSE else ChangeRule(number)]
