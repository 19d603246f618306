import re
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import NotFoundError
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.view import View
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.script import script_of
from tests.arien_flows.ledger.chains import random_chain
from tests.ledgers import Chain, Tx, batch_of, build_view, text_of_name
from tests.reference.ledger import ReferenceLedger, key_class

seeds = st.integers(0, 2**32)


def view_of_chain(chain: Chain) -> View:
    heights = np.arange(len(chain.blocks), dtype=np.uint32)
    return view_of(batch_of(chain.blocks), REGTEST, heights=heights)


@given(seeds)
def test_build_rows__agrees_with_reference(seed: int) -> None:
    chain = random_chain(Random(seed), 8)
    view = view_of_chain(chain)
    expected = ReferenceLedger().take(chain.blocks)

    assert [bytes(txid) for txid in view.txid] == expected.txids
    assert view.fee.tolist() == expected.fees
    scripts = [script_of(*view.lock(number)) for number in range(view.counts.addresses)]
    assert scripts == expected.scripts
    spenders = view.spenders(np.arange(view.counts.outputs))
    for output, spender in enumerate(spenders):
        txid, _, vout = view.outpoint_text(output).partition(":")
        assert spender == expected.spender.get((bytes.fromhex(txid)[::-1], int(vout)), -1)
    for number, script in enumerate(scripts):
        movements = expected.movements[script]
        history = view.history(number)
        assert history.transaction.tolist() == list(movements)
        assert history.received_sat.tolist() == [received for received, _ in movements.values()]
        assert history.sent_sat.tolist() == [sent for _, sent in movements.values()]


@given(seeds)
def test_build_rows__inputs_repeat_what_they_spend(seed: int) -> None:
    view = view_of_chain(random_chain(Random(seed), 8))
    assert (view.input_value == view.output_value[view.spent_output]).all()
    assert (view.input_address == view.output_address[view.spent_output]).all()
    spending = view.transactions_of_inputs(np.arange(view.counts.inputs))
    assert (view.spenders(view.spent_output) == spending).all()


@given(seeds)
def test_links__join_exactly_the_addresses_of_one_key(seed: int) -> None:
    view = view_of_chain(random_chain(Random(seed), 8))
    group = list(range(view.counts.addresses))
    for address, earlier in zip(view.link_address, view.link_earlier, strict=True):
        old, new = group[address], group[earlier]
        group = [new if label == old else label for label in group]
    named = {}
    for number in range(view.counts.addresses):
        key = key_class(script_of(*view.lock(number)))
        if key is not None:
            named.setdefault(key, set()).add(group[number])
    assert all(len(groups) == 1 for groups in named.values())
    # Only nested addresses, whose key a spend has shown, may join a group besides.
    labels = [label for groups in named.values() for label in groups]
    assert len(labels) == len(set(labels))


def test_links__a_nested_key_is_linked_once_it_is_revealed() -> None:
    funding = [
        Tx(name="a", outputs=[("p2sh:alice", 1_000)]),
        Tx(name="b", outputs=[("p2pkh:alice", 1_000)]),
    ]
    assert build_view(funding).counts.links == 0
    view = build_view([*funding, Tx(name="c"), Tx(name="d", inputs=["a:0"], outputs=[("x", 900)])])
    assert view.link_rule.tolist() == [1]
    assert view.txid_text(int(view.link_transaction[0])) == view.txid_text(
        view.counts.transactions - 1
    )
    linked = {int(view.link_address[0]), int(view.link_earlier[0])}
    assert linked == {
        view.find_address(text_of_name("p2sh:alice")),
        view.find_address(text_of_name("p2pkh:alice")),
    }


def test_links__a_key_seen_after_the_reveal_is_linked_too() -> None:
    view = build_view(
        [
            Tx(name="a", outputs=[("p2sh:alice", 1_000)]),
            Tx(name="b"),
            Tx(name="c", inputs=["a:0"], outputs=[("x", 900)]),
            Tx(name="d", outputs=[("p2pk:alice", 1_000)]),
        ]
    )
    assert view.link_transaction.tolist() == [view.counts.transactions - 1]


def test_op_return__has_no_address_and_keeps_its_data() -> None:
    view = build_view([Tx(name="a", outputs=[("data:hello", 0), ("alice", 5)])])
    assert view.counts.addresses == 1
    assert view.address_text(int(view.output_address[0])) is None
    assert view.op_return_output.tolist() == [0]
    assert view.op_return_data.tobytes() == b"\x05hello"


def test_histories__one_entry_per_transaction_even_when_change_returns() -> None:
    view = build_view(
        [
            Tx(name="a", outputs=[("alice", 1_000), ("alice", 500)]),
            Tx(name="b"),
            Tx(name="c", inputs=["a:0", "a:1"], outputs=[("bob", 400), ("alice", 1_000)]),
        ]
    )
    alice = view.find_address(text_of_name("alice"))
    totals = view.totals(alice)
    assert (totals.transaction_count, totals.received_sat, totals.sent_sat) == (2, 2_500, 1_500)
    last = view.history(alice, -1)
    assert (last.received_sat.tolist(), last.sent_sat.tolist()) == ([1_000], [1_500])


@pytest.mark.parametrize("name", ["alice", "p2pkh:alice", "p2pk:alice", "p2sh:alice", "p2tr:a"])
def test_find_address__text_and_number_are_inverse(name: str) -> None:
    view = build_view([Tx(name="a", outputs=[("other", 1), (name, 1)])])
    number = view.find_address(text_of_name(name))
    assert view.address_text(number) == text_of_name(name)


def test_find_address__an_unused_form_of_a_used_key_names_the_used_ones() -> None:
    view = build_view([Tx(name="a", outputs=[("p2pk:alice", 1), ("bob", 1)])])
    with pytest.raises(NotFoundError, match=re.escape(f"ask for {text_of_name('p2pk:alice')}")):
        view.find_address(text_of_name("p2pkh:alice"))
    with pytest.raises(NotFoundError) as error:
        view.find_address(text_of_name("p2tr:alice"))
    assert "another form" not in str(error.value)
