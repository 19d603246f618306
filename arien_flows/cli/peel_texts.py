"""Peel chains as text for people."""

from collections.abc import Iterable

from arien_flows.amounts import Asset, coins
from arien_flows.answers.peel_shapes import PeelChainAnswer, PeeledOutput, PeelValidation
from arien_flows.cli.output import NOTHING, closing, pairs, table
from arien_flows.shapes import shown_time


def peel_chain_lines(answer: PeelChainAnswer) -> Iterable[str]:
    """Return a chain: what it comes to, why it ends, every payment, and who was paid."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Peel chain", f"{answer.direction} from {answer.start}"),
            ("Network", answer.network),
            ("Inferred by", f"{answer.rule} {answer.rule_version}; {answer.error_rate}"),
            ("Hops", f"{answer.hop_count:,}"),
            ("First spends", coins(answer.sums.start, asset)),
            ("Joined later", coins(answer.sums.joined, asset)),
            ("Peeled off", coins(answer.sums.peeled, asset)),
            ("Fees", coins(answer.sums.fees, asset)),
            ("Left", coins(answer.sums.left, asset)),
            ("Co-spend rule", _validation(answer.validation)),
            ("Ends", f"{answer.stop.reason}: {answer.stop.detail}"),
            ("Ends at", f"{answer.stop.at.txid} (block {answer.stop.at.height:,})"),
        )
    )
    yield from (f"Candidate     {outpoint}" for outpoint in answer.stop.candidates)
    yield ""
    verdict = (
        "Reported as a peel chain." if answer.is_behaviour else "Not reported as a peel chain."
    )
    yield verdict
    for criterion in answer.criteria:
        mark = "holds" if criterion.passed else "fails"
        yield f"  {mark}  {criterion.name}: {criterion.value} ({criterion.threshold} asked)"
    if answer.hops:
        yield ""
        yield from _payments(answer, asset)
        yield ""
        yield from _recipients(answer, asset)
    yield from closing(answer)


def _validation(found: PeelValidation) -> str:
    if found.clustering is None:
        return "not asked"
    if found.share is None:
        return "can judge no hop"
    verdict = {
        True: "fit for clustering",
        False: "unfit for clustering",
        None: "too few to decide about clustering",
    }[found.fit_for_clustering]
    return f"agrees at {found.agreeing:,} of {found.testable:,} hops that it can judge; {verdict}"


def _payments(answer: PeelChainAnswer, asset: Asset) -> list[str]:
    return table(
        ("Hop", "Block", "Time", "Peeled", "To", "Output"),
        (
            (
                str(number),
                f"{hop.height:,}",
                shown_time(hop.time),
                coins(output.value, asset),
                _named(output),
                output.outpoint,
            )
            for number, hop in enumerate(answer.hops, 1)
            for output in hop.peeled
        ),
    )


def _named(output: PeeledOutput) -> str:
    if output.label is None:
        return output.address
    inherited = ", of its entity" if output.label_inherited else ""
    return f"{output.address} ({output.label}{inherited})"


def _recipients(answer: PeelChainAnswer, asset: Asset) -> list[str]:
    return table(
        ("Recipient", "Outputs", "Received", "Called"),
        (
            (each.id, f"{each.outputs:,}", coins(each.value, asset), each.label or NOTHING)
            for each in answer.recipients
        ),
    )
