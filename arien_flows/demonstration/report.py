"""The page of the sample investigation: each finding with its certainty and its evidence."""

from collections.abc import Iterable, Iterator

from arien_flows.amounts import Asset, coins
from arien_flows.demonstration.investigation import CONVENTIONS, Deposit, Flow, Lead, Wallet
from arien_flows.demonstration.scene import NETWORK, Scene
from arien_flows.reports.ends import end_rows, meaning, services_heading
from arien_flows.reports.page import (
    data_table,
    facts,
    heading,
    page,
    paragraph,
    picture,
    quotation,
)
from arien_flows.reports.values import basis_lines, end_values
from arien_flows.shapes import shown_time
from arien_flows.simulation.prices import ASSET, CURRENCY, SOURCE

TITLE = "Sample investigation: a vendor and a theft"
SHOWN_ENDS = 15

CAVEATS = (
    "An entity is a set of addresses that a rule joins, not a person; the rule fails where "
    "several people sign one transaction without it looking like a CoinJoin.",
    "FIFO, haircut and poison are conventions. They give different amounts for the same money, "
    "and the chain does not say which of them is right.",
    "What money was worth is what a price table says of the day; the prices of this simulation "
    "are made up.",
    "A service is named because a source names an address of its entity. No tag does not mean "
    "that an address is clean.",
)


def write_report(
    scene: Scene, vendor: Lead, wallet: Wallet, vendor_flow: Flow, theft: Lead, theft_flow: Flow,
    deposits: list[Deposit],
) -> None:  # fmt: skip
    """Write the page; the same investigation gives the same bytes."""
    parts = [
        paragraph(
            "Everything here is simulated: people, documents and transactions. The chain uses "
            "regtest addresses, which no real wallet has. Each heading says what kind of "
            "statement follows: a fact of the chain, an inference of a named rule or convention, "
            "or an attribution by a source."
        ),
        *_lead_parts("1. A vendor asks to be paid", vendor),
        *_wallet_parts("2. What the chain shows of the vendor's wallet", wallet),
        *_flow_parts("3. Where the vendor's revenue went", vendor_flow),
        *_lead_parts("4. A victim warns of a thief", theft),
        *_flow_parts("5. Where the stolen money went", theft_flow),
        *_truth_parts("6. Held against the truth of the simulation", deposits),
        heading("7. What this does not prove"),
        *(paragraph(caveat) for caveat in CAVEATS),
        heading("8. To repeat it"),
        paragraph(
            "The same ledger, the same tags and the same question give the same bytes. The result "
            "hashes must be those of the traces above."
        ),
        quotation("\n".join(_commands(scene, vendor, vendor_flow, theft))),
    ]
    scene.report.write_text(page(TITLE, parts), encoding="utf-8")


def _lead_parts(title: str, lead: Lead) -> Iterator[str]:
    asset = Asset(name=lead.address.asset, decimals=lead.address.decimals)
    yield heading(title)
    yield quotation(lead.quotation.text)
    yield paragraph(f"{lead.quotation.file}, SHA-256 {lead.quotation.sha256}", note=True)
    yield from _finding_parts(lead)
    yield heading("The address", "fact")
    yield facts(
        (
            ("Address", lead.address.address),
            ("First seen", shown_time(lead.address.first_seen.time)),
            ("Last seen", shown_time(lead.address.last_seen.time)),
            ("Transactions", f"{lead.address.transaction_count:,}"),
            ("Received", coins(lead.address.received, asset)),
            ("Balance", coins(lead.address.balance, asset)),
        )
    )
    yield from _entity_parts(lead, asset)


def _finding_parts(lead: Lead) -> Iterator[str]:
    found = lead.quotation.finding
    yield heading("What it says of the address", found.certainty)
    yield facts(
        (
            ("Address", found.address),
            ("At bytes", f"{found.begin:,} to {found.end:,}"),
            ("Role", found.role.replace("_", " ")),
            ("By rule", f"{found.role_rule}, shown by bytes {found.role_begin:,} to "
                        f"{found.role_end:,}"),
            ("Whose", found.owner if found.owner and found.attributes else "nobody is named by it"),
        )
    )  # fmt: skip


def _wallet_parts(title: str, wallet: Wallet) -> Iterator[str]:
    profile, risk = wallet.profile, wallet.risk
    asset = Asset(name=profile.asset, decimals=profile.decimals)
    score = profile.score
    yield heading(title, "inference")
    yield paragraph(
        f"{score.score} of {score.highest} points speak for a vendor's wallet ({score.standing}). "
        f"Each item is held against the chain by policy {score.policy}; its error is "
        f"{score.error_rate}."
    )
    yield data_table(
        ("Item", "Verdict", "Points", "Measured"),
        ((item.says, item.verdict, str(item.given), item.measured) for item in score.items),
        numeric=(2,),
    )
    if profile.markets:
        yield data_table(
            ("Market", "First payout", "Last payout", "Payouts", "Value"),
            (
                (
                    market.name,
                    shown_time(market.first_payout),
                    shown_time(market.last_payout),
                    f"{market.transactions:,}",
                    coins(market.value, asset),
                )
                for market in profile.markets
            ),
            numeric=(3, 4),
        )
    yield paragraph(f"Revenue: {coins(profile.revenue.revenue, asset)}. {profile.revenue.counts}")
    yield picture(wallet.chart.read_bytes(), "Revenue by month")
    yield heading("Risk of the entity", "inference")
    yield facts(
        (
            ("Score", f"{risk.score} ({risk.band})"),
            ("If sources are wrong", f"{risk.interval.lower} to {risk.interval.upper}"),
            ("Money that has a name", f"{risk.coverage.percent} %"),
            ("Policy", f"{risk.policy.version}, SHA-256 {risk.policy.sha256}"),
        )
    )
    yield data_table(
        ("Points", "Because"),
        ((part.points, part.sentence) for part in risk.contributions),
        numeric=(0,),
    )
    for limit in risk.limits:
        yield paragraph(limit, note=True)


