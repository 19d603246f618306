"""Lists of transactions in an order in which they can stand."""

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.evaluation.listed import Listed, Spent, in_order
from chains.types import TxIdRaw


def txid(number: int) -> TxIdRaw:
    return TxIdRaw(number.to_bytes(32, "little"))


def spending(number: int, earlier: list[int]) -> Listed:
    inputs = tuple(Spent(txid=txid(one), vout=0, value_sat=1, script=b"") for one in earlier)
    return Listed(txid=txid(number), inputs=inputs, outputs=())


@given(st.permutations(range(12)), st.data())
def test_in_order__puts_funding_first_and_keeps_all(order: list[int], data: st.DataObject) -> None:
    spent = {
        number: data.draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        for number in range(12)
    }
    found = in_order([spending(number, spent[number]) for number in order])
    place = {each.txid: position for position, each in enumerate(found)}
    assert len(place) == len(found) == 12
    for number, earlier in spent.items():
        assert all(place[txid(one)] < place[txid(number)] for one in earlier)


def test_in_order__leaves_an_ordered_list_alone_but_for_repeats() -> None:
    rows = [spending(1, []), spending(2, [1, 99]), spending(3, []), spending(2, [3])]
    assert in_order(rows) == rows[:3]


def test_in_order__of_a_chain_longer_than_the_stack_of_python() -> None:
    rows = [spending(number, [number - 1] if number else []) for number in range(5_000)]
    assert in_order(rows[::-1]) == rows
