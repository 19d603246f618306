"""People, keys and sessions in both databases; and four eyes, kept by the database itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update

from arien_flows.access.names import folded, person_name
from arien_flows.access.permissions import Permission
from arien_flows.access.roles import Role
from arien_flows.access.secrets import digest, new_key, read_key
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.access_records import BegunSignIn, NewKey, NewPerson
from arien_flows.casebook.access_tables import keys, sessions
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import writing
from arien_flows.casebook.models import tag_reviews
from arien_flows.casebook.sessions import SIGN_IN
from arien_flows.errors import CasebookError, ConflictError, InputError, NotFoundError
from tests.arien_flows.casebook.packs import FIRST, GENESIS, bring_in, pack, row

LATER = FIRST + timedelta(days=1)


def person(name: str, role: Role = Role.ANALYST, **other: object) -> NewPerson:
    return NewPerson(name=name, role=role, clearance=Tlp.AMBER, **other)  # type: ignore[arg-type]


def refused(question: Callable[[], object], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        question()


def test_people__keep_their_names_for_good(casebook: Casebook):
    people = casebook.people
    assert people.page(limit=5) == []
    assert people.named("ann") is None
    made = people.add(person(" Ann "), now=FIRST, by="root")
    assert (made.name, made.made_by, made.made_at) == ("Ann", "root", FIRST)
    people.change("ann", is_disabled=True, now=LATER, by="an admin")
    for name in ("Ann", "ANN", "\uff21nn"):
        refused(lambda n=name: people.add(person(n), now=LATER, by="root"), ConflictError, "again")
    for name in ("service", "UNKNOWN", "", " ", "a\nb", "a/b", "...", "x" * 101, "a\u202eb"):
        refused(lambda n=name: people.add(person(n), now=LATER, by="root"), InputError, "name")
    refused(lambda: people.add(person("x", Role.LOCAL), now=LATER, by="root"), InputError, "nobody")
    back = people.change("Ann", is_disabled=False, role=Role.ADMIN, now=LATER, by="an admin")
    assert (back.disabled_at, back.role) == (None, Role.ADMIN)
    refused(lambda: people.read("bob"), NotFoundError, "nobody is called 'bob'")


def test_people__of_one_subject_are_one(casebook: Casebook):
    who = {"issuer": "https://i.example", "subject": "7"}
    casebook.people.add(person("ann", **who), now=FIRST, by="root")
    refused(
        lambda: casebook.people.add(person("bob", **who), now=FIRST, by="root"),
        ConflictError,
        "belongs to ann",
    )
    found = casebook.people.known_as("https://i.example", "7")
    assert found is not None
    assert found.name == "ann"
    assert casebook.people.known_as("https://other.example", "7") is None


@given(st.text(max_size=30))
def test_person_name__is_one_form_that_stands_on_one_line(text: str):
    try:
        name = person_name(text)
    except InputError:
        return
    assert person_name(name) == name
    assert name.isprintable()
    assert folded(folded(name)) == folded(name)


def test_read_key__takes_back_what_was_made_and_nothing_else():
    key = new_key(FIRST)
    assert read_key(key.text) == key
    assert key.secret not in repr(key)
    for wrong in (key.text.upper(), key.text + "a", key.text[:-1], " " + key.text, key.text + "\n"):
        assert read_key(wrong) is None


def test_keys__hold_digests_and_are_revoked_once(casebook: Casebook):
    key, record = casebook.keys.make_with_owner(
        NewKey(owner="robot", scopes=frozenset({Permission.READ_TAGS}), networks=("192.0.2.1",)),
        person("robot", Role.SERVICE),
        now=FIRST,
        by="root",
    )
    assert (record.clearance, record.networks) == (Tlp.AMBER, ("192.0.2.1/32",))
    with casebook._writing() as connection:
        assert key.secret not in str(connection.execute(select(keys)).all())
    known = casebook.keys.known(key.id)
    assert known is not None
    assert (known.secret_sha256, known.owner.role) == (digest(key.secret), Role.SERVICE)
    assert known.secret_sha256 not in repr(known)
    assert casebook.keys.count_usable(FIRST) == 1
    first = casebook.keys.revoke(key.id, now=LATER, by="an admin")
    second = casebook.keys.revoke(key.id, now=LATER + SIGN_IN, by="another")
    assert (first, second.revoked_by) == (second, "an admin")
    assert casebook.keys.count_usable(FIRST) == 0
    refused(lambda: casebook.keys.revoke("key_x", now=LATER, by="x"), NotFoundError, "no key_x")


def test_keys__come_newest_first_in_pages(casebook: Casebook):
    for name in ("ann", "bob"):
        casebook.people.add(person(name), now=FIRST, by="root")
    made = [
        casebook.keys.make(NewKey(owner=owner), now=FIRST + timedelta(minutes=minute), by="root")[
            1
        ].id
        for minute, owner in enumerate(("ann", "bob", "ann"))
    ]
    assert [it.id for it in casebook.keys.page(limit=9)] == made[::-1]
    assert [it.id for it in casebook.keys.page(owner="ann", limit=9)] == [made[2], made[0]]
    assert [it.id for it in casebook.keys.page(before=made[2], limit=1)] == [made[1]]


def test_keys__that_cannot_be_made_leave_nothing(casebook: Casebook):
    wrong = NewKey(owner="aud", scopes=frozenset({Permission.READ_CHAIN}))
    refused(
        lambda: casebook.keys.make_with_owner(
            wrong, person("aud", Role.AUDITOR), now=FIRST, by="root"
        ),
        InputError,
        "auditor may not do chain:read",
    )
    assert casebook.people.named("aud") is None
    casebook.people.add(person("ann"), now=FIRST, by="root")
    for wanted, error, told in (
        (NewKey(owner="bob"), NotFoundError, "nobody is called"),
        (NewKey(owner="ann", expires_at=FIRST), InputError, "expired before"),
        (NewKey(owner="ann", networks=("192.0.2.1/24",)), InputError, "host bits"),
        (NewKey(owner="ann", networks=("::1",) * 51), InputError, "50 ranges"),
    ):
        refused(lambda w=wanted: casebook.keys.make(w, now=FIRST, by="root"), error, told)
    casebook.people.change("ann", is_disabled=True, now=FIRST, by="root")
    refused(
        lambda: casebook.keys.make(NewKey(owner="ann"), now=FIRST, by="root"),
        ConflictError,
        "disabled",
    )


def test_sign_in__is_taken_by_one_of_many(casebook: Casebook):
    begun = BegunSignIn(nonce="n", verifier="v")
    casebook.sessions.begin_sign_in("state", begun, FIRST)
    with ThreadPoolExecutor(4) as threads:
        taken = list(
            threads.map(lambda _: casebook.sessions.take_sign_in("state", FIRST), range(8))
        )
    assert [it for it in taken if it is not None] == [begun]
    casebook.sessions.begin_sign_in("late", begun, FIRST)
    assert casebook.sessions.take_sign_in("late", FIRST + SIGN_IN) is None


def test_sessions__end_with_their_owner(casebook: Casebook):
    casebook.people.add(person("ann"), now=FIRST, by="root")
    tokens = [casebook.sessions.open("ann", FIRST) for _ in range(2)]
    with casebook._writing() as connection:
        assert tokens[0] not in str(connection.execute(select(sessions)).all())
    casebook.sessions.note_use(digest(tokens[1]), LATER)
    casebook.sessions.note_use(digest(tokens[1]), FIRST)
    known = casebook.sessions.known(digest(tokens[1]))
    assert known is not None
    assert (known.person.name, known.seen_at) == ("ann", LATER)
    casebook.sessions.close(digest(tokens[0]))
    assert casebook.sessions.known(digest(tokens[0])) is None
    casebook.people.change("ann", is_disabled=True, now=LATER, by="root")
    assert casebook.sessions.known(digest(tokens[1])) is None


@pytest.mark.parametrize("name", ["an analyst", "service"])
def test_database__lets_nobody_approve_what_he_brought_in(casebook: Casebook, name: str):
    bring_in(casebook, pack(row(GENESIS, "Pool")))
    values = {
        "id": 1,
        "import_id": 1,
        "verdict": "approved",
        "reason": "written past the program",
        "after_import": 1,
        "reviewed_at": LATER,
        "reviewed_by": name,
    }
    engine = casebook._engine
    if name == "service":
        with writing(engine) as connection:
            connection.execute(text("UPDATE tag_imports SET imported_by = 'service'"))
    with pytest.raises(CasebookError, match="four eyes"), writing(engine) as connection:
        connection.execute(insert(tag_reviews).values(values))
    with writing(engine) as connection:
        connection.execute(insert(tag_reviews).values(values | {"verdict": "rejected"}))
    with pytest.raises(CasebookError, match="four eyes"), writing(engine) as connection:
        connection.execute(update(tag_reviews).values(verdict="approved"))
