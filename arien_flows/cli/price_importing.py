"""Bringing files of prices into the casebook from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from arien_flows.answers.prices import PriceReport, price_report, refused_prices
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import PriceOffer
from arien_flows.cli.importing import user_name
from arien_flows.cli.session import Session
from arien_flows.errors import InputError
from arien_flows.prices.currencies import asset_named, currency_named
from arien_flows.prices.reading import MAX_BYTES
from arien_flows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is said of all files of one command."""

    asset: str
    currency: str
    source: str
    licence: str | None = None
    column: str | None = None


def import_prices(session: Session, files: Sequence[Path], terms: Terms) -> list[PriceReport]:
    """Import files one after the other; one that cannot be read does not keep the others out."""
    asset, currency = asset_named(terms.asset), currency_named(terms.currency)
    if asset == currency:
        raise InputError(f"one {asset} is always worth one {currency}: name two different things")
    if not terms.source.strip():
        raise InputError("say who states the prices: --source TEXT")
    casebook = Workspace(session.settings).casebook
    offer = PriceOffer(
        name="",
        asset=asset,
        currency=currency,
        source=terms.source.strip(),
        licence=terms.licence,
        imported_at=datetime.now(UTC),
        imported_by=user_name(),
    )
    return [_imported(casebook, file, offer, terms.column) for file in files]


def _imported(casebook: Casebook, file: Path, offer: PriceOffer, column: str | None) -> PriceReport:
    # One byte more than is allowed is enough to refuse a file.
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    try:
        outcome = casebook.import_prices(raw, replace(offer, name=file.name), column=column)
    except InputError as error:
        return refused_prices(file.name, str(error))
    return price_report(outcome)
