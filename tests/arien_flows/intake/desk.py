"""A desk for tests: a data folder, pages to bring in, and the moment at which that is done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from arien_flows.attribution.source_documents import source_document
from arien_flows.casebook.book import Casebook
from arien_flows.intake.importing import import_listings
from arien_flows.intake.order import IntakeResult, Order
from arien_flows.intake.settling import Settled, withdraw_listing
from arien_flows.settings import Settings
from arien_flows.simulation.listings import PAGE
from arien_flows.workspace import Workspace
from chains.bitcoin.address import address_text
from chains.bitcoin.networks import BITCOIN
from chains.tables import ScriptType

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
CAPTURED = datetime(2021, 4, 5, tzinfo=UTC)
MARKET = "Nile Market"
FIRST = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
SECOND = "1KFHE7w8BhaENAswwryaoccDb6qcT6DbYY"
THIRD = address_text(ScriptType.P2WPKH, bytes(range(20)), BITCOIN) or ""
SECRET = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"  # noqa: S105 no password
"""A private key of public documentation, which holds nothing."""


def page(vendor: str, address: str | None, *, market: str = MARKET, more: str = "") -> bytes:
    """Return a vendor's page as the simulator writes them."""
    terms = "Escrow only." if address is None else f"Please send payment to my address {address}."
    return PAGE.format(
        vendor=vendor,
        market=market,
        fingerprint="0" * 40,
        products="<tr><td>A thing</td><td>0.5</td></tr>",
        terms=terms,
        feedback=more,
        donation="(see our forum)",
    ).encode()


class Desk:
    """Somebody who brings documents in, a day after the other."""

    def __init__(self, folder: Path, casebook: str | None = None) -> None:
        self.folder = folder
        self.workspace = Workspace(Settings(data=folder / "data", casebook=casebook))
        self.days = 0

    @property
    def casebook(self) -> Casebook:
        return self.workspace.casebook

    def order(self, **said: object) -> Order:
        order = Order(
            market=MARKET,
            captured_at=CAPTURED,
            origin=None,
            collector="a collector",
            mapping=None,
            mapping_text=None,
            name="a batch",
            network="bitcoin",
            now=NOW + timedelta(days=self.days),
            by="an analyst",
        )
        return replace(order, **said)  # type: ignore[arg-type]  # a test names what it changes

    def bring(self, pages: Mapping[str, bytes], **said: object) -> IntakeResult:
        """Bring files in, of a folder of their own."""
        self.days += 1
        folder = self.folder / f"offer-{self.days}"
        folder.mkdir()
        for name, raw in pages.items():
            (folder / name).write_bytes(raw)
        return self.offer(folder, **said)

    def offer(self, *offers: Path, **said: object) -> IntakeResult:
        self.days += 1
        return import_listings(self.workspace, offers, self.order(**said))

    def withdraw(self, sha256: str, reason: str = "not what it seemed") -> Settled:
        self.days += 1
        now = NOW + timedelta(days=self.days)
        return withdraw_listing(
            self.workspace, sha256, reason=reason, now=now, by="another analyst"
        )

    def labels(self, network: str = "bitcoin") -> dict[str, set[str]]:
        """Return what is said of addresses now."""
        said: dict[str, set[str]] = {}
        for tag in self.casebook.export(network):
            said.setdefault(tag.address or "", set()).add(tag.label)
        return said

    def sources(self, address: str, network: str = "bitcoin") -> set[str]:
        """Return the documents that tags of an address rest on."""
        return {source_document(tag) for tag in self.casebook.tags_of(network, [address])}
