"""TagPacks for the tests, and the moment at which they are imported."""

from datetime import UTC, datetime, timedelta

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.records import ImportOutcome

FIRST = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
WITNESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
SCRIPT = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
ETHEREUM = "0x52908400098527886E0F7030069857D2E4169EE7"


def pack(*rows: str, title: str = "Services", creator: str = "the tests", more: str = "") -> bytes:
    """Return a TagPack; each row is YAML's short form without its braces."""
    head = f"title: {title}\ncreator: {creator}\ncurrency: BTC\nsource: https://example.org/list\n"
    return (head + more + "tags:\n" + "".join(f"- {{{row}}}\n" for row in rows)).encode()


def row(address: str, label: str, **more: str) -> str:
    fields = {"address": address, "label": label, **more}
    return ", ".join(f"{name}: {value}" for name, value in fields.items())


def bring_in(
    casebook: Casebook,
    raw: bytes,
    *,
    name: str = "pack.yaml",
    network: str = "bitcoin",
    days: int = 0,
) -> ImportOutcome:
    """Import a pack, some days after the first."""
    return casebook.import_tagpack(
        raw, name=name, network=network, now=FIRST + timedelta(days=days), by="an analyst"
    )
