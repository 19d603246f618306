"""What this source does beyond the contract that all sources keep."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from chains.bitcoin.esplora.source import Esplora
from chains.bitcoin.networks import REGTEST
from chains.endpoint import Endpoint
from chains.errors import LookupFailedError, SourceUnavailableError
from chains.lookups import FetchedTransaction, OutputQuestion, Sighting
from chains.types import TxIdHex, raw_txid, shown_txid
from tests.contract.lookups import Notebook
from tests.esplora import EsploraServer, Fault, esplora
from tests.explorer import Habits, Snapshot, encoded

MANY = 1_000


@pytest.fixture(scope="module")
def snapshot(esplora_server) -> Snapshot:
    return esplora_server.explorer.snapshot


@contextmanager
def opened(
    snapshot: Snapshot, habits: Habits | None = None
) -> Iterator[tuple[Esplora, EsploraServer]]:
    """Run a server and open a source on it; what opening asked for is forgotten."""
    with esplora(snapshot, habits) as server, source_of(server) as source:
        server.requests.clear()
        yield source, server


def source_of(server: EsploraServer) -> Esplora:
    return Esplora(Endpoint.parse(server.uri), REGTEST)


def expected(snapshot: Snapshot, script: bytes) -> set[Sighting]:
    """Return who touches a script, by the node's blocks."""
    name = hashlib.sha256(script).hexdigest()
    return {
        Sighting(txid=raw(txid), height=snapshot.transactions[txid][1])
        for txid in snapshot.histories[name]
    }


def raw(txid: str) -> bytes:
    return raw_txid(TxIdHex(txid))


def scripts_of(snapshot: Snapshot) -> list[bytes]:
    """Return all scripts, those with the longest histories first."""
    found = {
        bytes.fromhex(output["scriptPubKey"]["hex"])
        for tx, _ in snapshot.transactions.values()
        for output in tx["vout"]
    }
    return sorted(found, key=lambda script: (-len(expected(snapshot, script)), script))


def busiest(snapshot: Snapshot) -> bytes:
    return scripts_of(snapshot)[0]


def paths_of(script: bytes) -> str:
    return f"/scripthash/{hashlib.sha256(script).hexdigest()}"


@pytest.mark.parametrize("page", [1, 7, 25, 50, 1000])
@pytest.mark.parametrize("fill", [False, True])
def test_histories__are_whole_whatever_a_page_is(snapshot, page, fill):
    scripts = scripts_of(snapshot)[: 100 if page < 25 else None]
    habits = Habits(page=page, unconfirmed_fill_pages=fill)
    with opened(snapshot, habits) as (source, server):
        answers = source.histories(scripts, most=MANY)
        for script, answer in zip(scripts, answers, strict=True):
            assert set(answer) == expected(snapshot, script)
        first = sorted(server.requests)
        server.requests.clear()
        # Which requests are made must not depend on how the threads took turns.
        with source_of(server) as again:
            server.requests.clear()
            assert again.histories(scripts, most=MANY) == answers
        assert sorted(server.requests) == first


def test_histories__are_whole_where_machines_behind_one_name_differ(snapshot):
    scripts = scripts_of(snapshot)
    with opened(snapshot, Habits(page=50)) as (source, server):
        source.histories(scripts, most=MANY)
        server.explorer.habits.page = 25
        for script, answer in zip(scripts, source.histories(scripts, most=MANY), strict=True):
            assert set(answer) == expected(snapshot, script)


