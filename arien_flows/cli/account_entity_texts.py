"""Entities of accounts, and what made them, as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import counted
from arien_flows.answers.account_clustering import AccountClusteringAnswer
from arien_flows.answers.account_entity import AccountEntityAnswer, RefusedLink
from arien_flows.answers.account_why import AccountWhyAnswer
from arien_flows.cli.account_texts import amount_text
from arien_flows.cli.output import closing, pairs
from arien_flows.cli.rate_texts import error_rate_lines
from arien_flows.cli.texts import measured_lines, merges_text, tag_lines, versions_text
from arien_flows.shapes import shown_time

_REASONS = {
    "owners": "tags name different owners",
    "services": "tags name different services",
    "growth": "both entities are large",
}


def account_clustering_lines(answer: AccountClusteringAnswer) -> Iterable[str]:
    """Return what a clustering is."""
    yield from pairs(
        (
            ("Clustering", answer.clustering),
            ("Network", answer.network),
            ("Rules", versions_text(answer.rules)),
            ("Terms", ", ".join(f"{k} {v}" for k, v in sorted(answer.parameters.items()))),
            ("Last block", f"{answer.height:,} ({answer.block_hash})"),
            ("Accounts", f"{answer.accounts:,}"),
            ("Entities", f"{answer.entities:,}"),
            ("Links", f"{answer.links:,} proposed, {answer.refused:,} refused or put off"),
            ("Merges", f"{answer.merges:,}"),
            (
                "Deposits",
                f"{counted(answer.deposit_addresses, 'address', 'addresses')} of "
                f"{counted(answer.exchange_accounts, 'tagged account')} of exchanges",
            ),
        )
    )
    yield from measured_lines(answer.measured)
    yield from closing(answer)


def account_entity_lines(answer: AccountEntityAnswer, *, with_addresses: bool) -> Iterable[str]:
    """Return an entity, with the accounts of the page if they are wanted."""
    sure = answer.least_confidence
    yield from pairs(
        (
            ("Entity", answer.id),
            ("Network", answer.network),
            ("Inferred by", f"profile {answer.profile}, up to block {answer.height:,}"),
            ("Rules", versions_text(answer.rules)),
            ("Joined by", merges_text(answer.merges)),
            *([("Least sure", f"{sure} of 1 (the rule's own confidence)")] if sure else []),
            ("Accounts", f"{answer.address_count:,}"),
        )
    )
    yield from error_rate_lines({rule: answer.error_rates[rule] for rule in sorted(answer.merges)})
    if answer.software is not None:
        yield ""
        yield (
            f"Same software (a fact, and not the same owner): "
            f"{counted(answer.software.contracts, 'contract')} with this code, put there by "
            f"{counted(answer.software.deployers, 'account')}"
        )
    if answer.deposits:
        yield from ("", "Deposit addresses, which an exchange holds and this customer uses:")
        for deposit in answer.deposits:
            held = f" of {deposit.exchange_name} (by tags)" if deposit.exchange_name else ""
            yield f"  {deposit.address}"
            yield (
                f"    empties into {deposit.exchange}{held}; "
                f"{counted(deposit.matches, 'payment')} matched, confidence {deposit.confidence}"
            )
    if answer.amounts:
        yield from ("", "From and to others (facts about these accounts):")
        for each in answer.amounts:
            contract = f" ({each.asset.contract})" if each.asset.contract else ""
            yield f"  {each.asset.name}{contract}"
            yield from pairs(
                (
                    ("    received", amount_text(each.received, each.asset)),
                    ("    sent", amount_text(each.sent, each.asset)),
                    ("    balance", amount_text(each.balance, each.asset)),
                )
            )
    yield from tag_lines(answer.tags)
    if answer.refused:
        yield from ("", f"{counted(answer.refused_count, 'link')} to others not made:")
        yield from _refused(answer.refused)
    if with_addresses:
        yield from ("", *answer.addresses.items)
        if answer.addresses.next_cursor is not None:
            yield f"There are more: add --cursor {answer.addresses.next_cursor}"
    yield from closing(answer)


def _refused(links: Sequence[RefusedLink]) -> Iterable[str]:
    """Return links that were not made, a line each."""
    for link in links:
        why = _REASONS.get(link.reason, link.reason)
        yield f"  {link.address_a} and {link.address_b}, by {link.rule}: {why}"


def account_why_lines(answer: AccountWhyAnswer) -> Iterable[str]:
    """Return the chain that joins two accounts."""
    if not answer.joined:
        yield f"No rule of profile {answer.profile} joins these accounts; they may still have one"
        yield "owner."
        yield from pairs((("Entity of A", answer.entity_a), ("Entity of B", answer.entity_b)))
        if answer.refused:
            yield from ("", "Links between them that were not made:", *_refused(answer.refused))
    elif answer.address_a == answer.address_b:
        yield f"{answer.address_a} is one account, of entity {answer.entity_a}."
    elif not answer.steps:
        yield f"Profile {answer.profile} joins these accounts into entity {answer.entity_a} (an"
        yield "inference), by more steps than can be shown."
    else:
        yield (
            f"Profile {answer.profile} joins these accounts into entity {answer.entity_a} "
            f"(an inference), by {counted(len(answer.steps), 'step')}:"
        )
        for number, step in enumerate(answer.steps, 1):
            yield ""
            yield f"{number}. {step.address_from}"
            yield f"   and {step.address_to}"
            cases = "" if step.cases == 1 else f", the surest of {step.cases:,} cases"
            yield f"   by {step.rule} {step.rule_version}, confidence {step.confidence}{cases}"
            for seen in step.transactions:
                yield f"   in {seen.txid} (block {seen.height:,}, {shown_time(seen.time)})"
        yield from error_rate_lines(answer.error_rates)
    yield from closing(answer)
