"""The entry point: `replay` makes an answer again and compares."""

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from typing import Any

from arien_flows.account_entities.profiles import ACCOUNT_PROFILES
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tracing.answer import AccountRequestShape, AccountTraceAnswer
from arien_flows.account_tracing.comparison import AccountComparison
from arien_flows.account_tracing.manifest import COMPARISON
from arien_flows.account_tracing.trace import request_of as account_request_of
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_exposure import (
    AccountExposureRequestShape,
    account_exposure_answer,
    account_exposure_requests_of,
)
from arien_flows.answers.account_risk import AccountRiskRequestShape, account_risk_again
from arien_flows.answers.account_trace import compared_accounts, traced_accounts
from arien_flows.answers.exposure import exposure_answer, exposure_requests_of
from arien_flows.answers.exposure_shapes import ExposureAnswer, ExposureRequestShape
from arien_flows.answers.paths import connected, path_request_of
from arien_flows.answers.risk import risk_again
from arien_flows.answers.risk_shapes import RiskAnswer, RiskRequestShape
from arien_flows.answers.taint import taint_request_of, tainted
from arien_flows.answers.trace import compared, traced
from arien_flows.casebook.book import Casebook
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.errors import InputError, StaleSnapshotError
from arien_flows.exposure.accounts import AccountExposureRequest
from arien_flows.exposure.request import ExposureRequest
from arien_flows.fetched.archive import Archive, archive_folder
from arien_flows.fetched.completeness import Origin
from arien_flows.ledger.view import View
from arien_flows.replay.answer import InputChange, Outcome, Replayed
from arien_flows.replay.chain import Parting, holds, lowest_height, parting
from arien_flows.replay.differences import Differing, differing
from arien_flows.replay.document import Recorded
from arien_flows.replay.restoring import (
    account_prices_then,
    accounts_then,
    fetched_then,
    ledger_then,
    prices_then,
)
from arien_flows.risk.flags import CURRENCY
from arien_flows.shapes import json_text, plain
from arien_flows.tracing.answer import TraceAnswer
from arien_flows.tracing.comparison import Comparison
from arien_flows.tracing.manifest import PROGRAM, hashed_parts, request_of
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.paths_answer import PathAnswer, PathRequestShape
from arien_flows.tracing.paths_request import PathRequest
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.sweep_answer import TaintAnswer, TaintRequestShape
from arien_flows.tracing.sweep_request import SweepRequest
from arien_flows.workspace import Reading, Workspace
from chains.bitcoin.networks import network
from chains.networks import is_account_network

_ASKED = frozenset(
    {"kind", "program", "version", "network", "tip_height", "tip_hash", "result_sha256"}
)
"""Fields of a manifest that say what to make again, and by what it is judged."""

_OF_THE_RUN = frozenset(
    {"blocks", "clustering_made", "transactions_explored", "transactions_followed", "fetched"}
)
"""Fields that tell of the run, and have to hold of the replay too where its inputs are the same."""

_NOT_REPEATED = frozenset({"timed_out"})
"""Fields that the replay cannot have: by its budget it ends where the time ran out."""

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
_OF_THE_RUN_ADVICE = "this is no input: do not rely on what the file says of it"

Answer = (
    TraceAnswer
    | Comparison
    | PathAnswer
    | TaintAnswer
    | ExposureAnswer
    | RiskAnswer
    | AccountTraceAnswer
    | AccountComparison
)


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
    if is_account_network(manifest.network):
        return _on_accounts(recorded, workspace)
    opened = workspace.open(manifest.network)

    def question(present: Reading) -> Replayed:
        view = present.view
        if not holds(view, manifest.tip_height, manifest.tip_hash):
            return _elsewhere(recorded, view)
        with ledger_then(opened, workspace.casebook, present, manifest) as reading:
            return _judged(recorded, _again(recorded, reading, workspace.casebook))

    return opened.ask(question)


