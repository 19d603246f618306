"""The learned change model: a forest of small trees over the votes, with its card.

The model file holds whole numbers only, and was made by `scripts/train_change_model.py`. Beside
it lies its evaluation card: what it was trained on, how it did on wallets that it never saw, and
whether it did better there, and on what is known of real payments, than the plain count of votes.
The card names the model's checksum, so that neither can be changed without the other. `preferred`
repeats the card's verdict: what decides in a clustering where nobody says otherwise.

A probability is the share of right answers among simulated ones of the same stratum and score.
Nobody has measured it on the real chain; wherever one is printed, it says "among simulated
payments".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from arien_flows.entities.change_votes import BlockVotes, horizons
from arien_flows.ledger.view import View
from chains.types import Int32Array, Int64Array, UInt8Array, UInt32Array
from heuristics import change_features, change_rules
from heuristics.change_columns import Blocks, ChangeColumns
from heuristics.change_features import (
    FEATURE_COUNT,
    STRATUM_NAMES,
    VOTE_COUNT,
    ChangeRows,
    Fact,
    FactColumns,
    change_rows,
)
from heuristics.change_rules import MODEL_VOTES
from heuristics.columns import Int8Array
from heuristics.forest import (
    Calibration,
    Forest,
    calibrated,
    check_calibration,
    check_forest,
    scores,
)

ChangeBy = Literal["vote", "model"]
"""What decides about change where no rule speaks for itself."""

MODEL = "change_1.json"
CARD = "change_1.card.json"

CHUNK_TRANSACTIONS = 1 << 14
"""Transactions that are judged at a time; bounds the working memory to some megabytes."""

PROBES = 10_000
"""Questions of `answers_checksum`."""

FEATURE_NAMES = (
    *(f"vote_{rule.name.lower()}" for rule in MODEL_VOTES),
    *(fact.name.lower() for fact in Fact),
)
"""Columns of `ChangeRows.features`, as the model file names them."""


class DamagedModelError(Exception):
    """The model's files are not those that were made together: a bug of the installation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeModel:
    """The model as it was trained. Probabilities are in millionths."""

    version: int
    forest: Forest
    calibration: Calibration
    tau_plus_ppm: int
    """An output whose probability is above this is taken for the change."""

    tau_minus_ppm: int
    """An output whose probability is below this is taken not to be the change."""

    preferred: ChangeBy
    """What decides where nobody says otherwise; the card has the reason."""

    card: Mapping[str, Any]
    """The evaluation card; see `scripts/train_change_model.py` for its parts."""


class ModelDecisions(NamedTuple):
    """Outputs about which the model is sure enough, in chain order."""

    transaction: UInt32Array
    output: Int64Array
    input_address: UInt32Array
    """The first that is known among those that the transaction spends from."""

    output_address: UInt32Array
    probability_ppm: Int32Array
    """Above `tau_plus_ppm` or below `tau_minus_ppm`."""


@cache
def load_model() -> ChangeModel:
    """Return the model that this version of the program brings along."""
    folder = files("arien_flows.entities") / "models"
    return read_model((folder / MODEL).read_bytes(), (folder / CARD).read_bytes())


def read_model(content: bytes, card_content: bytes) -> ChangeModel:
    """Return the model of a model file and its card; DamagedModelError unless they belong together.

    A model that was trained on other features, or on votes of another version, is refused, too:
    its answers would look right and mean nothing.
    """
    card = cast("dict[str, Any]", json.loads(card_content))
    if hashlib.sha256(content).hexdigest() != card["model_sha256"]:
        raise DamagedModelError("the change model and its card do not belong together")
    model = cast("dict[str, Any]", json.loads(content))
    expected = {
        "features": list(FEATURE_NAMES),
        "strata": list(STRATUM_NAMES.values()),
        "made_for": made_for(),
        "version": card["version"],
    }
    for name, value in expected.items():
        if model[name] != value:
            raise DamagedModelError(f"the change model was made for other {name}: train it anew")
    forest = Forest(
        *(np.array(model["forest"][field], dtype=FOREST_TYPES[field]) for field in Forest._fields)
    )
    calibration = Calibration(
        *(
            np.array(model["calibration"][field], dtype=CALIBRATION_TYPES[field])
            for field in Calibration._fields
        )
    )
    check_forest(forest, FEATURE_COUNT)
    check_calibration(calibration)
    return ChangeModel(
        version=model["version"],
        forest=forest,
        calibration=calibration,
        tau_plus_ppm=model["tau_plus_ppm"],
        tau_minus_ppm=model["tau_minus_ppm"],
        preferred=card["preferred"],
        card=card,
    )


