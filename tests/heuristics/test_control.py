import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heuristics.columns import NO_ADDRESS
from heuristics.control import CreatedCode, same_creators, self_authorisations
from tests.reference import account_entities as reference

ACCOUNTS = 6
account = st.integers(0, ACCOUNTS - 1)
accounts = st.sets(account)
codes = st.tuples(account, st.just(int(NO_ADDRESS)) | account, account, st.integers(-1, 2))


def marks(chosen) -> np.ndarray:
    found = np.zeros(ACCOUNTS, np.bool_)
    found[list(chosen)] = True
    return found


def authorised(approvals, owners, spenders, most):
    owner, spender = (np.array([row[side] for row in approvals], np.uint32) for side in (0, 1))
    return self_authorisations(owner, spender, marks(owners), marks(spenders), most).tolist()


def joined(created, keys, joining, most=20):
    columns = [np.array([row[i] for row in created], np.int64) for i in range(4)]
    contract, creator, deployer = (column.astype(np.uint32) for column in columns[:3])
    found = same_creators(
        CreatedCode(contract, creator, deployer, columns[3]), marks(keys), marks(joining), most
    )
    return list(zip(found.earlier.tolist(), found.later.tolist(), strict=True))


@given(st.lists(st.tuples(account, account), max_size=12), accounts, accounts, st.integers(1, 3))
def test_self_authorisations__agrees_with_reference(approvals, owners, spenders, most):
    expected = reference.self_authorisations(approvals, owners, spenders, most)
    assert authorised(approvals, owners, spenders, most) == expected


def test_self_authorisations__leaves_out_whom_eleven_owners_approved():
    owners = np.arange(1, 12, dtype=np.uint32)
    spenders = np.zeros(11, np.uint32)
    everybody = np.ones(12, np.bool_)
    assert len(self_authorisations(owners[:10], spenders[:10], everybody, everybody)) == 10
    assert len(self_authorisations(owners, spenders, everybody, everybody)) == 0


@given(st.lists(codes, max_size=10), accounts, accounts, st.integers(1, 4))
def test_same_creators__agrees_with_reference(created, keys, joining, most):
    found = joined(created, keys, joining, most)
    assert set(found) == reference.same_creators(created, keys, joining, most)
    assert found == sorted(found, key=lambda pair: (pair[1], pair[0]))


def test_same_creators__joins_what_a_key_created_itself():
    assert joined([(1, 0, 0, -1), (2, 0, 0, -1), (3, 5, 0, -1)], {0}, {1, 2, 3}) == [(0, 1)]


def test_same_creators__joins_few_copies_of_one_deployer_whatever_the_factory():
    copies = [(1, 5, 0, 7), (2, 5, 0, 7), (3, 5, 4, 8), (5, 5, 0, 8)]
    # Of the second code two accounts made copies.
    assert joined(copies, {0, 4}, {1, 2, 3, 5}) == [(0, 1)]
    assert joined(copies, {0, 4}, {1, 2, 3, 5}, most=1) == []
