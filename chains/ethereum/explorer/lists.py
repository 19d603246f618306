"""The lists that an explorer has of an account, and how each is asked for and read."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from chains.ethereum.explorer.answers import Row
from chains.ethereum.explorer.building import AccountRows
from chains.ethereum.explorer.paging import PageQuestion, Whole
from chains.ethereum.explorer.rows import (
    read_call,
    read_mined,
    read_multi_token,
    read_nft,
    read_token,
    read_transaction,
    read_withdrawal,
)

Read = TypeVar("Read")


class AccountList(NamedTuple):
    """A list of the account module."""

    action: str
    what: str
    """What it lists, in words for people."""

    by_blocks: bool = True
    """Whether it can be asked for by a range of blocks."""

    fixed: tuple[tuple[str, str], ...] = ()
    """What is always asked with it."""

    def parameters(self, question: PageQuestion) -> dict[str, str]:
        """Return how a page of it is asked for."""
        asked = dict(self.fixed)
        if self.by_blocks:
            asked |= {"startblock": str(question.start), "endblock": str(question.stop)}
        return {**asked, "page": str(question.page), "offset": str(question.rows), "sort": "asc"}


TRANSACTIONS = AccountList("txlist", "transactions")
CALLS = AccountList("txlistinternal", "value that contracts moved")
TOKENS = AccountList("tokentx", "transfers of tokens")
NFTS = AccountList("tokennfttx", "transfers of ERC-721 tokens")
MULTI_TOKENS = AccountList("token1155tx", "transfers of ERC-1155 tokens")
MINED = AccountList(
    "getminedblocks", "rewards for blocks", by_blocks=False, fixed=(("blocktype", "blocks"),)
)
WITHDRAWALS = AccountList("txsBeaconWithdrawal", "withdrawals from the beacon chain")

LISTS = (TRANSACTIONS, CALLS, TOKENS, NFTS, MULTI_TOKENS, MINED, WITHDRAWALS)
"""All of them; rewards for uncles, of which there are none since 2022, are not asked for, and
answers about who produced blocks before say so."""


def account_rows(lists: Mapping[AccountList, Whole]) -> AccountRows:
    """Read the rows of lists."""

    def read(asked: AccountList, reader: Callable[[Row], Read]) -> list[Read]:
        return [reader(row) for row in lists[asked].rows] if asked in lists else []

    return AccountRows(
        transactions=read(TRANSACTIONS, read_transaction),
        calls=read(CALLS, read_call),
        tokens=[
            *read(TOKENS, read_token),
            *read(NFTS, read_nft),
            *read(MULTI_TOKENS, read_multi_token),
        ],
        mined=read(MINED, read_mined),
        withdrawals=read(WITHDRAWALS, read_withdrawal),
    )
