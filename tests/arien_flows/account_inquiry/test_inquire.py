"""Questions to an explorer: whole or with what is missing, resumable, and as of one block."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from arien_flows.account_inquiry.questions import AccountQuestion, AccountTransactionQuestion
from arien_flows.account_inquiry.trace import AccountTraceQuestion
from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_tracing.request import AccountTraceRequest
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_trace import traced_accounts
from arien_flows.errors import NotFoundError, StaleSnapshotError, UnfinishedError
from chains.ethereum.parts import parts_of
from tests.account_chains import ETHER, AccountChain, text_of
from tests.arien_flows.account_inquiry.conftest import HOPS, Desk, theft

Make = Callable[..., Desk]


def everything(reading: AccountReading) -> AccountReading:
    return reading


def reasons(reading: AccountReading) -> list[str]:
    return [each.reason for each in reading.limits]


def test_account_question__gives_the_whole_history_and_checks_the_balance(desk: Make) -> None:
    reading = desk(theft()).ask(AccountQuestion(address=text_of("thief")), everything)
    view = reading.view
    account = view.find_account(text_of("thief"))
    assert view.index.totals(account, NATIVE).balance == ETHER - 2 * 21_000
    assert reading.fetched is not None
    assert reading.fetched.is_fetched(account)
    assert not reading.fetched.is_fetched(view.find_account(text_of("victim")))
    assert reasons(reading) == ["fetched_only", "not_told"]
    assert view.tip.height == HOPS + 2


def test_account_question__says_by_how_much_a_balance_differs(desk: Make) -> None:
    asker = desk(theft(), not_offered=frozenset({"txlistinternal"}))
    chain = theft()
    chain.block()
    with chain.transaction("stranger", "router", burnt=21_000) as tx:
        tx.move("stranger", "router", 5)
        tx.move("router", "thief", 5)
    asker.stand_in.blocks = parts_of(chain.batch())
    reading = asker.ask(AccountQuestion(address=text_of("thief")), everything)
    (difference,) = [each for each in reading.limits if each.reason == "balance_differs"]
    assert " 5 more than the fetched movements" in difference.detail
    assert "contracts moved is not told" in difference.detail
    assert "no_traces" in reasons(reading)


def test_account_question__knows_nothing_of_an_unused_address(desk: Make) -> None:
    with pytest.raises(NotFoundError, match="knows nothing of"):
        desk(theft()).ask(AccountQuestion(address=text_of("nobody")), everything)


def test_account_question__goes_on_where_the_requests_ran_out(desk: Make) -> None:
    asker = desk(theft())
    question = AccountQuestion(address=text_of("thief"))
    with pytest.raises(UnfinishedError, match="the same command again"):
        asker.ask(question, everything, requests=10)
    reading = asker.ask(question, everything)
    assert asker.made < 11
    assert reading.fetched is not None
    assert reading.fetched.origin.reused >= 3  # type: ignore[attr-defined]


def test_unfinished_question__stays_at_its_block_for_a_day(desk: Make) -> None:
    chain = theft()
    asker = desk(chain)
    question = AccountQuestion(address=text_of("thief"))
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(UnfinishedError):
        asker.ask(question, everything, requests=10, now=begun)
    chain.block()
    asker.stand_in.blocks = parts_of(chain.batch())
    soon, late = begun + timedelta(hours=23), begun + timedelta(hours=25)
    assert asker.ask(question, everything, now=soon).view.tip.height == HOPS + 2
    # It is finished now, so the same question is as of the present.
    assert asker.ask(question, everything, now=soon).view.tip.height == HOPS + 3
    chain.block()
    asker.stand_in.blocks = parts_of(chain.batch())
    with pytest.raises(UnfinishedError):
        asker.ask(question, everything, requests=10, now=begun)
    chain.block()
    asker.stand_in.blocks = parts_of(chain.batch())
    assert asker.ask(question, everything, now=late).view.tip.height == HOPS + 5


def test_inquire_accounts__asks_anew_when_the_chain_changed(desk: Make) -> None:
    asker = desk(theft())
    other = AccountChain(salt="other")
    other.blocks, other.times = theft().blocks, theft().times
    first = list(asker.stand_in.blocks)

    def answer(reading: AccountReading) -> str:
        asker.stand_in.blocks = parts_of(other.batch())
        return reading.view.tip.block_hash

    found = asker.ask(AccountQuestion(address=text_of("thief")), answer)
    assert found == "0x" + other.block_hash(HOPS + 2).hex()
    assert first[-1].block_hash != other.block_hash(HOPS + 2)


def test_inquire_accounts__gives_up_on_a_chain_that_never_holds_still(desk: Make) -> None:
    asker = desk(theft())
    turns = iter("abcdefgh")

    def answer(_: AccountReading) -> None:
        other = AccountChain(salt=next(turns))
        other.blocks, other.times = theft().blocks, theft().times
        asker.stand_in.blocks = parts_of(other.batch())

    with pytest.raises(StaleSnapshotError):
        asker.ask(AccountQuestion(address=text_of("thief")), answer)


def test_transaction_question__fetches_all_parties_of_one_block(desk: Make) -> None:
    chain = theft()
    chain.block()
    with chain.transaction("stranger", "router", burnt=21_000) as tx:
        tx.move("stranger", "router", 5 * ETHER)
        tx.move("router", "pool", 4 * ETHER)
        tx.move("pool", "far away", 3 * ETHER)
        tx.token("USD", "pool", "stranger", 77)
    tx_hash = chain.tx_hash(HOPS + 3, 0)
    reading = desk(chain).ask(AccountTransactionQuestion(tx_hash=tx_hash), everything)
    view = reading.view
    rows = view.movement_columns()
    assert view.find_transaction(tx_hash) == 0
    assert rows.amount[:, 0].tolist() == [
        5 * ETHER % 2**64, 4 * ETHER, 3 * ETHER, 77, 21_000,
    ]  # fmt: skip
    assert reading.fetched is not None
    assert not reading.fetched.is_fetched(view.find_account(text_of("stranger")))


def test_trace_question__gives_the_amounts_of_a_whole_ledger(desk: Make) -> None:
    chain = theft()
    request = AccountTraceRequest(sources=(text_of("thief"),), max_hops=8)
    question = AccountTraceQuestion(requests=(request,))
    asker = desk(chain)
    found = asker.ask(question, lambda it: traced_accounts(it, request))
    whole = traced_accounts(
        AccountReading(
            view=chain.view(), clustering=None, clustering_gap="", tags=_tags(asker, chain)
        ),
        request,
    )
    assert found.answer.totals.by_reason == whole.answer.totals.by_reason
    assert found.answer.totals.source == whole.answer.totals.source == str(90 * ETHER)
    assert "not_fetched" not in found.answer.totals.by_reason
    # Neither the victim, nor the stranger, nor anybody past the last hop was asked about.
    asked = {path.split("address=")[1][:42] for path in asker.server.paths if "address=" in path}
    assert text_of("stranger") not in asked
    assert text_of(f"left {HOPS}") not in asked


def test_trace_question__says_which_accounts_it_did_not_fetch(desk: Make) -> None:
    request = AccountTraceRequest(sources=(text_of("thief"),), max_hops=8)
    question = AccountTraceQuestion(requests=(request,))
    asker = desk(theft())
    part, limits = asker.ask(
        question, lambda it: (traced_accounts(it, request), it.limits), requests=40
    )
    assert int(part.answer.totals.by_reason["not_fetched"]) > 0
    (budget,) = [each for each in limits if each.reason == "request_budget"]
    assert "fetched 4 of" in budget.detail
    assert "not fetched: 0x" in budget.detail
    assert not part.answer.complete
    assert asker.made <= 40
    done = asker.ask(question, lambda it: traced_accounts(it, request))
    assert "not_fetched" not in done.answer.totals.by_reason


def test_trace_question__starts_at_a_single_movement(desk: Make) -> None:
    chain = theft()
    source = f"{chain.tx_hash(2, 2)}:0"
    request = AccountTraceRequest(sources=(source,))
    asker = desk(chain)
    found = asker.ask(
        AccountTraceQuestion(requests=(request,)), lambda it: traced_accounts(it, request)
    )
    assert found.answer.totals.source == str(39 * ETHER)
    assert "not_fetched" not in found.answer.totals.by_reason


def test_question__keeps_every_answer_as_evidence(desk: Make) -> None:
    asker = desk(theft(), key="K3YK3YK3Y")
    asker.stand_in.habits = replace(asker.stand_in.habits, key=None)
    asker.ask(AccountQuestion(address=text_of("thief")), everything)
    kept = list(asker.archive.witnessed())
    assert len(kept) == asker.made
    assert any("txlist" in each.request for each in kept)


def _tags(asker: Desk, chain: AccountChain):  # type: ignore[no-untyped-def]
    from arien_flows.account_tags import AccountTags
    from arien_flows.attribution.ownership import SingleAddresses

    return AccountTags(chain.view(), asker.casebook, SingleAddresses())
