"""What wallet programs differ in: the forms of their scripts, and the traces they leave.

`Column` names what `wallet_styles.WALLETS` says of each program: which scripts it asks to be paid
to, where its change goes, which version, sequence and locktime it writes, how it orders outputs,
whether it uses an address again, what its fees and amounts look like. The columns are those that
fingerprinting and change rules look at.

Weights are those of the largest usual input (signatures of 72 bytes), so that a fee computed from
them is never below the wanted rate.
"""

from enum import IntEnum

import numpy as np

from chains.tables import ScriptType


class Form(IntEnum):
    """A locking script together with how it is spent (stored in the truth)."""

    P2PK = 0
    P2PKH = 1
    P2SH_P2WPKH = 2
    P2SH_MULTISIG = 3
    """2-of-3."""

    P2WPKH = 4
    P2WSH_MULTISIG = 5
    """2-of-3."""

    P2TR = 6
    MULTISIG = 7
    """Bare 1-of-2."""


SCRIPT_TYPE_OF_FORM = np.array(
    [
        ScriptType.P2PK,
        ScriptType.P2PKH,
        ScriptType.P2SH,
        ScriptType.P2SH,
        ScriptType.P2WPKH,
        ScriptType.P2WSH,
        ScriptType.P2TR,
        ScriptType.MULTISIG,
    ],
    dtype=np.uint8,
)

INPUT_WEIGHT = np.array([460, 596, 364, 1192, 272, 418, 230, 460], dtype=np.int64)
"""Weight units of an input by form, with a compressed key where it shows one."""

OUTPUT_WEIGHT = np.array([176, 136, 128, 128, 124, 172, 172, 320], dtype=np.int64)
"""Weight units of an output by form, with a compressed key where it shows one."""

UNCOMPRESSED_WEIGHT = 128
"""What a key of 65 bytes adds to an input of P2PKH or an output of P2PK."""

DATA_OUTPUT_WEIGHT = 124
"""An `OP_RETURN` output with 20 bytes of data."""

TRANSACTION_WEIGHT = 58
"""Version, locktime, counts (of three bytes), marker and flag."""


class Wallet(IntEnum):
    """The programs of plain chains: the first rows of `WALLETS` (stored in the truth)."""

    NODE = 0
    OLD_NODE = 1
    SORTING = 2
    """Sorts inputs and outputs after BIP-69."""

    PHONE = 3
    TAPROOT = 4
    ONE_ADDRESS = 5
    """Uses one address for everything, an uncompressed key, change included."""

    MULTISIG = 6
    UPGRADED = 7
    """Derives a P2PKH and a P2WPKH address from each key."""

    EXCHANGE = 8
    MARKET = 9
    POOL = 10
    SERVICE = 11


class Column(IntEnum):
    """Columns of `WALLETS`."""

    RECEIVE_FORM = 0
    CHANGE_FORM = 1
    VERSION = 2
    SEQUENCE = 3
    """Distance below 0xffffffff: 0 final, 1 locktime on, 2 replaceable."""

    LOCKTIME = 4
    """1: the height of the block before (discourages fee sniping); 2: the same, but one time in
    ten up to 99 blocks less; 0: none."""

    ORDER = 5
    """An `Order`."""

    REUSE_PERMILLE = 6
    """How often the last receiving address is given out again."""

    CHANGE_TO_INPUT = 7
    """1: change returns to the address of the first input."""

    FEE_PERCENT = 8
    """Of the fee rate of the moment; never less than 1 satoshi a vbyte."""

    KEYS = 9
    """A `Keys`."""

    EXACT_TENTHS = 10
    """How many of ten amounts are left as a price converted them; the others are rounded."""

    MOST_EXTRA_COINS = 11
    """Most coins that a full wallet adds to those that a payment needs."""

    FEE_UNIT_SAT = 12
    """Fees are rounded up to a multiple of this."""

    CHANGE_MIMICS = 13
    """1: change ends in as many zeros as the first payment, up to two, at the cost of a fee that
    is at most 99 satoshi higher."""


class Order(IntEnum):
    """Where change stands among the outputs."""

    CHANGE_LAST = 0
    RANDOM = 1
    SORTED = 2
    """By amount, and inputs by outpoint (BIP-69)."""

    CHANGE_FIRST = 3


class Keys(IntEnum):
    """What is special about the keys of a program."""

    COMPRESSED = 0
    UNCOMPRESSED = 1
    """P2PKH addresses lock with keys of 65 bytes."""

    TWINS = 2
    """Each key gives a P2PKH address to be paid to and a P2WPKH address for change."""
