"""Fixtures and hypothesis profiles that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.anvil import anvil
from tests.electrum import electrum_fixture  # noqa: F401
from tests.esplora import EsploraServer, esplora
from tests.explorer import Snapshot
from tests.nodes import bitcoind
from tests.postgres import Server, postgresql
from tests.regtest_chain import NODE_OPTIONS, RegtestChain, make_chain

if TYPE_CHECKING:
    from tests.dev_chain import DevChain
    from tests.small_accounts import SmallAccounts
    from tests.small_case import SmallCase

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True, print_blob=True)
# Kernels run interpreted, about a hundred times slower: the same properties, fewer examples.
settings.register_profile(
    "jit_off",
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    settings.load_profile("jit_off")
else:
    settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data that is too large, or not ours, to keep in the repository.

    It is named by `ARIEN_TEST_DATA`, or lies at `../shared/data` beside the checkout.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ARIEN_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip("real data is absent: set ARIEN_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def regtest_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegtestChain]:
    """Return a varied chain of a real node, which runs until the session ends."""
    with bitcoind(tmp_path_factory.mktemp("regtest"), *NODE_OPTIONS) as node:
        yield make_chain(node)


@pytest.fixture(scope="session")
def ethereum_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DevChain"]:
    """Return a varied chain of a real Ethereum node, which runs until the session ends."""
    from tests.dev_chain import make_dev_chain

    with anvil(tmp_path_factory.mktemp("ethereum")) as node:
        yield make_dev_chain(node)


@pytest.fixture(scope="session")
def esplora_server(regtest_chain: RegtestChain) -> Iterator[EsploraServer]:
    """Return an explorer's server for that chain. Never change its habits or faults."""
    with esplora(Snapshot.of_node(regtest_chain.rpc)) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Return a real PostgreSQL server, which runs until the session ends."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def small_case(tmp_path_factory: pytest.TempPathFactory) -> "SmallCase":
    """Return a data folder with a small ledger, its clustering and a TagPack. Never write to it."""
    from tests.small_case import make_small_case

    return make_small_case(tmp_path_factory.mktemp("small-case"))


@pytest.fixture(scope="session")
def small_accounts(tmp_path_factory: pytest.TempPathFactory) -> "SmallAccounts":
    """Return a data folder with a small ledger of accounts and a TagPack. Never write to it."""
    from tests.small_accounts import make_small_accounts

    return make_small_accounts(tmp_path_factory.mktemp("small-accounts"))
