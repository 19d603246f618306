"""Candidates behind CoinJoins as text for people: every line says that it is an inference."""

from collections.abc import Iterable, Iterator

from arien_flows.amounts import Asset, coins
from arien_flows.cli.output import NOTHING, table
from arien_flows.shapes import shown_time
from arien_flows.tracing.inferences import Candidate, Inference, Inferences, Ratio

SHOWN_COINS = 5
SHOWN_CANDIDATES = 10
SHOWN_LINES = 5

MARK = "Inference: "
"""Stands before each line, so that none can be read as a fact on its own."""


def demix_lines(told: Inferences, asset: Asset, direction: str) -> Iterator[str]:
    """Return what may have become of coins that ended at CoinJoins."""
    for line in _lines(told, asset, is_forward=direction == "forward"):
        yield f"{MARK}{line}"


def _lines(told: Inferences, asset: Asset, *, is_forward: bool) -> Iterator[str]:
    rules = ", ".join(f"{name} {version}" for name, version in told.rules.items())
    yield f"candidates behind CoinJoins, not part of any amount above (rules: {rules})"
    yield (
        "mass: the part of the coin's money that a candidate stands for; chance: that it has the "
        "same owner"
    )
    if not told.coinjoins:
        yield "no path ended at a CoinJoin"
    for coinjoin in told.coinjoins[:SHOWN_COINS]:
        yield from _coinjoin(coinjoin, asset, is_forward=is_forward)
    others = len(told.coinjoins) - SHOWN_COINS
    if others > 0:
        yield f"… and {others:,} more, of smaller coins at CoinJoins: --json or -o lists all"
    if told.unasked:
        yield (
            f"for {told.unasked:,} still smaller coins, with {coins(told.unasked_traced, asset)}, "
            "no candidates were looked for"
        )


def _coinjoin(told: Inference, asset: Asset, *, is_forward: bool) -> Iterator[str]:
    first = told.passed[0]
    way = "entered" if is_forward else "left"
    sure = "" if first.confidence is None else f", confidence {first.confidence}"
    yield f"{coins(told.traced, asset)} in {told.coin or NOTHING} {way} the CoinJoin"
    yield f"  {told.coinjoin} ({first.design}{sure})"
    yield (
        f"  {len(told.candidates) + told.unlisted:,} candidates behind {len(told.passed):,} "
        f"CoinJoin{'s' * (len(told.passed) != 1)}{_rest(told.rest)}{_cut(told.cut)}"
    )
    shown = told.candidates[:SHOWN_CANDIDATES]
    rows = table(
        ("Mass", "Chance", "Raised", "Of coin", "Rule", "CoinJoins", "Next", "Coin"),
        (_row(each, asset) for each in shown),
    )
    yield from (f"  {row}" for row in rows)
    others = len(told.candidates) + told.unlisted - len(shown)
    if others:
        yield f"  … and {others:,} candidates of smaller mass: --json or -o lists them"
    yield from (f"  {line}" for line in _consolidations(told))
    yield from (f"  {line}" for line in _landings(told.candidates))


def _rest(rest: Ratio) -> str:
    if rest.numerator == "0":
        return ""
    return f"; nothing is known of {percent(rest)} of the money (change or fees)"


def _cut(cut: Iterable[str]) -> str:
    words = {"depth": "the depth asked for", "count": "the most CoinJoins followed"}
    said = " and ".join(words[each] for each in cut)
    return f"; further CoinJoins lie beyond {said}" if said else ""


def _row(told: Candidate, asset: Asset) -> tuple[str, ...]:
    return (
        percent(told.mass),
        fraction(told.chance),
        fraction(told.raised),
        coins(told.value, asset),
        told.rule,
        str(told.coinjoins),
        told.fate,
        told.outpoint or told.spent_by or NOTHING,
    )


def _consolidations(told: Inference) -> Iterator[str]:
    shown = [each for each in told.consolidations if each.raised is not None][:SHOWN_LINES]
    for each in shown:
        coins_spent = f"{len(each.coins)} candidates were spent together in {each.txid}"
        yield f"{coins_spent}: chance of each now {fraction(each.raised)}"
    others = len(told.consolidations) + told.unlisted_consolidations - len(shown)
    if others:
        yield f"… and {others:,} more transactions spend several candidates: --json lists them"


def _landings(told: Iterable[Candidate]) -> Iterator[str]:
    lines: dict[str | None, str] = {}
    for each in told:
        for landing in each.landings:
            when = "" if each.next_time is None else f" ({shown_time(each.next_time)})"
            sure = each.raised or each.chance
            chance = "no stated chance" if sure is None else f"chance {fraction(sure)}"
            lines.setdefault(
                landing.outpoint,
                f"a candidate of {chance} is at {landing.label}, by {landing.source}: "
                f"{landing.outpoint or NOTHING}{when}",
            )
    yield from list(lines.values())[:SHOWN_LINES]
    if len(lines) > SHOWN_LINES:
        yield f"… and {len(lines) - SHOWN_LINES:,} more coins at services: --json lists them"


def percent(ratio: Ratio) -> str:
    """Return a fraction in per cent with two digits, rounded down."""
    if ratio.numerator != "0" and ratio.millionths < 100:
        return "< 0.01 %"
    hundredths = ratio.millionths // 100
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def fraction(ratio: Ratio | None) -> str:
    """Return a fraction as such where it is short, else in per cent."""
    if ratio is None:
        return NOTHING
    if len(ratio.denominator) > 6:
        return percent(ratio)
    return ratio.numerator if ratio.denominator == "1" else f"{ratio.numerator}/{ratio.denominator}"
