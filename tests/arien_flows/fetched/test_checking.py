import pytest

from arien_flows.fetched.checking import checked_headers
from chains.bitcoin.networks import BITCOIN, REGTEST
from chains.errors import SourceUnavailableError
from chains.lookups import BlockHeader
from tests.blocks import GENESIS


def test_checked_headers__refuse_one_that_took_next_to_no_work():
    """A block of regtest meets the target that it claims, and is no block of the main network."""
    easy = BlockHeader(height=700_000, header=GENESIS.serialize()[:80], median_time=0)
    assert len(checked_headers("the source", REGTEST, [700_000], [easy])) == 1
    with pytest.raises(SourceUnavailableError, match="far less work than any block of bitcoin"):
        checked_headers("the source", BITCOIN, [700_000], [easy])
