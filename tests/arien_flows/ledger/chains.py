"""Random chains for the tests of the ledger."""

from random import Random

from tests.ledgers import Chain, Tx

KINDS = ("", "p2pkh:", "p2pk:", "p2sh:", "p2tr:")


def random_chain(random: Random, blocks: int, chain: Chain | None = None, salt: int = 0) -> Chain:
    """Return a chain with so many more blocks, in which coins of every age and script move."""
    chain = chain or Chain.from_genesis()
    unspent = _unspent(chain)
    for _ in range(blocks):
        coinbase = Tx(
            name=f"cb{chain.height}-{salt}",
            outputs=[(_address(random), random.randint(1, 1_000_000)) for _ in range(2)],
        )
        block = [coinbase]
        fresh = [(f"{coinbase.name}:{i}", value) for i, (_, value) in enumerate(coinbase.outputs)]
        for index in range(random.randint(0, 4)):
            pool = unspent + fresh
            chosen = random.sample(pool, min(len(pool), random.randint(1, 3)))
            total = sum(value for _, value in chosen)
            if total < 10:
                continue
            tx = _spend(random, f"tx{chain.height}-{index}-{salt}", chosen, total)
            block.append(tx)
            taken = {spent for spent, _ in chosen}
            unspent = [coin for coin in unspent if coin[0] not in taken]
            fresh = [coin for coin in fresh if coin[0] not in taken]
            fresh += [
                (f"{tx.name}:{i}", value)
                for i, (name, value) in enumerate(tx.outputs)
                if not name.startswith("data:")
            ]
        chain.add(block, salt=salt)
        unspent += fresh
    return chain


def _spend(random: Random, name: str, chosen: list[tuple[str, int]], total: int) -> Tx:
    left = total - random.randint(0, 5)
    outputs = []
    for _ in range(random.randint(0, 2)):
        part = random.randint(0, left)
        outputs.append((_address(random), part))
        left -= part
    outputs.append((_address(random), left))
    if random.random() < 0.2:
        outputs.append((f"data:{name}", 0))
    return Tx(
        name=name,
        inputs=[spent for spent, _ in chosen],
        outputs=outputs,
        sighash=random.choice((1, 1, 2, 3, 0x81)),
    )


def _address(random: Random) -> str:
    return f"{random.choice(KINDS)}owner{random.randint(0, 12)}"


def _unspent(chain: Chain) -> list[tuple[str, int]]:
    """Return the coins that the named transactions of a chain left unspent."""
    spent = {
        (spend.prevout.hash, spend.prevout.n)
        for tx in chain.transactions.values()
        for spend in tx.vin
    }
    return [
        (f"{name}:{position}", output.nValue)
        for name, tx in chain.transactions.items()
        for position, output in enumerate(tx.vout)
        if (tx.GetTxid(), position) not in spent and output.scriptPubKey[:1] != b"\x6a"
    ]
