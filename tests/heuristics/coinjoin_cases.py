"""Random transactions in the shapes of CoinJoins, bent a little, around every threshold."""

from hypothesis import strategies as st

from heuristics.coinjoin_columns import P2TR, P2WPKH
from heuristics.columns import NO_ADDRESS
from tests.heuristics.transaction_cases import Coins
from tests.reference import coinjoin as reference

UNKNOWN = int(NO_ADDRESS)
STANDARD = sorted(reference.STANDARD)
P2PKH = 2

Transaction = tuple[Coins, Coins]


def kind_of(address: int) -> int:
    """Let two addresses of ten be of another type than P2WPKH."""
    return {7: P2TR, 8: P2PKH}.get(address % 10, P2WPKH)


def setting_of(**known: object) -> reference.Setting:
    """Return what the reference has to know for the same types."""
    names = {P2WPKH: "p2wpkh", P2TR: "p2tr", P2PKH: "p2pkh"}
    return reference.Setting(kind=lambda address: names[kind_of(address)], **known)


# Few values and addresses, so that most transactions repeat some; the values stand on both sides
# of every threshold.
values = st.sampled_from([0, 546, 2_730, 2_731, 4_999, 5_000, 15_000, 15_001, 90_000])
addresses = st.one_of(st.integers(0, 8), st.just(UNKNOWN))
coins = st.lists(st.tuples(addresses, values), max_size=9)
ordinary = st.tuples(coins, coins)


@st.composite
def rounds(draw) -> Transaction:
    """Draw equal outputs with change for each participant."""
    participants = draw(st.integers(2, 5))
    value = draw(values)
    inputs = [(one, draw(values)) for one in range(participants + draw(st.integers(0, 2)))]
    outputs = [(100 + one, value) for one in range(participants)]
    outputs += [(200 + one, draw(values)) for one in range(participants - draw(st.integers(0, 1)))]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(outputs) - 1))
        outputs[place] = draw(st.tuples(st.sampled_from([0, 100, UNKNOWN]), values))
    return inputs, draw(st.permutations(outputs))


@st.composite
def puzzles(draw) -> Transaction:
    """Draw amounts for which it is hard to say who could have paid for what."""
    value = draw(st.integers(20_000, 30_000))
    participants = draw(st.integers(2, 5))
    inputs = draw(st.lists(st.integers(1, value), min_size=2, max_size=18))
    change = draw(st.lists(st.integers(0, value), min_size=participants, max_size=participants))
    outputs = [(100 + one, value) for one in range(participants)]
    outputs += [(200 + one, each) for one, each in enumerate(change)]
    return list(enumerate(inputs)), outputs


@st.composite
def wasabi_1(draw) -> Transaction:
    """Draw many outputs near 0.1 bitcoin and its doubles."""
    inputs = draw(st.integers(8, 25))
    value = draw(st.sampled_from([10_000_000, 10_989_722, 9_500_000, 10_500_001]))
    others = st.one_of(
        st.sampled_from([2 * value, 4 * value]),
        st.integers(9_500_000, 10_500_000),
        st.integers(5_000, 10**8),
    )
    paid = [value] * draw(st.integers(3, inputs))
    paid += draw(st.lists(others, max_size=20))
    step = draw(st.sampled_from([10, 10, 10, 7]))
    outputs = [(1_000 + 10 * one, each) for one, each in enumerate(paid)]
    if draw(st.integers(0, 4)) == 0:
        outputs.append((UNKNOWN, 0))
    return [(step * one, value + draw(st.integers(0, value))) for one in range(inputs)], outputs


@st.composite
def wasabi_2(draw) -> Transaction:
    """Draw standard amounts, sorted unless bent."""
    amounts = st.one_of(
        st.sampled_from(STANDARD[:12]),
        st.sampled_from([1_062_882, 8_388_608, 5_001, 4_096]),
        st.sampled_from(STANDARD[:20]),
    )
    sent = sorted(draw(st.lists(amounts, min_size=13, max_size=26)), reverse=True)
    paid = sorted(draw(st.lists(amounts, min_size=8, max_size=30)), reverse=True)
    if draw(st.integers(0, 4)) == 0:
        paid = paid[::-1]
    step, people = draw(st.sampled_from([(10, 30), (10, 30), (1, 30), (10, 3)]))
    inputs = [(step * (one % people), each) for one, each in enumerate(sent)]
    return inputs, [(1_000 + one, each) for one, each in enumerate(paid)]


@st.composite
def whirlpool(draw) -> Transaction:
    """Draw as many outputs of a pool's amount as inputs of about that."""
    size = draw(st.integers(4, 11))
    pool = draw(st.sampled_from([100_000, 1_000_000, 2_500_000, 50_000_000, 30_000]))
    surplus = st.sampled_from([0, 0, 0, 300, 99, 100, 110_000, 110_001, -50])
    step = draw(st.sampled_from([10, 1, 0]))
    inputs = [(10 * one, pool + draw(surplus)) for one in range(size)]
    return inputs, [(1_000 + step * one, pool) for one in range(size)]


@st.composite
def tx0(draw) -> Transaction:
    """Draw a split for a pool, with data, a fee and change."""
    pool, fee = draw(st.sampled_from([(100_000, 5_000), (5_000_000, 175_000)]))
    data = [(UNKNOWN, 0)] * draw(st.sampled_from([1, 1, 1, 0, 2]))
    fees = draw(st.lists(st.sampled_from([fee, fee // 2, fee // 2 - 1, 3 * fee, 3 * fee + 1]),
                         max_size=2))  # fmt: skip
    surplus = draw(st.sampled_from([100, 99, 300, 110_000, 110_001]))
    entering = [pool + surplus] * draw(st.integers(0, 5))
    change = draw(st.lists(st.integers(0, 10**6), max_size=2))
    outputs = [(100 + one, each) for one, each in enumerate([*fees, *entering, *change])]
    inputs = [(one, 10**7) for one in range(draw(st.integers(0, 3)))]
    return inputs, draw(st.permutations([*data, *outputs]))


@st.composite
def pairs(draw) -> Transaction:
    """Draw two or three outputs and a few inputs, as most payments have."""
    value = st.sampled_from([9_999, 10_000, 10_001, 20_000, 50_000, 60_000])
    inputs = draw(st.lists(st.tuples(addresses, value), min_size=1, max_size=4))
    return inputs, draw(st.lists(st.tuples(addresses, value), min_size=1, max_size=3))


transactions = st.lists(
    st.one_of(ordinary, rounds(), puzzles(), wasabi_1(), wasabi_2(), whirlpool(), tx0(), pairs()),
    max_size=8,
)
