"""The lists of an account, put together."""

from typing import Any

import pytest

from chains.ethereum.explorer.answers import Row
from chains.ethereum.explorer.building import (
    UNCLES_MISSING,
    WRAPS_DERIVED,
    AccountRows,
    history_of,
    system_name,
)
from chains.ethereum.explorer.errors import UnexpectedAnswerError
from chains.ethereum.explorer.rows import (
    BlockFacts,
    Call,
    MinedBlock,
    TokenTransfer,
    Withdrawal,
    read_token,
)
from chains.ethereum.lookups import AccountHistory
from chains.ethereum.parts import TransactionPart, parts_of
from chains.ethereum.tables import CallCoverage, MovementKind, TransactionKind
from tests.account_chains import address_of
from tests.arien_flows.account_inquiry.test_joining import BLOCK, TX, called, sent, token

WETH = address_of("WETH")


def history(account: str = "alice", **lists: list[Any]) -> AccountHistory:
    return history_of(
        address_of(account),
        AccountRows(**lists),
        calls=CallCoverage.TRACED,
        missing=(),
        wrappers=frozenset({WETH}),
    )


def only(found: AccountHistory) -> TransactionPart:
    (part,) = [part for block in parts_of(found.batch) for part in block.transactions]
    return part


def moves(found: AccountHistory) -> list[tuple[MovementKind, int]]:
    return [(move.kind, move.amount) for move in only(found).moves]


def wrapped(amount: int) -> TokenTransfer:
    row = token("null", "alice", amount)
    return TokenTransfer(
        **{name: getattr(row, name) for name in row.__slots__} | {"contract": WETH}
    )


@pytest.mark.parametrize(
    ("said", "decimals"),
    [("18", 18), ("255", 255), ("256", None), ("0255999", None), ("0" * 5_000, None), ("", None)],
)
def test_read_token__takes_what_a_contract_says_for_decimals_only_in_their_range(
    said: str, decimals: int | None
) -> None:
    texts: dict[str, object] = {
        "blockNumber": "5", "timeStamp": "9", "hash": "0x" + "ab" * 32, "value": "1",
        "contractAddress": "0x" + "11" * 20, "from": "0x" + "22" * 20, "to": "0x" + "33" * 20,
        "gasUsed": "1", "gasPrice": "1", "tokenDecimal": said,
    }  # fmt: skip
    assert read_token(Row(texts, "result[0]")).decimals == decimals


def test_history_of__moves_nothing_but_gas_where_a_transaction_failed() -> None:
    found = history(transactions=[sent(succeeded=False)])
    assert moves(found) == [(MovementKind.GAS_BURNT, 20)]
    assert not only(found).succeeded
    assert only(found).value == 40


def test_history_of__creates_a_contract_with_what_it_was_sent() -> None:
    made = sent(receiver=None, created=address_of("made"))
    found = history(transactions=[made])
    assert moves(found)[0] == (MovementKind.CREATE, 40)
    assert only(found).receiver == address_of("made")
    assert [(code.account, code.creator) for code in only(found).codes] == [
        (address_of("made"), address_of("alice"))
    ]
    lost = only(history(transactions=[sent(receiver=None, created=WETH, succeeded=False)]))
    assert lost.receiver is None
    assert lost.codes == []


def test_history_of__tells_a_creation_once_though_two_lists_tell_it() -> None:
    again = Call(
        block=BLOCK, tx_hash=TX, kind=MovementKind.CREATE, giver=address_of("alice"),
        receiver=address_of("made"), wei=40, took_effect=True, moves=True, place=(0,),
    )  # fmt: skip
    found = history(transactions=[sent(receiver=None, created=address_of("made"))], calls=[again])
    assert [kind for kind, _ in moves(found)] == [MovementKind.CREATE, MovementKind.GAS_BURNT]


