"""The contract of `chains.source.LookupSource`, kept by every source over the same real chain."""

import json
from collections.abc import Iterator

import pytest

from chains.access import Access
from chains.bitcoin.decode import MERKLE_ROOT_AT
from chains.bitcoin.merkle import fold_path
from chains.errors import LookupFailedError, RequestBudgetError
from chains.lookups import FetchedTransaction, OutputQuestion
from chains.registry import open_lookups
from chains.source import LookupSource
from tests.contract.lookups import LOOKUP_SERVERS, NodesWord, Notebook, failed, no_transaction
from tests.nodes import free_port

NETWORK = "bitcoin-regtest"
MANY = 1_000
MEDIAN_HEIGHTS = 12
"""Heights at the start of the chain whose median time is of fewer than eleven blocks, and one."""


@pytest.fixture(scope="module", params=LOOKUP_SERVERS)
def uri(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param).uri)


@pytest.fixture(scope="module")
def node(regtest_chain) -> NodesWord:
    return NodesWord(regtest_chain)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def source(uri: str, notebook: Notebook) -> Iterator[LookupSource]:
    with open_lookups(uri, NETWORK, recorder=notebook) as opened:
        yield opened


def test_headers__of_heights_that_the_source_does_not_hold_are_refused(source, node):
    for height in (-1, node.tip + 1):
        with pytest.raises(ValueError, match=str(height)):
            source.headers([0, height])


def test_histories__are_what_the_node_s_blocks_and_mempool_say(source, node):
    scripts, expected = node.scripts(), node.histories()
    answers = source.histories(scripts, most=MANY)
    for script, answer in zip(scripts, answers, strict=True):
        assert set(answer) == expected[script], script.hex()
        assert len(set(answer)) == len(answer)


def test_histories__come_by_height_and_then_unconfirmed(source, node):
    unconfirmed = 0
    for answer in source.histories(node.scripts(), most=MANY):
        heights = [sighting.height for sighting in answer]
        confirmed = [height for height in heights if height is not None]
        assert heights[: len(confirmed)] == sorted(confirmed)
        unconfirmed += len(heights) - len(confirmed)
    assert unconfirmed


def test_histories__of_a_script_that_never_occurred_are_empty(source):
    assert source.histories([b"\x51\x52\x53", b""], most=1) == [(), ()]


def test_histories__answer_in_order_and_to_repeated_questions(source, node):
    first, second = node.scripts()[:2]
    alone = source.histories([first, second], most=MANY)
    assert source.histories([second, first, second], most=MANY) == [alone[1], alone[0], alone[1]]


def test_histories__of_more_than_is_wanted_fail_beside_others(source, node):
    expected = node.histories()
    longest = max(node.scripts(), key=lambda script: len(expected[script]))
    length = len(expected[longest])
    short = next(script for script in node.scripts() if len(expected[script]) == 1)
    answers = source.histories([longest, short], most=length - 1)
    assert failed(answers) == [True, False]
    assert failed(source.histories([longest, short], most=length)) == [False, False]


def test_candidates__hold_the_spender_of_each_output(source, node):
    outputs = node.outputs()
    answers = source.candidates([spend.question for spend in outputs], most=MANY)
    spent = 0
    for spend, answer in zip(outputs, answers, strict=True):
        outpoint = (spend.question.txid, spend.question.vout)
        spenders = {seen.txid for seen in answer if outpoint in node.spends(seen.txid)}
        assert spenders == ({spend.spender} if spend.spender else set())
        assert all(seen.txid != spend.question.txid for seen in answer)
        spent += spend.spender is not None
    assert 0 < spent < len(outputs)


def test_candidates__say_where_the_spender_stands(source, node):
    outputs = [spend for spend in node.outputs() if spend.spender]
    answers = source.candidates([spend.question for spend in outputs], most=MANY)
    for spend, answer in zip(outputs, answers, strict=True):
        heights = {seen.txid: seen.height for seen in answer}
        known = node.confirmed.get(spend.spender)
        assert heights[spend.spender] == (known[0] if known else None)
    assert any(spend.spender in node.unconfirmed for spend in outputs)


def test_candidates__beyond_what_is_wanted_fail(source, node):
    spend = next(spend for spend in node.outputs() if spend.spender)
    assert failed(source.candidates([spend.question], most=0)) == [True]


@pytest.mark.slow
def test_transactions__are_the_node_s_bytes(source, node):
    txids = [*node.confirmed, *node.unconfirmed]
    for txid, answer in zip(txids, source.transactions(txids), strict=True):
        assert isinstance(answer, FetchedTransaction), answer
        assert answer.raw == node.raw(txid)
        if answer.spent is not None:
            stated = [(spent.value_sat, spent.script) for spent in answer.spent]
            assert stated == node.stated(txid)
        if answer.height is not None:
            assert answer.height == node.confirmed[txid][0]


