"""The Bitcoin networks: the constants that tell one chain's data from another's.

A network is a plain value that is passed where it is needed. There is no "selected" network:
a process may read several at once, and a constant that a library switches behind one's back
would turn a regtest address into a real one. The values are those of Bitcoin Core's
`chainparams.cpp`; the tests compare them with what a real node writes.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from chains.errors import UnknownNetworkError

DIFFICULTY_ONE_WORK = 1 << 32
"""Expected hashes of a block of difficulty 1, rounded down."""

COIN_SAT = 100_000_000
"""Satoshi in one bitcoin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One Bitcoin network."""

    name: str
    """The name that people and programs type."""

    magic: bytes
    """The 4 bytes that open each message and each record of a block file."""

    key_hash_version: int
    """First byte of a base58 address that pays to a key hash (P2PKH)."""

    script_hash_version: int
    """First byte of a base58 address that pays to a script hash (P2SH)."""

    bech32_prefix: str
    """Human-readable part of segregated-witness addresses."""

    genesis_hash: bytes
    """Hash of block 0, as stored."""

    first_block_hash: bytes | None = None
    """Hash of block 1, as stored, where other networks share the genesis block; else nothing."""

    halving_interval: int
    """Blocks from one halving of the subsidy to the next."""

    folder: str
    """Where a node keeps this network inside its data directory; empty for the main network."""

    least_difficulties: tuple[tuple[int, int], ...] = ()
    """Pairs (height, difficulty), ascending: no block from that height on was easier. Nothing for
    networks whose blocks may be easy at any height."""

    def least_work(self, height: int) -> int:
        """Return the hashes that a block at `height` must have taken at the very least.

        A header alone proves the work that it claims; one that claims little is made at once.
        """
        passed = [difficulty for first, difficulty in self.least_difficulties if first <= height]
        return passed[-1] * DIFFICULTY_ONE_WORK if passed else 0

    def subsidy(self, height: int) -> int:
        """Return the satoshi that the block at `height` may create, fees not counted.

        As Bitcoin Core's `GetBlockSubsidy`: 50 BTC, halved by a shift, nothing after 64 halvings.
        """
        if height < 0:
            raise ValueError("a height is never negative")
        return (50 * COIN_SAT) >> min(height // self.halving_interval, 63)


def _stored(shown_hash: str) -> bytes:
    return bytes.fromhex(shown_hash)[::-1]


BITCOIN = Network(
    name="bitcoin",
    magic=bytes.fromhex("f9beb4d9"),
    key_hash_version=0x00,
    script_hash_version=0x05,
    bech32_prefix="bc",
    genesis_hash=_stored("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
    halving_interval=210_000,
    folder="",
    # About a tenth of the lowest difficulty that any block from the height on has had.
    least_difficulties=(
        (0, 1),
        (300_000, 10**9),
        (500_000, 10**11),
        (600_000, 10**12),
        (800_000, 10**13),
    ),
)

TESTNET3 = Network(
    name="bitcoin-testnet3",
    magic=bytes.fromhex("0b110907"),
    key_hash_version=0x6F,
    script_hash_version=0xC4,
    bech32_prefix="tb",
    genesis_hash=_stored("000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"),
    halving_interval=210_000,
    folder="testnet3",
)

TESTNET4 = Network(
    name="bitcoin-testnet4",
    magic=bytes.fromhex("1c163f28"),
    key_hash_version=0x6F,
    script_hash_version=0xC4,
    bech32_prefix="tb",
    genesis_hash=_stored("00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"),
    halving_interval=210_000,
    folder="testnet4",
)

SIGNET = Network(
    name="bitcoin-signet",
    # The default signet. A signet with a challenge of its own has another magic, but the same
    # genesis block.
    magic=bytes.fromhex("0a03cf40"),
    key_hash_version=0x6F,
    script_hash_version=0xC4,
    bech32_prefix="tb",
    genesis_hash=_stored("00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"),
    first_block_hash=_stored("00000086d6b2636cb2a392d45edc4ec544a10024d30141c9adf4bfd9de533b53"),
    halving_interval=210_000,
    folder="signet",
)

REGTEST = Network(
    name="bitcoin-regtest",
    magic=bytes.fromhex("fabfb5da"),
    key_hash_version=0x6F,
    script_hash_version=0xC4,
    bech32_prefix="bcrt",
    genesis_hash=_stored("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"),
    halving_interval=150,
    folder="regtest",
)

NETWORKS = (BITCOIN, TESTNET3, TESTNET4, SIGNET, REGTEST)
"""Every Bitcoin network, the main one first."""


def network(name: str) -> Network:
    """Return the network of that name, or say which names there are."""
    by_name = {known.name: known for known in NETWORKS}
    if name in by_name:
        return by_name[name]
    close = get_close_matches(name.lower(), by_name, n=1)
    suggestion = f"did you mean {close[0]!r}? " if close else ""
    raise UnknownNetworkError(
        f"no Bitcoin network is called {name!r}: {suggestion}known are {', '.join(by_name)}"
    )
