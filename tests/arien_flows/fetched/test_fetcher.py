"""Asking and checking: nothing is believed, nothing is asked twice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bitcoin.core import CMutableTransaction, COutPoint, CTransaction, CTxIn, CTxOut, Hash
from bitcoin.core.script import CScript

from arien_flows.errors import LedgerDamagedError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.conversation import RESERVE, Conversation
from arien_flows.fetched.facts import facts_sha256
from arien_flows.fetched.fetcher import SETTLED_DEPTH, Fetcher
from chains.errors import LookupFailedError, RequestBudgetError, SourceUnavailableError
from chains.lookups import BlockHeader, FetchedTransaction, MerkleBranch, OutputQuestion
from chains.types import TxIdRaw
from tests.chain_lookups import ChainLookups
from tests.ledgers import Chain, Tx, script_of_name

TRANSACTIONS = (
    Tx(name="mined", outputs=[("alice", 100)]),
    Tx(name="mined-2", outputs=[("bob", 50)]),
    Tx(name="pay", inputs=["mined:0"], outputs=[("bob", 60), ("carol", 39)]),
    Tx(name="mined-3", outputs=[("miner", 1)]),
    Tx(name="onward", inputs=["pay:0", "mined-2:0"], outputs=[("dave", 110)]),
)


def chain_of(more: int = 0) -> Chain:
    chain = Chain.from_genesis().add(TRANSACTIONS)
    return chain.add([Tx(name=f"later-{i}", outputs=[("miner", 1)]) for i in range(more)])


def id_of(chain: Chain, name: str) -> TxIdRaw:
    return TxIdRaw(chain.transactions[name].GetTxid())


def heights_of(chain: Chain) -> dict[TxIdRaw, int]:
    source = ChainLookups(chain.blocks)
    return {TxIdRaw(txid): at for txid, at in source.height.items() if at is not None}


class Run:
    """One run over a chain: everything is fetched with `everything`."""

    def __init__(self, folder: Path, chain: Chain, budget: int = 10_000, **options: Any) -> None:
        self.archive = Archive(folder)
        self.chain = chain
        try:
            self.conversation = Conversation(self.archive, budget)
            self.source = ChainLookups(chain.blocks, self.conversation, **options)
            self.fetcher = Fetcher(self.source, self.archive, self.conversation)
        except BaseException:
            self.archive.close()
            raise

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_error: object) -> None:
        self.archive.close()

    def everything(self) -> list[str]:
        heights = heights_of(self.chain)
        self.fetcher.transactions(heights)
        self.fetcher.fetch_parents(heights)
        self.fetcher.places(heights)
        return [each.txid.hex() for each in self.fetcher.proved()]

    def facts_sha256(self) -> str:
        fetcher = self.fetcher
        return facts_sha256(fetcher.tip, fetcher.listings, fetcher.proved())


def falsify(kind: str, change: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    return lambda asked, answer: change(answer) if asked == kind else answer


@pytest.mark.parametrize("states_spent", [True, False])
def test_fetcher__proves_every_transaction_in_chain_order(tmp_path: Path, states_spent: bool):
    chain = chain_of()
    with Run(tmp_path, chain, states_spent=states_spent) as run:
        expected = [tx.GetTxid().hex() for block in run.source.blocks for tx in block.vtx]
        assert run.everything() == expected
        spent = {each.txid: each for each in run.fetcher.proved()}[id_of(chain, "onward")]
        assert [output.value_sat for output in spent.spent] == [60, 50]
        assert spent.is_proved == (True, True)


def test_fetcher__says_which_amounts_are_only_stated(tmp_path: Path):
    chain = chain_of()
    onward = id_of(chain, "onward")
    with Run(tmp_path, chain) as run:
        run.fetcher.transactions([onward])
        run.fetcher.fetch_parents([onward])
        run.fetcher.places({onward: 3})
        (found,) = run.fetcher.proved()
    assert found.is_proved == (False, False)
    assert [output.value_sat for output in found.spent] == [60, 50]


def test_fetcher__asks_nothing_twice_and_nothing_again_at_the_same_tip(tmp_path: Path):
    chain = chain_of()
    with Run(tmp_path, chain) as run:
        first = run.everything()
        made = run.conversation.made
        assert run.everything() == first
        assert run.conversation.made == made
        digest = run.facts_sha256()
    with Run(tmp_path, chain) as run:
        assert run.everything() == first
        # The tip's hash is what says that everything still holds.
        assert run.conversation.made == 1
        assert run.fetcher.reused > 0
        assert run.facts_sha256() == digest


def test_fetcher__asks_again_for_young_blocks_only_when_the_tip_has_moved(tmp_path: Path):
    with Run(tmp_path, chain_of()) as run:
        run.everything()
    chain = chain_of(more=1)
    with Run(tmp_path, chain) as run:
        run.fetcher.places(heights_of(chain_of()) | {})
        kinds = [kind for kind, _ in run.source.asked]
    assert kinds.count("branch") == 0
    # The new tip's header, and one for each block that a place was proved in.
    assert kinds.count("header") == 1 + len(chain_of().blocks)


def test_fetcher__asks_nothing_about_settled_blocks(tmp_path: Path):
    chain = chain_of(more=SETTLED_DEPTH)
    early = heights_of(chain_of())
    for extra in (0, 1):
        with Run(tmp_path, chain_of(more=SETTLED_DEPTH + extra)) as run:
            run.fetcher.transactions(early)
            run.fetcher.places(early)
            kinds = [kind for kind, _ in run.source.asked]
            assert len(run.fetcher.proved()) == len(early)
    assert len(chain.blocks) == SETTLED_DEPTH + len(chain_of().blocks)
    assert kinds == ["block_hash", "header"]


def test_fetcher__drops_a_place_in_a_block_that_was_removed(tmp_path: Path):
    start = Chain.from_genesis().add(TRANSACTIONS[:3])
    old = start.copy().add(TRANSACTIONS[3:])
    new = start.copy().add(
        [
            Tx(name="mined-3", outputs=[("miner", 1)]),
            Tx(name="other", inputs=["pay:1"], outputs=[("erin", 39)]),
            TRANSACTIONS[4],
        ],
        salt=1,
    )
    onward = id_of(old, "onward")
    assert onward == id_of(new, "onward")
    with Run(tmp_path, old) as run:
        run.everything()
        (before,) = [each.place for each in run.fetcher.proved() if each.txid == onward]
    with Run(tmp_path, new) as run:
        run.everything()
        (after,) = [each.place for each in run.fetcher.proved() if each.txid == onward]
        assert [kind for kind, _ in run.source.asked].count("branch") == 3
    assert (before.position, after.position) == (1, 2)
    assert before.block_hash != after.block_hash


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "transaction",
            lambda answer: replace(answer, raw=chain_of().transactions["onward"].serialize()),
            "delivered something else than was asked for",
        ),
        ("transaction", lambda answer: replace(answer, raw=b"\x01\x02"), "something else"),
        (
            "transaction",
            lambda answer: (
                replace(answer, spent=(*answer.spent, *answer.spent, *answer.spent))
                if answer.spent
                else answer
            ),
            "contradicts itself: it states",
        ),
        (
            "transaction",
            lambda answer: replace(
                answer,
                spent=tuple(replace(out, value_sat=out.value_sat + 1) for out in answer.spent),
            ),
            r"contradicts itself: .*:0 holds \d+ sat and it states",
        ),
        (
            "transaction",
            lambda answer: replace(
                answer, spent=tuple(replace(out, script=b"\x51") for out in answer.spent)
            ),
            "or another script",
        ),
        (
            "branch",
            lambda answer: MerkleBranch(position=answer.position, path=(bytes(32),)),
            "is not in its block at height",
        ),
        (
            "branch",
            lambda answer: MerkleBranch(position=answer.position + 8, path=answer.path),
            "is not in its block at height",
        ),
        (
            "header",
            lambda answer: replace(answer, header=answer.header[:-4] + b"\xff\xff\xff\x7f"),
            "lacks its work|two blocks at height|not in its block",
        ),
        (
            "header",
            lambda answer: replace(answer, height=answer.height + 1),
            "another header than that of height",
        ),
    ],
)
def test_fetcher__refuses_a_source_that_contradicts_itself(
    tmp_path: Path, kind: str, change: Callable[[Any], Any], message: str
):
    with (
        pytest.raises(SourceUnavailableError, match=message),
        Run(tmp_path, chain_of(), tamper=falsify(kind, change)) as run,
    ):
        run.everything()


def test_fetcher__an_item_that_fails_stops_no_other(tmp_path: Path):
    chain = chain_of()
    pay = id_of(chain, "pay")

    def lose(kind: str, answer: Any) -> Any:
        lost = isinstance(answer, FetchedTransaction) and Hash(answer.raw)
        if kind == "transaction" and lost == Hash(chain.transactions["pay"].serialize()):
            return LookupFailedError("gone")
        return answer

    with Run(tmp_path, chain, tamper=lose) as run:
        answers = run.fetcher.transactions([pay, id_of(chain, "onward")])
        assert str(answers[pay]) == "gone"
        assert isinstance(answers[id_of(chain, "onward")], FetchedTransaction)
        assert run.fetcher.failure(pay) is answers[pay]


def test_fetcher__a_transaction_of_the_size_of_a_node_proves_nothing(tmp_path: Path):
    chain = chain_of()
    spend = CMutableTransaction(
        [CTxIn(COutPoint(chain.transactions["mined"].GetTxid(), 0))],
        [CTxOut(100, CScript(b"\x51\x51\x51\x51"))],
    )
    assert len(spend.serialize()) == 64
    small = CTransaction.from_tx(spend)
    txid = TxIdRaw(small.GetTxid())
    with Run(tmp_path, chain) as run:
        run.source.transactions_by_id[txid] = small
        run.source.height[txid] = 2
        run.source._branch = lambda _txid, _height: MerkleBranch(position=1, path=(bytes(32),))  # type: ignore[method-assign]
        run.fetcher.transactions([txid])
        answer = run.fetcher.places({txid: 2})[txid]
    assert isinstance(answer, LookupFailedError)
    assert "no merkle branch proves it" in str(answer)


def test_fetcher__candidates_come_from_a_history_that_is_known(tmp_path: Path):
    chain = chain_of()
    script = script_of_name("bob")
    question = OutputQuestion(txid=id_of(chain, "mined-2"), vout=0, script=script, height=2)
    with Run(tmp_path, chain) as run:
        asked_first = run.fetcher.candidates([question], most=10)
        run.fetcher.histories([script], most=10)
        made = run.conversation.made
        assert run.fetcher.candidates([question], most=10) == asked_first
        assert run.conversation.made == made


def test_fetcher__keeps_what_was_answered_before_the_budget_ended(tmp_path: Path):
    chain = chain_of(more=30)
    heights = heights_of(chain)
    seen = 0
    for _ in range(100):
        with Run(tmp_path, chain, budget=12) as run:
            try:
                run.fetcher.transactions(heights)
            except RequestBudgetError:
                assert run.conversation.made == 12 - RESERVE
                assert run.conversation.left == 0
            else:
                break
            kept = len(run.archive.transactions(heights))
            assert kept > seen
            seen = kept
    with Archive(tmp_path) as archive:
        assert len(archive.transactions(heights)) == len(heights)


def test_fetcher__is_current_until_the_tip_is_replaced(tmp_path: Path):
    chain = chain_of()
    with Run(tmp_path, chain, budget=1 + 1 + RESERVE) as run:
        assert run.fetcher.is_current()
        run.source.latest = chain_of(more=2).blocks
        assert run.fetcher.is_current()
        other = Chain.from_genesis().add(TRANSACTIONS[:3]).add(TRANSACTIONS[3:], salt=5)
        run.source.latest = other.blocks
        assert not run.fetcher.is_current()
        run.source.latest = other.blocks[:2]
        assert not run.fetcher.is_current()


def test_fetcher__a_damaged_archive_is_named(tmp_path: Path):
    chain = chain_of()
    pay = id_of(chain, "pay")
    with Archive(tmp_path) as archive:
        archive.keep_transactions({pay: FetchedTransaction(raw=b"\x01", spent=None)})
    with Run(tmp_path, chain) as run, pytest.raises(LedgerDamagedError, match="move it away"):
        run.fetcher.transactions([pay])


def test_fetcher__needs_a_chain_with_a_block(tmp_path: Path):
    with pytest.raises(SourceUnavailableError, match="holds no block yet"):
        Run(tmp_path, Chain())


def test_header__is_a_real_one(tmp_path: Path):
    with Run(tmp_path, chain_of()) as run:
        assert isinstance(run.fetcher.tip, BlockHeader)
        assert Hash(run.fetcher.tip.header) == run.fetcher.tip_hash