def test_transactions__that_are_unconfirmed_are_the_node_s_bytes(source, node):
    txids = list(node.unconfirmed)
    assert [answer.raw for answer in source.transactions(txids)] == [
        node.raw(txid) for txid in txids
    ]


def test_transactions__that_are_unknown_fail_in_their_place(source, node):
    known = list(node.unconfirmed)
    asked = [no_transaction(0), known[0], no_transaction(1), known[1]]
    assert failed(source.transactions(asked)) == [True, False, True, False]


def test_branches__lead_to_the_merkle_root_of_the_header(source, node):
    confirmed = [(txid, height) for txid, (height, _) in node.confirmed.items()]
    heights = [height for _, height in confirmed]
    branches, headers = source.branches(confirmed), source.headers(heights)
    for (txid, height), branch, header in zip(confirmed, branches, headers, strict=True):
        root = header.header[MERKLE_ROOT_AT : MERKLE_ROOT_AT + 32]
        assert fold_path(txid, branch.position, list(branch.path)) == root
        assert root[::-1].hex() == node.headers[height]["merkleroot"]


def test_branches__of_what_does_not_stand_there_fail(source, node):
    txid, (height, _) = next(reversed(node.confirmed.items()))
    asked = [(txid, height - 1), (txid, height), (no_transaction(), height)]
    asked.append((next(iter(node.unconfirmed)), height))
    assert failed(source.branches(asked)) == [True, False, True, True]


def test_headers__are_the_node_s_with_their_median_times(source, node):
    heights = list(range(node.tip + 1))
    for height, answer in zip(heights, source.headers(heights), strict=True):
        said = node.headers[height]
        assert answer.height == height
        assert answer.header.hex() == node.rpc.getblockheader(said["hash"], False)
        assert answer.median_time == said["mediantime"]


def test_headers__of_single_heights_have_their_median_times(source, node):
    heights = [node.tip, 0, 60, MEDIAN_HEIGHTS, 1, 60, node.tip - 120]
    for height, answer in zip(heights, source.headers(heights), strict=True):
        assert answer.median_time == node.headers[height]["mediantime"]
        assert answer.height == height


def test_nothing_asked__is_nothing_answered_and_takes_no_request(source, notebook):
    before = notebook.allowed
    assert source.histories([], most=1) == []
    assert source.candidates([], most=1) == []
    assert source.transactions([]) == []
    assert source.branches([]) == []
    assert source.headers([]) == []
    assert notebook.allowed == before


def test_recorder__keeps_each_answer_with_its_question(source, node, notebook):
    txids = list(node.unconfirmed)
    before = len(notebook.kept)
    source.transactions(txids)
    kept = notebook.kept[before:]
    assert len(kept) == notebook.allowed - before
    assert kept
    for exchange in kept:
        assert exchange.source == source.name
        assert exchange.received_at.utcoffset().total_seconds() == 0
        assert json.loads(exchange.answer)
    for txid in txids:
        assert any(txid[::-1].hex() in exchange.request for exchange in kept)


def test_budget__ends_exactly_where_it_should(uri, node):
    scripts = node.scripts()[:60]
    whole = Notebook()
    with open_lookups(uri, NETWORK, recorder=whole) as source:
        opening = whole.allowed
        source.histories(scripts, most=MANY)
    assert whole.allowed - opening >= len(scripts)
    for most in (opening, opening + 1, whole.allowed - 1):
        notebook = Notebook(most=most)
        with open_lookups(uri, NETWORK, recorder=notebook) as source:
            with pytest.raises(RequestBudgetError):
                source.histories(scripts, most=MANY)
            assert notebook.allowed == most
            assert len(notebook.kept) == most
    with pytest.raises(RequestBudgetError):
        open_lookups(uri, NETWORK, recorder=Notebook(most=opening - 1))


def test_budget__that_just_suffices_does(uri, node):
    scripts = node.scripts()[:5]
    whole = Notebook()
    with open_lookups(uri, NETWORK, recorder=whole) as source:
        expected = source.histories(scripts, most=MANY)
    notebook = Notebook(most=whole.allowed)
    with open_lookups(uri, NETWORK, recorder=notebook) as source:
        assert source.histories(scripts, most=MANY) == expected


def test_open__of_this_machine_does_without_the_proxy(uri):
    with open_lookups(uri, NETWORK, Access(proxy=f"socks5h://127.0.0.1:{free_port()}")) as source:
        assert source.tip_height() > 0


def test_source__does_not_show_what_comes_after_a_failed_item(source, node):
    """A failure belongs to its own place: the same questions afterwards are answered as ever."""
    question = OutputQuestion(txid=no_transaction(), vout=0, script=b"\x51\x52\x53", height=1)
    source.candidates([question], most=MANY)
    txid = next(iter(node.unconfirmed))
    (failure, found) = source.transactions([no_transaction(), txid])
    assert isinstance(failure, LookupFailedError)
    assert found == source.transactions([txid])[0]
