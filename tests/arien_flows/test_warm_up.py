"""The block that kernels are compiled with is the real one, and goes all the way."""

from arien_flows.warm_up import GENESIS, compile_kernels
from chains.bitcoin.hashing import double_sha256
from chains.bitcoin.networks import REGTEST


def test_genesis__is_the_first_block_of_regtest():
    assert double_sha256(GENESIS[:80]) == REGTEST.genesis_hash


def test_compile_kernels__asks_everything_without_error():
    compile_kernels.__wrapped__()
