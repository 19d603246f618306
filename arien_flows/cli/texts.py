"""Answers about addresses, transactions and entities as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, coins
from arien_flows.answers.address import AddressAnswer
from arien_flows.answers.clustering import ClusteringAnswer
from arien_flows.answers.clustering_check import ClusteringCheck
from arien_flows.answers.entity import EntityAnswer, EntityName
from arien_flows.answers.facts import Flag, Sighting
from arien_flows.answers.history import HistoryAnswer
from arien_flows.answers.rates import ClusteringRateAnswer
from arien_flows.answers.rules import RuleList
from arien_flows.answers.status import StatusAnswer
from arien_flows.answers.tags import TagAnswer
from arien_flows.answers.transaction import OutputAnswer, TransactionAnswer
from arien_flows.answers.why import WhyAnswer
from arien_flows.cli.conflict_texts import entity_conflict_lines, pair_conflict_lines, sureness
from arien_flows.cli.output import NOTHING, closing, pairs, table
from arien_flows.cli.rate_texts import error_rate_lines
from arien_flows.cli.tag_texts import naming_lines
from arien_flows.entities.clustering import cluster_command
from arien_flows.shapes import shown_time


def address_lines(answer: AddressAnswer) -> Iterable[str]:
    """Return the summary of an address."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Address", answer.address),
            ("Network", answer.network),
            ("Script", answer.script_type),
            ("First seen", sighting_text(answer.first_seen)),
            ("Last seen", sighting_text(answer.last_seen)),
            ("Transactions", f"{answer.transaction_count:,}"),
            ("Received", coins(answer.received, asset)),
            ("Sent", coins(answer.sent, asset)),
            ("Balance", coins(answer.balance, asset)),
            ("Entity", entity_text(answer.entity)),
        )
    )
    yield from naming_lines(answer.naming)
    yield from tag_lines(answer.tags)
    yield from flag_lines(answer.flags)
    yield from closing(answer)


def history_lines(answer: HistoryAnswer) -> Iterable[str]:
    """Return a page of an address's transactions."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield from table(
        ("Block", "Time", "Received", "Sent", "Transaction"),
        (
            (
                f"{row.height:,}",
                shown_time(row.time),
                coins(row.received, asset) if row.received != "0" else NOTHING,
                coins(row.sent, asset) if row.sent != "0" else NOTHING,
                row.txid,
            )
            for row in answer.items
        ),
    )
    if answer.next_cursor is not None:
        yield f"There are more: add --cursor {answer.next_cursor}"
    yield from closing(answer)


def transaction_lines(answer: TransactionAnswer) -> Iterable[str]:
    """Return a transaction with its inputs, outputs and flags."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Transaction", answer.txid),
            ("Network", answer.network),
            ("Block", f"{answer.height:,} ({answer.block_hash}), position {answer.position}"),
            ("Time", shown_time(answer.time)),
            ("Confirmations", f"{answer.confirmations:,}"),
            ("Size", f"{answer.size:,} bytes, {answer.virtual_size:,} virtual"),
            ("Inputs", "none: coinbase" if answer.coinbase else coins(answer.input_value, asset)),
            ("Outputs", coins(answer.output_value, asset)),
            ("Fee", coins(answer.fee, asset)),
        )
    )
    if answer.inputs:
        yield from ("", *_inputs(answer, asset))
    if answer.outputs:
        yield from ("", *_outputs(answer, asset))
    yield from flag_lines(answer.flags)
    yield from closing(answer)


