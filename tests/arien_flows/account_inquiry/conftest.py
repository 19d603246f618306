"""A stolen sum on a small chain, and an explorer of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from arien_flows.account_inquiry.inquire import AccountsQuestion, inquire_accounts
from arien_flows.account_workspace import AccountReading
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.conversation import Conversation
from chains.registry import open_account_lookups
from tests.account_chains import ETHER, AccountChain
from tests.ethereum_explorer import StandIn, served, uri_of
from tests.http_server import Served

Answer = TypeVar("Answer")

GAS = 21_000
HOPS = 12


def theft() -> AccountChain:
    """The victim is robbed; the thief splits the sum, and it goes down two lines of accounts."""
    chain = AccountChain()
    chain.genesis(victim=100 * ETHER, stranger=50 * ETHER)
    chain.block()
    chain.pay("victim", "thief", 90 * ETHER, burnt=GAS)
    chain.block()
    chain.pay("stranger", "left 0", 2 * ETHER, burnt=GAS)
    chain.pay("thief", "left 0", 50 * ETHER, burnt=GAS)
    chain.pay("thief", "right 0", 39 * ETHER, burnt=GAS)
    for hop in range(HOPS):
        chain.block()
        chain.pay(f"left {hop}", f"left {hop + 1}", (50 - hop) * ETHER, burnt=GAS)
        if hop < 3:
            chain.pay(f"right {hop}", f"right {hop + 1}", (38 - hop) * ETHER, burnt=GAS)
    return chain


class Desk:
    """Asks one explorer, with an archive that stays."""

    def __init__(self, folder: Path, stand_in: StandIn, server: Served) -> None:
        self.stand_in = stand_in
        self.server = server
        self.archive = Archive(folder / "fetched")
        self.casebook = Casebook(sqlite_url(folder / "casebook.sqlite"))
        self.made = 0
        """Requests of the last question."""

    def ask(
        self,
        question: AccountsQuestion,
        answer: Callable[[AccountReading], Answer],
        *,
        requests: int = 2_000,
        now: datetime = datetime(2026, 3, 1, tzinfo=UTC),
    ) -> Answer:
        conversation = Conversation(self.archive, requests)
        uri = uri_of(self.server, self.stand_in)
        with open_account_lookups(uri, "ethereum-dev", recorder=conversation) as source:
            try:
                return inquire_accounts(
                    question, answer, source, self.archive, conversation, self.casebook,
                    now=lambda: now,
                )  # fmt: skip
            finally:
                self.made = conversation.made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Return a maker of desks at explorers of a chain."""
    with ExitStack() as stack:

        def made(chain: AccountChain, **habits: Any) -> Desk:
            stand_in = StandIn.of(chain.batch(), **habits)
            found = Desk(tmp_path, stand_in, stack.enter_context(served(stand_in)))
            stack.callback(found.archive.close)
            return found

        yield made
