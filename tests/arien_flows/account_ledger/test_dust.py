"""What strangers write into a history, told from payments."""

import numpy as np

from arien_flows.account_ledger.dust import TINY_WEI, hidden_rows
from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import MovementKind
from tests.account_chains import ETHER, AccountChain, text_of

ALIKE = "0x" + text_of("bob")[2:6] + "00" * 16 + text_of("bob")[-4:]
THREE_ALIKE = "0x" + text_of("bob")[2:5] + "0" * 33 + text_of("bob")[-4:]


def hidden(view: AccountView) -> list[bool]:
    return hidden_rows(view, np.arange(view.counts.movements)).tolist()


def test_hidden_rows__hides_transfers_of_zero_tokens() -> None:
    chain = AccountChain()
    chain.send("token", "alice", "bob", 0)
    chain.send("token", "alice", "bob", 1)
    assert hidden(chain.view()) == [True, False]


def test_hidden_rows__keeps_calls_that_move_no_coin() -> None:
    chain = AccountChain()
    chain.pay("alice", "bob", 0)
    assert hidden(chain.view()) == [False]


def test_hidden_rows__hides_tokens_that_pose_as_a_main_asset() -> None:
    chain = AccountChain()
    chain.knows("real", "USDX", 6)
    chain.knows("fake", "U5DX", 6, is_listed=False)
    chain.knows("other", "PEEPO", 6, is_listed=False)
    for token in ("real", "fake", "other"):
        chain.send(token, "alice", "bob", 10**9)
    assert hidden(chain.view()) == [False, True, False]


def test_hidden_rows__hides_crumbs_from_an_address_like_a_partners() -> None:
    chain = AccountChain()
    chain.pay("alice", "bob", ETHER)
    chain.pay(ALIKE, "alice", TINY_WEI - 1)
    assert hidden(chain.view()) == [False, True]


def test_hidden_rows__keeps_a_payment_that_is_worth_something() -> None:
    chain = AccountChain()
    chain.pay("alice", "bob", ETHER)
    chain.pay(ALIKE, "alice", TINY_WEI)
    assert hidden(chain.view()) == [False, False]


def test_hidden_rows__keeps_crumbs_of_strangers_partners_and_three_like_digits() -> None:
    chain = AccountChain()
    chain.pay("alice", "bob", ETHER)
    for giver in ("carol", "bob", THREE_ALIKE):
        chain.pay(giver, "alice", 1)
    assert hidden(chain.view()) == [False] * 4


def test_hidden_rows__needs_the_partner_to_come_first() -> None:
    chain = AccountChain()
    chain.pay(ALIKE, "alice", 1)
    chain.pay("alice", "bob", ETHER)
    assert hidden(chain.view()) == [False, False]


def test_hidden_rows__does_not_take_a_zero_transfer_for_partnership() -> None:
    chain = AccountChain()
    chain.send("token", "bob", "alice", 0)
    chain.pay(ALIKE, "alice", 1)
    assert hidden(chain.view()) == [True, False]


def test_hidden_rows__hides_crumbs_of_tokens_by_their_decimals() -> None:
    chain = AccountChain()
    chain.knows("real", "USDX", 6)
    chain.pay("alice", "bob", ETHER)
    chain.send("real", ALIKE, "alice", 999_999)
    chain.send("real", ALIKE, "alice", 1_000_000)
    assert hidden(chain.view()) == [False, True, False]


def test_hidden_rows__keeps_gas_rewards_and_whole_tokens_of_their_kind() -> None:
    chain = AccountChain()
    chain.system(MovementKind.REWARD, alice=1)
    with chain.transaction("alice", "art", burnt=1, tip=1) as tx:
        tx.token("art", "alice", "bob", 1, MovementKind.NFT, 7)
    assert hidden(chain.view()) == [False] * 4


def test_hidden_rows__of_nothing_is_nothing() -> None:
    chain = AccountChain()
    chain.pay("alice", "bob", 1)
    assert hidden_rows(chain.view(), np.empty(0, np.int64)).tolist() == []
