"""The entry point: `replay` makes an answer again and compares."""

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from typing import Any

from arien_flows.answers.paths import connected, path_request_of
from arien_flows.answers.taint import taint_request_of, tainted
from arien_flows.answers.trace import compared, traced
from arien_flows.casebook.book import Casebook
from arien_flows.errors import InputError, StaleSnapshotError
from arien_flows.fetched.archive import Archive, archive_folder
from arien_flows.fetched.completeness import Origin
from arien_flows.replay.answer import InputChange, Outcome, Replayed
from arien_flows.replay.chain import holds, parting
from arien_flows.replay.differences import Differing, differing
from arien_flows.replay.document import Recorded
from arien_flows.replay.restoring import fetched_then, ledger_then, prices_then
from arien_flows.shapes import json_text, plain
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.comparison import Comparison
from arien_flows.tracing.manifest import PROGRAM, hashed_parts, request_of
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.paths_answer import PathAnswer, PathRequestShape
from arien_flows.tracing.sweep_answer import TaintAnswer, TaintRequestShape
from arien_flows.workspace import Reading, Workspace
from chains.bitcoin.networks import network

_OF_THE_RUN = frozenset(
    {
        "kind",
        "program",
        "version",
        "network",
        "tip_height",
        "tip_hash",
        "blocks",
        "clustering_made",
        "transactions_explored",
        "transactions_followed",
        "result_sha256",
        "fetched",
    }
)
"""Fields of a manifest that are no input, or that another field stands for."""

_ADVICE = {
    "tags_sha256": "the casebook never held just these tags: name the one that did with --data or "
    "ARIEN_CASEBOOK, or import the same documents",
    "clustering": "make it by the rules, the model and the tags that the manifest names under "
    "clustering_made, with `arien-flows cluster run`",
    "rules": "use the version of the program that made the answer",
    "first_height": "the ledger begins at another block: ingest from the same one",
    "coinjoin_marks": "run `arien-flows cluster run`, or take away what it made",
    "prices": "import the same files with `arien-flows prices import`",
}
_NO_ADVICE = "use what the manifest names"

Answer = TraceAnswer | Comparison | PathAnswer | TaintAnswer


def replay(recorded: Recorded, workspace: Workspace) -> Replayed:
    """Make an answer again as of its own last block, and compare.

    Raises
    ------
    InputError, NotFoundError
        There is no such ledger or archive in the data folder, or the question cannot be asked.
    """
    manifest = recorded.manifest
    if manifest.fetched is not None:
        return _from_archive(recorded, workspace, manifest.fetched)
    opened = workspace.open(manifest.network)

    def question(present: Reading) -> Replayed:
        view = present.view
        if not holds(view, manifest.tip_height, manifest.tip_hash):
            return _elsewhere(recorded, present)
        with ledger_then(opened, workspace.casebook, present, manifest) as reading:
            return _judged(recorded, _again(recorded, reading, workspace.casebook))

    return opened.ask(question)


def _from_archive(recorded: Recorded, workspace: Workspace, origin: Origin) -> Replayed:
    name = recorded.manifest.network
    folder = archive_folder(workspace.settings.data, name)
    if not folder.is_dir():
        raise InputError(
            f"there are no fetched transactions of {name} in {workspace.settings.data}: name the "
            "folder in which the answer was made with --data"
        )
    with Archive(folder) as archive:
        try:
            with fetched_then(
                archive, workspace.casebook, network(name), recorded.manifest, origin
            ) as reading:
                return _judged(recorded, _again(recorded, reading, workspace.casebook))
        except StaleSnapshotError as error:
            return _replayed(recorded, "stale", f"The chain was reorganised: {error}.")


def _again(recorded: Recorded, reading: Reading, casebook: Casebook) -> Answer:
    if isinstance(recorded.request, PathRequestShape):
        return connected(reading, path_request_of(recorded.request))
    if isinstance(recorded.request, TaintRequestShape):
        return tainted(reading, taint_request_of(recorded.request, recorded.sources)).answer
    request = request_of(recorded.request)
    prices = (
        None if request.fiat is None else prices_then(casebook, recorded.manifest, request.fiat)
    )
    if recorded.manifest.kind == "comparison":
        return compared(reading, request, prices)
    return traced(reading, request, prices).answer


