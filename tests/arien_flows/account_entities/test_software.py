from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_entities.software import copies_of, software_of
from chains.ethereum.tables import CodeKind
from tests.account_chains import ETHER, AccountChain
from tests.arien_flows.account_entities.stories import number_of

codes = st.binary(min_size=1, max_size=1).map(lambda it: it * 32)


@given(st.lists(st.tuples(codes, st.sampled_from(["ann", "ben"])), min_size=1, max_size=12))
def test_software__counts_contracts_and_deployers_of_each_code(made) -> None:
    chain = AccountChain()
    chain.genesis(ann=ETHER, ben=ETHER)
    for number, (code, maker) in enumerate(made):
        with chain.transaction(maker, "factory") as tx:
            tx.code(f"c{number}", "factory", code_hash=code)
    view = chain.view()
    software = software_of(view)
    copies = Counter(code for code, _ in made)
    for number, (code, _) in enumerate(made):
        found = copies_of(software, view, number_of(view, f"c{number}"))
        if code == bytes(32):
            assert found is None
            continue
        makers = {maker for other, maker in made if other == code}
        assert found == (code, copies[code], len(makers))
    assert copies_of(software, view, number_of(view, "ann")) is None


def test_software__is_not_what_an_account_of_a_key_runs_for_a_while() -> None:
    chain = AccountChain()
    chain.genesis(ann=ETHER)
    with chain.transaction("ann", "ann") as tx:
        tx.code("ann", None, CodeKind.DELEGATION, b"x" * 32, "wallet code")
    view = chain.view()
    assert len(software_of(view).contracts) == 0
    assert copies_of(software_of(view), view, number_of(view, "ann")) is None