def test_history_of__pays_a_contract_after_its_creation_in_one_transaction() -> None:
    made = Call(
        block=BLOCK, tx_hash=TX, kind=MovementKind.CREATE, giver=address_of("factory"),
        receiver=address_of("made"), wei=3, took_effect=True, moves=True, place=(0,),
    )  # fmt: skip
    paid = called("factory", "made", 5, (1,))
    expected = [(MovementKind.CREATE, 3), (MovementKind.CALL, 5)]
    assert moves(history("made", calls=[made, paid])) == expected
    own = sent(receiver=None, created=address_of("made"))
    found = history("made", transactions=[own], calls=[called("bank", "made", 5, (0,))])
    assert moves(found)[:2] == [(MovementKind.CREATE, 40), (MovementKind.CALL, 5)]


def test_history_of__keeps_doubles_only_where_no_place_tells_them_for_one() -> None:
    twice = [called("router", "alice", 5, (0, 1))] * 2
    assert moves(history(calls=twice)) == [(MovementKind.CALL, 5)]
    assert len(moves(history(tokens=[token("bob", "alice", 5)] * 2))) == 2
    assert len(moves(history(tokens=[token("bob", "alice", 5, log_index=3)] * 2))) == 1


def test_history_of__knows_no_sender_of_what_others_sent() -> None:
    part = only(history(tokens=[token("bob", "alice", 5)]))
    assert part.sender is None
    assert [move.kind for move in part.moves] == [MovementKind.TOKEN]
    assert (part.gas_used, part.gas_price, part.nonce) == (10, 2, 1)


def test_history_of__names_blocks_whose_hash_it_is_not_told() -> None:
    block = BlockFacts(8, 800)
    found = history(
        mined=[MinedBlock(block=block, wei=3), MinedBlock(block=BlockFacts(9, 900), wei=None)],
        withdrawals=[Withdrawal(block=block, index=1, account=address_of("alice"), wei=4)],
    )
    part = only(found)
    assert part.kind == TransactionKind.SYSTEM
    assert part.tx_hash == system_name(8) == bytes(31) + b"\x08"
    assert moves(found) == [(MovementKind.REWARD, 3), (MovementKind.WITHDRAWAL, 4)]
    assert any("1 blocks that it produced" in text for text in found.missing)
    assert UNCLES_MISSING in found.missing
    merged = history(mined=[MinedBlock(block=BlockFacts(15_537_394, 9), wei=3)])
    assert UNCLES_MISSING not in merged.missing


@pytest.mark.parametrize(
    "lists",
    [
        {"transactions": [sent(), sent(value=41)]},
        {"transactions": [sent()], "tokens": [token("a", "b", 1)],
         "calls": [Call(block=BLOCK._replace(height=6), tx_hash=TX, kind=MovementKind.CALL,
                        giver=WETH, receiver=WETH, wei=1, took_effect=True, moves=True, place=())]},
        {"transactions": [sent(succeeded=False)], "tokens": [token("a", "b", 1)]},
        {"transactions": [sent()], "mined": [MinedBlock(block=BLOCK._replace(time=1), wei=1)]},
        {"withdrawals": [Withdrawal(block=BLOCK, index=1, account=WETH, wei=4)]},
    ],
)  # fmt: skip
def test_history_of__refuses_lists_that_exclude_each_other(lists: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswerError):
        history(**lists)


def test_history_of__derives_wraps_that_the_list_leaves_out() -> None:
    found = history(transactions=[sent(receiver=WETH)], calls=[called("WETH", "alice", 6, (0, 1))])
    assert moves(found) == [
        (MovementKind.CALL, 40), (MovementKind.CALL, 6), (MovementKind.WRAP, 40),
        (MovementKind.UNWRAP, 6), (MovementKind.GAS_BURNT, 20),
    ]  # fmt: skip
    wrap, unwrap = only(found).moves[2:4]
    assert (wrap.giver, wrap.receiver) == (bytes(20), address_of("alice"))
    assert (unwrap.giver, unwrap.receiver) == (address_of("alice"), bytes(20))
    assert WRAPS_DERIVED in found.missing


def test_history_of__adds_no_wrap_that_the_list_tells() -> None:
    found = history(transactions=[sent(receiver=WETH)], tokens=[wrapped(40)])
    assert moves(found) == [
        (MovementKind.CALL, 40), (MovementKind.WRAP, 40), (MovementKind.GAS_BURNT, 20),
    ]  # fmt: skip
    assert WRAPS_DERIVED not in found.missing
