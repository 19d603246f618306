"""Candidates behind mixers as text for people: every line says that it is an inference."""

from collections.abc import Iterator

from arien_flows.amounts import Asset, coins, counted
from arien_flows.cli.demix_texts import MARK
from arien_flows.cli.output import table
from arien_flows.passages.mixers import MixerCandidate, MixerInference, MixerInferences
from arien_flows.shapes import shown_time

SHOWN_DEPOSITS = 5
SHOWN_CANDIDATES = 10


def mixer_lines(told: MixerInferences | None) -> Iterator[str]:
    """Return what may have become of money that ended at mixers."""
    for line in _lines(told):
        yield f"{MARK}{line}"


def _lines(told: MixerInferences | None) -> Iterator[str]:
    if told is None:
        yield "no path ended with a deposit into a pool of fixed amounts"
        return
    rules = ", ".join(f"{name} {version}" for name, version in told.rules.items())
    yield f"candidates behind mixers, not part of any amount above (rules: {rules})"
    yield "confidence: by caps of this program, shared out among equals; no measured rate"
    for deposit in told.deposits[:SHOWN_DEPOSITS]:
        yield from _deposit(deposit)
    others = len(told.deposits) - SHOWN_DEPOSITS
    if others > 0:
        yield f"… and {counted(others, 'more deposit')}: --json or -o lists all"
    if told.unasked:
        yield f"for {counted(told.unasked, 'later deposit')} no candidates were looked for"
    if told.asked_apart:
        yield (
            f"{counted(told.asked_apart, 'account')} moved money too often to be asked whom they "
            "met: the rule mixer_linked is silent about them"
        )


def _deposit(told: MixerInference) -> Iterator[str]:
    amount = coins(told.amount, Asset(name=told.asset, decimals=told.decimals))
    yield f"{told.depositor} paid {amount} into the pool {told.pool}"
    yield f"  {shown_time(told.time)}, in {told.txid}"
    speaking = len(told.candidates) + told.unlisted
    yield (
        f"  {counted(told.possible, 'later withdrawal')} from this pool; rules speak for "
        f"{speaking:,} of them"
    )
    shown = told.candidates[:SHOWN_CANDIDATES]
    if not shown:
        return
    rows = table(
        ("Confidence", "Equals", "Time", "Recipient", "Rules", "Withdrawal"), map(_row, shown)
    )
    yield from (f"  {row}" for row in rows)
    if speaking > len(shown):
        rest = speaking - len(shown)
        yield f"  … and {rest:,} candidates of smaller confidence: --json or -o lists more"


def _row(told: MixerCandidate) -> tuple[str, ...]:
    hundredths = told.confidence_millionths // 100
    return (
        f"{hundredths // 100}.{hundredths % 100:02d} %",
        str(told.equals),
        shown_time(told.time),
        told.recipient,
        ", ".join(hint.rule for hint in told.hints),
        told.txid,
    )
