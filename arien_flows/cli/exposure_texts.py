"""Exposure as text for people: two tables a direction that sum to the whole, and who is who."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.answers.account_exposure import AccountExposureAnswer
from arien_flows.answers.exposure_shapes import (
    ExposureAnswer,
    ExposureSide,
    OwnerExposure,
)
from arien_flows.answers.flows import FlowsAnswer
from arien_flows.cli.output import NOTHING, closing, pairs, table

SHOWN_OWNERS = 20

_SHORT = 12
"""Digits of a document's hash in a table; `--json` has all of them."""

_HEADINGS = {
    "in": "Where the money came from",
    "out": "Where the money went",
}


def exposure_lines(answer: ExposureAnswer) -> Iterable[str]:
    """Return both directions with the named owners, and what limits cut."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    request = answer.request
    yield from pairs(
        (
            ("Exposure of", ", ".join(request.subjects)),
            ("Entity", ", ".join(answer.entities)),
            ("Network", answer.network),
            ("Convention", f"{request.policy}, pro rata in every {_where(answer)} (an inference)"),
            ("Categories", f"{answer.categories} ({answer.categories_sha256})"),
        )
    )
    for side in answer.sides:
        yield from ("", *_side(side, asset, _looked_at(answer)))
    yield from closing(answer)
    yield f"Result {answer.manifest.result_sha256}"


def _where(answer: ExposureAnswer) -> str:
    return "balance" if isinstance(answer, AccountExposureAnswer) else "transaction"


def _looked_at(answer: ExposureAnswer) -> str:
    if isinstance(answer, AccountExposureAnswer):
        return "movements of balances were looked at"
    return "transactions of others were gone through"


def _side(side: ExposureSide, asset: Asset, looked_at: str) -> Iterable[str]:
    yield (
        f"{_HEADINGS[side.direction]}: {coins(side.total, asset)} in {side.transactions:,} "
        f"transaction{'s' * (side.transactions != 1)}"
    )
    if side.total == "0":
        verb = "came from outside" if side.direction == "in" else "went outside"
        yield f"Nothing {verb}, so nothing can be said of anybody; that is not the same as clean."
        return
    yield (
        f"Attributed {side.coverage_percent} %: direct {coins(side.direct, asset)}, "
        f"indirect {coins(side.indirect, asset)}; {side.followed:,} {looked_at}, "
        f"from {coins(side.min_value, asset)} on."
    )
    yield ""
    yield from table(
        ("%", "Amount", "Direct", "Indirect", "Hops from", "Category, or why nobody is named"),
        [*_categories(side, asset), *_rest(side, asset), _sum(side, asset)],
    )
    if side.owners:
        yield from ("", *_owners(side, asset))


def _categories(side: ExposureSide, asset: Asset) -> Iterable[tuple[str, ...]]:
    for row in side.categories:
        yield (
            row.percent,
            coins(row.value, asset),
            coins(row.direct, asset),
            coins(row.indirect, asset),
            str(row.least_hops),
            row.category,
        )


def _rest(side: ExposureSide, asset: Asset) -> Iterable[tuple[str, ...]]:
    for row in side.rest:
        yield (
            row.percent,
            coins(row.value, asset),
            NOTHING,
            NOTHING,
            NOTHING,
            f"({row.reason}) {row.meaning}",
        )


def _sum(side: ExposureSide, asset: Asset) -> tuple[str, ...]:
    return (
        "100.00",
        coins(side.total, asset),
        coins(side.direct, asset),
        coins(side.indirect, asset),
        NOTHING,
        "in all, exactly",
    )


def _owners(side: ExposureSide, asset: Asset) -> Iterable[str]:
    shown = side.owners[:SHOWN_OWNERS]
    yield from table(
        ("Amount", "Hops", "Conf.", "Who", "Category", "Certainty", "Documents"),
        (
            (
                coins(owner.value, asset),
                str(owner.hops),
                str(owner.confidence),
                _who(owner),
                owner.category,
                owner.certainty,
                ", ".join(each[:_SHORT] for each in owner.documents) or NOTHING,
            )
            for owner in shown
        ),
    )
    more = len(side.owners) - len(shown) + side.owners_left_out
    if more:
        yield f"and {more:,} smaller ones, which the table above counts in; --json lists more."


def _who(owner: OwnerExposure) -> str:
    told = owner.label
    if owner.is_disputed:
        told += " (disputed)"
    if owner.entities > 1:
        told += f", {owner.entities:,} entities"
    return told


def flows_lines(answer: FlowsAnswer) -> Iterable[str]:
    """Return who paid whom, what each payer paid in all, and what limits cut."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    (subject,) = answer.request.subjects
    yield from pairs(
        (
            ("From", subject.partition(":")[2]),
            ("To", answer.destination),
            ("Network", answer.network),
            (
                "Convention",
                f"{answer.request.policy}, pro rata in every transaction (an inference)",
            ),
            ("Categories", f"{answer.categories} ({answer.categories_sha256})"),
            ("In all", coins(answer.value, asset)),
        )
    )
    yield ""
    if answer.flows:
        yield from table(
            ("Amount", "Direct", "Indirect", "Conf.", "From", "To", "Documents"),
            (
                (
                    coins(row.value, asset),
                    coins(row.direct, asset),
                    coins(row.indirect, asset),
                    str(row.confidence),
                    row.origin,
                    row.destination + (" (disputed)" if row.is_disputed else ""),
                    ", ".join(each[:_SHORT] for each in row.documents) or NOTHING,
                )
                for row in answer.flows
            ),
        )
    else:
        yield "Nothing that they paid was found to reach such an owner first."
    yield ""
    yield from table(
        ("Paid in all", "Arrived", "Entities", "Who paid"),
        (
            (coins(row.paid, asset), coins(row.arrived, asset), f"{row.entities:,}", row.name)
            for row in answer.payers
        ),
    )
    yield from closing(answer)
    yield f"Result {answer.manifest.result_sha256}"
