"""`arien-flows replay`: making an answer again from its manifest."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arien_flows.cli.output import table
from arien_flows.cli.session import session_of, session_options

if TYPE_CHECKING:
    from arien_flows.replay.answer import Replayed


@click.command()
@session_options
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_context
def replay(context: click.Context, file: Path) -> None:
    """Make an answer again and say whether it is the same.

    FILE is the manifest.json, trace.json or taint.json that -o wrote, the paths.json of a path, or
    what --json printed; of a taint of more than 100 sources with the sources.txt beside it. The
    answer is made as of its own last block, with the tags and the clustering of then; of a server
    that was asked, nothing is asked again. Exit code 0: the same result; 1: not the same, or the
    ledger does not hold the block; 2: the file was changed, or the ledger, the archive or the note
    is not there.
    """
    from arien_flows.cli.output import emit
    from arien_flows.replay.document import read_recorded
    from arien_flows.replay.replay import replay as made_again
    from arien_flows.workspace import Workspace

    session = session_of(context)
    replayed = made_again(read_recorded(file), Workspace(session.settings))
    emit(session, replayed, replay_lines)
    if replayed.outcome != "same":
        context.exit(1)


def replay_lines(replayed: "Replayed") -> Iterable[str]:
    """Return what a replay found, as text."""
    yield replayed.detail
    yield ""
    yield (
        f"A {replayed.kind} as of block {replayed.height:,} of {replayed.network} "
        f"({replayed.block_hash})."
    )
    yield f"Result of the file    {replayed.expected_sha256}"
    if replayed.found_sha256 is not None:
        yield f"Result of the replay  {replayed.found_sha256}"
    if replayed.version_then != replayed.version_now:
        yield f"Made by version {replayed.version_then}, made again by {replayed.version_now}."
    for change in replayed.changed:
        yield ""
        yield f"Changed: {change.name}"
        yield f"  then {change.then}"
        yield f"  now  {change.now}"
        if replayed.outcome != "same":
            yield f"  {change.advice}"
    if replayed.differences:
        yield ""
        rows = [(each.path, each.then, each.now) for each in replayed.differences]
        yield from table(("Where", "In the file", "Made again"), rows)
    if replayed.more_differences:
        yield f"… and {replayed.more_differences:,} further places"
