"""Conflicts of a clustering as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.answers.conflicts import ConflictAnswer, ConflictPage
from arien_flows.cli.output import closing
from arien_flows.cli.rate_texts import error_rate_lines
from arien_flows.shapes import shown_time


def conflict_lines(answer: ConflictPage, *, review: bool) -> Iterable[str]:
    """Return a page of conflicts, or of merges to review."""
    what = "not made as both sets are large" if review else "that something spoke against"
    merges = "merge" if answer.count == 1 else "merges"
    yield f"Profile {answer.profile}: {answer.count:,} {merges} {what}."
    for conflict in answer.items:
        yield ""
        yield from _conflict(conflict)
    if answer.next_cursor is not None:
        yield ""
        yield f"There are more: add --cursor {answer.next_cursor}"
    yield from error_rate_lines(answer.error_rates)
    yield from closing(answer)


def entity_conflict_lines(conflicts: Sequence[ConflictAnswer], count: int) -> Iterable[str]:
    """Return the conflicts of an entity, if it has any."""
    if count:
        yield ""
        yield f"Something spoke against {count:,} merge{'s' * (count > 1)} with this entity:"
        for conflict in conflicts:
            yield from _conflict(conflict)


def pair_conflict_lines(conflicts: Sequence[ConflictAnswer], count: int) -> Iterable[str]:
    """Return the conflicts between two entities, if there are any."""
    if count:
        yield ""
        yield f"Something spoke against {count:,} merge{'s' * (count > 1)} of the two:"
        for conflict in conflicts:
            yield from _conflict(conflict)


def sureness(probability: str | None, votes: int | None) -> str:
    """Return how sure a decision about change was, as an addition to its rule."""
    told = [] if probability is None else [f"probability {probability} among simulated payments"]
    told += [] if votes is None else [f"ahead by {votes} vote{'s' * (votes > 1)}"]
    return f" ({', '.join(told)})" if told else ""


def _conflict(conflict: ConflictAnswer) -> Iterable[str]:
    yield f"{conflict.kind}: {conflict.detail}"
    yield f"  {conflict.address_a}{_of(conflict.entity_a, conflict.address_a, conflict.owner_a)}"
    yield f"  {conflict.address_b}{_of(conflict.entity_b, conflict.address_b, conflict.owner_b)}"
    sure = sureness(conflict.probability, conflict.votes)
    yield f"  by {conflict.rule}{sure} in {conflict.txid}"
    yield f"  (block {conflict.height:,}, {shown_time(conflict.time)})"
    if conflict.together_now and not conflict.joined:
        yield "  The two are one entity now, for other reasons: `arien-flows why` tells them."


def _of(entity: str, address: str, owner: str | None) -> str:
    told = [] if entity == address else [f"then of entity {entity}"]
    told += [] if owner is None else [f"tagged {owner}"]
    return f" ({', '.join(told)})" if told else ""
