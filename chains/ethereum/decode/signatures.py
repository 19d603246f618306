"""The events that are understood: the text of each, and where its parts stand.

An event is known by the Keccak hash of its text, which is its first topic. Up to three parts are
topics of their own ("indexed"), the others are words of its data; which ones are indexed is not
in the hash, so the same text may come in several forms. Here an event is its *words*: the other
topics, then the words of its data. The same event with other parts indexed has the same words in
the same order as long as the indexed ones come first.

Sources: the standards EIP-20, EIP-721, EIP-1155, EIP-4337, and the published sources of WETH9,
Tether, Uniswap, PancakeSwap, Curve, Balancer, Tornado Cash, Safe, THORChain, Celer cBridge and
Multichain.
"""

from enum import IntEnum
from typing import NamedTuple

from chains.ethereum.address import keccak256
from chains.ethereum.tables import EventKind

TRANSFER = "Transfer(address,address,uint256)"
TRANSFER_SINGLE = "TransferSingle(address,address,address,uint256,uint256)"
TRANSFER_BATCH = "TransferBatch(address,address,address,uint256[],uint256[])"
WRAPPED = "Deposit(address,uint256)"
UNWRAPPED = "Withdrawal(address,uint256)"
DESTROYED = "DestroyedBlackFunds(address,uint256)"
"""What Tether's USDT took from a blocked account; it emits no `Transfer` for it."""


class Word(IntEnum):
    """What stands in place of a word's number."""

    NONE = -1
    OWN_HASH = -2
    """The hash of the transaction itself."""

    SENDER = -3
    """The sender of the transaction."""


class EventForm(NamedTuple):
    """One form of an event that moves nothing."""

    kind: EventKind
    text: str
    topics: int
    """How many it has, the first one included."""

    words: int
    """How many it has at least, the indexed ones included."""

    first: int = Word.NONE
    """Number of the word that holds the account; `Word` for none."""

    second: int = Word.NONE
    third: int = Word.NONE
    word: int = Word.NONE
    amount: int = Word.NONE
    fixed_amount: int = 0
    """The amount where no word holds it."""


_SWAP, _BRIDGE = EventKind.SWAP, EventKind.BRIDGE
LEAVES, ARRIVES = 1, 2
"""Amounts of `EventKind.BRIDGE`."""

THORCHAIN_OUT = "TransferOut(address,address,address,uint256,string)"
"""Its memo names the transaction that it answers; see `events`."""

FORMS = (
    EventForm(EventKind.APPROVAL, "Approval(address,address,uint256)", 3, 3,
              first=0, second=1, amount=2),
    EventForm(EventKind.APPROVAL_FOR_ALL, "ApprovalForAll(address,address,bool)", 3, 3,
              first=0, second=1, amount=2),
    # Uniswap 1, 2, 3 and 4, and PancakeSwap's third.
    EventForm(_SWAP, "TokenPurchase(address,uint256,uint256)", 4, 3, first=0, second=0),
    EventForm(_SWAP, "EthPurchase(address,uint256,uint256)", 4, 3, first=0, second=0),
    EventForm(_SWAP, "Swap(address,uint256,uint256,uint256,uint256,address)", 3, 6,
              first=0, second=1),
    EventForm(_SWAP, "Swap(address,address,int256,int256,uint160,uint128,int24)", 3, 7,
              first=0, second=1),
    EventForm(_SWAP, "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)",
              3, 9, first=0, second=1),
    EventForm(_SWAP, "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)", 3, 8,
              first=1),
    # Curve.
    EventForm(_SWAP, "TokenExchange(address,int128,uint256,int128,uint256)", 2, 5, first=0),
    EventForm(_SWAP, "TokenExchangeUnderlying(address,int128,uint256,int128,uint256)", 2, 5,
              first=0),
    EventForm(_SWAP, "TokenExchange(address,uint256,uint256,uint256,uint256)", 2, 5, first=0),
    EventForm(_SWAP, "TokenExchange(address,uint256,uint256,uint256,uint256,uint256,uint256)",
              2, 7, first=0),
    # Balancer 1, 2 and 3; the later ones name pools and tokens only.
    EventForm(_SWAP, "LOG_SWAP(address,address,address,uint256,uint256)", 4, 5, first=0),
    EventForm(_SWAP, "Swap(bytes32,address,address,uint256,uint256)", 4, 5),
    EventForm(_SWAP, "Swap(address,address,address,uint256,uint256,uint256,uint256)", 4, 7),
    # Tornado Cash; what is withdrawn is the pool's denomination.
    EventForm(EventKind.MIXER_DEPOSIT, "Deposit(bytes32,uint32,uint256)", 2, 3, word=0, amount=1),
    EventForm(EventKind.MIXER_WITHDRAWAL, "Withdrawal(address,bytes32,address,uint256)", 2, 4,
              first=1, second=0, word=2, amount=3),
    EventForm(EventKind.USER_OPERATION,
              "UserOperationEvent(bytes32,address,address,uint256,bool,uint256,uint256)", 4, 7,
              word=0, first=1, second=2, amount=5),
    # Safe, before and since its version 1.4: the hash is a word of the data, then a topic.
    EventForm(EventKind.SAFE_EXECUTION, "ExecutionSuccess(bytes32,uint256)", 1, 2, word=0),
    EventForm(EventKind.SAFE_EXECUTION, "ExecutionSuccess(bytes32,uint256)", 2, 2, word=0),
    # THORChain names a deposit by its transaction, in the memo of what it pays out.
    EventForm(_BRIDGE, "Deposit(address,address,uint256,string)", 3, 4,
              first=Word.SENDER, word=Word.OWN_HASH, fixed_amount=LEAVES),
    EventForm(_BRIDGE, THORCHAIN_OUT, 3, 5, first=1, fixed_amount=ARRIVES),
    # Celer cBridge: the arrival repeats the identifier of the departure.
    EventForm(_BRIDGE,
              "Send(bytes32,address,address,address,uint256,uint64,uint64,uint32)", 1, 8,
              first=1, word=0, fixed_amount=LEAVES),
    EventForm(_BRIDGE, "Relay(bytes32,address,address,address,uint256,uint64,bytes32)", 1, 7,
              first=2, word=6, fixed_amount=ARRIVES),
    # Multichain: the arrival names the transaction of the departure.
    EventForm(_BRIDGE, "LogAnySwapOut(address,address,address,uint256,uint256,uint256)", 4, 6,
              first=1, word=Word.OWN_HASH, fixed_amount=LEAVES),
    EventForm(_BRIDGE, "LogAnySwapIn(bytes32,address,address,uint256,uint256,uint256)", 4, 6,
              first=2, word=0, fixed_amount=ARRIVES),
)  # fmt: skip
"""Every form of an event that moves nothing and that rules read."""

MOVING = (TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH, WRAPPED, UNWRAPPED, DESTROYED)
"""The events that move tokens."""


def topic_of(text: str) -> bytes:
    """Return the first topic of an event."""
    return keccak256(text.encode("ascii"))
