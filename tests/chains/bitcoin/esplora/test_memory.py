from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.esplora.memory import TransactionMemory
from chains.lookups import FetchedTransaction, StatedOutput
from chains.types import TxIdRaw

MOST = 5_000

fetched = st.builds(
    FetchedTransaction,
    raw=st.binary(max_size=MOST),
    spent=st.none()
    | st.lists(
        st.builds(StatedOutput, value_sat=st.just(1), script=st.binary(max_size=50)), max_size=9
    ).map(tuple),
)
kept = st.lists(st.tuples(st.binary(min_size=1, max_size=1).map(TxIdRaw), fetched), max_size=30)


@given(kept)
def test_memory__holds_the_newest_within_its_bound(pairs):
    memory = TransactionMemory(MOST)
    for txid, each in pairs:
        memory.keep(txid, each)
    newest = dict(pairs)
    order = list(dict.fromkeys(txid for txid, _ in reversed(pairs)))
    found = [memory.find(txid) is not None for txid in order]
    # What is found is the newest, without a gap, and is what was kept last under its id.
    assert found == sorted(found, reverse=True)
    for txid in order:
        assert memory.find(txid) in (None, newest[txid])
    assert sum(len(memory.find(txid).raw) for txid in order if memory.find(txid)) <= MOST


def test_memory__keeps_what_fits():
    memory = TransactionMemory(MOST)
    small = FetchedTransaction(raw=b"1", spent=())
    for number in range(10):
        memory.keep(TxIdRaw(bytes([number])), small)
    assert all(memory.find(TxIdRaw(bytes([number]))) is small for number in range(10))
    memory.keep(TxIdRaw(b"large"), FetchedTransaction(raw=bytes(MOST), spent=None))
    assert memory.find(TxIdRaw(b"large")) is None
