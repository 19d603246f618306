"""Slow, obvious readings of call traces: the oracle of `chains.ethereum.decode.frames`."""

from typing import Any

Moved = tuple[str, str, str, int]
"""Kind, giver, receiver, wei."""

_KINDS = {"CALL": "CALL", "CREATE": "CREATE", "CREATE2": "CREATE", "SELFDESTRUCT": "SELF_DESTRUCT"}


def moved_by_tree(frame: dict[str, Any]) -> list[Moved]:
    """Return what a nested trace moved: nothing where it failed, else its own, then its calls'."""
    if "error" in frame:
        return []
    moved = []
    if frame["type"] in _KINDS and int(frame.get("value", "0x0"), 16) > 0:
        kind = _KINDS[frame["type"]]
        moved.append((kind, frame["from"].lower(), frame["to"].lower(), int(frame["value"], 16)))
    for call in frame.get("calls", []):
        moved += moved_by_tree(call)
    return moved


def moved_by_list(rows: list[dict[str, Any]]) -> list[Moved]:
    """Return what a flat trace moved."""
    failed = [row["traceAddress"] for row in rows if "error" in row]

    def lies_under_a_failure(address: list[int]) -> bool:
        return any(address[: len(root)] == root for root in failed)

    moved = []
    for row in sorted(rows, key=lambda row: row["traceAddress"]):
        if lies_under_a_failure(row["traceAddress"]):
            continue
        action = row["action"]
        if row["type"] == "suicide":
            one = ("SELF_DESTRUCT", action["address"], action["refundAddress"], action["balance"])
        elif row["type"] == "create":
            one = ("CREATE", action["from"], row["result"]["address"], action["value"])
        elif action["callType"] == "call":
            one = ("CALL", action["from"], action["to"], action["value"])
        else:
            continue
        if int(one[3], 16):
            moved.append((one[0], one[1].lower(), one[2].lower(), int(one[3], 16)))
    return moved


def logs_by_tree(frame: dict[str, Any]) -> list[str]:
    """Return who emitted the events that stayed, in order."""
    if "error" in frame:
        return []
    calls, emitters, done = frame.get("calls", []), [], 0
    for log in frame.get("logs", []):
        for call in calls[done : int(log["position"], 16)]:
            emitters += logs_by_tree(call)
        done = int(log["position"], 16)
        emitters.append(log["address"].lower())
    for call in calls[done:]:
        emitters += logs_by_tree(call)
    return emitters