def test_histories__cost_about_a_request_each(snapshot):
    scripts = scripts_of(snapshot)
    with opened(snapshot) as (source, server):
        source.histories(scripts, most=MANY)
        pages = sum(len(expected(snapshot, script)) // 25 for script in scripts)
        busy = sum(any(seen.height is None for seen in expected(snapshot, s)) for s in scripts)
        # One each; for long ones and those with unconfirmed ones also the count.
        assert len(server.requests) <= len(scripts) + 2 * pages + busy


def test_histories__bring_the_transactions_with_them(snapshot):
    scripts = scripts_of(snapshot)[:20]
    with opened(snapshot) as (source, server):
        found = {seen.txid for answer in source.histories(scripts, most=MANY) for seen in answer}
        server.requests.clear()
        answers = source.transactions(sorted(found))
        assert server.requests == []
        for txid, answer in zip(sorted(found), answers, strict=True):
            tx, height = snapshot.transactions[shown_txid(txid)]
            assert answer.raw.hex() == tx["hex"]
            assert answer.height == height
        source.refresh()
        server.requests.clear()
        assert source.transactions(sorted(found)) == answers
        assert len(server.requests) == len(found)


def test_histories__that_are_too_long_are_refused_after_two_requests(snapshot):
    script = busiest(snapshot)
    length = len(expected(snapshot, script))
    assert length > 75
    with opened(snapshot) as (source, server):
        (answer,) = source.histories([script], most=60)
        assert isinstance(answer, LookupFailedError)
        assert f"{length} transactions" in str(answer)
        assert server.requests == [f"{paths_of(script)}/txs", paths_of(script)]


def test_histories__longer_than_wanted_on_the_first_page_need_no_second(snapshot):
    with opened(snapshot) as (source, server):
        (answer,) = source.histories([busiest(snapshot)], most=24)
        assert isinstance(answer, LookupFailedError)
        assert len(server.requests) == 1


def test_histories__that_the_server_refuses_fail_with_its_words(snapshot):
    scripts = [busiest(snapshot), scripts_of(snapshot)[-1]]
    with opened(snapshot, Habits(most_history=50)) as (source, _):
        refused, answered = source.histories(scripts, most=MANY)
        assert isinstance(refused, LookupFailedError)
        assert "400" in str(refused)
        assert "Too many history entries" in str(refused)
        assert set(answered) == expected(snapshot, scripts[1])


@pytest.mark.parametrize("fill", [False, True])
def test_histories__of_more_unconfirmed_than_are_listed_fail(snapshot, fill):
    script = max(
        scripts_of(snapshot),
        key=lambda each: sum(seen.height is None for seen in expected(snapshot, each)),
    )
    waiting = Snapshot(blocks=snapshot.blocks, pool=paying_to(script, snapshot, 9))
    habits = Habits(page=5, most_unconfirmed=5, unconfirmed_fill_pages=fill)
    with opened(waiting, habits) as (source, _):
        (answer,) = source.histories([script], most=MANY)
        assert isinstance(answer, LookupFailedError)
        assert "9 unconfirmed" in str(answer)
    habits.most_unconfirmed = 9
    with opened(waiting, habits) as (source, _):
        (answer,) = source.histories([script], most=MANY)
        assert sum(seen.height is None for seen in answer) == 9


def test_histories__stay_whole_while_a_block_arrives(snapshot):
    script = busiest(snapshot)
    heights = sorted(seen.height for seen in expected(snapshot, script))
    earlier = snapshot.up_to(heights[-3])
    with opened(earlier) as (source, server):

        def arrive(route: str) -> None:
            if "/txs/chain/" in route:
                server.explorer.snapshot = snapshot

        server.before = arrive
        (answer,) = source.histories([script], most=MANY)
        assert set(answer) == expected(earlier, script)


def test_histories__are_read_again_where_a_block_arrived_before_the_count(snapshot):
    script = busiest(snapshot)
    heights = sorted(seen.height for seen in expected(snapshot, script))
    earlier = snapshot.up_to(heights[-3])
    with opened(earlier) as (source, server):

        def arrive(route: str) -> None:
            if route == paths_of(script):
                server.explorer.snapshot = snapshot

        server.before = arrive
        (answer,) = source.histories([script], most=MANY)
        # What came after the tip that the source saw is told, and counts as unconfirmed.
        later = {seen.txid for seen in answer if seen.height is None}
        assert {seen.txid for seen in answer} == {s.txid for s in expected(snapshot, script)}
        assert later == {
            seen.txid for seen in expected(snapshot, script) if seen.height > source.tip_height()
        }


def test_histories__are_read_again_where_the_next_page_s_beginning_vanished(snapshot):
    script = busiest(snapshot)
    newest = sorted(seen.height for seen in expected(snapshot, script))[::-1]
    shorter = snapshot.up_to(newest[30])
    with opened(snapshot) as (source, server):

        def reorganise(route: str) -> None:
            if "/txs/chain/" in route:
                server.explorer.snapshot = shorter

        server.before = reorganise
        (answer,) = source.histories([script], most=MANY)
        assert set(answer) == expected(shorter, script)
        assert server.requests.count(f"{paths_of(script)}/txs") == 2


def test_histories__do_not_take_unconfirmed_ones_for_a_page_that_vanished(snapshot):
    script = busiest(snapshot)
    newest = sorted(seen.height for seen in expected(snapshot, script))[::-1]
    last_page = len(newest) // 25 * 25
    shorter = snapshot.up_to(newest[last_page])
    crowded = Snapshot(blocks=snapshot.blocks, pool=paying_to(script, snapshot, 25))
    with opened(crowded) as (source, server):

        def reorganise(route: str) -> None:
            if server.requests.count(route) == 1:
                if route == paths_of(script):
                    server.explorer.snapshot = snapshot
                elif sum("/txs/chain/" in asked for asked in server.requests) == last_page // 25:
                    server.explorer.snapshot = shorter

        server.before = reorganise
        (answer,) = source.histories([script], most=MANY)
        assert set(answer) == expected(shorter, script)


def test_histories__hold_once_what_was_confirmed_meanwhile(snapshot):
    # One whose first output's script nobody else uses.
    tx, height = next(
        (tx, height)
        for tx, height in reversed(snapshot.transactions.values())
        if height and len(expected(snapshot, script_of(tx))) == 1
    )
    below = snapshot.up_to(height - 1)
    waiting = Snapshot(blocks=below.blocks, pool=[tx])
    with opened(waiting) as (source, server):

        def confirm(route: str) -> None:
            if route == paths_of(script_of(tx)):
                server.explorer.snapshot = snapshot

        server.before = confirm
        (answer,) = source.histories([script_of(tx)], most=MANY)
        assert answer == (Sighting(txid=raw(tx["txid"]), height=None),)


def script_of(tx: dict) -> bytes:
    return bytes.fromhex(tx["vout"][0]["scriptPubKey"]["hex"])


def paying_to(script: bytes, snapshot: Snapshot, count: int) -> list[dict]:
    """Return unconfirmed transactions that pay to a script."""
    paying = {"n": 0, "value": 1, "scriptPubKey": {"hex": script.hex(), "asm": "", "type": ""}}
    return [
        snapshot.pool[0] | {"txid": f"{number:064x}", "vout": [paying]} for number in range(count)
    ]


def test_histories__that_never_settle_fail_after_some_readings(snapshot):
    script = busiest(snapshot)
    newest = sorted(seen.height for seen in expected(snapshot, script))[::-1]
    shorter = snapshot.up_to(newest[30])
    with opened(snapshot) as (source, server):

        def count_more_than_is_listed(route: str) -> None:
            server.explorer.snapshot = snapshot if route == paths_of(script) else shorter

        server.before = count_more_than_is_listed
        (answer,) = source.histories([script], most=MANY)
        assert isinstance(answer, LookupFailedError)
        assert f"counts {len(newest)} confirmed" in str(answer)
        assert server.requests.count(paths_of(script)) == 3


def test_source__stands_at_its_tip_until_it_is_refreshed(snapshot):
    script = busiest(snapshot)
    heights = sorted(seen.height for seen in expected(snapshot, script))
    below = heights[-3] - 1
    late = max(expected(snapshot, script), key=lambda seen: seen.height)
    spent, spender = next(
        (spent, txid)
        for spent, (txid, _) in snapshot.spenders.items()
        if (snapshot.transactions[txid][1] or 0) > below
    )
    question = OutputQuestion(txid=raw(spent[0]), vout=spent[1], script=b"", height=0)
    with opened(snapshot.up_to(below)) as (source, server):
        server.explorer.snapshot = snapshot
        (answer,) = source.histories([script], most=MANY)
        assert sum(seen.height is None for seen in answer) == 3
        assert source.transactions([late.txid])[0].height is None
        unconfirmed = Sighting(txid=raw(spender), height=None)
        assert source.candidates([question], most=1) == [(unconfirmed,)]
        source.refresh()
        assert source.tip_height() == len(snapshot.blocks) - 1
        assert set(source.histories([script], most=MANY)[0]) == expected(snapshot, script)
        assert source.transactions([late.txid])[0].height == late.height
        assert source.candidates([question], most=1)[0][0].height is not None


def test_candidates__ask_once_for_all_outputs_of_a_transaction(snapshot):
    txid, tx = next(
        (txid, tx) for txid, (tx, _) in snapshot.transactions.items() if len(tx["vout"]) > 5
    )
    questions = [
        OutputQuestion(txid=raw(txid), vout=vout, script=b"", height=0)
        for vout in (4, 0, 0, len(tx["vout"]))
    ]
    with opened(snapshot) as (source, server):
        fourth, first, again, beyond = source.candidates(questions, most=1)
        assert server.requests == [f"/tx/{txid}/outspends"]
        for vout, answer in ((4, fourth), (0, first), (0, again)):
            spender = snapshot.spenders.get((txid, vout))
            assert [shown_txid(seen.txid) for seen in answer] == ([spender[0]] if spender else [])
        assert isinstance(beyond, LookupFailedError)
        assert f"no output {len(tx['vout'])} of {txid}" in str(beyond)
        server.requests.clear()
        source.candidates(questions[:1], most=1)
        assert server.requests == [f"/tx/{txid}/outspend/4"]


def test_candidates__of_an_unknown_transaction_fail_together(snapshot):
    with opened(snapshot) as (source, _):
        questions = [
            OutputQuestion(txid=b"\7" * 32, vout=vout, script=b"", height=0) for vout in (0, 1)
        ]
        answers = source.candidates(questions, most=1)
        assert all("Transaction not found" in str(answer) for answer in answers)


def some_transaction(snapshot: Snapshot) -> str:
    """Return one of several inputs, all with a witness."""
    return next(
        txid
        for txid, (tx, _) in snapshot.transactions.items()
        if len(tx["vin"]) > 1 and all("txinwitness" in spends for spends in tx["vin"])
    )


@pytest.mark.parametrize("damage", ["locktime", "value", "swapped", "witness", "other"])
def test_transactions__whose_description_is_false_are_asked_for_as_bytes(snapshot, damage):
    txid = some_transaction(snapshot)
    with opened(snapshot) as (source, server):
        described = server.explorer.described(txid)
        match damage:
            case "locktime":
                described["locktime"] += 1
            case "value":
                described["vout"][0]["value"] += 1
            case "swapped":
                described["vin"].reverse()
            case "witness":
                for spends in described["vin"]:
                    del spends["witness"]
            case "other":
                other = next(each for each in snapshot.transactions if each != txid)
                described = server.explorer.described(other)
        server.faults.append(Fault(route=f"/tx/{txid}$", body=encoded(described)))
        (answer,) = source.transactions([raw(txid)])
        tx = snapshot.transactions[txid][0]
        assert answer == FetchedTransaction(raw=bytes.fromhex(tx["hex"]), spent=None)
        assert server.requests == [f"/tx/{txid}", f"/tx/{txid}/raw"]


@pytest.mark.parametrize("body", [b"", b"not a transaction", b"\0" * 100])
def test_transactions__that_are_false_as_bytes_too_fail(snapshot, body):
    txid = some_transaction(snapshot)
    with opened(snapshot) as (source, server):
        described = server.explorer.described(txid) | {"locktime": 5}
        server.faults.append(Fault(route=f"/tx/{txid}$", body=encoded(described)))
        server.faults.append(Fault(route=f"/tx/{txid}/raw$", body=body))
        (answer,) = source.transactions([raw(txid)])
        assert isinstance(answer, LookupFailedError)
        assert "another transaction" in str(answer)


@pytest.mark.parametrize("damage", ["locktime", "witness"])
def test_transactions__falsely_described_in_a_history_are_asked_for(snapshot, damage):
    txid = some_transaction(snapshot)
    tx = snapshot.transactions[txid][0]
    script = script_of(tx)
    with opened(snapshot) as (source, server):
        page = json.loads(server.explorer.answer(f"{paths_of(script)}/txs"))
        described = next(each for each in page if each["txid"] == txid)
        if damage == "locktime":
            described["locktime"] += 1
        else:
            del described["vin"][0]["witness"]
        server.faults.append(Fault(route="/txs$", times=1, body=encoded(page)))
        assert len(source.histories([script], most=MANY)[0]) == len(page)
        server.requests.clear()
        (answer,) = source.transactions([raw(txid)])
        assert answer.raw.hex() == tx["hex"]
        assert server.requests == [f"/tx/{txid}"]


@pytest.mark.parametrize(
    "habits",
    [
        Habits(),
        Habits(listed_blocks=1),
        Habits(listed_blocks=4, states_median=False),
        Habits(listed_blocks=15, signed_versions=True),
        Habits(listed_blocks=15, states_median=False),
        Habits(lists_blocks=False),
    ],
    ids=["blockstream", "single", "short", "mempool", "no median", "no lists"],
)
def test_headers__are_the_node_s_whatever_the_server_lists(snapshot, habits):
    heights = [0, 1, 2, 9, 10, 11, 12, 60, 61, 64, 75, len(snapshot.blocks) - 1, 61]
    with opened(snapshot, habits) as (source, server):
        for height, answer in zip(heights, source.headers(heights), strict=True):
            block = snapshot.blocks[height]
            assert answer.header.hex().encode() == server.explorer.header(block["hash"])
            assert answer.median_time == block["mediantime"]
            assert answer.height == height


def test_headers__that_lie_together_cost_a_request_for_ten(snapshot):
    with opened(snapshot) as (source, server):
        source.headers(range(40, 80))
        assert sorted(server.requests) == [f"/blocks/{top}" for top in (49, 59, 69, 79)]


def blocks_of(server: EsploraServer, top: int) -> list[dict]:
    return json.loads(server.explorer.answer(f"/blocks/{top}"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda blocks: blocks[:0], "blocks of other heights"),
        (lambda blocks: blocks[1:], "blocks of other heights"),
        (lambda blocks: blocks[::-1], "blocks of other heights"),
        (lambda blocks: [blocks[0], blocks[2] | {"height": 59}], "do not follow one another"),
        (lambda blocks: [blocks[0] | {"nonce": 1 << 20}], "hashes to something else"),
        (lambda blocks: [blocks[0] | {"height": -1}], r"height is -1"),
        (lambda blocks: blocks[0], "not a list"),
    ],
)
def test_headers__that_contradict_themselves_end_the_run(snapshot, damage, words):
    with opened(snapshot) as (source, server):
        blocks = damage(blocks_of(server, 60))
        server.faults.append(Fault(route="/blocks/60", body=encoded(blocks)))
        with pytest.raises(SourceUnavailableError, match=words) as caught:
            source.headers([60])
        assert "/blocks/60" in str(caught.value)


