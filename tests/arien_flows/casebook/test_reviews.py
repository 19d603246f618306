"""What one person brings in another one approves or rejects; nothing of it is lost."""

from datetime import timedelta

import pytest

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.past import earlier_casebook
from arien_flows.errors import InputError, NotFoundError
from tests.arien_flows.casebook.packs import FIRST, GENESIS, SCRIPT, WITNESS, bring_in, pack, row

LATER = FIRST + timedelta(days=1)


def look(casebook: Casebook, address: str) -> list[tuple[str, str]]:
    return [(it.tag.label, it.state) for it in casebook.tags_of("bitcoin", [address])]


def find(
    casebook: Casebook, verdict: str, row: int | None = None, *, number: int = 1, by: str = "a head"
) -> None:
    casebook.lists.review(number, row=row, verdict=verdict, reason="seen", now=LATER, by=by)


@pytest.fixture
def filled(casebook: Casebook) -> Casebook:
    bring_in(casebook, pack(row(GENESIS, "Pool"), row(SCRIPT, "Shop"), row(WITNESS, "Bank")))
    return casebook


def test_review__of_a_tag_counts_before_that_of_its_import(filled: Casebook) -> None:
    assert look(filled, GENESIS) == [("Pool", "proposed")]
    find(filled, "rejected", 2)
    find(filled, "approved")
    assert look(filled, GENESIS) == [("Pool", "approved")]
    assert look(filled, SCRIPT) == []
    find(filled, "approved", 2)
    assert look(filled, SCRIPT) == [("Shop", "approved")]
    assert [it.verdict for it in filled.lists.reviews(1)] == ["rejected", "approved", "approved"]
    assert filled.read_import(1).state == "approved"
    assert filled.evidence.verify().faults == ()


def test_review__that_rejects_lets_an_older_version_speak(filled: Casebook) -> None:
    bring_in(filled, pack(row(GENESIS, "Pool", confidence="ownership"), title="New"))
    before = filled.revision("bitcoin")
    assert filled.read_import(2).current == 1
    find(filled, "rejected", number=2)
    assert [it.import_id for it in filled.tags_of("bitcoin", [GENESIS])] == [1]
    assert filled.read_import(2).current == 0
    assert filled.revision("bitcoin") != before


def test_review__needs_a_second_person_a_tag_and_an_import_in_effect(filled: Casebook) -> None:
    with pytest.raises(InputError, match="somebody else has to approve"):
        find(filled, "approved", by="an analyst")
    with pytest.raises(NotFoundError, match="no tag 9"):
        find(filled, "rejected", 9)
    with pytest.raises(NotFoundError):
        find(filled, "rejected", number=7)
    filled.withdraw(1, reason="wrong", now=LATER, by="a head")
    with pytest.raises(InputError, match="was withdrawn"):
        find(filled, "approved")


def again(casebook: Casebook, number: int, by: str = "an analyst") -> None:
    """Import the first list again, with one byte more for each import."""
    raw = pack(row(GENESIS, "Pool"), row(SCRIPT, "Shop"), row(WITNESS, "Bank"))
    made = casebook.import_tagpack(
        raw + b"\n" * (number - 1), name="again.yaml", network="bitcoin", now=LATER, by=by
    )
    assert made.is_new
    assert made.record.id == number


def test_review__that_rejects_holds_for_the_same_tag_in_later_imports(filled: Casebook) -> None:
    find(filled, "rejected", 2)
    again(filled, 2)
    assert look(filled, SCRIPT) == []
    assert look(filled, WITNESS) == [("Bank", "proposed")]
    assert filled.lists.rejected_before(2) == 1
    filled.withdraw(1, reason="again", now=LATER, by="an analyst")
    again(filled, 3)
    assert look(filled, SCRIPT) == []
    (told,) = filled.tags_numbered([8])
    assert (told.import_id, told.row, told.state) == (3, 2, "rejected")
    find(filled, "approved", 2, number=3)
    assert look(filled, SCRIPT) == [("Shop", "approved")]
    assert filled.evidence.verify().faults == ()


def test_review__of_a_whole_import_holds_for_its_tags_in_later_imports(filled: Casebook) -> None:
    find(filled, "rejected")
    find(filled, "approved", 1)
    again(filled, 2)
    assert filled.lists.rejected_before(2) == 2
    assert filled.read_import(2).current == 1
    find(filled, "rejected", number=2)
    again(filled, 3)
    assert filled.read_import(3).current == 0
    find(filled, "approved", number=3)
    assert filled.read_import(3).current == 3


def test_review__that_takes_a_rejection_back_lets_later_imports_speak(filled: Casebook) -> None:
    find(filled, "rejected")
    again(filled, 2)
    assert look(filled, GENESIS) == []
    find(filled, "approved")
    assert look(filled, GENESIS) == [("Pool", "proposed")]
    filled.withdraw(2, reason="again", now=LATER, by="an analyst")
    assert look(filled, GENESIS) == [("Pool", "approved")]


@pytest.mark.parametrize("name", ["service", "unknown"])
def test_review__cannot_approve_what_nobody_in_particular_imported(
    filled: Casebook, name: str
) -> None:
    again(filled, 2, by=name)
    with pytest.raises(InputError, match="import its document under a name"):
        find(filled, "approved", number=2)
    find(filled, "rejected", number=2)
    with pytest.raises(InputError, match="needs a name"):
        find(filled, "approved", by=name)


def test_policy__may_leave_out_what_nobody_approved(filled: Casebook) -> None:
    find(filled, "approved", 1)
    filled.lists.set_policy(counts_proposed=False, reason="court", now=LATER, by="a head")
    bring_in(filled, pack(row(SCRIPT, "Other"), title="More"))
    assert look(filled, GENESIS) == [("Pool", "approved")]
    assert look(filled, SCRIPT) == []
    filled.lists.set_policy(counts_proposed=True, reason="enough", now=LATER, by="a head")
    assert sorted(look(filled, SCRIPT)) == [("Other", "proposed"), ("Shop", "proposed")]
    assert [it.counts_proposed for it in filled.lists.policies()] == [False, True]
    assert filled.evidence.verify().faults == ()


def test_earlier_casebook__heeds_reviews_and_policies(filled: Casebook) -> None:
    told = [filled.revision("bitcoin")]
    find(filled, "rejected", 2)
    told.append(filled.revision("bitcoin"))
    filled.lists.set_policy(counts_proposed=False, reason="court", now=LATER, by="a head")
    told.append(filled.revision("bitcoin"))
    find(filled, "approved", 1)
    told.append(filled.revision("bitcoin"))
    bring_in(filled, pack(row(SCRIPT, "Other"), title="More"), days=3)
    filled.lists.set_policy(counts_proposed=True, reason="enough", now=LATER, by="a head")
    find(filled, "rejected", number=2)
    raw = pack(row(SCRIPT, "Other"), row(WITNESS, "Bank"), title="More")
    assert bring_in(filled, raw, days=4).rejected_before == 1
    told.append(filled.revision("bitcoin"))
    assert len(set(told)) == 5
    for wanted in told:
        with earlier_casebook(filled, lambda book: book.revision("bitcoin") == wanted) as past:  # noqa: B023
            assert past is not None
