"""The counts of an evaluation as a file that programs and people can read.

`rates_1.json` beside this module is such a file. It names every rule that the program had for
chains of coins when it was made, also those of which nothing was measured, so that a rule without a
rate is a statement and not an omission.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from arien_flows.errors import InputError
from arien_flows.evaluation.evaluate import Evaluation
from arien_flows.evaluation.rates import Population, Rate
from heuristics.rules import COIN_RULES

FORMAT = 1
"""Raised when the file's form changes."""


def stored(evaluation: Evaluation, command: str) -> dict[str, Any]:
    """Return an evaluation as JSON knows it; `command` says how to repeat it."""
    numbers = _populations(evaluation)
    names = {population: name for name, population in numbers.items()}
    rules: dict[str, Any] = {
        rule.name: {"version": rule.version, "rates": []} for rule in COIN_RULES
    }
    for rate in evaluation.rates:
        if rate.tally is not None:
            row = {"population": names[rate.population], **asdict(rate.tally)}
            rules[rate.rule]["rates"].append(row)
    return {
        "format": FORMAT,
        "made_by": command,
        "populations": {name: asdict(population) for name, population in numbers.items()},
        "rules": rules,
        "clusterings": [
            {
                "profile": each.profile,
                "rules": dict(each.rules),
                "population": names[each.population],
                "agreement": _whole(asdict(each.agreement)),
                "wrong_merges": dict(each.wrong_merges),
            }
            for each in evaluation.clusterings
        ],
        "labels": [
            {
                "population": names[each.population],
                "label": each.label,
                "transactions": each.transactions,
                "left_out": each.left_out,
                "detected": each.detected,
            }
            for each in evaluation.labels
        ],
        "threshold_vote": [
            {
                "population": names[each.population],
                "difference": each.difference,
                **asdict(each.tally),
            }
            for each in evaluation.votes
        ],
    }


def _populations(evaluation: Evaluation) -> dict[str, Population]:
    """Return the populations by short names, in order of first use."""
    used: list[Rate | Any] = [
        *evaluation.rates,
        *evaluation.clusterings,
        *evaluation.labels,
        *evaluation.votes,
    ]
    found = dict.fromkeys(each.population for each in used)
    return {f"{each.kind}-{number}": each for number, each in enumerate(found, 1)}


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with fractions as decimal text: not all readers agree on floats."""
    return {
        name: f"{value:.4f}" if isinstance(value, float) else value
        for name, value in fields.items()
    }


def save(evaluation: Evaluation, command: str, path: Path) -> None:
    """Write an evaluation; InputError where the file cannot be written."""
    text = json.dumps(stored(evaluation, command), indent=1, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