def _entity_parts(lead: Lead, asset: Asset) -> Iterator[str]:
    entity = lead.entity
    yield heading("Its entity", "inference")
    if entity.address_count == 1:
        yield paragraph(f"No rule of profile {entity.profile} joins it with another address.")
        return
    yield facts(
        (
            ("First-seen address", entity.id),
            ("Addresses", f"{entity.address_count:,}"),
            ("Received from others", coins(entity.received_net, asset)),
            ("Sent to others", coins(entity.sent_net, asset)),
            ("Rules", ", ".join(f"{name} {n}" for name, n in sorted(entity.rules.items()))),
        )
    )
    if lead.why.steps:
        yield paragraph("What joins the address with the entity's first-seen address:")
        yield data_table(
            ("Address", "and address", "by", "in transaction"),
            (
                (step.address_from, step.address_to, f"{step.rule} {step.rule_version}", step.txid)
                for step in lead.why.steps
            ),
        )
        yield facts(
            (f"How often {rule} was wrong", text) for rule, text in lead.why.error_rates.items()
        )


def _flow_parts(title: str, flow: Flow) -> Iterator[str]:
    answer = flow.main.answer
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield heading(title, "inference")
    yield paragraph(
        f"{coins(answer.totals.source, asset)}, followed by the {answer.request.policy} "
        f"convention up to block {answer.as_of.height:,}."
    )
    yield picture(flow.files.picture.read_bytes(), f"{title}: flow of money, left to right")
    values = end_values(answer)
    yield data_table(
        ("Amount", f"{answer.request.fiat} then", "Ended"),
        ((amount, values[reason], ended) for amount, ended, reason in end_rows(answer)),
        numeric=(0, 1),
    )
    if answer.services:
        yield heading(services_heading(answer.request.direction), "attribution")
        yield _services(flow, asset)
    yield heading("Largest ends", "inference")
    yield data_table(
        ("Traced", "Of coin", "Ended", "Hops", "Address", "Coin"),
        (
            (
                coins(leaf.traced, asset),
                coins(leaf.value, asset),
                meaning(leaf.reason, answer.request.direction),
                str(leaf.hops),
                leaf.address or "",
                leaf.outpoint or leaf.spent_by or "",
            )
            for leaf in answer.leaves[:SHOWN_ENDS]
        ),
        numeric=(0, 1, 3),
    )
    if len(answer.leaves) > SHOWN_ENDS:
        yield paragraph(
            f"{len(answer.leaves) - SHOWN_ENDS:,} smaller ends are in trace.json.", note=True
        )
    for line in basis_lines(answer.request.fiat or "", answer.manifest.prices):
        yield paragraph(line, note=True)
    for cut in answer.truncations:
        yield paragraph(f"Left out: {cut.where} ({cut.reason}). {cut.detail}", note=True)
    yield paragraph(f"Result {answer.manifest.result_sha256}", note=True)


def _services(flow: Flow, asset: Asset) -> str:
    """Return what each convention says that each service received."""
    amounts = {
        policy: {service.label: service.traced for service in result.answer.services}
        for policy, result in flow.traces.items()
    }
    labels = [service.label for service in flow.traces["poison"].answer.services]
    return data_table(
        ("Service", *CONVENTIONS),
        (
            (label, *(coins(amounts[policy].get(label, "0"), asset) for policy in CONVENTIONS))
            for label in labels
        ),
        numeric=range(1, len(CONVENTIONS) + 1),
    )


def _truth_parts(title: str, deposits: Iterable[Deposit]) -> Iterator[str]:
    yield heading(title)
    yield paragraph(
        "The thief paid twice into an account at an exchange. What of the stolen money each "
        "convention must find there follows from its definition."
    )
    yield data_table(
        ("Deposit", "Convention", "Expected (sat)", "Found (sat)", "Verdict"),
        (
            (
                deposit.outpoint,
                deposit.policy,
                f"{deposit.expected_sat:,}",
                f"{deposit.found_sat:,}",
                "equal" if deposit.expected_sat == deposit.found_sat else "DIFFERENT",
            )
            for deposit in deposits
        ),
        numeric=(2, 3),
    )


def _commands(scene: Scene, vendor: Lead, vendor_flow: Flow, theft: Lead) -> Iterator[str]:
    program = f"arien-flows --data another-folder --network {NETWORK}"
    yield f"{program} ledger ingest --source blockfiles:{scene.simulation / 'blocks'}"
    yield f"{program} tags import {scene.tags}"
    terms = f'--asset {ASSET} --currency {CURRENCY} --source "{SOURCE}"'
    yield f"{program} prices import {scene.prices} {terms}"
    day = f"{vendor_flow.main.answer.as_of.time:%Y-%m-%d}"
    yield f"{program} listings import {scene.listings} --captured-at {day}"
    yield f"{program} cluster run"
    yield f"{program} trace entity:{vendor.quotation.address} --fiat {CURRENCY}"
    yield f"{program} trace {theft.quotation.address} --fiat {CURRENCY}"
