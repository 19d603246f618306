"""Wallet programs and the traces by which one tells them apart.

Each row of `WALLETS` is a program: which scripts it asks to be paid to, where its change goes,
which version, sequence and locktime it writes, how it orders outputs, and whether it uses an
address again. The columns are those that fingerprinting rules look at.

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
    """Wallet programs (stored in the truth)."""

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
    """1: the height of the block before (discourages fee sniping); 0: none."""

    ORDER = 5
    """An `Order`."""

    REUSE_PERMILLE = 6
    """How often the last receiving address is given out again."""

    CHANGE_TO_INPUT = 7
    """1: change returns to the address of the first input."""

    FEE_PERCENT = 8
    """Of the fee rate of the moment."""


class Order(IntEnum):
    """Where change stands among the outputs."""

    CHANGE_LAST = 0
    RANDOM = 1
    SORTED = 2
    """By amount, and inputs by outpoint (BIP-69)."""

    CHANGE_FIRST = 3


WALLETS = np.array(
    [
        [Form.P2WPKH, Form.P2WPKH, 2, 2, 1, Order.RANDOM, 20, 0, 100],
        [Form.P2PKH, Form.P2PKH, 1, 1, 1, Order.RANDOM, 80, 0, 110],
        [Form.P2WPKH, Form.P2WPKH, 2, 2, 1, Order.SORTED, 40, 0, 95],
        [Form.P2SH_P2WPKH, Form.P2SH_P2WPKH, 1, 0, 0, Order.CHANGE_LAST, 150, 0, 120],
        [Form.P2TR, Form.P2TR, 2, 2, 0, Order.RANDOM, 10, 0, 90],
        [Form.P2PKH, Form.P2PKH, 1, 0, 0, Order.CHANGE_LAST, 1000, 1, 130],
        [Form.P2SH_MULTISIG, Form.P2SH_MULTISIG, 1, 0, 0, Order.SORTED, 50, 0, 100],
        [Form.P2PKH, Form.P2WPKH, 2, 1, 0, Order.CHANGE_FIRST, 30, 0, 100],
        [Form.P2WPKH, Form.P2WPKH, 2, 0, 0, Order.CHANGE_LAST, 970, 0, 140],
        [Form.P2PKH, Form.P2PKH, 1, 0, 0, Order.RANDOM, 100, 0, 125],
        [Form.P2PKH, Form.P2PKH, 1, 0, 0, Order.CHANGE_LAST, 700, 1, 80],
        [Form.P2WPKH, Form.P2WPKH, 2, 1, 0, Order.CHANGE_LAST, 0, 0, 105],
    ],
    dtype=np.int64,
)

USER_WALLETS = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 7, 0], dtype=np.int64)
"""Wallet programs of ordinary people, as often as they are met."""
