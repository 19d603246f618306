from pathlib import Path

import numpy as np
import pytest

from arien_flows.entities.clustering import Clustering, open_clustering, run_clustering
from arien_flows.entities.verify import replay_faults, verify_clustering
from tests.ledgers import Tx, build_view

HISTORY = [
    Tx(name="c1", outputs=[(f"p2pkh:{name}", 100) for name in "abcdef"]),
    Tx(name="t1", inputs=["c1:0", "c1:1"], outputs=[("p2pkh:x", 200)]),
    Tx(name="t2", inputs=["c1:2", "c1:3"], outputs=[("p2pkh:y", 200)]),
]


def stored(folder: Path) -> Clustering:
    run_clustering(build_view(HISTORY), folder)
    return open_clustering(build_view(HISTORY), folder)


def change(path: Path, position: int, value: int) -> None:
    array = np.fromfile(path, dtype=np.uint32)
    array[position] = value
    array.tofile(path)


def test_verify_clustering__finds_nothing_in_a_sound_one(tmp_path: Path) -> None:
    assert verify_clustering(build_view(HISTORY), tmp_path, stored(tmp_path)) == []


@pytest.mark.parametrize("array", ["labels", "log", "entity_member", "totals", "member_row"])
def test_verify_clustering__finds_one_changed_number(tmp_path: Path, array: str) -> None:
    stored(tmp_path)
    change(tmp_path / f"clusterings/strict/{array}.1", 1, 5)
    clustering = open_clustering(build_view(HISTORY), tmp_path)
    faults = verify_clustering(build_view(HISTORY), tmp_path, clustering)
    assert any(f"{array}.1 was changed" in fault for fault in faults)
    assert f"strict: {array} is not what the rules give for this chain" in faults


def test_verify_clustering__finds_changed_marks(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "coinjoin/marks.1").write_bytes(b"\0\0\1\0\0\0")
    clustering = open_clustering(build_view(HISTORY), tmp_path)
    faults = verify_clustering(build_view(HISTORY), tmp_path, clustering)
    assert "coinjoin: marks is not what the rules give for this chain" in faults


def test_verify_clustering__knows_that_another_profile_went_on(tmp_path: Path) -> None:
    clustering = stored(tmp_path)
    mix = Tx(
        name="mix",
        inputs=["c1:4", "c1:5"],
        outputs=[("p2pkh:m", 50), ("p2pkh:n", 50), ("p2pkh:o", 50)],
    )
    later = build_view([*HISTORY, Tx(name="c2", outputs=[("p2pkh:z", 100)]), mix])
    run_clustering(later, tmp_path, "wide")
    reopened = open_clustering(later, tmp_path)
    assert len(reopened.coinjoins.rows) > len(clustering.coinjoins.rows)
    assert verify_clustering(build_view(HISTORY), tmp_path, reopened) == []


def test_replay_faults__a_label_that_the_log_does_not_give(tmp_path: Path) -> None:
    stored(tmp_path)
    change(tmp_path / "clusterings/strict/labels.1", 4, 0)
    clustering = open_clustering(build_view(HISTORY), tmp_path)
    assert replay_faults(clustering) == [
        "1 addresses are not in the entity that the merge log gives"
    ]


def test_replay_faults__a_row_that_joins_what_is_joined(tmp_path: Path) -> None:
    stored(tmp_path)
    # The second row is made to repeat the first: child, parent, transaction, two addresses, rule.
    log = np.fromfile(tmp_path / "clusterings/strict/log.1", dtype=np.uint32).reshape(-1, 6)
    log[1] = log[0]
    log.tofile(tmp_path / "clusterings/strict/log.1")
    clustering = open_clustering(build_view(HISTORY), tmp_path)
    assert replay_faults(clustering) == [
        "row 1 of the merge log does not join the two sets it names"
    ]
