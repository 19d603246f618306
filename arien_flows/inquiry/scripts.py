"""Output scripts as sources know them, and the addresses of a view that they are."""

from collections.abc import Iterable

import numpy as np

from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import ScriptType


def numbers_of(view: View, scripts: Iterable[bytes]) -> list[int]:
    """Return the address numbers of those scripts that a view holds."""
    found = (view.find_lock(*read_script(script)) for script in scripts)
    return [number for number in found if number is not None]


def read_script(script: bytes) -> tuple[ScriptType, bytes]:
    """Return the type and payload of a script."""
    raw = np.frombuffer(script, dtype=np.uint8)
    kind, start, length = classify_scripts(
        raw, np.zeros(1, dtype=np.int64), np.array([len(raw)], dtype=np.int64)
    )
    return ScriptType(int(kind[0])), raw[start[0] : start[0] + length[0]].tobytes()