def _on_accounts(recorded: Recorded, workspace: Workspace) -> Replayed:
    manifest, casebook = recorded.manifest, workspace.casebook

    def question(present: AccountReading) -> Replayed:
        if not holds(present.view, manifest.tip_height, manifest.tip_hash):
            return _elsewhere(recorded, present.view)
        with accounts_then(casebook, present, manifest) as reading:
            return _judged(recorded, _again_on_accounts(recorded, reading, casebook))

    made = manifest.clustering_made
    profile = made.profile if made is not None else ""
    return workspace.open_accounts(manifest.network).ask(
        question, profile if profile in ACCOUNT_PROFILES else DEFAULT_PROFILE
    )


def _again_on_accounts(recorded: Recorded, reading: AccountReading, casebook: Casebook) -> Answer:
    shape = recorded.request
    if isinstance(shape, AccountRiskRequestShape):
        return account_risk_again(reading, shape)
    if isinstance(shape, AccountExposureRequestShape):
        return account_exposure_answer(reading, _account_exposure_question(shape))
    if not isinstance(shape, AccountRequestShape):
        raise InputError(f"a {recorded.manifest.kind} is no question about a network of accounts")
    try:
        request = account_request_of(shape)
    except ValueError as error:
        raise InputError(f"the question in the file cannot be asked again: {error}") from error
    prices = None
    if request.fiat is not None:
        prices = account_prices_then(casebook, recorded.manifest, request.fiat)
    if recorded.manifest.kind == COMPARISON:
        return compared_accounts(reading, request, prices)
    return traced_accounts(reading, request, prices).answer


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
    if isinstance(recorded.request, ExposureRequestShape):
        return exposure_answer(reading, _exposure_question(recorded.request))
    if isinstance(recorded.request, RiskRequestShape):
        known = prices_then(casebook, recorded.manifest, CURRENCY)
        return risk_again(reading, recorded.request, known)
    request = _question(recorded)
    if isinstance(request, PathRequest):
        return connected(reading, request)
    if isinstance(request, SweepRequest):
        return tainted(reading, request).answer
    prices = (
        None if request.fiat is None else prices_then(casebook, recorded.manifest, request.fiat)
    )
    if recorded.manifest.kind == "comparison":
        return compared(reading, request, prices)
    return traced(reading, request, prices).answer


def _exposure_question(shape: ExposureRequestShape) -> list[ExposureRequest]:
    try:
        return exposure_requests_of(shape)
    except ValueError as error:
        raise InputError(f"the question in the file cannot be asked again: {error}") from error


def _account_exposure_question(shape: AccountExposureRequestShape) -> list[AccountExposureRequest]:
    try:
        return account_exposure_requests_of(shape)
    except ValueError as error:
        raise InputError(f"the question in the file cannot be asked again: {error}") from error


def _question(recorded: Recorded) -> TraceRequest | PathRequest | SweepRequest:
    """Return what was asked; `InputError` where the file tells of it as no program would."""
    shape = recorded.request
    try:
        if isinstance(shape, PathRequestShape):
            return path_request_of(shape)
        if isinstance(shape, TaintRequestShape):
            return taint_request_of(shape, recorded.sources)
        if isinstance(shape, ExposureRequestShape | RiskRequestShape):
            raise TypeError("exposure and risk are asked in each direction")
        return request_of(shape)
    except ValueError as error:
        raise InputError(f"the question in the file cannot be asked again: {error}") from error


def _judged(recorded: Recorded, answer: Answer) -> Replayed:
    then, found = recorded.manifest, answer.manifest
    changed = _changes(then, found)
    # What a run tells of itself follows from its inputs and the program: with others it may differ.
    beside = () if changed or _is_of_another_version(then) else _contradictions(then, found)
    if found.result_sha256 == then.result_sha256:
        outcome, detail = _same(then, changed, beside)
        return _replayed(
            recorded, outcome, detail, found=found.result_sha256, changed=(*changed, *beside)
        )
    now = {field.name: plain(getattr(answer, field.name)) for field in fields(answer)}
    told = _differences(recorded, now)
    where = f" in {', '.join(told.sections)}" if told.sections else ""
    return _replayed(
        recorded,
        "inputs_changed" if changed else "different",
        f"{_why_different(then, changed, where)}.",
        found=found.result_sha256,
        told=told,
        changed=(*changed, *beside),
    )


