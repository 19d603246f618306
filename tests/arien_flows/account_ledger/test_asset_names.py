"""Names of assets: who bears which, who only poses, and what strangers may write."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.account_ledger.asset_names import (
    LONGEST_NAME,
    AssetLabel,
    asset_label,
    harmless,
    skeleton,
)
from arien_flows.amounts import coins
from chains.ethereum.networks import ETHEREUM
from tests.account_chains import AccountChain

USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"


def label_of(symbol: str, decimals: int = 6, *, contract: str = "token") -> AssetLabel:
    chain = AccountChain(ETHEREUM)
    chain.knows(contract, symbol, decimals, is_listed=contract == USDT)
    chain.send(contract, "alice", "bob", 1)
    view = chain.view()
    return asset_label(view.asset_facts[1], view)


def test_asset_label__names_a_listed_token_by_its_symbol_alone() -> None:
    label = label_of("USDT", contract=USDT)
    assert (label.standing, label.name, label.imitates) == ("listed", "USDT", "")
    assert label.contract == "0xdAC17F958D2ee523a2206206994597C13D831ec7"


@pytest.mark.parametrize(
    "symbol",
    ["USDT", "usdt", "USD\u0422", "U\u200bSDT", "U S D T", "USD\u20ae", "\uff35\uff33\uff24\uff34",
     "\u202eUSDT", "U\u0336SDT", "Tether USD", "\U0001d414\U0001d412\U0001d403\U0001d413"],
)  # fmt: skip
def test_asset_label__tells_a_token_that_poses_as_a_listed_one(symbol: str) -> None:
    label = label_of(symbol)
    assert (label.standing, label.imitates) == ("imitation", "USDT")
    assert label.name.endswith("? (not the real USDT)")


@pytest.mark.parametrize("symbol", ["ETH", "Ether", "\u0395TH"])
def test_asset_label__tells_a_token_that_poses_as_the_coin(symbol: str) -> None:
    assert label_of(symbol).imitates == "ETH"


def test_asset_label__doubts_every_other_token() -> None:
    label = label_of("PEEPO")
    assert (label.standing, label.name) == ("unverified", "PEEPO?")
    assert coins(1_500_000, label.asset) == "1.500000 PEEPO?"


def test_asset_label__shows_base_units_where_decimals_are_not_known() -> None:
    chain = AccountChain()
    chain.send("token", "alice", "bob", 1)
    view = chain.view()
    label = asset_label(view.asset_facts[1], view)
    assert label.decimals is None
    assert coins(1_234, label.asset) == f"1,234 base units of token {label.contract}?"
    assert asset_label(view.asset_facts[0], view).name == "tETH"


def test_asset_label__does_not_believe_in_more_decimals_than_an_amount_has_digits() -> None:
    assert label_of("X", 255).decimals is None
    assert label_of("X", 77).decimals == 77


@given(st.text(max_size=200))
def test_harmless__leaves_nothing_that_hides_moves_or_is_endless(text: str) -> None:
    shown = harmless(text)
    assert len(shown) <= LONGEST_NAME
    hiding = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not hiding & {unicodedata.category(letter) for letter in shown}
    assert harmless(shown) == shown


def test_harmless__keeps_what_is_plain_and_marks_what_it_cut() -> None:
    assert harmless("A" * LONGEST_NAME) == "A" * LONGEST_NAME
    assert harmless("A" * 10_000) == "A" * (LONGEST_NAME - 1) + "…"
    assert harmless("US\u202eDT\n\x1b[2J") == "US\\u202eDT\\n\\x1b[2J"


@given(st.text(alphabet=st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1))
def test_skeleton__is_the_same_for_other_cases_and_gaps(text: str) -> None:
    assert skeleton(text) == skeleton(text.lower()) == skeleton(" \u200b".join(text))
