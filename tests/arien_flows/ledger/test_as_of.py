"""An earlier state of a ledger: the same as if the later blocks had never come."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.errors import InputError, NotFoundError
from arien_flows.ledger.as_of import view_as_of
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.view import COLUMN_FIELDS, View
from tests.arien_flows.entities.random_chains import grow, random_chain, view_at
from tests.arien_flows.ledger.stores import cut, fill
from tests.ledgers import Chain


def assert_same(found: View, wanted: View) -> None:
    assert found.counts == wanted.counts
    assert found.tip == wanted.tip
    for field in COLUMN_FIELDS.values():
        if field != "spender":
            assert np.array_equal(getattr(found, field), getattr(wanted, field)), field
    outputs = np.arange(wanted.counts.outputs)
    assert np.array_equal(found.spenders(outputs), wanted.spenders(outputs))
    assert np.array_equal(found.median_times, wanted.median_times)
    for address in range(wanted.counts.addresses):
        assert found.totals(address) == wanted.totals(address)
        text = wanted.address_text(address)
        assert text is not None
        assert found.find_address(text) == address
    for transaction in range(wanted.counts.transactions):
        assert found.find_transaction(wanted.txid_text(transaction)) == transaction


@given(seed=st.integers(0, 10_000), height=st.integers(0, 11))
@settings(max_examples=5, deadline=None)
def test_view_as_of__is_the_ledger_of_the_first_blocks(seed: int, height: int):
    chain = random_chain(seed, 12)
    assert_same(view_as_of(view_at(chain), height), view_at(chain, height + 1))


@pytest.mark.slow
def test_view_as_of__of_files_in_several_runs(tmp_path: Path):
    chain = grow(Chain.from_genesis(), Random(7), 40, salt=0)
    fill(tmp_path, cut(chain.blocks, [11, 9, 21]))
    view = Ledger(tmp_path).view()
    for height in (0, 5, 10, 11, 25, 38):
        assert_same(view_as_of(view, height), view_at(chain, height + 1))


def test_view_as_of__knows_nothing_of_later_blocks():
    chain = random_chain(3, 12)
    view = view_at(chain)
    earlier = view_as_of(view, 4)
    later = view.txid_text(view.counts.transactions - 1)
    with pytest.raises(NotFoundError, match="up to block 4"):
        earlier.find_transaction(later)


def test_view_as_of__the_tip_is_the_view_itself():
    view = view_at(random_chain(3, 6))
    assert view_as_of(view, 5) is view


def test_view_as_of__refuses_blocks_that_are_not_there():
    view = view_at(random_chain(3, 6))
    for height in (-1, 6):
        with pytest.raises(InputError, match="holds blocks 0 to 5"):
            view_as_of(view, height)
