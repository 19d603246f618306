"""Views and tags for the tests of tracing."""

from collections.abc import Mapping
from random import Random

from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution, attribute
from arien_flows.attribution.tag import Tag
from arien_flows.ledger.view import View
from tests.ledgers import Tx, text_of_name

COIN = 100_000_000


def tag(name: str, label: str, concept: str, **changes: object) -> Tag:
    fields: dict[str, object] = {
        "address": text_of_name(name),
        "tx_hash": None,
        "label": label,
        "source": "https://example.org/list",
        "currency": "BTC",
        "network": "BTC",
        "confidence": "service_data",
        "concepts": (concept,),
        "tag_type": None,
        "actor": None,
        "is_cluster_definer": False,
        "context": None,
        "lastmod": None,
        "creator": "tests",
    }
    return Tag(**(fields | changes))  # type: ignore[arg-type]  # fields of one known class


def attribution_of(
    view: View, services: Mapping[str, str], entities: EntityMap | None = None
) -> Attribution:
    """Return the snapshot in which each named address is a service of a category."""
    tags = [tag(name, f"The {name}", concept) for name, concept in services.items()]
    return attribute(view, tags, entities or SingleAddresses())


def busy_chain(seed: int, length: int = 60) -> list[Tx]:
    """Return a peeling chain and payments that meet, part and come back to used addresses."""
    random = Random(seed)
    chain = [
        Tx(name=f"mined{i}", outputs=[("thief" if i == 0 else f"miner{i}", 50 * COIN)])
        for i in range(4)
    ]
    held = [("mined0:0", 50 * COIN)]
    clean = [(f"mined{i}:0", 50 * COIN) for i in range(1, 4)]
    for i in range(6):
        spent, value = held.pop()
        side = random.randint(COIN // 4, 2 * COIN)
        payee = random.choice(["exchange", "mixer", f"side{i}", "thief"])
        rest = value - side - 1_000
        chain.append(Tx(name=f"peel{i}", inputs=[spent], outputs=[(f"p{i}", rest), (payee, side)]))
        held.append((f"peel{i}:0", rest))
        if payee not in ("exchange", "mixer"):
            clean.append((f"peel{i}:1", side))
    held += clean
    for i in range(length):
        random.shuffle(held)
        taken = [held.pop() for _ in range(min(len(held), random.choice((1, 1, 2, 3))))]
        rest = sum(value for _, value in taken) - random.randint(0, 4_000)
        if rest <= 0:
            continue
        outputs = []
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            part = random.randint(0, rest)
            names = [f"a{random.randrange(40)}", "exchange", "mixer", "data:x"]
            outputs.append((random.choices(names, (8, 2, 1, 1))[0], part))
            rest -= part
        outputs.append((f"a{random.randrange(40)}", rest))
        chain.append(Tx(name=f"pay{i}", inputs=[coin for coin, _ in taken], outputs=outputs))
        held += [
            (f"pay{i}:{j}", value)
            for j, (name, value) in enumerate(outputs)
            if name not in ("exchange", "mixer", "data:x")
        ]
    return chain