def _same(
    then: Manifest, changed: tuple[InputChange, ...], beside: tuple[InputChange, ...]
) -> tuple[Outcome, str]:
    """Return the outcome where the result hashes are equal, and the sentence."""
    detail = "The answer was made again, and its result hash is the same."
    if beside:
        return "different", (
            f"{detail} But the manifest tells of another run ({_names(beside)}): it is not as this "
            "version of the program wrote it."
        )
    if changed:
        detail = f"{detail[:-1]}, though something that it stood on is another: {_names(changed)}."
    if then.fetched is not None:
        detail += (
            " It stands on what the server said at the time, as it was kept; the server was "
            "not asked whether its chain still has the block."
        )
    return "same", detail


def _why_different(then: Manifest, changed: tuple[InputChange, ...], where: str) -> str:
    if changed:
        return f"Another answer came out{where}, from other inputs: {_names(changed)}"
    if _is_of_another_version(then):
        return (
            f"From the same inputs another answer came out{where}: the file names version "
            f"{then.version} of the program, and version {version(PROGRAM)} made this one. The "
            "changelog tells which answers change; to make that one again, use that version"
        )
    return (
        f"From the same inputs another answer came out{where}: the file is not as this version of "
        "the program wrote it, or the program has an error"
    )


def _is_of_another_version(then: Manifest) -> bool:
    return (then.program, then.version) != (PROGRAM, version(PROGRAM))


def _names(changes: tuple[InputChange, ...]) -> str:
    return ", ".join(change.name for change in changes)


def _differences(recorded: Recorded, now: Mapping[str, Any]) -> Differing:
    if recorded.answer is None:
        return Differing((), (), 0)
    return differing(hashed_parts(recorded.answer), hashed_parts(now))


def _changes(then: Manifest, now: Manifest) -> tuple[InputChange, ...]:
    """Return the inputs that a manifest names and that were others in the replay."""
    others = _ASKED | _OF_THE_RUN | _NOT_REPEATED
    return tuple(
        InputChange(
            name=field.name,
            then=_text(getattr(then, field.name)),
            now=_text(getattr(now, field.name)),
            advice=_ADVICE.get(field.name, _NO_ADVICE),
        )
        for field in fields(then)
        if field.name not in others and getattr(then, field.name) != getattr(now, field.name)
    )


def _contradictions(then: Manifest, now: Manifest) -> tuple[InputChange, ...]:
    """Return what a manifest says of its run and what does not hold of the same run made again."""
    pairs: list[tuple[str, object, object]] = [
        (name, getattr(then, name), getattr(now, name))
        for name in sorted(_OF_THE_RUN - {"fetched"})
    ]
    if then.fetched is not None and now.fetched is not None:
        # How often the server was asked is of the day, and what was fetched since may prove more.
        pairs += [
            (f"fetched.{name}", getattr(then.fetched, name), getattr(now.fetched, name))
            for name in ("source", "transactions")
        ]
    return tuple(
        InputChange(name=name, then=_text(was), now=_text(found), advice=_OF_THE_RUN_ADVICE)
        for name, was, found in pairs
        if was != found
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _elsewhere(recorded: Recorded, view: View | AccountView) -> Replayed:
    """Say why a ledger that does not hold the answer's last block cannot make it again."""
    manifest = recorded.manifest
    part = parting(view, manifest)
    block = f"block {manifest.tip_height:,} ({manifest.tip_hash})"
    if part.by is None:
        return _replayed(recorded, "not_here", _not_here(view, block, part))
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


def _not_here(view: View | AccountView, block: str, part: Parting) -> str:
    """Say where a ledger ends that contradicts nothing that the manifest names."""
    first, last = lowest_height(view), view.tip.height
    if part.after is None:
        return (
            f"The ledger holds blocks {first:,} to {last:,}, none of them named in the manifest, "
            f"and not {block} of the answer: fill one that does with `arien-flows ledger ingest`."
        )
    only = "" if part.after == last else ", as far as the manifest can tell"
    return (
        f"The ledger ends at block {last:,}, before {block} of the answer, and is only "
        f"behind{only}: run `arien-flows ledger ingest` first."
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
