"""Reading a manifest, or an answer with its manifest inside, and seeing that it is whole.

A file that was changed no longer has the hashes that stand in it, and is refused: nothing that it
says can be relied on, not even what to replay. The same goes for the list of sources that stands
beside a taint of many. Who changes a file with care makes its hashes anew; then only the replay
itself tells.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from arien_flows.account_tracing.answer import AccountRequestShape
from arien_flows.answers.account_exposure import AccountExposureRequestShape
from arien_flows.answers.account_risk import AccountRiskRequestShape
from arien_flows.answers.exposure_shapes import ExposureRequestShape
from arien_flows.answers.risk_shapes import RiskRequestShape
from arien_flows.errors import InputError
from arien_flows.shapes import shaped
from arien_flows.tracing.answer import RequestShape
from arien_flows.tracing.manifest import FORMAT, hash_of_manifest, hash_of_result
from arien_flows.tracing.manifest_answer import Manifest
from arien_flows.tracing.paths_answer import PathRequestShape
from arien_flows.tracing.sweep_answer import TaintRequestShape
from arien_flows.tracing.sweep_request import SOURCES_FILE

Request = (
    RequestShape
    | PathRequestShape
    | TaintRequestShape
    | ExposureRequestShape
    | RiskRequestShape
    | AccountRequestShape
    | AccountExposureRequestShape
    | AccountRiskRequestShape
)

KINDS: dict[str, type[Request]] = {
    "trace": RequestShape,
    "comparison": RequestShape,
    "path": PathRequestShape,
    "taint": TaintRequestShape,
    "exposure": ExposureRequestShape,
    "risk": RiskRequestShape,
    "account_trace": AccountRequestShape,
    "account_comparison": AccountRequestShape,
    "account_exposure": AccountExposureRequestShape,
    "account_risk": AccountRiskRequestShape,
}
"""What can be made again, and how its question is written."""

ANSWER_FILES = {"trace": "trace.json", "taint": "taint.json", "account_trace": "trace.json"}
"""What stands beside a manifest of each kind, where `-o` wrote both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is to be made again."""

    request: Request
    manifest: Manifest
    answer: dict[str, Any] | None
    """The whole answer as JSON, where it is at hand."""

    sources: tuple[str, ...] = ()
    """Of a taint: all of them, as asked, whether the request holds them or a file beside it."""


def read_recorded(path: Path) -> Recorded:
    """Return what a file says; `InputError` where it is no manifest, or was changed."""
    document = _read(path)
    if "made_by" in document:
        _check_run_manifest(document, path)
        recorded = _recorded(document, path, None)
        return replace(recorded, answer=_answer_beside(recorded.manifest, path))
    if not isinstance(document.get("manifest"), dict):
        raise InputError(
            f"{path} is neither a manifest nor an answer with one: name manifest.json, "
            "trace.json or taint.json, as `-o DIR` writes them, or what `--json` printed"
        )
    # An answer has no format of its own; its manifest is hashed as in the file of this format.
    if document.get("manifest_sha256") != hash_of_manifest({**document, "format": FORMAT}):
        _kind_of(document, path)
        _refuse_changed(path)
    told = document["manifest"]
    if hash_of_result(document) != told.get("result_sha256"):
        _refuse_changed(path)
    # A comparison tells it twice, and neither hash covers the second.
    if document.get("fetched", told.get("fetched")) != told.get("fetched"):
        _refuse_changed(path)
    return _recorded(document, path, document)


def _recorded(document: dict[str, Any], path: Path, answer: dict[str, Any] | None) -> Recorded:
    kind = KINDS[_kind_of(document, path)]
    request = _shaped(kind, document.get("request"), path, "request")
    manifest = _shaped(Manifest, document["manifest"], path, "manifest")
    if not isinstance(request, TaintRequestShape):
        return Recorded(request=request, manifest=manifest, answer=answer)
    sources = _sources(request, path)
    return Recorded(request=request, manifest=manifest, answer=answer, sources=sources)


def _sources(request: TaintRequestShape, path: Path) -> tuple[str, ...]:
    """Return all sources of a taint; `InputError` where they are not at hand, or others."""
    if request.source_count == len(request.sources):
        return request.sources
    beside = path.with_name(SOURCES_FILE)
    try:
        content = beside.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} names {request.source_count:,} sources, and {beside}, which lists them, "
            f"cannot be read: put the {SOURCES_FILE} that `arien-flows taint -o DIR` wrote there, "
            "or the sources in their order, one a line"
        ) from error
    if hashlib.sha256(content).hexdigest() != request.sources_sha256:
        raise InputError(
            f"{beside} does not list the sources of {path.name}: it was changed, or belongs to "
            f"another answer; get the copy with the SHA-256 {request.sources_sha256}"
        )
    return tuple(content.decode(errors="replace").split("\n")[:-1])


def _check_run_manifest(document: dict[str, Any], path: Path) -> None:
    number = document.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise InputError(
            f"{path} has format {number}, and this program reads up to {FORMAT}: use the version "
            "of arien-flows that wrote it, or a newer one"
        )
    if hash_of_manifest(document) != document.get("manifest_sha256"):
        _refuse_changed(path)


def _answer_beside(manifest: Manifest, path: Path) -> dict[str, Any] | None:
    """Return the answer beside a manifest, if it is there and is the one that is meant."""
    name = ANSWER_FILES.get(manifest.kind)
    if name is None:
        return None
    try:
        document = _read(path.with_name(name))
    except (InputError, OSError):
        return None
    return document if hash_of_result(document) == manifest.result_sha256 else None


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes(), parse_float=_refuse_float)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder: name the manifest.json in it") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a manifest, or is damaged: it is not JSON") from error
    if not isinstance(document, dict):
        raise InputError(f"{path} is not a manifest: it holds no object")
    return document


def _refuse_float(text: str) -> NoReturn:
    raise ValueError(f"{text} is no whole number, and no answer holds any other")


def _shaped(kind: Any, value: object, path: Path, where: str) -> Any:
    try:
        return shaped(kind, value, where)
    except ValueError as error:
        made = value.get("version") if isinstance(value, dict) else None
        by = f" (version {made})" if isinstance(made, str) else ""
        raise InputError(
            f"{path} cannot be read by this program: {error}; it is damaged, or another version of "
            f"arien-flows wrote it{by}"
        ) from error


def _kind_of(document: dict[str, Any], path: Path) -> str:
    manifest = document.get("manifest")
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if isinstance(kind, str) and kind in KINDS:
        return kind
    what = "of an unnamed kind" if kind is None else f"of a {kind!r}"
    raise InputError(
        f"{path} is the manifest {what}, which this version of the program cannot make again; it "
        f"knows {', '.join(KINDS)}"
    )


def _refuse_changed(path: Path) -> NoReturn:
    raise InputError(
        f"{path} was changed or damaged after it was written: it does not have the hash that "
        "stands in it, so nothing is made again from it; get an unchanged copy"
    )
