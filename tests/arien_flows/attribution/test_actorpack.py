"""ActorPacks that are written say what they said when they were read."""

import tarfile

import pytest

from arien_flows.attribution.actorpack import (
    actor_from,
    actor_text,
    actorpack_text,
    parse_actorpack,
)
from arien_flows.errors import InputError

HEAD = "title: T\ncreator: C\nlastmod: 2023-02-17\nactors:\n"
ACTOR = """\
- id: pool
  label: Pool
  uri: pool.example
  categories: [mining_service, vendor]
  jurisdictions: [AT, NO]
  aliases: [01, Pool Ltd]
  context:
    uris: [a.example]
    nested_in: [bank]
    twitter_handle: pool
    founded: 2019-01-01
"""


def parse(text: str):
    return parse_actorpack(text.encode(), "actors.yaml")


def test_actorpack__keeps_everything_that_it_says():
    pack = parse(HEAD + ACTOR)
    assert pack.faults == ()
    (actor,) = (row.actor for row in pack.rows)
    assert (actor.categories, actor.jurisdictions) == (("mining_service", "vendor"), ("AT", "NO"))
    assert actor.context == {
        "uris": ["a.example"], "nested_in": ["bank"], "twitter_handle": "pool",
        "founded": "2019-01-01",
    }  # fmt: skip
    assert actor.aliases == ("01", "Pool Ltd")
    assert actor_from(actor_text(actor)) == actor


def test_actorpack__is_written_in_the_words_of_others():
    pack = parse(HEAD + ACTOR.replace(", vendor", ""))
    text = "".join(actorpack_text([row.actor for row in pack.rows], title="T", creator="C"))
    assert parse(text).rows == pack.rows


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("id: pool", "id: [5]"), "'id' must be text"),
        (("label: Pool", "colour: red"), "'colour' is unknown"),
        (("uri: pool.example", ""), "'uri' is missing"),
        (("vendor", "banker"), "'banker' is unknown"),
        (("[AT, NO]", "[Austria]"), "no country code"),
        (("[a.example]", "a.example"), "context: uris must be a list"),
    ],
)
def test_actorpack__lists_an_actor_that_cannot_be_used(change, fault):
    pack = parse(HEAD + ACTOR.replace(*change) + ACTOR)
    assert fault in pack.faults[0].fault
    assert [row.number for row in pack.rows] == [2]


def test_actorpack__that_is_none_is_refused():
    with pytest.raises(InputError, match="at least one actor"):
        parse("title: T\ncreator: C\ntags: []\n".replace("tags", "actors"))


def test_public_actors__round_trip(shared_data):
    with tarfile.open(shared_data / "tags_graphsense" / "actorpack.tar.gz") as archive:
        (member,) = (each for each in archive if each.name.endswith(".yaml"))
        raw = archive.extractfile(member).read()
    pack = parse_actorpack(raw, "actors.yaml")
    assert (len(pack.rows), len(pack.faults)) == (3_743, 70)
    assert {fault.fault for fault in pack.faults} == {"the concept 'defi_derivative' is unknown"}
    some = [row.actor for row in pack.rows[:300]]
    text = "".join(actorpack_text(some, title="T", creator="C"))
    assert [row.actor for row in parse(text).rows] == sorted(some, key=lambda it: it.id)