def test_headers__of_a_single_block_that_stands_elsewhere_end_the_run(snapshot):
    with opened(snapshot, Habits(lists_blocks=False)) as (source, server):
        other = snapshot.blocks[59]["hash"].encode()
        server.faults.append(Fault(route="/block-height/60", body=other))
        with pytest.raises(SourceUnavailableError, match="has at height 60 at 59"):
            source.headers([60])


def test_headers__of_a_chain_that_changed_meanwhile_fail(snapshot):
    with opened(snapshot, Habits(states_median=False)) as (source, server):
        server.faults.append(Fault(route="/blocks/50", body=encoded(blocks_of(server, 30))))
        with pytest.raises(SourceUnavailableError, match="other heights"):
            source.headers([60])
        # Blocks 41 to 50 of another branch: those of 31 to 40 in disguise.
        disguised = [block | {"height": block["height"] + 10} for block in blocks_of(server, 40)]
        server.faults[:] = [Fault(route="/blocks/50", body=encoded(disguised))]
        (answer,) = source.headers([60])
        assert isinstance(answer, LookupFailedError)
        assert "changed while headers were read" in str(answer)


def test_block_hash__is_asked_for_once(snapshot):
    with opened(snapshot) as (source, server):
        hashes = [
            source.block_hash(7),
            source.block_hash(7),
            source.block_hash(source.tip_height()),
        ]
        assert hashes[0][::-1].hex() == snapshot.blocks[7]["hash"]
        assert server.requests == ["/block-height/7"]


