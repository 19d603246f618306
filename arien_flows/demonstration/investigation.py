"""The questions of the sample investigation, and their answers.

Two documents start it: a vendor announces where to pay, and a victim warns of a thief. The first
leads over the vendor's entity to where the revenue is cashed out; the second over a split, a
merge with clean money and a chain of small payments to an exchange account. Because the chain is
simulated, what the traces find can be held against the truth.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from arien_flows.answers.address import AddressAnswer, address_answer
from arien_flows.answers.entity import EntityAnswer, entity_answer
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.risk_shapes import RiskAnswer
from arien_flows.answers.trace import traced
from arien_flows.answers.vendor import ProfileRequest, vendor_profile
from arien_flows.answers.vendor_shapes import VendorProfile
from arien_flows.answers.why import WhyAnswer, why_answer
from arien_flows.demonstration.documents import Quotation, first_address
from arien_flows.demonstration.scene import Scene
from arien_flows.reports.trace_files import TraceFiles, write_trace_files
from arien_flows.reports.vendor_chart import draw_revenue
from arien_flows.simulation.prices import CURRENCY
from arien_flows.simulation.truth import Truth
from arien_flows.tracing.request import PolicyName, TraceRequest
from arien_flows.tracing.trace import TraceResult
from arien_flows.workspace import Reading

VENDOR_DOCUMENT = "forum-vendor-announcement.txt"
THEFT_DOCUMENT = "forum-theft-warning.txt"
SHOWN_ADDRESSES = 20
CONVENTIONS: tuple[Literal["fifo", "haircut", "poison"], ...] = ("fifo", "haircut", "poison")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A document, and what the address in it leads to."""

    quotation: Quotation
    address: AddressAnswer
    entity: EntityAnswer
    why: WhyAnswer
    """What joins the address with the first-seen one of its entity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """What the chain shows of an owner, and how risky that is."""

    profile: VendorProfile
    """As if it were a vendor's."""

    chart: Path
    """Revenue by month."""

    risk: RiskAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A trace under every convention, and its files under the first one."""

    traces: dict[PolicyName, TraceResult]
    files: TraceFiles

    @property
    def main(self) -> TraceResult:
        """Return the trace that is shown."""
        return self.traces[CONVENTIONS[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What one convention says of one payment, and what the simulation knows."""

    outpoint: str
    policy: PolicyName
    expected_sat: int
    found_sat: int


def follow_document(reading: Reading, file: str) -> Lead:
    """Take the address out of a document of the casebook and look at it and its entity."""
    quotation = first_address(reading.tags.casebook, file)
    entity = entity_answer(reading, quotation.address, limit=SHOWN_ADDRESSES)
    return Lead(
        quotation=quotation,
        address=address_answer(reading, quotation.address),
        entity=entity,
        why=why_answer(reading, quotation.address, entity.id),
    )


def look_into(reading: Reading, address: str, chart: Path) -> Wallet:
    """Look at an entity as if it were a vendor's, draw its revenue, and score its risk."""
    profile = vendor_profile(reading, ProfileRequest(subject=address, currency=CURRENCY))
    chart.parent.mkdir(parents=True, exist_ok=True)
    draw_revenue(profile, chart)
    return Wallet(profile=profile, chart=chart, risk=risk_answer(reading, f"entity:{address}"))


def follow_money(reading: Reading, source: str, folder: Path) -> Flow:
    """Trace a source forward under every convention, and write graph and pictures."""
    request = TraceRequest(sources=(source,), fiat=CURRENCY)
    traces: dict[PolicyName, TraceResult] = {
        policy: traced(reading, replace(request, policy=policy)) for policy in CONVENTIONS
    }
    return Flow(traces=traces, files=write_trace_files(traces[CONVENTIONS[0]], folder))


def check_against_truth(scene: Scene, flow: Flow) -> list[Deposit]:
    """Return what each convention found at the thief's deposits, and what it should have."""
    found = {
        (policy, leaf.outpoint): int(leaf.traced)
        for policy, result in flow.traces.items()
        for leaf in result.answer.leaves
    }
    return [
        Deposit(
            outpoint=deposit["outpoint"],
            policy=policy,
            expected_sat=int(deposit["expected_sat"][policy]),
            found_sat=found.get((policy, deposit["outpoint"]), 0),
        )
        for deposit in Truth(scene.simulation).theft["deposits"]
        for policy in CONVENTIONS
    ]
