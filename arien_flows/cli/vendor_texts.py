"""A vendor's profile as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, coins
from arien_flows.answers.vendor_shapes import (
    RevenueMonth,
    TracedCashOut,
    VendorEvidence,
    VendorProfile,
    VendorScoreAnswer,
    VendorWallets,
)
from arien_flows.cli.output import NOTHING, closing, pairs, table
from arien_flows.shapes import shown_time

SHOWN = 20
"""Rows of a list; the answer in JSON holds all that it says."""

_STANDING = {
    "confirmed": "confirmed: the score is reached, and a core item holds",
    "lead": "a lead, not confirmed",
    "nothing": "nothing speaks for a vendor",
}


def profile_lines(
    answer: VendorProfile, *, with_months: bool, with_evidence: bool
) -> Iterable[str]:
    """Return a profile: score, wallets, markets, revenue, pairs, cash-out, hours."""
    asset = Asset(name=answer.asset, decimals=answer.decimals)
    if answer.accounts:
        yield f"Accounts of one owner (inference): {', '.join(answer.accounts)}"
    elif answer.account is not None:
        yield f"Held against the account {answer.account} (attribution: documents)"
    yield from _wallets(answer.wallets, answer.profile)
    yield from _score(answer.score, with_evidence=with_evidence)
    yield from _markets(answer, asset)
    yield from _revenue(answer, asset, with_months=with_months)
    yield from _pairs(answer, asset)
    yield from _cash_out(answer, asset)
    yield from _hours(answer)
    yield from closing(answer)


def _wallets(wallets: VendorWallets, profile: str) -> Iterable[str]:
    yield from pairs(
        (
            *_asked_about(wallets),
            (
                "Entity",
                f"{wallets.entity}, {_addresses(wallets.entity_addresses)} (inference: joined by "
                f"profile {profile})",
            ),
            *(
                (
                    "Joined",
                    f"{each.id}, {_addresses(each.address_count)} (inference: documents name it as "
                    "the same owner's)",
                )
                for each in wallets.joined[:SHOWN]
            ),
            ("Linked", _linked(wallets)),
            *(
                ("Escrow key", f"{key.key}, in {key.scripts:,} escrows")
                for key in wallets.seller_keys
            ),
            *(
                ("Tag", f"{tag.label} (attribution: {tag.source}, {tag.confidence_level} of 100)")
                for tag in wallets.tags[:SHOWN]
            ),
        )
    )
    if len(wallets.tags) > SHOWN:
        yield f"and {len(wallets.tags) - SHOWN:,} more tags"
    for what, count in (("addresses", len(wallets.named)), ("entities", len(wallets.joined))):
        if count > SHOWN:
            yield f"and {count - SHOWN:,} more {what} that documents name: add --json"


def _asked_about(wallets: VendorWallets) -> Iterable[tuple[str, str]]:
    if not wallets.named:
        yield "Address", f"{wallets.address} (fact: asked about)"
    for each in wallets.named[:SHOWN]:
        where = "" if each.entity is not None else ", left out: never used, or at a service"
        yield (
            "Address",
            f"{each.address} (attribution: named as that of {each.account}, {each.confidence_level}"
            f" of 100, document {each.shown.document_sha256}){where}",
        )


def _linked(wallets: VendorWallets) -> str:
    if wallets.not_linked:
        return f"none: {wallets.not_linked}"
    if not wallets.linked_count:
        return "no other entity by an escrow key"
    return (
        f"{wallets.linked_count:,} other entities with {_addresses(wallets.linked_addresses)} "
        "(inference: escrows with the same seller's key pay them)"
    )


def _addresses(count: int) -> str:
    return f"{count:,} address{'es' * (count != 1)}"


def _score(score: VendorScoreAnswer, *, with_evidence: bool) -> Iterable[str]:
    yield ""
    yield f"Score {score.score}: {_STANDING[score.standing]} (inference)"
    yield (
        f"Confirmed from {score.confirmed_from} on; {score.highest} if all that is undecided held. "
        f"Policy {score.policy} ({score.policy_sha256}); error rate: {score.error_rate}"
    )
    yield from table(
        ("Points", "Of", "Item", "Verdict", "Found"),
        (
            (
                str(item.given),
                str(item.points),
                f"{item.name}{' (core)' * item.is_core}",
                item.verdict,
                item.measured,
            )
            for item in score.items
        ),
    )
    if with_evidence:
        for item in score.items:
            if item.evidence:
                yield ""
                yield f"{item.name}: {item.says}"
                yield from (f"- {_evidence(row)}" for row in item.evidence)
                if item.evidence_count > len(item.evidence):
                    yield f"- and {item.evidence_count - len(item.evidence):,} more"


def _evidence(row: VendorEvidence) -> str:
    parts = [row.says] if row.says else []
    if row.txid is not None:
        parts.append(row.outpoint or row.txid)
    if row.time is not None:
        parts.append(shown_time(row.time))
    if row.source is not None:
        parts.append(f"{row.address}, named by {row.source}, confidence {row.confidence}")
    if row.document is not None:
        parts.append(f"document {row.document}")
    return f"{'; '.join(parts)} ({row.certainty})"


def _markets(answer: VendorProfile, asset: Asset) -> Iterable[str]:
    yield ""
    if not answer.markets:
        yield "No market pays it"
        return
    yield "Markets that pay it (whose wallets they are: attribution and inference)"
    yield from table(
        ("Market", "First", "Last", "Transactions", "By kind", "Received", "Commission", "Closed"),
        (
            (
                market.name if market.is_named else f"{market.name} (no tag names it)",
                shown_time(market.first_payout),
                shown_time(market.last_payout),
                f"{market.transactions:,}",
                ", ".join(f"{n:,} {kind}" for kind, n in market.by_kind.items() if n),
                coins(market.value, asset),
                market.commission or NOTHING,
                NOTHING if market.closed is None else shown_time(market.closed),
            )
            for market in answer.markets
        ),
    )
    for each in answer.migrations:
        yield f"{each.joined} pays it since {each.days:,} days after the last payout of {each.left}"


def _revenue(answer: VendorProfile, asset: Asset, *, with_months: bool) -> Iterable[str]:
    revenue = answer.revenue
    worth = "" if revenue.revenue_fiat is None else f" ({revenue.revenue_fiat} {revenue.currency})"
    yield ""
    yield (
        f"Revenue {coins(revenue.revenue, asset)}{worth}; received beside "
        f"{coins(revenue.beside, asset)} (inference)"
    )
    yield revenue.counts
    if with_months and revenue.months:
        yield from _months(revenue.months, asset, revenue.currency)


def _months(months: Sequence[RevenueMonth], asset: Asset, currency: str | None) -> Iterable[str]:
    yield from table(
        ("Month", "Source", "Market", "Receipts", "Received", currency or "Value"),
        (
            (
                part.month,
                part.source.replace("_", " ") + (" (not revenue)" * (not part.is_revenue)),
                part.market or NOTHING,
                f"{part.receipts:,}",
                coins(part.value, asset),
                part.fiat or NOTHING,
            )
            for part in months
        ),
    )


def _pairs(answer: VendorProfile, asset: Asset) -> Iterable[str]:
    yield ""
    if not answer.pairs:
        yield "No stable pair: nobody whom it pays, or who pays it, more often than by chance"
        return
    yield "Stable pairs: transfers in more weeks than chance explains (inference; leads)"
    yield from table(
        ("Entity", "Direction", "Kind", "Weeks", "Transfers", "Sum", "By chance", "Asked below"),
        (
            (
                pair.entity + (f" ({pair.label})" if pair.label else ""),
                pair.direction.replace("_", " "),
                pair.kind.replace("_", " "),
                f"{pair.weeks:,}",
                f"{pair.transfers:,}",
                coins(pair.value, asset),
                pair.probability,
                pair.bound,
            )
            for pair in answer.pairs[:SHOWN]
        ),
    )
    if len(answer.pairs) > SHOWN:
        yield f"and {len(answer.pairs) - SHOWN:,} more"


def _cash_out(answer: VendorProfile, asset: Asset) -> Iterable[str]:
    yield ""
    if not answer.cash_out:
        yield "It pays no named service itself"
    else:
        yield "Paid to named services at once (the names are attribution, the amounts exact)"
        yield from table(
            ("Service", "Payments", "Addresses", "Sum", "First", "Last"),
            (
                (
                    f"{service.label} ({service.confidence} of 100)",
                    f"{service.payments:,}",
                    f"{service.address_count:,}",
                    coins(service.value, asset),
                    shown_time(service.first_time),
                    shown_time(service.last_time),
                )
                for service in answer.cash_out[:SHOWN]
            ),
        )
    if answer.traced_cash_out is not None:
        yield from _traced(answer.traced_cash_out, asset)


def _traced(traced: TracedCashOut, asset: Asset) -> Iterable[str]:
    yield ""
    yield (
        f"Traced: the largest {traced.sources:,} receipts, {coins(traced.source_value, asset)} of "
        f"{coins(traced.of_revenue, asset)} (inference; policies differ)"
    )
    if traced.by_address:
        yield from table(
            ("Service", "Address", "Least", "Most"),
            (
                (
                    span.label,
                    span.address,
                    coins(span.least, asset),
                    coins(span.most, asset),
                )
                for span in traced.by_address[:SHOWN]
            ),
        )
    for point in traced.points[:3]:
        yield ""
        yield from point.text.splitlines()


def _hours(answer: VendorProfile) -> Iterable[str]:
    yield ""
    yield "Hours of the day, UTC, by header time"
    yield from table(
        ("Hour", *(f"{hour:02d}" for hour in range(24))),
        (
            ("receipts", *(str(count) for count in answer.receipt_hours)),
            ("payments", *(str(count) for count in answer.payment_hours)),
        ),
    )
