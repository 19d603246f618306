"""`arien-flows demo`: the sample investigation, told step by step, then served."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from arien_flows.cli.session import Session, chain_size_option, session_of, session_options

if TYPE_CHECKING:
    from arien_flows.demonstration.investigation import Flow, Lead, Wallet
    from arien_flows.demonstration.scene import Scene
    from arien_flows.intake.order import IntakeResult, Order
    from arien_flows.ledger.view import View

R = TypeVar("R")


@click.command()
@session_options
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to make it; made anew each time. By default `demo` in the data folder.",
)
@chain_size_option
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, show_default=True)
@click.option("--no-serve", is_flag=True, help="End when the report is written.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to serve on (ARIEN_PORT; 8000).")
@click.pass_context
def demo(
    context: click.Context,
    folder: Path | None,
    transactions: int,
    seed: int,
    no_serve: bool,
    port: int | None,
) -> None:
    """Make the sample investigation and serve it.

    Simulates a darknet economy as real block files with regtest addresses, reads them back,
    joins addresses into entities, and follows a vendor's revenue and a theft to the exchanges.
    """
    from arien_flows.cli.binding import require_protection
    from arien_flows.cli.serve import listen, run_service

    session = session_of(context)
    settings = session.settings
    port = settings.port if port is None else port
    if not no_serve:
        # A port in use is better found before the work than after it.
        require_protection(settings, settings.host)
        listen(settings.host, port).close()
    scene = perform(session, folder or settings.data / "demo", transactions, seed)
    if not no_serve:
        run_service(
            replace(settings, data=scene.data, casebook=None), host=settings.host, port=port
        )


def perform(session: Session, folder: Path, transactions: int, seed: int) -> Scene:
    """Make the sample investigation in a folder, and tell what is done and found."""
    from arien_flows.cli.filling import fill
    from arien_flows.cli.listing_importing import imported
    from arien_flows.cli.price_importing import Terms as PriceTerms
    from arien_flows.cli.price_importing import import_prices
    from arien_flows.cli.tag_importing import import_files
    from arien_flows.demonstration import investigation
    from arien_flows.demonstration.report import write_report
    from arien_flows.demonstration.scene import NETWORK, fresh_scene, play
    from arien_flows.entities.clustering import run_clustering
    from arien_flows.entities.profiles import Terms
    from arien_flows.simulation.parameters import Parameters
    from arien_flows.simulation.prices import ASSET, CURRENCY, SOURCE
    from arien_flows.workspace import DERIVED, Workspace

    scene = fresh_scene(folder)
    settings = replace(session.settings, data=scene.data, network=NETWORK, casebook=None)
    inner = replace(session, settings=settings)
    parameters = Parameters(transactions=transactions, seed=seed)

    compiling = _compile_meanwhile()
    click.echo("Sample investigation. The first run also compiles the kernels, and takes longer.")
    summary = _timed(
        f"Simulate markets, vendors, exchanges and a theft in {transactions:,} transactions",
        lambda: play(scene, parameters),
    )
    compiling.wait()
    _timed(
        f"Read {summary.block_bytes / 1e6:.1f} MB of block files into a ledger",
        lambda: fill(inner, NETWORK, f"blockfiles:{scene.simulation / 'blocks'}", until=None),
    )
    price_terms = PriceTerms(asset=ASSET, currency=CURRENCY, source=SOURCE)
    priced = _timed(
        "Import made-up prices of the simulated coin",
        lambda: import_prices(inner, [scene.prices], price_terms)[0],
    )
    if priced.table is not None:
        click.echo(
            f"   {priced.table.points} prices of {priced.table.file}: {priced.table.source}."
        )
    network = Workspace(settings).open(NETWORK)
    known = _timed(
        "Import what is known of services into the casebook",
        lambda: import_files(inner, [scene.tags])[0],
    )
    if known.record is not None:
        click.echo(f"   {known.record.tags} tags of {known.file}, which is kept with its hash.")
    view = network.read().view
    collected = _timed(
        "Bring in collected pages and posts, and find the addresses in them",
        lambda: imported(inner, [scene.listings], collected_order(inner, view)),
    )
    _tell_collected(collected)
    terms = Terms(constraints=network.constraints(view))
    _timed(
        "Join addresses of one owner into entities",
        lambda: run_clustering(view, network.root / DERIVED, terms=terms),
    )
    reading = network.read()
    vendor = _timed(
        "Look up the address in a vendor's announcement",
        lambda: investigation.follow_document(reading, investigation.VENDOR_DOCUMENT),
    )
    _tell_lead(vendor)
    wallet = _timed(
        "Look at its entity as a vendor's, and score its risk",
        lambda: investigation.look_into(
            reading, vendor.quotation.address, scene.results / "vendor" / "revenue.png"
        ),
    )
    _tell_wallet(wallet)
    revenue = _timed(
        "Follow the vendor's revenue under three conventions",
        lambda: investigation.follow_money(
            reading, f"entity:{vendor.quotation.address}", scene.results / "vendor"
        ),
    )
    _tell_flow(revenue)
    theft = _timed(
        "Look up the address in a victim's warning",
        lambda: investigation.follow_document(reading, investigation.THEFT_DOCUMENT),
    )
    _tell_lead(theft)
    loot = _timed(
        "Follow the stolen money under three conventions",
        lambda: investigation.follow_money(
            reading, theft.quotation.address, scene.results / "theft"
        ),
    )
    _tell_flow(loot)
    deposits = investigation.check_against_truth(scene, loot)
    equal = sum(deposit.expected_sat == deposit.found_sat for deposit in deposits)
    click.echo(
        f"   The simulation knows what each convention must find at the thief's two deposits: "
        f"{equal} of {len(deposits)} amounts are equal to the satoshi."
    )
    write_report(scene, vendor, wallet, revenue, theft, loot, deposits)
    _tell_files(scene, revenue, loot)
    return scene


def _compile_meanwhile() -> subprocess.Popen[bytes]:
    """Compile what comes after the simulation on another core; if that fails, it comes later."""
    return subprocess.Popen(
        [sys.executable, "-m", "arien_flows.warm_up"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _timed(what: str, work: Callable[[], R]) -> R:
    started = time.perf_counter()
    result = work()
    click.echo(f"\n{what}: {time.perf_counter() - started:.1f} s")
    return result


def collected_order(session: Session, view: View) -> Order:
    """Return what is said of the collected documents: they are of the chain's last day."""
    from arien_flows.cli.listing_importing import order_of

    return order_of(
        session,
        market=None,
        captured_at=f"{view.tip.time:%Y-%m-%d}",
        origin=None,
        mapping=None,
        collector=None,
        name="listings",
    )


