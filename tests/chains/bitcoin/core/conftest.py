import pytest

from tests.core_nodes import mine
from tests.nodes import bitcoind


@pytest.fixture(scope="package")
def small(tmp_path_factory):
    """A node of thirty blocks, which nobody changes."""
    with bitcoind(tmp_path_factory.mktemp("small")) as node:
        mine(node, 30)
        yield node
