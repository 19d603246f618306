"""The names of the rules about passages, and what an expert of the other side will ask about them.

A passage is where money changes its asset, its chain, or goes through a mixer. The rules work on
what a ledger says and stand beside their ledgers; their texts stand here, with all other rules'.
"""

from collections.abc import Mapping

from heuristics import bridge_match, mixer_links, ranking

SWAP_EULERIAN = "swap-eulerian"
SWAP_NET = "swap-net"
WRAP = "wrap"
UNWRAP = "unwrap"
CONVERSIONS = (SWAP_EULERIAN, SWAP_NET, WRAP, UNWRAP)
BRIDGE_IDENTIFIER = "bridge-identifier"

CONVERSION_VERSION = 1
BRIDGE_VERSION = 1

_MIXERS = """

Assumes: one person stands behind the deposit and the withdrawal, and made a mistake.
Fails when: {fails}
Source: Wu et al., TUTELA, 2022. The cap of {cap} percent is this program's own; it is shared out
    among all deposits that are supported as well for one withdrawal, and no error rate is claimed.
"""


def _of_mixers(rule: str, text: str, fails: str) -> str:
    return text + _MIXERS.format(fails=fails, cap=mixer_links.CONFIDENCE[rule])


DOCUMENTATION: Mapping[str, str] = {
    SWAP_EULERIAN: """An owner's asset went round through other accounts and came back as another.

All that a transaction moved, as a graph of accounts, leaves every account as many times as it
enters it, once payments into accounts that give nothing on are set aside. The owner is the sender,
or the smart account (ERC-4337, Safe) that it acted for. What it gave and got in all is the swap;
exactly one asset fell and one rose, and they are the first that left and the last that came.

Assumes: the proceeds go to who gave, and nothing else of both assets happens in the transaction.
Fails when: the proceeds go to another address (then nothing is said), an unrelated payment and an
    unrelated receipt meet in one transaction, or somebody pays an accomplice and takes a worthless
    token for it: then the money is with who was paid, and the trace goes on with the token.
Source: the rule that graphsense-lib, `defi/swaps.py`, describes. Not measured on labelled swaps.
""",
    SWAP_NET: """Exactly one asset of the owner fell in a transaction, and exactly one rose.

Asked where `swap-eulerian` does not speak: a pool kept a part, a refund came last, or shares were
made by a vault. Nothing is said where an account gave that received nothing (earnings from order,
rewards beside), where more than two assets changed (liquidity), or where an NFT was bought.

Assumes: what fell was given for what rose.
Fails when: two unrelated things happen in one transaction, or somebody pays an accomplice and takes
    a worthless token for it: then the money is with who was paid, and the trace goes on with the
    token.
Source: this program's own fallback. Not measured on labelled swaps.
""",
    WRAP: """The coin was paid into a WETH contract, which made as much of its token for the payer.

Assumes: the contract is WETH9 or does what it does; of listed contracts this is a fact.
Fails when: a contract shows the events of WETH9 and makes less than it is paid.
Source: the code of WETH9.
""",
    UNWRAP: """Wrapped coin was given back to a WETH contract, which paid as much of the coin.

Assumes: the contract is WETH9 or does what it does; of listed contracts this is a fact.
Fails when: a contract shows the events of WETH9 and pays less; without traces the coin that it paid
    is not seen, and nothing is said.
Source: the code of WETH9.
""",
    BRIDGE_IDENTIFIER: """Both sides of a bridge show the same identifier, or one names the other.

A bridge gives each transfer a word, which its contracts show on both chains. Over THORChain, what
is paid out names in its memo (`OUT:` and an id) the transaction that was paid in.

Assumes: the contracts and vaults are those of the bridge, and tell the truth.
Fails when: a contract shows an identifier that is not its own. A word that several show is told
    with how many pairs there are.
Source: the bridges' own documentation of their events and memos. Not measured.
""",
    bridge_match.RULE: """A payment out of a bridge fits one into it: asset, amount and time.

The same listed asset, 0 to 3 percent less, 0 to 60 minutes later (8 days for exits from optimistic
rollups). The only candidate counts 70 percent, `k` of them 70/k; one that is paid to the very
address that paid in counts five times.

Assumes: the bridge pays in one sum, and its fee is at most 3 percent.
Fails when: a payment is parted or gathered, waits longer, or many pay like amounts.
Source: this program's own policy. The labelled pairs at hand have no amounts on their far side, so
    it was not measured.
""",
    mixer_links.ADDRESS: _of_mixers(
        mixer_links.ADDRESS,
        "Who paid into a pool of a mixer was later paid out of the same pool.",
        "a service deposits or withdraws for many.",
    ),
    mixer_links.GAS_PRICE: _of_mixers(
        mixer_links.GAS_PRICE,
        """A deposit's price of gas occurs once in its pool, and its like only in a withdrawal.

Only of transactions whose sender names the whole price, and withdrawals that no relayer sent.""",
        "wallets propose the same odd price to many.",
    ),
    mixer_links.LINKED: _of_mixers(
        mixer_links.LINKED,
        """Depositor and recipient paid each other outside the pool, in three transactions or more.

Each further one adds 5 percent, up to 80.""",
        "the two are merely in business with each other.",
    ),
    mixer_links.COUNTS: _of_mixers(
        mixer_links.COUNTS,
        """Within 24 hours as often into each pool as, within 24 hours, out of each.

At least five payments and two pools; both ends of a day count, on both sides.""",
        "a pattern is common, or imitated.",
    ),
    mixer_links.MINING: _of_mixers(
        mixer_links.MINING,
        """Points of the mixer's reward programme tell how many blocks the money lay in the pool.

Claims stand in proofs that a ledger of events does not show; they have to be given.""",
        "two pairs lie equally far apart.",
    ),
    ranking.RULE: """Accounts around one, by where attention to its money goes: never amounts.

A share of attention stays, the rest goes along movements, four fifths to who was paid and one fifth
to who paid, in proportion to amounts, only onward in time, and over conversions to the other asset.

Assumes: attention that follows money is attention well spent.
Fails when: an account serves many people; such accounts are ranked and not looked behind.
Source: Wu et al., TRacer, IEEE Transactions on Information Forensics and Security 2023.
""",
}
"""By rule; in the form of all rules' texts."""

VERSIONS: Mapping[str, int] = {
    **dict.fromkeys((SWAP_EULERIAN, SWAP_NET, WRAP, UNWRAP), CONVERSION_VERSION),
    BRIDGE_IDENTIFIER: BRIDGE_VERSION,
    bridge_match.RULE: bridge_match.VERSION,
    **dict.fromkeys(sorted(mixer_links.CONFIDENCE), mixer_links.VERSION),
    ranking.RULE: ranking.VERSION,
}


def is_of_one_transaction(rule: str) -> bool:
    """Return whether a rule looks at a single transaction, so that its answer never changes."""
    return rule in (SWAP_EULERIAN, SWAP_NET, WRAP, UNWRAP)
