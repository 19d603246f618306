"""An answer from a server is made again without it, from the archive alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from arien_flows.errors import LedgerDamagedError, NotFoundError, StaleSnapshotError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.completeness import Origin
from arien_flows.fetched.facts import Record
from arien_flows.inquiry.recorded import reading_again
from arien_flows.inquiry.trace import TraceQuestion
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.shapes import plain
from arien_flows.tracing.request import DirectionName, PolicyName, TraceRequest, policies_of
from arien_flows.tracing.trace import TraceResult, trace
from arien_flows.workspace import Reading
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.inquiry.asking import PLENTY, Desk, no_tags, random_chain
from tests.ledgers import Tx

HASHED_APART = ("requests", "requests_allowed", "reused", "record")
"""What tells of the run, and not of what its answer stands on."""


def traced(reading: Reading, request: TraceRequest) -> TraceResult:
    return trace(
        reading.view,
        request,
        entities=reading.entities,
        coinjoin_marks=reading.coinjoin_marks,
        fetched=reading.fetched,
    )


def asked(desk: Desk, request: TraceRequest, requests: int = PLENTY) -> TraceResult:
    question = TraceQuestion(requests=(request,))
    return desk.ask(question, lambda it: traced(it, request), requests=requests)


def again(desk: Desk, request: TraceRequest, origin: Origin) -> TraceResult:
    with Archive(desk.folder) as archive:
        return traced(reading_again(archive, origin, REGTEST, no_tags), request)


def origin_of(result: TraceResult) -> Origin:
    origin = result.answer.manifest.fetched
    assert origin is not None
    return origin


def a_request(desk: Desk, **changes: Any) -> TraceRequest:
    """Ask for an early output that leads far, or backward for a late one that came far."""
    view = desk.bulk()
    if changes.get("direction") == "backward":
        made = view.first_output[view.counts.transactions - 1]
        wanted = range(int(made), 0, -1)
        coinbase = view.is_coinbase(view.transactions_of_outputs(np.array(wanted)))
        output = wanted[int(np.argmin(coinbase))]
    else:
        spent = view.spenders(np.arange(view.counts.outputs)) >= 0
        output = int(np.argmax(spent & (view.output_address != NO_ADDRESS)))
    settings = {"min_value_sat": 1, "max_hops": 100} | changes
    return TraceRequest(sources=(view.outpoint_text(output),), **settings)


def assert_same(found: TraceResult, expected: TraceResult) -> None:
    then, now = expected.answer.manifest, found.answer.manifest
    assert now.result_sha256 == then.result_sha256
    assert (now.clustering, now.tip_hash) == (then.clustering, then.tip_hash)
    told = [plain(origin_of(each)) for each in (found, expected)]
    for each in told:
        assert isinstance(each, dict)
        for name in HASHED_APART:
            del each[name]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("direction", "policy"),
    [(direction, policy) for direction in get_args(DirectionName)
     for policy in policies_of(direction)],
)  # fmt: skip
def test_reading_again__gives_the_same_answer_and_asks_nothing(
    tmp_path: Path, policy: PolicyName, direction: Any
):
    desk = Desk(tmp_path, random_chain(5))
    request = a_request(desk, policy=policy, direction=direction)
    result = asked(desk, request)
    assert origin_of(result).transactions > 1
    assert_same(again(desk, request, origin_of(result)), result)


def test_reading_again__an_unfinished_answer_stays_unfinished(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(5, 20))
    request = a_request(desk)
    part = asked(desk, request, requests=12)
    assert any(cut.reason == "request_budget" for cut in part.answer.truncations)
    whole = asked(desk, request)
    assert origin_of(whole).transactions > origin_of(part).transactions
    # The archive holds the rest by now; each answer is made again from what it stood on itself.
    for result in (part, whole):
        assert_same(again(desk, request, origin_of(result)), result)


def test_reading_again__is_the_same_after_the_chain_has_grown(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(5))
    request = a_request(desk)
    result = asked(desk, request)
    desk.chain.add([Tx(name="late-1", outputs=[("zoe", 5)]), Tx(name="late-2")])
    later = asked(desk, request)
    assert later.answer.as_of.height == result.answer.as_of.height + 2
    for each in (result, later):
        assert_same(again(desk, request, origin_of(each)), each)


def test_reading_again__says_that_a_transaction_has_moved(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(5))
    request = a_request(desk)
    origin = origin_of(asked(desk, request))
    with Archive(tmp_path) as archive:
        assert origin.record is not None
        record = Record.decode(archive.record(origin.record) or b"")
        txid, _ = record.transactions[-1]
        place = archive.places([txid])[txid]
        archive.keep_places({txid: replace(place, block_hash=b"\x01" * 32)})
    with pytest.raises(StaleSnapshotError, match="was seen in block 01010101"):
        again(desk, request, origin)


def test_reading_again__says_what_it_cannot_stand_on(tmp_path: Path):
    desk = Desk(tmp_path / "here", random_chain(5))
    request = a_request(desk)
    origin = origin_of(asked(desk, request))
    elsewhere = Desk(tmp_path / "elsewhere", desk.chain)
    with pytest.raises(NotFoundError, match="has no note of this answer"):
        again(elsewhere, request, origin)
    with pytest.raises(NotFoundError, match="has no note of this answer"):
        again(desk, request, replace(origin, record=None))
    with pytest.raises(LedgerDamagedError, match="does not hold what the answer stood on"):
        again(desk, request, replace(origin, facts_sha256="00" * 32))
    with Archive(elsewhere.folder) as other, Archive(desk.folder) as archive:
        assert origin.record is not None
        other.keep_record(archive.record(origin.record) or b"")
    with pytest.raises(LedgerDamagedError, match="holds no more what the answer stood on"):
        again(elsewhere, request, origin)


def test_record__is_one_text(tmp_path: Path):
    desk = Desk(tmp_path, random_chain(5))
    request = a_request(desk)
    first, second = (origin_of(asked(desk, request)).record for _ in range(2))
    # Asked again, nothing is new: the same note.
    assert first == second
    assert first is not None
    with Archive(tmp_path) as archive:
        content = archive.record(first) or b""
    assert Record.decode(content).encode() == content
    assert json.loads(content)["source"]
