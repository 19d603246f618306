import numpy as np
import pytest

from arien_flows.errors import SourceError
from arien_flows.ledger.memory import view_of
from arien_flows.ledger.new_addresses import ExternalOutputs
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.schema import EXTERNAL
from arien_flows.ledger.view import View
from chains.bitcoin.decode import decode_transactions
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.script import classify_scripts
from tests.ledgers import Chain, Tx, script_of_name, text_of_name

FUNDING = Tx(name="a", outputs=[("alice", 100), ("p2pkh:bob", 40)])
PAYMENT = Tx(name="b", inputs=["a:0", "a:1"], outputs=[("carol", 130)])
ONWARD = Tx(name="c", inputs=["b:0"], outputs=[("dave", 120)])


def fetched(known: list[str], values: list[int]) -> View:
    """Return the view of PAYMENT and ONWARD alone, told what PAYMENT spends."""
    chain = Chain().add([FUNDING, PAYMENT, ONWARD])
    transactions = [chain.transactions[name].serialize() for name in ("b", "c")]
    scripts = [script_of_name(name) for name in known]
    raw = np.frombuffer(b"".join([*transactions, *scripts]), dtype=np.uint8)
    lengths = np.array([len(part) for part in [*transactions, *scripts]], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    batch = decode_transactions(raw, starts[:2], lengths[:2])
    kind, start, length = classify_scripts(raw, starts[2:], lengths[2:])
    external = ExternalOutputs(
        value_sat=np.array(values, dtype=np.int64),
        locks=Locks(source=raw, script_type=kind, start=start, length=length),
    )
    return view_of(
        batch, REGTEST, heights=np.empty(0, dtype=np.uint32), external=external if known else None
    )


def test_view_of__outputs_outside_are_external_and_keep_address_and_value() -> None:
    # The last one stands for the input of ONWARD, which is resolved inside and so ignored.
    view = fetched(["alice", "p2pkh:bob", "nobody"], [100, 40, 999])
    assert view.spent_output.tolist() == [EXTERNAL, EXTERNAL, 0]
    assert view.input_value.tolist() == [100, 40, 130]
    assert view.fee.tolist() == [10, 10]
    alice = view.find_address(text_of_name("alice"))
    assert view.totals(alice).sent_sat == 100
    assert view.totals(alice).received_sat == 0
    assert view.reveal_input.tolist()[0] == 0


def test_view_of__without_word_of_what_is_spent_is_refused() -> None:
    with pytest.raises(SourceError, match="no earlier transaction makes"):
        fetched([], [])