def test_block_hash__of_a_chain_that_became_shorter_ends_the_run(snapshot):
    with opened(snapshot) as (source, server):
        server.explorer.snapshot = snapshot.up_to(5)
        with pytest.raises(SourceUnavailableError, match="was longer before"):
            source.block_hash(6)


def test_refresh__bears_with_servers_that_are_several(snapshot):
    """One machine names its tip; the one that is asked for the block has not seen it yet."""
    with esplora(snapshot) as server:
        server.faults.append(Fault(route="/block/", times=2, status=404, body=b"Block not found"))
        with source_of(server) as source:
            assert source.tip_height() == len(snapshot.blocks) - 1
        server.faults.append(Fault(route="/block/", status=404, body=b"Block not found"))
        with pytest.raises(SourceUnavailableError, match="its last block"):
            source_of(server)


def test_open__of_another_network_with_the_same_genesis_block_is_refused(snapshot):
    own = replace(REGTEST, first_block_hash=bytes(32))
    with esplora(snapshot) as server:
        with pytest.raises(SourceUnavailableError, match="another network that begins with"):
            Esplora(Endpoint.parse(server.uri), own)
        known = replace(own, first_block_hash=raw(snapshot.blocks[1]["hash"]))
        with Esplora(Endpoint.parse(server.uri), known) as source:
            assert source.tip_height() == len(snapshot.blocks) - 1


def test_open__asks_three_times(snapshot):
    notebook = Notebook()
    with esplora(snapshot) as server:
        with Esplora(Endpoint.parse(server.uri), REGTEST, recorder=notebook):
            pass
        tip = snapshot.blocks[-1]["hash"]
        assert server.requests == ["/block-height/0", "/blocks/tip/hash", f"/block/{tip}"]
        assert [exchange.request for exchange in notebook.kept] == [
            f"GET {route}" for route in server.requests
        ]
