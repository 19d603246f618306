"""Addresses, secrets and answers that the tests of batches share. No key here ever held coins."""

from datetime import UTC, datetime

from arien_flows.batch.results import (
    ExposureRow,
    ExposureTotals,
    RiskTotals,
    RunFacts,
    SummaryRow,
    TraceTotals,
    TransferRow,
)

BASE58 = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
SCRIPT = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
WITNESS = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
ETHER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
TXID = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"

WIF = "5KJvsngHeMpm884wtkJNzQGaCErckhHJBGFsvd3VyK5qMZXj3hS"
MINI = "S6c56bnXQiBjk9mqSYE7ykVQ7NzrRy"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"
XPRV = (
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBe"
    "Jgk33yuGBxrMPHi"
)
SECRETS = (WIF, MINI, PHRASE, XPRV)

MADE_ON = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = RunFacts(
    run_id="batch_01",
    currency="EUR",
    as_of=("bitcoin up to block 900,000 (2026-01-01T00:00:00Z), 00000000000000000002",),
    made_on=MADE_ON,
    input_name="list.csv",
    input_sha256="ab" * 32,
    about=(("risk policy", "standard_1"),),
)


def summary_row(row: int = 2, **told: object) -> SummaryRow:
    known: dict[str, object] = {
        "cells": (BASE58, "a note"),
        "status": "ok",
        "network": "bitcoin",
        "subject": BASE58,
        "asset": "BTC",
        "decimals": 8,
        "transaction_count": 3,
        "received": 2_099_999_997_690_000,
        "sent": 1,
        "balance": 0,
        "first_seen": MADE_ON,
        "entity": BASE58,
        "entity_address_count": 12,
        "tags": ("Kraken",),
        "tag_count": 1,
        "exposure_in": ExposureTotals(
            total=100, attributed=60, coverage_percent="60.00", categories=(("exchange", "60.00"),)
        ),
        "risk": RiskTotals(
            score="12.34", band="low", lower="1.00", upper="20.00", coverage_percent="60.00"
        ),
        "forward": TraceTotals(
            method="fifo",
            source=100,
            by_reason=(("mixer", 20), ("service_reached", 50), ("unspent", 20)),
            fees=7,
            destroyed=3,
        ),
        **told,
    }
    return SummaryRow(row=row, **known)  # type: ignore[arg-type]


def exposure_row(row: int = 2, **told: object) -> ExposureRow:
    known: dict[str, object] = {
        "network": "bitcoin",
        "subject": BASE58,
        "entity": BASE58,
        "direction": "in",
        "category": "exchange",
        "asset": "BTC",
        "decimals": 8,
        "direct": 40,
        "indirect": 20,
        "value": 60,
        "percent": "60.00",
        "least_hops": 1,
        "certainty": "inference",
        **told,
    }
    return ExposureRow(row=row, **known)  # type: ignore[arg-type]


def transfer_row(row: int = 2, **told: object) -> TransferRow:
    known: dict[str, object] = {
        "direction": "forward",
        "network": "bitcoin",
        "txid": TXID,
        "vout": 1,
        "block_height": 170,
        "block_time": MADE_ON,
        "from_address": BASE58,
        "to_address": WITNESS,
        "to_label": "Kraken",
        "asset": "BTC",
        "decimals": 8,
        "value": 3,
        "traced": 2,
        "value_fiat": "1.50",
        "price_source": "a table",
        "price_time": MADE_ON,
        "hop": 1,
        "method": "fifo",
        "certainty": "inference",
        "stop_reason": "service_reached",
        **told,
    }
    return TransferRow(row=row, **known)  # type: ignore[arg-type]