def _judged(recorded: Recorded, answer: Answer) -> Replayed:
    then, found = recorded.manifest, answer.manifest
    changed = _changes(then, found)
    now = {field.name: plain(getattr(answer, field.name)) for field in fields(answer)}
    if found.result_sha256 == then.result_sha256:
        detail = "The answer was made again and is the same, byte for byte."
        if then.fetched is not None:
            detail += (
                " It stands on what the server said at the time, as it was kept; the server was "
                "not asked whether its chain still has the block."
            )
        return _replayed(recorded, "same", detail, found=found.result_sha256, changed=changed)
    told = _differences(recorded, now)
    where = f" in {', '.join(told.sections)}" if told.sections else ""
    if not changed:
        detail = (
            f"From the same inputs another answer came out{where}: the file is not of this "
            "program's making, or one of its versions has an error."
        )
        return _replayed(recorded, "different", detail, found=found.result_sha256, told=told)
    names = ", ".join(change.name for change in changed)
    detail = f"Another answer came out{where}, from other inputs: {names}."
    return _replayed(
        recorded, "inputs_changed", detail, found=found.result_sha256, told=told, changed=changed
    )


def _differences(recorded: Recorded, now: Mapping[str, Any]) -> Differing:
    if recorded.answer is None:
        return Differing((), (), 0)
    return differing(hashed_parts(recorded.answer), hashed_parts(now))


def _changes(then: Manifest, now: Manifest) -> tuple[InputChange, ...]:
    """Return the inputs that a manifest names and that were others in the replay."""
    names = [field.name for field in fields(then) if field.name not in _OF_THE_RUN]
    return tuple(
        InputChange(
            name=name,
            then=_text(getattr(then, name)),
            now=_text(getattr(now, name)),
            advice=_ADVICE.get(name, _NO_ADVICE),
        )
        for name in names
        if getattr(then, name) != getattr(now, name)
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _elsewhere(recorded: Recorded, present: Reading) -> Replayed:
    """Say why a ledger that does not hold the answer's last block cannot make it again."""
    manifest, view = recorded.manifest, present.view
    part = parting(view, manifest)
    block = f"block {manifest.tip_height:,} ({manifest.tip_hash})"
    if part.after is not None and part.after == view.tip.height:
        return _replayed(
            recorded,
            "not_here",
            f"The ledger ends at block {view.tip.height:,}, before {block} of the answer: run "
            "`arien-flows ledger ingest` first.",
        )
    if part.after is None:
        where = "the two chains have no block in common that the manifest names"
    elif part.by == part.after + 1:
        where = f"they part at block {part.by:,}"
    else:
        where = f"they part between block {part.after:,} and block {part.by:,}"
    return _replayed(
        recorded,
        "stale",
        f"The answer stands on {block}, which is not in the ledger's chain: {where}. Ask again.",
        parts=(part.after, part.by),
    )


def _replayed(
    recorded: Recorded,
    outcome: Outcome,
    detail: str,
    *,
    found: str | None = None,
    parts: tuple[int | None, int | None] = (None, None),
    changed: tuple[InputChange, ...] = (),
    told: Differing | None = None,
) -> Replayed:
    manifest = recorded.manifest
    told = told or Differing((), (), 0)
    return Replayed(
        outcome=outcome,
        detail=detail,
        kind=manifest.kind,
        network=manifest.network,
        height=manifest.tip_height,
        block_hash=manifest.tip_hash,
        expected_sha256=manifest.result_sha256,
        found_sha256=found,
        parts_after=parts[0],
        parts_by=parts[1],
        changed=changed,
        sections=told.sections,
        differences=told.first,
        more_differences=told.more,
        version_then=manifest.version,
        version_now=version(PROGRAM),
    )