def entity_lines(answer: EntityAnswer, *, with_addresses: bool) -> Iterable[str]:
    """Return an entity, with the addresses of the page if they are wanted."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Entity", answer.id),
            ("Network", answer.network),
            ("Inferred by", f"profile {answer.profile}, up to block {answer.height:,}"),
            ("Rules", versions_text(answer.rules)),
            ("Joined by", merges_text(answer.merges)),
            ("Addresses", f"{answer.address_count:,}"),
            ("Transactions", f"{answer.transaction_count:,}"),
            ("Received", f"{coins(answer.received_net, asset)} from others"),
            ("Sent", f"{coins(answer.sent_net, asset)} to others, fees included"),
            ("Balance", coins(answer.balance, asset)),
        )
    )
    named = {*answer.merges, *(conflict.rule for conflict in answer.conflicts)}
    yield from error_rate_lines({rule: answer.error_rates[rule] for rule in sorted(named)})
    yield from tag_lines(answer.tags)
    yield from entity_conflict_lines(answer.conflicts, answer.conflict_count)
    if with_addresses:
        yield from ("", *answer.addresses.items)
        if answer.addresses.next_cursor is not None:
            yield f"There are more: add --cursor {answer.addresses.next_cursor}"
    yield from closing(answer)


def status_lines(answers: Sequence[StatusAnswer]) -> Iterable[str]:
    """Return what ledgers hold."""
    for number, answer in enumerate(answers):
        asset = Asset(name=answer.asset, decimals=answer.decimals)
        tip = "the ledger is empty"
        if answer.tip is not None:
            tip = f"{answer.tip.height:,} ({answer.tip.hash}), {shown_time(answer.tip.time)}"
        whole = "from genesis" if answer.complete_from == 0 else f"from {answer.complete_from}"
        yield from () if number == 0 else ("",)
        yield from pairs(
            (
                ("Network", answer.network),
                ("Last block", tip),
                ("Complete", NOTHING if answer.complete_from is None else whole),
                ("Blocks", f"{answer.blocks:,}"),
                ("Transactions", f"{answer.transactions:,}"),
                ("Inputs", f"{answer.inputs:,}"),
                ("Outputs", f"{answer.outputs:,}"),
                ("Addresses", f"{answer.addresses:,}"),
                ("Unspent", coins(answer.unspent_value, asset)),
                ("On disk", f"{answer.bytes_on_disk:,} bytes"),
            )
        )


def versions_text(rules: dict[str, int]) -> str:
    """Return rules with their versions."""
    return ", ".join(f"{name} {number}" for name, number in sorted(rules.items()))


def merges_text(merges: dict[str, int]) -> str:
    """Return which rules joined an entity, and how many merges each made."""
    if not merges:
        return "no rule: it is one address"
    return ", ".join(
        f"{name} ({count:,} merge{'s' * (count != 1)})" for name, count in sorted(merges.items())
    )


def sighting_text(seen: Sighting) -> str:
    """Return when and where a transaction was confirmed."""
    return f"{shown_time(seen.time)}, block {seen.height:,}, {seen.txid}"


def entity_text(entity: EntityName | None) -> str:
    """Return the entity of an address in a line."""
    if entity is None:
        return "unknown: no clustering"
    if entity.address_count == 1:
        return f"no rule of profile {entity.profile} joins it with another address"
    return f"{entity.id}: {entity.address_count:,} addresses (inferred by profile {entity.profile})"


def _inputs(answer: TransactionAnswer, asset: Asset) -> list[str]:
    return table(
        ("In", "Amount", "From", "Output spent"),
        (
            (
                str(row.position),
                coins(row.value, asset),
                row.address or NOTHING,
                row.outpoint or "before the ledger",
            )
            for row in answer.inputs
        ),
    )


def _outputs(answer: TransactionAnswer, asset: Asset) -> list[str]:
    return table(
        ("Out", "Amount", "To", "Spent by"),
        (
            (
                str(row.position),
                coins(row.value, asset),
                row.address or f"data: {row.data_hex or 'none'}",
                row.spent_by or _without_spender(row),
            )
            for row in answer.outputs
        ),
    )


def _without_spender(row: OutputAnswer) -> str:
    if not row.spender_asked:
        return "not asked"
    return "void (BIP 30)" if row.voided_by else "unspent"


def tag_lines(tags: Sequence[TagAnswer]) -> list[str]:
    """Return what sources say of an address, a line each."""
    return ["", *(_tag(tag) for tag in tags)] if tags else []


def _tag(tag: TagAnswer) -> str:
    whose = f"inherited from {tag.address}" if tag.inherited else "of the address itself"
    known = f"{tag.confidence}, {tag.confidence_level} of 100"
    where = f"{tag.document.name}, tag {tag.document.row}"
    told = "; ".join((", ".join(tag.concepts) or "no concept", known, tag.source, where))
    return f"{tag.label} (attribution {whose}; {told})"


def flag_lines(flags: Sequence[Flag]) -> list[str]:
    """Return what stands out, each with what is known of its error."""
    if not flags:
        return []
    lines = [""]
    for flag in flags:
        lines.append(f"{flag.name} ({flag.certainty}): {flag.detail}")
        lines += error_rate_lines(flag.error_rates, heading="")
    return lines


def rule_lines(answer: RuleList) -> Iterable[str]:
    """Return the rules with their documentation and measured errors."""
    for number, rule in enumerate(answer.items):
        yield from () if number == 0 else ("",)
        yield f"{rule.name} {rule.version}: {rule.summary}"
        yield from pairs(
            (
                ("  assumes", rule.assumes),
                ("  fails when", rule.fails_when),
                ("  source", rule.source),
                (
                    "  confidence",
                    NOTHING if rule.confidence is None else f"{rule.confidence} of 100",
                ),
                ("  error rate", rule.error_rate),
                *(
                    (f"  {rate.kind}", f"{rate.text} (not its error rate)")
                    for rate in rule.rates
                    if rate.kind != "labelled" and rate.text not in rule.error_rate
                ),
            )
        )


def check_lines(found: ClusteringCheck) -> Iterable[str]:
    """Return whether a clustering is what its rules give."""
    for fault in found.faults:
        yield f"WRONG    {fault}"
    yield (
        f"{found.clustering}, up to block {found.height:,} ({found.block_hash}): "
        f"{'nothing is wrong' if found.ok else 'NOT IN ORDER'}."
    )
    yield found.limits


def clustering_lines(answer: ClusteringAnswer) -> Iterable[str]:
    """Return what a clustering is."""
    conflicts, review = (cluster_command(answer.profile, part) for part in ("conflicts", "review"))
    yield from pairs(
        (
            ("Clustering", answer.clustering),
            ("Network", answer.network),
            (
                "Rules",
                ", ".join(f"{name} {number}" for name, number in sorted(answer.rules.items())),
            ),
            ("Terms", ", ".join(f"{k} {v}" for k, v in sorted(answer.parameters.items()))),
            ("Last block", f"{answer.height:,} ({answer.block_hash})"),
            ("Addresses", f"{answer.addresses:,}"),
            ("Entities", f"{answer.entities:,}"),
            ("Merges", f"{answer.merges:,}"),
            ("Decisions", f"{answer.decisions:,} about change"),
            ("Conflicts", f"{answer.conflicts:,}: see `{conflicts}`"),
            ("For review", f"{answer.waiting_for_review:,}: see `{review}`"),
            ("Tagged twice", f"{answer.addresses_tagged_twice:,} addresses of several owners"),
        )
    )
    yield from measured_lines(answer.measured)
    yield from closing(answer)


def measured_lines(measured: Sequence[ClusteringRateAnswer]) -> Iterable[str]:
    """Return how well clusterings by some rules agreed with known owners, by population."""
    if not measured:
        yield from ("", "Against known owners: not measured for these rules")
    for rate in measured:
        yield ""
        yield f"Against the owners of {rate.addresses:,} addresses ({rate.kind}: {rate.population})"
        yield from pairs(_measured(rate))


def _measured(rate: ClusteringRateAnswer) -> Iterable[tuple[str, str]]:
    """Return how well a clustering agreed with known owners."""
    for name, share in (
        ("Pairs joined rightly", rate.pairwise_precision),
        ("Pairs of one owner joined", rate.pairwise_recall),
        ("Owners joined with another", rate.wrongly_joined_owners),
    ):
        if share is not None:
            yield f"  {name}", f"{float(share.value):.2%} ({share.hits:,} of {share.trials:,})"


def why_lines(answer: WhyAnswer) -> Iterable[str]:
    """Return the chain that joins two addresses."""
    if not answer.joined:
        yield f"No rule of profile {answer.profile} joins these addresses; they may still have one"
        yield "owner."
        yield from pairs((("Entity of A", answer.entity_a), ("Entity of B", answer.entity_b)))
        yield from pair_conflict_lines(answer.conflicts, answer.conflict_count)
    elif not answer.steps and answer.address_a != answer.address_b:
        yield f"Profile {answer.profile} joins these addresses into entity {answer.entity_a} (an"
        yield "inference), by more steps than can be shown."
    elif not answer.steps:
        yield f"{answer.address_a} is one address, of entity {answer.entity_a}."
    else:
        yield (
            f"Profile {answer.profile} joins these addresses into entity {answer.entity_a} "
            f"(an inference), by {len(answer.steps)} step{'s' * (len(answer.steps) > 1)}:"
        )
        for number, step in enumerate(answer.steps, 1):
            yield ""
            yield f"{number}. {step.address_from}"
            yield f"   and {step.address_to}"
            sure = sureness(step.probability, step.votes)
            yield f"   by {step.rule} {step.rule_version}{sure} in {step.txid}"
            yield f"   (block {step.height:,}, {shown_time(step.time)})"
            if step.votes_for:
                yield f"   votes for it: {', '.join(step.votes_for)}"
                yield f"   votes against it: {', '.join(step.votes_against) or 'none'}"
        yield from error_rate_lines(answer.error_rates)
    yield from closing(answer)
