"""The names of the rules that merges and decisions carry as numbers."""

from heuristics.constrained_fields import DecidedBy
from heuristics.cospend import MergeRule

_NAMES = {
    MergeRule.COSPEND: "cospend",
    MergeRule.SAME_KEY: "same_key",
    MergeRule.INNER_SCRIPT: "inner_script",
    DecidedBy.REUSE: "change_address_reuse",
    DecidedBy.KEYSET: "change_keyset",
    DecidedBy.VOTE: "change_vote",
    DecidedBy.MODEL: "change_model",
    DecidedBy.ONE_TIME: "change_one_time",
}


def rule_name(number: int) -> str:
    """Return the name under which `heuristics.rules` documents a rule."""
    return _NAMES[MergeRule(number) if number < DecidedBy.REUSE else DecidedBy(number)]
