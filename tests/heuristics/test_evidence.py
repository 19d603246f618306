import numpy as np

from heuristics.columns import NO_ADDRESS
from heuristics.evidence import joined_inputs, joining_transactions
from tests.heuristics.test_cospend import ANYONE, SIGNED, spend_columns


def test_joining_transactions__needs_a_second_input_and_the_address_among_them() -> None:
    columns = spend_columns([[0], [0, 1], [1, 2], [0, 3]], sighash=[SIGNED] * 5 + [ANYONE, SIGNED])
    joins, read = joining_transactions(columns, np.arange(4), 0)
    assert joins.tolist() == [False, True, False, False]
    assert read == 4


def test_joined_inputs__names_only_addresses_whose_control_is_shown() -> None:
    columns = spend_columns([[5], [3, int(NO_ADDRESS), 1]])
    assert joined_inputs(columns, 1).tolist() == [3, 1]