FOREST_TYPES = {
    "first_node": np.int32,
    "feature": np.int16,
    "threshold": np.int32,
    "left": np.int32,
    "right": np.int32,
    "value": np.int32,
}
CALIBRATION_TYPES = {
    "first_step": np.int32,
    "least_score": np.int64,
    "probability_ppm": np.int32,
}


def made_for() -> dict[str, int]:
    """Return the versions of what a model's features are made by."""
    return {"change_votes": change_rules.VERSION, "change_features": change_features.VERSION}


def fact_columns(view: View) -> FactColumns:
    """Return the columns of a view that the model reads beside those of the votes."""
    return FactColumns(
        first_transaction=view.first_transaction,
        block_height=view.block_height,
        version=view.version,
        locktime=view.locktime,
    )


def probabilities(model: ChangeModel, rows: ChangeRows) -> Int32Array:
    """Return the probability that each row's output is the change, in millionths."""
    return calibrated(model.calibration, scores(model.forest, rows.features), rows.stratum)


def answers_checksum(model: ChangeModel) -> str:
    """Return a checksum of the model's answers to fixed questions.

    It stands in the card: a machine on which it comes out otherwise does not compute as the one
    did on which the model was judged.
    """
    question = np.arange(PROBES, dtype=np.int64)[:, None]
    column = np.arange(FEATURE_COUNT, dtype=np.int64)[None, :]
    spread = (question * 7_919 + column * column * 104_729) * 2_654_435_761 >> 11
    features = (spread % 3 - 1).astype(np.int32)
    features[:, VOTE_COUNT:] = spread[:, VOTE_COUNT:] % 1_000_003
    features[:, VOTE_COUNT + 1 :: 2] %= 5
    stratum = (question[:, 0] % len(STRATUM_NAMES)).astype(np.uint8)
    answers = calibrated(model.calibration, scores(model.forest, features), stratum)
    return hashlib.sha256(answers.astype("<i4").tobytes()).hexdigest()


def blocks_of(view: View, voted: BlockVotes, lag: int) -> Blocks:
    """Return which blocks were voted on, and what was known when each was judged."""
    first = view.first_transaction[voted.first_block : voted.last_block + 1]
    known = horizons(view, voted.first_block, voted.last_block, lag)
    return Blocks(first_transaction=first.astype(np.int64), horizon=known)


def model_decisions(
    model: ChangeModel,
    columns: ChangeColumns,
    facts: FactColumns,
    blocks: Blocks,
    votes: Int8Array,
    excluded: UInt8Array,
) -> ModelDecisions:
    """Return what the model is sure enough of in the transactions of `blocks`.

    The other arguments are as for `change_rows`, and `blocks_of` gives the blocks. Where both
    outputs of a transaction look like the change, it takes neither for it.
    """
    start, stop = int(blocks.first_transaction[0]), int(blocks.first_transaction[-1])
    parts = []
    for begin in range(start, max(stop, start + 1), CHUNK_TRANSACTIONS):
        end = min(begin + CHUNK_TRANSACTIONS, stop)
        rows = change_rows(columns, facts, blocks, votes, excluded, begin, end)
        parts.append(_decisive(model, rows, probabilities(model, rows)))
    return ModelDecisions._make(np.concatenate(column) for column in zip(*parts, strict=True))


def _decisive(model: ChangeModel, rows: ChangeRows, probability: Int32Array) -> ModelDecisions:
    """Return the rows beyond the thresholds. Rows come in pairs, one transaction after another."""
    is_change = probability > model.tau_plus_ppm
    both = np.repeat(is_change[0::2] & is_change[1::2], 2)
    chosen: Int64Array = np.flatnonzero(
        (is_change & ~both) | (probability < model.tau_minus_ppm)
    ).astype(np.int64)
    return ModelDecisions(
        transaction=rows.transaction[chosen],
        output=rows.output[chosen],
        input_address=rows.input_address[chosen],
        output_address=rows.output_address[chosen],
        probability_ppm=probability[chosen],
    )
