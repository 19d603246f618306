"""Risk of addresses of a small chain whose owners TagPacks name: from the tag to the sentence."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from arien_flows.answers import risk as risk_answers
from arien_flows.answers import risk_contributions
from arien_flows.answers.exposure import ground_of
from arien_flows.answers.risk import risk_answer
from arien_flows.answers.risk_contributions import figure, shown_points
from arien_flows.answers.risk_shapes import RiskAnswer
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import sqlite_url
from arien_flows.casebook.evidence import EvidenceKind
from arien_flows.cli.risk_texts import risk_lines
from arien_flows.entities.clustering import run_clustering
from arien_flows.exposure.request import ExposureRequest
from arien_flows.exposure.run import exposure_of
from arien_flows.prices.rates import PriceBook
from arien_flows.risk.inputs import NoEvidenceError
from arien_flows.risk.policy import standard_policy
from arien_flows.risk.score import score
from arien_flows.shapes import plain, shaped
from arien_flows.tag_book import TagBook
from arien_flows.tracing.manifest import hash_of_result
from arien_flows.workspace import Reading
from tests.arien_flows.casebook.packs import FIRST, pack, row
from tests.arien_flows.intake.desk import Desk, page
from tests.ledgers import Tx, build_view, text_of_name

COIN = 100_000_000
WITHDRAWAL = EvidenceKind.WITHDRAWAL
NOW = datetime(2026, 3, 4, tzinfo=UTC)

CHAIN = [
    Tx(name="mined-1", outputs=[("locker", 50 * COIN)]),
    Tx(name="mined-2", outputs=[("stranger", 50 * COIN)]),
    Tx(
        name="ransom", inputs=["mined-1:0"], outputs=[("subject", 30 * COIN), ("p2tr:x", 20 * COIN)]
    ),
    Tx(name="gift", inputs=["mined-2:0"], outputs=[("subject", 10 * COIN), ("p2tr:y", 40 * COIN)]),
    Tx(name="mined-3", outputs=[("exchange", 50 * COIN)]),
    Tx(
        name="cash-out",
        inputs=["ransom:0", "gift:0"],
        outputs=[("exchange", 40 * COIN)],
    ),
    Tx(name="mined-4", outputs=[("nobody", 50 * COIN)]),
]
"""Three quarters of what the subject received are ransom; all that it paid went to an exchange."""

LOCKER = row(
    text_of_name("locker"),
    "Locker",
    concepts="[ransomware]",
    confidence="forensic",
    network="bitcoin-regtest",
)
EXCHANGE = row(
    text_of_name("exchange"),
    "Big Exchange",
    concepts="[exchange]",
    confidence="service_data",
    network="bitcoin-regtest",
)


@pytest.fixture
def casebook(tmp_path: Path) -> Iterator[Casebook]:
    book = Casebook(sqlite_url(tmp_path / "casebook.sqlite"))
    yield book
    book.close()


@pytest.fixture(scope="module")
def case():
    view = build_view(CHAIN)
    return view, run_clustering(view, None)


def read(case, casebook: Casebook) -> Reading:
    view, clustering = case
    tags = TagBook(view, casebook, clustering)
    return Reading(view=view, clustering=clustering, clustering_gap="", tags=tags)


def bring_in(casebook: Casebook, *rows: str, title: str = "Services") -> int:
    outcome = casebook.import_tagpack(
        pack(*rows, title=title),
        name=f"{title.lower()}.yaml",
        network="bitcoin-regtest",
        now=NOW,
        by="an analyst",
    )
    return outcome.record.id


def text(answer: RiskAnswer, *, in_full: bool) -> str:
    return "\n".join(risk_lines(answer, in_full=in_full))


def test_risk__adds_up_to_what_the_tags_and_the_chain_say(case, casebook) -> None:
    bring_in(casebook, LOCKER, title="Ransom")
    bring_in(casebook, EXCHANGE, title="Exchanges")
    answer = risk_answer(read(case, casebook), text_of_name("subject"))
    (line,) = answer.contributions
    # X = 0.75 * 0.95 * 0.5 = 0.35625; G = (1 - e^(-4 X)) / (1 - e^-4)
    assert answer.score == "77.37"
    assert answer.formula.x_in == "0.3563"
    assert (line.points, line.kind, line.category) == (answer.score, "exposure", "ransomware")
    assert (line.share_percent, line.hops, line.confidence) == ("75.00", 1, 50)
    assert [each.kind for each in line.evidence] == ["document", "transaction"]
    assert line.evidence[0].name == "ransom.yaml"
    assert line.evidence[0].date == NOW
    assert line.evidence[1].id == case[0].txid_text(case[0].find_transaction(line.evidence[1].id))
    assert line.certainty == "attribution"
    assert answer.coverage.out_percent == "100.00"
    assert answer.coverage.in_percent == "75.00"
    assert answer.band == "high"
    assert (answer.interval.lower, answer.interval.sources) == ("0.00", 1)
    assert Decimal(answer.interval.upper) > Decimal(answer.score)
    assert [(each.name, each.score) for each in answer.changes] == [("ransom.yaml", "0.00")]
    assert shaped(RiskAnswer, json.loads(json.dumps(plain(answer)))) == answer

    told = text(answer, in_full=True)
    assert (
        "75.00 % of what it received came directly from Locker (collects ransom of extortion "
        "software), named by 1 document with a confidence of 50 %." in told
    )
    assert "document ransom.yaml, 2026-03-04T00:00:00Z, SHA-256 " in told
    assert (
        "If all that rests on document ransom.yaml alone fell away, the score would be 0.00" in told
    )
    assert "25.00 % of what came has no name: newly mined" in told
    assert standard_policy().sha256 in told
    assert "In 90 % of the outcomes or more the score lies between 0.00 and " in told
    assert "It is no finding about a person" in told
    assert "Undecided" in told
    assert "Not measured: Money moved across several chains" in told
    short = text(answer, in_full=False)
    assert "Score     77.37 of 100 (0.00 - " in short
    assert "Add --explain" in short


def test_risk__of_a_withdrawn_document_is_gone_and_the_audit_shows_it(case, casebook) -> None:
    number = bring_in(casebook, LOCKER, title="Ransom")
    subject = text_of_name("subject")
    before = risk_answer(read(case, casebook), subject)
    assert before.score == "77.37"
    casebook.withdraw(number, reason="the list was a hoax", now=NOW, by="a reviewer")
    after = risk_answer(read(case, casebook), subject)
    assert (after.score, after.contributions) == ("0.00", ())
    assert after.band == "undetermined"
    assert "Nothing that was found adds a point. That does not mean that it is clean." in text(
        after, in_full=False
    )
    (act,) = (row for row in casebook.evidence.page(limit=9) if row.kind == "withdrawal")
    document = before.contributions[0].evidence[0].id
    assert act.told["document_sha256"] == document
    assert act.told["reason"] == "the list was a hoax"
    assert act.recorded_by == "a reviewer"
    assert casebook.evidence.verify().ok


@pytest.mark.slow
def test_risk__of_a_withdrawn_listing_is_gone_with_it(case, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    vendor = text_of_name("subject")
    result = desk.bring({"alice.html": page("Alice", vendor)}, network="bitcoin-regtest")
    listing = next(row.sha256 for row in result.rows if row.sha256)
    before = risk_answer(read(case, desk.casebook), vendor)
    assert [own.category for own in before.own_tags] == ["darknet_vendor"]
    first = before.contributions[0]
    assert (first.kind, first.confidence) == ("floor", before.own_tags[0].confidence)
    # The listing itself is the evidence, and not the pack that was made of it.
    assert [(each.kind, each.id) for each in first.evidence] == [("document", listing)]
    desk.withdraw(listing, reason="a copy of somebody else's page")
    after = risk_answer(read(case, desk.casebook), vendor)
    assert (after.score, after.own_tags) == ("0.00", ())
    told = [row.told for row in desk.casebook.evidence.page(limit=500, kind=WITHDRAWAL)]
    assert any(
        each.get("document_sha256") == listing
        and each["reason"] == "a copy of somebody else's page"
        for each in told
    )
    assert desk.casebook.evidence.verify().ok
    desk.casebook.close()


def test_risk__of_somebody_who_is_named_himself_stands_on_a_floor(case, casebook) -> None:
    bring_in(casebook, LOCKER, title="Ransom")
    answer = risk_answer(read(case, casebook), f"entity:{text_of_name('locker')}")
    first = answer.contributions[0]
    assert (first.kind, first.category) == ("floor", "ransomware")
    assert answer.score == "47.50"
    assert sum(Decimal(each.points) for each in answer.contributions) == Decimal("47.50")
    assert first.evidence[0].name == "ransom.yaml"
    assert answer.own_tags[0].label == "Locker"
    assert answer.subject == f"entity:{text_of_name('locker')}"
    told = text(answer, in_full=True)
    assert "by the policy the score is therefore at least 47.50" in told
    assert "The subject itself is called Locker" in told


def test_risk__weighs_two_namings_that_contradict_each_other_by_the_weaker(case, casebook) -> None:
    address = text_of_name("locker")
    bring_in(casebook, LOCKER.replace("label: Locker", "label: Locker, actor: locker"))
    other = row(
        address, "Bank", actor="bank", concepts="[exchange]", confidence="web_crawl",
        network="bitcoin-regtest",
    )  # fmt: skip
    bring_in(casebook, other, title="Banks")
    answer = risk_answer(read(case, casebook), address)
    assert {own.label: own.confidence for own in answer.own_tags} == {"Locker": 20, "Bank": 20}
    assert answer.score == "19.00"


SANCTIONED = row(
    text_of_name("locker"),
    "LAZARUS GROUP",
    concepts="[sanction]",
    confidence="authority_data",
    network="bitcoin-regtest",
)


@pytest.mark.parametrize(
    ("label", "concepts", "confidence"),
    [
        ("Big hot wallet", "[exchange]", "service_api"),
        ("Big hot wallet", "[exchange]", "ownership"),
        ("Address of a user", "[user]", "authority_data"),
        ("Honest Shop", "[shop]", "unknown"),
    ],
)
def test_risk__no_label_hides_a_sanctioned_address(
    case, casebook, label: str, concepts: str, confidence: str
) -> None:
    bring_in(casebook, SANCTIONED, title="Sanctions")
    locker, subject = text_of_name("locker"), text_of_name("subject")
    other = row(locker, label, concepts=concepts, confidence=confidence, network="bitcoin-regtest")
    bring_in(casebook, other, title="Labels")
    line = risk_answer(read(case, casebook), subject).contributions[0]
    assert (line.kind, line.category, line.label) == ("floor", "sanctioned", "LAZARUS GROUP")
    assert (line.confidence, line.is_disputed) == (60, concepts != "[user]")
    assert [each.name for each in line.evidence if each.kind == "document"] == ["sanctions.yaml"]
    own = risk_answer(read(case, casebook), locker)
    # The subject is called the same as the counterpart was.
    assert (own.own_tags[0].category, own.own_tags[0].confidence) == ("sanctioned", 60)
    assert own.score == "60.00"


def test_risk__calls_subject_and_counterpart_by_the_same_category(case, casebook) -> None:
    old = row(
        text_of_name("locker"), "X", concepts="[dark_market]", confidence="web_crawl",
        lastmod="2010-01-01", source="'https://old.example'", network="bitcoin-regtest",
    )  # fmt: skip
    new = row(
        text_of_name("locker"), "X", concepts="[exchange]", confidence="forensic",
        network="bitcoin-regtest",
    )  # fmt: skip
    bring_in(casebook, old, title="Old")
    bring_in(casebook, new, title="New")
    reading = read(case, casebook)
    own = risk_answer(reading, text_of_name("locker")).own_tags
    asked = ExposureRequest(subjects=(text_of_name("subject"),))
    (share,) = exposure_of(ground_of(reading), asked).shares
    assert own[0].category == share.category == "exchange"
    assert own[0].documents == share.documents
    assert len(share.documents) == 1


def test_risk__does_not_let_the_rest_of_an_entity_speak_for_an_address() -> None:
    chain = [
        Tx(name="one", outputs=[("left", 50 * COIN)]),
        Tx(name="two", outputs=[("right", 50 * COIN)]),
        Tx(name="join", inputs=["one:0", "two:0"], outputs=[("p2tr:z", 100 * COIN)]),
        Tx(name="end", outputs=[("nobody", 50 * COIN)]),
    ]
    view = build_view(chain)
    more = {"confidence": "forensic", "network": "bitcoin-regtest"}
    with TemporaryDirectory() as folder:
        book = Casebook(sqlite_url(Path(folder) / "casebook.sqlite"))
        for name, actor in (("left", "one"), ("right", "two")):
            said = row(text_of_name(name), name, actor=actor, concepts="[scam]", **more)
            bring_in(book, said, title=name)
        reading = read((view, run_clustering(view, None)), book)
        own = risk_answer(reading, text_of_name("left")).own_tags
        entity = risk_answer(reading, f"entity:{text_of_name('left')}").own_tags
        book.close()
    assert {it.label: (it.is_inherited, it.is_disputed) for it in own} == {
        "left": (False, False),
        "right": (True, False),
    }
    assert {it.label: (it.is_inherited, it.is_disputed) for it in entity} == {
        "left": (False, True),
        "right": (True, True),
    }


def test_risk__says_where_a_name_is_an_inference(case, casebook) -> None:
    # The subject spends both of its coins, so who is named at one is named at the entity.
    named = row(
        text_of_name("subject"), "Vendor", concepts="[vendor]", confidence="forensic",
        network="bitcoin-regtest",
    )  # fmt: skip
    bring_in(casebook, named, title="Vendors")
    inputs = risk_answers.gather_inputs(
        risk_answers.basis_of(read(case, casebook), PriceBook("BTC", "USD", ())),
        text_of_name("exchange"),
        1_000,
    ).inputs
    (part,) = inputs.exposed
    assert not part.is_inferred
    inferred = replace(inputs, exposed=(replace(part, is_inferred=True),))
    for made, certainty in ((inputs, "attribution"), (inferred, "inference")):
        (line,) = risk_contributions.contributions(
            lambda _txid: FIRST, score(made, standard_policy()), made, standard_policy(), {}
        )
        assert line.certainty == certainty
        assert ("by inference: another address of the entity" in line.sentence) == (
            certainty == "inference"
        )


def test_risk__tells_what_the_explanation_leaves_out(case, casebook, monkeypatch) -> None:
    for number in range(3):
        said = f"{LOCKER}, source: 'https://{number}.example'"
        bring_in(casebook, said, title=f"Ransom{number}")
    monkeypatch.setattr(risk_contributions, "MOST_DOCUMENTS", 2)
    monkeypatch.setattr(risk_answers, "MOST_DOCUMENTS", 2)
    monkeypatch.setattr(risk_answers, "MOST_CHANGES", 1)
    answer = risk_answer(read(case, casebook), text_of_name("subject"))
    assert answer.contributions[0].documents == 3
    assert len([it for it in answer.contributions[0].evidence if it.kind == "document"]) == 2
    assert (len(answer.changes), answer.changes_left_out) == (1, 2)
    assert {cut.where for cut in answer.truncations} >= {"evidence", "changes"}
    assert not answer.complete
    told = text(answer, in_full=True)
    assert "and 1 more documents" in told
    assert "For 2 more documents this was not computed." in told


def test_risk__states_its_whole_question_and_what_it_stands_on(case, casebook) -> None:
    bring_in(casebook, LOCKER, title="Ransom")
    reading, subject = read(case, casebook), text_of_name("subject")
    answer = risk_answer(reading, subject, budget=7)
    assert (answer.request.subject, answer.request.budget) == (subject, 7)
    assert answer.request.policy_sha256 == standard_policy().sha256
    assert answer.manifest.kind == "risk"
    assert answer.manifest.tags_sha256 == reading.tags.attribution.revision
    parts = {field.name: getattr(answer, field.name) for field in fields(answer)}
    assert answer.manifest.result_sha256 == hash_of_result(parts)
    assert risk_answer(reading, subject, budget=7) == answer
    assert risk_answer(reading, subject, budget=8).manifest.result_sha256 != (
        answer.manifest.result_sha256
    )


def test_risk__is_refused_where_a_naming_rests_on_nothing(case, casebook) -> None:
    bring_in(casebook, LOCKER, title="Ransom")
    reading = read(case, casebook)
    documents = tuple("" for _ in reading.tags.attribution.documents)
    object.__setattr__(reading.tags.attribution, "documents", documents)
    with pytest.raises(NoEvidenceError, match="nothing is scored without evidence"):
        risk_answer(reading, text_of_name("subject"))


@pytest.mark.parametrize(
    ("points", "total", "shown"),
    [
        ([52.1737491375, 11.5695559061, 8.4165060337, 5.4627362925], 77.6225473699,
         ["52.17", "11.57", "8.42", "5.46"]),
        ([10 / 3] * 3, 10.0, ["3.34", "3.33", "3.33"]),
        ([], 0.0, []),
    ],
)  # fmt: skip
def test_shown_points__sum_to_the_score_that_is_shown(points, total, shown) -> None:
    assert shown_points(points, total) == shown
    assert sum(map(Decimal, shown)) == Decimal(figure(total))