def _tell_collected(collected: IntakeResult) -> None:
    found = sum(row.found for row in collected.rows)
    attributing = sum(row.attributing for row in collected.rows)
    click.echo(
        f"   {len(collected.rows)} documents are kept with their hashes. Of {found} addresses in "
        f"them {attributing} say whose they are; the others are quoted, warned of, a donation's "
        "or a buyer's, and accuse nobody."
    )


def _tell_wallet(wallet: Wallet) -> None:
    from arien_flows.amounts import Asset, coins

    profile, risk = wallet.profile, wallet.risk
    asset = Asset(name=profile.asset, decimals=profile.decimals)
    score = profile.score
    click.echo(
        f"   Inference: {score.score} points of {score.highest} for a vendor's wallet "
        f"({score.standing}); revenue {coins(profile.revenue.revenue, asset)}."
    )
    click.echo(
        f"   Inference: risk {risk.score} ({risk.band}; {risk.interval.lower} to "
        f"{risk.interval.upper} if sources are wrong), {risk.coverage.percent} % of the money has "
        "a name."
    )


def _tell_lead(lead: Lead) -> None:
    from arien_flows.amounts import Asset, coins

    asset = Asset(name=lead.address.asset, decimals=lead.address.decimals)
    finding = lead.quotation.finding
    click.echo(
        f"   {lead.quotation.file} names {lead.address.address} (role: "
        f"{finding.role.replace('_', ' ')}, by rule {finding.role_rule})."
    )
    click.echo(
        f"   Fact: it received {coins(lead.address.received, asset)} in "
        f"{lead.address.transaction_count:,} transactions and holds "
        f"{coins(lead.address.balance, asset)}."
    )
    if lead.entity.address_count == 1:
        click.echo("   Inference: no rule joins it with another address.")
        return
    click.echo(
        f"   Inference: the rules of profile {lead.entity.profile} join it with "
        f"{lead.entity.address_count - 1:,} more addresses, which together received "
        f"{coins(lead.entity.received_net, asset)} from others."
    )


def _tell_flow(flow: Flow) -> None:
    from arien_flows.amounts import Asset, coins
    from arien_flows.reports.ends import end_rows
    from arien_flows.reports.values import end_values

    answer = flow.main.answer
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    click.echo(
        f"   Inference: by the {answer.request.policy} convention "
        f"{coins(answer.totals.source, asset)} ended like this:"
    )
    values = end_values(answer)
    for amount, ended, reason in end_rows(answer):
        worth = f"  {values[reason]:>14} {answer.request.fiat} then" if values else ""
        click.echo(f"      {amount:>18}{worth}  {ended}")
    for service in answer.services:
        click.echo(f"   Attribution: {coins(service.traced, asset)} of it reached {service.label}.")


def _tell_files(scene: Scene, revenue: Flow, loot: Flow) -> None:
    click.echo(f"\nReport:   {scene.report}")
    for name, flow in (("vendor", revenue), ("theft", loot)):
        click.echo(f"Files of the {name}'s trace:")
        for file in flow.files.all():
            click.echo(f"   {file}")
    click.echo(f"Ask more: {_program()} --data {scene.data} --help")


def _program() -> str:
    """Return what to type for this program: its name, or its path where the shell misses it."""
    name, called = "arien-flows", Path(sys.argv[0])
    is_known = shutil.which(name) is not None or called.name != name
    return name if is_known else os.path.relpath(called)
