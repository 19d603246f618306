import numpy as np
import pytest

from chains.bitcoin.headers import header_bits, total_work, work_of
from chains.bitcoin.networks import BITCOIN, COIN_SAT, NETWORKS, REGTEST, network
from chains.errors import UnknownNetworkError


def test_network__finds_every_network_by_its_name():
    assert [network(known.name) for known in NETWORKS] == list(NETWORKS)


def test_network__lists_the_known_names_and_suggests_a_close_one():
    with pytest.raises(UnknownNetworkError, match=r"did you mean 'bitcoin-testnet[34]'") as caught:
        network("bitcoin-testnet")
    assert all(known.name in str(caught.value) for known in NETWORKS)


def test_network__suggests_nothing_for_something_else():
    with pytest.raises(UnknownNetworkError) as caught:
        network("xyz")
    assert "did you mean" not in str(caught.value)


def test_networks__differ_in_magic_and_genesis():
    assert len({known.magic for known in NETWORKS}) == len(NETWORKS)
    assert len({known.genesis_hash for known in NETWORKS}) == len(NETWORKS)


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        (0, 50 * COIN_SAT),
        (209_999, 50 * COIN_SAT),
        (210_000, 25 * COIN_SAT),
        (420_000, 1_250_000_000),
        (840_000, 312_500_000),
        (6_929_999, 1),
        (6_930_000, 0),
        (10**9, 0),
    ],
)
def test_subsidy__halves(height, expected):
    assert BITCOIN.subsidy(height) == expected


def test_subsidy__creates_less_than_21_million_in_all():
    interval = BITCOIN.halving_interval
    total = sum(BITCOIN.subsidy(era * interval) * interval for era in range(70))
    # The well-known limit, in satoshi.
    assert total == 2_099_999_997_690_000


def test_subsidy__halves_sooner_on_regtest():
    assert REGTEST.subsidy(149) == 2 * REGTEST.subsidy(150)


def test_subsidy__refuses_a_negative_height():
    with pytest.raises(ValueError, match="negative"):
        BITCOIN.subsidy(-1)


def test_least_work__asks_nothing_of_networks_with_easy_blocks():
    assert {known.name: known.least_work(10**6) for known in NETWORKS if known is not BITCOIN} == (
        dict.fromkeys((known.name for known in NETWORKS if known is not BITCOIN), 0)
    )


def test_least_work__rises_with_the_height_and_begins_with_the_genesis_block():
    steps = [BITCOIN.least_work(height) for height in range(0, 1_000_000, 1000)]
    assert steps == sorted(steps)
    assert 0 < steps[0] <= work_of(0x1D00FFFF)


def test_least_work__is_below_that_of_real_blocks(shared_data):
    for file in sorted((shared_data / "btc_blocks").glob("mainnet_*.raw")):
        height = file.name.split("_")[1].split(".")[0]
        header = np.frombuffer(file.read_bytes()[:80], dtype=np.uint8).reshape(1, 80)
        if ".undo" not in file.name:
            assert BITCOIN.least_work(int(height)) < total_work(header_bits(header)), height
