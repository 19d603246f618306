"""Judging findings by known owners, against plain loops over the same transactions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.evaluation.judging import (
    SEVERAL,
    UNKNOWN,
    KnownOwners,
    judge_changes,
    judge_merges,
    judge_transactions,
)
from arien_flows.evaluation.listed import Listed, Spent, view_of_list
from chains.bitcoin.networks import REGTEST
from chains.types import TxIdRaw
from heuristics.cospend import LOG_WIDTH, LogField

PEOPLE = 4

owner_of = st.integers(UNKNOWN, PEOPLE - 1)
chains = st.lists(
    st.tuples(
        st.lists(st.integers(0, 7), min_size=1, max_size=3),
        st.lists(st.integers(-1, 7), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=6,
)


def script(number: int) -> bytes:
    """Return the script of an address; -1 is data that nobody owns."""
    return b"\x6a" if number < 0 else b"\x00\x14" + number.to_bytes(20, "big")


def listed(chain: list[tuple[list[int], list[int]]]) -> list[Listed]:
    return [
        Listed(
            txid=TxIdRaw(number.to_bytes(32, "big")),
            inputs=tuple(
                Spent(
                    txid=TxIdRaw((1000 + number).to_bytes(32, "big")),
                    vout=vout,
                    value_sat=10_000,
                    script=script(address),
                )
                for vout, address in enumerate(inputs)
            ),
            outputs=tuple((3_000, script(address)) for address in outputs),
        )
        for number, (inputs, outputs) in enumerate(chain)
    ]


def known(chain: list[tuple[list[int], list[int]]], owners: list[int]) -> KnownOwners:
    view = view_of_list(listed(chain), REGTEST)
    of_address = np.full(view.counts.addresses, UNKNOWN, dtype=np.int64)
    for address in range(view.counts.addresses):
        payload = view.payload[view.first_payload_byte[address] :][:20].tobytes()
        of_address[address] = owners[int.from_bytes(payload, "big")]
    return KnownOwners(view=view, of_address=of_address)


@given(chains, st.lists(owner_of, min_size=8, max_size=8), st.data())
def test_judge_changes__counts_what_a_loop_counts(
    chain: list[tuple[list[int], list[int]]], owners: list[int], data: st.DataObject
) -> None:
    found = known(chain, owners)
    named = np.array(
        data.draw(
            st.lists(
                st.booleans(),
                min_size=found.view.counts.outputs,
                max_size=found.view.counts.outputs,
            )
        ),
        dtype=np.bool_,
    )
    right = wrong = missed = clear = judged = 0
    start = 0
    for inputs, outputs in chain:
        flags = named[start : start + len(outputs)]
        start += len(outputs)
        payers = {owners[address] for address in inputs}
        payees = [owners[address] if address >= 0 else None for address in outputs]
        spendable = [payee for payee in payees if payee is not None]
        if len(payers) > 1 or min(payers) < 0 or len(spendable) < 2 or min(spendable) < 0:
            continue
        judged += 1
        payer = payers.pop()
        named_payees = [payee for payee, flag in zip(payees, flags, strict=True) if flag]
        is_wrong = any(payee != payer for payee in named_payees)
        is_right = bool(named_payees) and not is_wrong
        right += is_right
        wrong += is_wrong
        clear += not is_wrong
        missed += payer in spendable and not is_right
    assert int(found.is_judged.sum()) == judged
    tally = judge_changes(found, named, found.is_judged)
    assert (tally.right, tally.wrong, tally.missed, tally.clear) == (right, wrong, missed, clear)


@given(chains, st.lists(owner_of, min_size=8, max_size=8))
def test_known_owners__tell_who_pays(
    chain: list[tuple[list[int], list[int]]], owners: list[int]
) -> None:
    found = known(chain, owners).of_transaction.tolist()
    for (inputs, _), payer in zip(chain, found, strict=True):
        payers = {owners[address] for address in inputs}
        if UNKNOWN in payers:
            assert payer == UNKNOWN
        else:
            assert payer == (payers.pop() if len(payers) == 1 else SEVERAL)


def test_judge_transactions__tells_what_a_population_cannot_say() -> None:
    named = np.array([True, True, False, False])
    everything = np.ones(4, dtype=np.bool_)
    true = np.array([True, False, True, False])
    both = judge_transactions(named, true, everything)
    assert (both.right, both.wrong, both.missed, both.clear) == (1, 1, 1, 1)
    none_to_find = judge_transactions(named, ~everything, everything)
    assert none_to_find.precision is none_to_find.recall is None
    assert none_to_find.false_positive_rate is not None
    assert none_to_find.false_positive_rate.value == 0.5
    nothing_else = judge_transactions(named, everything, everything)
    assert nothing_else.false_positive_rate is None
    assert nothing_else.recall is not None
    assert nothing_else.recall.value == 0.5


def test_judge_merges__leaves_out_what_nobody_knows() -> None:
    owners = known([([0], [1, 2, 3])], [1, 1, 2, UNKNOWN, 0, 0, 0, 0])
    log = np.zeros((4, LOG_WIDTH), dtype=np.uint32)
    log[:, LogField.ADDRESS_B] = [1, 2, 3, 1]
    log[:, LogField.TRANSACTION] = [5, 6, 7, 8]
    log[3, LogField.RULE] = 1
    judged = judge_merges(owners, log, 0)
    assert (judged.tally.right, judged.tally.wrong) == (1, 1)
    assert judged.wrong_transactions.tolist() == [6]
    assert judge_merges(owners, log, 2).tally.precision is None


@pytest.mark.parametrize("count", [1, 300])
def test_view_of_list__keeps_ids_amounts_and_scripts(count: int) -> None:
    chain = [([0] * count, [1] * count), ([1], [2])]
    rows = listed(chain)
    view = view_of_list(rows, REGTEST)
    assert view.txid.tobytes() == b"".join(row.txid for row in rows)
    assert view.input_value.tolist() == [10_000] * (count + 1)
    assert view.output_value.tolist() == [3_000] * (count + 1)
    assert view.counts.addresses == 3
