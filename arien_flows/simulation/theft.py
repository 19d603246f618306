"""A theft whose path is known, and what a trace of it must find.

All amounts are in satoshi and the same in every chain; only the strangers who are paid differ. So
the answers can be worked out by hand:

1. The victim's two coins, 2.0 and 1.5 BTC, are taken in one transaction: 349,980,000 to the thief.
2. Split: 200,000,000 and 149,970,000.
3. The smaller part is spent with 60,000,000 of clean money, bought at exchange B before the theft
   and put second: out come 120,000,000 and 89,960,000.
4. The larger part is peeled six times: 10,000,000 + 1,000,000 * i go to strangers, the rest to the
   thief, and the fee is 10,000 each. 124,940,000 are left after the last peel (i = 0 to 5 sum to
   75,000,000), and 124,930,000 arrive at the thief's account at exchange A: the first deposit.
5. The two coins of step 3 are spent together, the smaller first, 150,000,000 to the same account:
   the second deposit. 59,950,000 come back and stay unspent.

The exchange sweeps each deposit with a coin of its hot wallet in the next block.

What reaches the two deposits of the 349,980,000 stolen:

- poison: 124,930,000 and 150,000,000, the whole amount of both;
- FIFO: 124,930,000 and 90,010,000. In step 3 the stolen 149,970,000 come first: the first output is
  all stolen, the second starts with 29,970,000 stolen. In step 5 that coin comes first, then clean
  59,990,000, then 60,040,000 stolen fill up the deposit;
- haircut: 124,930,000, for nothing clean ever joined that branch, and a share of the second that
  `haircut_second_sat` computes with the integer rounding of the specification.
"""

from dataclasses import dataclass

VICTIM_COINS_SAT = (200_000_000, 150_000_000)
STOLEN_SAT = 349_980_000
SPLIT_SAT = (200_000_000, 149_970_000)
CLEAN_SAT = 60_000_000
MERGED_SAT = (120_000_000, 89_960_000)
PEELS = 6
FIRST_PEEL_SAT = 10_000_000
PEEL_STEP_SAT = 1_000_000
FEE_SAT = 10_000
FIRST_DEPOSIT_SAT = 124_930_000
SECOND_DEPOSIT_SAT = 150_000_000
SECOND_REST_SAT = 59_950_000
FIFO_SECOND_SAT = 90_010_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Theft:
    """Numbers of the coins on the path of the theft, in order; amounts are the module's."""

    stolen: int
    """The output of the theft itself: the source of every trace."""

    transactions: tuple[int, ...]
    """From the theft to the second deposit, in chain order; sweeps are not among them."""

    first_deposit: int
    second_deposit: int
    clean: int
    rest: int
    """What the thief still has."""

    peels: tuple[int, ...]
    """The outputs that went to strangers."""


def haircut_shares(outputs: list[int], tainted: int, total: int) -> list[int]:
    """Return the tainted part of each output by the pro-rata rule in whole satoshi.

    Each output gets its share rounded down; what rounding left goes to the fee first, as far as
    the fee reaches, then one satoshi each to the outputs with the largest fractions.
    """
    shares = [output * tainted // total for output in outputs]
    left = tainted - sum(shares)
    left -= min(left, total - sum(outputs))
    order = sorted(range(len(outputs)), key=lambda i: (-(outputs[i] * tainted % total), i))
    for i in order[:left]:
        shares[i] += 1
    return shares


def haircut_second_sat() -> int:
    """Return how much of the second deposit is stolen under the haircut policy."""
    merged_total = SPLIT_SAT[1] + CLEAN_SAT
    tainted = sum(haircut_shares(list(MERGED_SAT), SPLIT_SAT[1], merged_total))
    return haircut_shares([SECOND_DEPOSIT_SAT, SECOND_REST_SAT], tainted, sum(MERGED_SAT))[0]
