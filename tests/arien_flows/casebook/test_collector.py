"""The collector is started again, whatever happens."""

import gc

import pytest

from arien_flows.casebook.collector import paused_collector


def test_collector__is_paused_and_started_again():
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector__is_started_again_after_an_error():
    with pytest.raises(ValueError, match="x"), paused_collector():
        raise ValueError("x")
    assert gc.isenabled()
