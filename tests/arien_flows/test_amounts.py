"""Amounts as people read them."""

from arien_flows.amounts import asset_of, held_by_coins


def test_held_by_coins__groups_digits_and_counts_in_good_english():
    assert held_by_coins(134_781_247, 1, asset_of("bitcoin")) == "1.34781247 BTC in 1 coin"
    told = held_by_coins(123_456_700_000_000, 1_234, asset_of("bitcoin-regtest"))
    assert told == "1,234,567.00000000 tBTC in 1,234 coins"
