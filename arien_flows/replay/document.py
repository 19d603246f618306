"""Reading a manifest, or an answer with its manifest inside, and seeing that it is whole.

A file that was changed no longer has the hashes that stand in it, and is refused: nothing that it
says can be relied on, not even what to replay. Who changes a file with care makes its hashes anew;
then only the replay itself tells.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from arien_flows.errors import InputError
from arien_flows.shapes import shaped
from arien_flows.tracing.answer import Manifest, RequestShape
from arien_flows.tracing.manifest import (
    FORMAT,
    RunManifest,
    hash_of_manifest,
    hash_of_result,
)
from arien_flows.tracing.paths_answer import PathRequestShape

KINDS: dict[str, type[RequestShape] | type[PathRequestShape]] = {
    "trace": RequestShape,
    "comparison": RequestShape,
    "path": PathRequestShape,
}
"""What can be made again, and how its question is written."""

ANSWER_FILE = "trace.json"
"""Stands beside a manifest, where `-o` wrote both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is to be made again."""

    request: RequestShape | PathRequestShape
    manifest: Manifest
    answer: dict[str, Any] | None
    """The whole answer as JSON, where it is at hand."""


def read_recorded(path: Path) -> Recorded:
    """Return what a file says; `InputError` where it is no manifest, or was changed."""
    document = _read(path)
    if "made_by" in document:
        made = _run_manifest(document, path)
        beside = path.with_name(ANSWER_FILE)
        return Recorded(
            request=made.request,
            manifest=made.manifest,
            answer=_answer_beside(beside, made.manifest.result_sha256),
        )
    if not isinstance(document.get("manifest"), dict):
        raise InputError(
            f"{path} is neither a manifest nor an answer with one: name manifest.json or "
            "trace.json, as `arien-flows trace -o DIR` writes them, or what `--json` printed"
        )
    kind = _kind_of(document, path)
    manifest = _shaped(Manifest, document["manifest"], path)
    # An answer has no format of its own; its manifest is hashed as in the file of this format.
    hashed = hash_of_manifest({**document, "format": FORMAT})
    if document.get("manifest_sha256") != hashed:
        _refuse_changed(path)
    if hash_of_result(document) != manifest.result_sha256:
        _refuse_changed(path)
    told = document["manifest"].get("fetched")
    if document.get("fetched", told) != told:
        # A comparison tells it twice, and neither hash covers the second.
        _refuse_changed(path)
    request = _shaped(KINDS[kind], document.get("request"), path)
    return Recorded(request=request, manifest=manifest, answer=document)


def _run_manifest(document: dict[str, Any], path: Path) -> RunManifest:
    number = document.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise InputError(
            f"{path} has format {number}, and this program reads up to {FORMAT}: use the version "
            "of arien-flows that wrote it, or a newer one"
        )
    if hash_of_manifest(document) != document["manifest_sha256"]:
        _refuse_changed(path)
    _kind_of(document, path)
    made: RunManifest = _shaped(RunManifest, document, path)
    return made


def _answer_beside(path: Path, result_sha256: str) -> dict[str, Any] | None:
    """Return the answer in a file, if it is there and is the one that is meant."""
    try:
        document = _read(path)
    except (InputError, OSError):
        return None
    return document if hash_of_result(document) == result_sha256 else None


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


def _shaped(kind: Any, value: object, path: Path) -> Any:
    try:
        return shaped(kind, value)
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
