import json
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.entities.clustering import (
    Clustering,
    earlier_clustering,
    open_clustering,
    run_clustering,
)
from arien_flows.entities.coinjoins import mark_coinjoins
from arien_flows.entities.constraints import Constraints, constraints_of
from arien_flows.entities.profiles import Terms
from arien_flows.entities.storage import DerivedSet
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError
from arien_flows.ledger.as_of import view_as_of
from arien_flows.ledger.view import View
from heuristics.coinjoin import STRICT_EXCLUSION, CoinJoinMark
from heuristics.cospend import LogField, MergeRule
from tests.arien_flows.entities.random_chains import grow, random_chain, view_at
from tests.ledgers import Tx, build_view, text_of_name
from tests.reference import clusters
from tests.reference.clusters import Payment, Spend

BLOCKS = 12
seeds = st.integers(0, 2**32)


def bytes_of(derived: DerivedSet) -> dict[str, bytes]:
    return {name: rows.whole().tobytes() for name, rows in derived.arrays.items()}


def assert_same(clustering: Clustering, expected: Clustering) -> None:
    assert bytes_of(clustering.derived) == bytes_of(expected.derived)
    assert bytes_of(clustering.coinjoins.derived) == bytes_of(expected.coinjoins.derived)
    assert clustering.manifest.counts == expected.manifest.counts
    assert clustering.identity == expected.identity


def spends_of(view: View, exclusion: CoinJoinMark = STRICT_EXCLUSION) -> list[Spend]:
    """Read the ledger as the co-spend rule should, without its kernels."""
    coinjoins = mark_coinjoins(view, None)
    spends = []
    for transaction in range(view.counts.transactions):
        inputs = slice(*view.first_input[transaction : transaction + 2].tolist())
        links = np.flatnonzero(view.link_transaction == transaction)
        spends.append(
            Spend(
                inputs=view.input_address[inputs].tolist() or [0],
                excluded=bool(
                    coinjoins.mark(transaction) & exclusion or (view.sighash[inputs] & 0x80).any()
                ),
                links=[
                    (int(view.link_address[i]), int(view.link_earlier[i]), int(view.link_rule[i]))
                    for i in links
                ],
            )
        )
    return spends


def payments_of(view: View) -> list[Payment]:
    payments = []
    for transaction in range(view.counts.transactions):
        inputs = slice(*view.first_input[transaction : transaction + 2].tolist())
        outputs = slice(*view.first_output[transaction : transaction + 2].tolist())
        payments.append(
            Payment(
                inputs=list(
                    zip(
                        view.input_address[inputs].tolist(),
                        view.input_value[inputs].tolist(),
                        strict=True,
                    )
                ),
                outputs=list(
                    zip(
                        view.output_address[outputs].tolist(),
                        view.output_value[outputs].tolist(),
                        strict=True,
                    )
                ),
            )
        )
    return payments


@pytest.mark.slow
@given(seeds)
@settings(max_examples=25)
def test_run_clustering__agrees_with_reference(seed: int) -> None:
    view = view_at(random_chain(seed, BLOCKS))
    clustering = run_clustering(view, None)
    spends = spends_of(view)
    assert clustering.log.whole().tolist() == clusters.merge_log(view.counts.addresses, spends)
    labels = clusters.labels(view.counts.addresses, spends)
    assert clustering.labels.tolist() == labels
    totals = clusters.entity_totals(labels, payments_of(view))
    for root in set(labels):
        members = [address for address, label in enumerate(labels) if label == root]
        assert clustering.members(root).tolist() == members
        found = clustering.totals(view, root)
        assert [
            found.transaction_count,
            found.received_sat,
            found.sent_sat,
            found.received_net_sat,
            found.sent_net_sat,
            found.first_transaction,
            found.last_transaction,
        ] == totals[root]
        assert (found.address_count, found.balance_sat) == (
            len(members),
            totals[root][1] - totals[root][2],
        )


@pytest.mark.slow
@given(seeds, st.lists(st.integers(1, BLOCKS), max_size=5))
@settings(max_examples=25)
def test_run_clustering__in_steps_gives_the_bytes_of_one_run(seed: int, cuts: list[int]) -> None:
    chain = random_chain(seed, BLOCKS)
    whole = run_clustering(view_at(chain), None)
    with TemporaryDirectory() as folder:
        for cut in [*sorted(cuts), BLOCKS]:
            stepped = run_clustering(view_at(chain, cut), Path(folder))
        assert_same(stepped, whole)
        assert_same(open_clustering(view_at(chain), Path(folder)), whole)


@pytest.mark.slow
@given(seeds, st.integers(0, BLOCKS), st.integers(1, 4), st.integers(1, BLOCKS))
@settings(max_examples=25)
def test_run_clustering__after_a_reorganisation_gives_the_bytes_of_one_run(
    seed: int, fork: int, longer: int, first_run: int
) -> None:
    stale = random_chain(seed, BLOCKS)
    shared = random_chain(seed, fork)
    random = Random(seed + 1)
    current = grow(shared.copy(), random, BLOCKS - fork + longer, salt=1)
    assert stale.blocks[:fork] == current.blocks[:fork]
    expected = run_clustering(view_at(current), None)
    with TemporaryDirectory() as folder:
        run_clustering(view_at(stale, first_run), Path(folder))
        run_clustering(view_at(stale), Path(folder))
        assert_same(run_clustering(view_at(current), Path(folder)), expected)


def test_run_clustering__rolled_back_to_fewer_blocks_gives_the_bytes_of_one_run(
    tmp_path: Path,
) -> None:
    chain = random_chain(3, BLOCKS)
    run_clustering(view_at(chain), tmp_path)
    assert_same(
        run_clustering(view_at(chain, 5), tmp_path), run_clustering(view_at(chain, 5), None)
    )


HISTORY = [
    Tx(name="c1", outputs=[("p2pkh:a", 100), ("p2pkh:b", 100), ("p2pkh:c", 100), ("p2pkh:d", 100)]),
    Tx(name="t1", inputs=["c1:0", "c1:1"], outputs=[("p2pkh:x", 200)]),
    Tx(name="t2", inputs=["c1:2", "c1:3"], outputs=[("p2wpkh:a", 200)], sighash=0x81),
    Tx(name="c2", outputs=[(f"p2pkh:{name}", 9_999) for name in "efg"]),
    Tx(
        name="mix",
        inputs=["c2:0", "c2:1", "c2:2"],
        outputs=[(f"o{i}", 5_000 if i < 3 else 4_000 + i) for i in range(6)],
    ),
]


def entity_names(view: View, clustering: Clustering, names: list[str]) -> list[int]:
    return [clustering.root_of(view.find_address(text_of_name(name))) for name in names]


def test_run_clustering__joins_cospent_and_same_key_addresses_and_nothing_else() -> None:
    view = build_view(HISTORY)
    clustering = run_clustering(view, None)
    a, b, other_form = entity_names(view, clustering, ["p2pkh:a", "p2pkh:b", "p2wpkh:a"])
    assert a == b == other_form == view.find_address(text_of_name("p2pkh:a"))
    rest = ["p2pkh:c", "p2pkh:d", "p2pkh:e", "p2pkh:f", "p2pkh:g", "p2pkh:x"]
    roots = entity_names(view, clustering, rest)
    assert len(set(roots)) == len(rest)
    assert clustering.log.whole()[:, LogField.RULE].tolist() == [
        MergeRule.COSPEND,
        MergeRule.SAME_KEY,
    ]
    assert clustering.manifest.counts["entities"] == view.counts.addresses - 2
    assert clustering.size(a) == 3
    assert clustering.members(roots[0]).tolist() == [roots[0]]
    assert len(clustering.merge_rows(roots[0])) == 0
    assert clustering.merge_rows(a).tolist() == clustering.log.whole().tolist()


def test_root_of__an_address_past_the_clustering_is_alone() -> None:
    clustering = run_clustering(build_view(HISTORY), None)
    assert clustering.root_of(10_000) == 10_000
    assert clustering.members(10_000).tolist() == [10_000]


def test_run_clustering__an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="strict"):
        run_clustering(build_view(HISTORY), None, "loose")


def test_run_clustering__a_current_clustering_is_not_written_again(tmp_path: Path) -> None:
    view = build_view(HISTORY)
    run_clustering(view, tmp_path)
    again = run_clustering(view, tmp_path)
    assert again.manifest.generation == 1
    assert again.coinjoins.derived.manifest.generation == 1


def test_run_clustering__other_rules_start_from_the_first_block(tmp_path: Path) -> None:
    view = build_view(HISTORY)
    expected = run_clustering(view, tmp_path)
    path = tmp_path / "clusterings/strict/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["rules"]["cospend"] = 0
    path.write_text(json.dumps(manifest))
    # A log of other rules must not be continued: this one is emptied to show that it is not.
    assert_same(run_clustering(view, tmp_path), expected)
    assert json.loads(path.read_text())["generation"] == 2


def change_manifest(folder: Path, **changed: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def test_open_clustering__says_what_to_do_where_none_was_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="`arien-flows cluster run`"):
        open_clustering(build_view(HISTORY), tmp_path)


def test_open_clustering__says_what_to_do_with_one_of_an_earlier_format(tmp_path: Path) -> None:
    run_clustering(build_view(HISTORY), tmp_path)
    change_manifest(tmp_path / "clusterings/strict", format=1)
    with pytest.raises(NotFoundError, match="by this version of the program: run"):
        open_clustering(build_view(HISTORY), tmp_path)


@pytest.mark.parametrize(
    ("folder", "rule"),
    [
        ("clusterings/strict", "cospend"),
        ("clusterings/strict", "coinjoin_equal_outputs"),
        ("coinjoin", "coinjoin_equal_outputs"),
    ],
)
def test_open_clustering__refuses_what_rules_of_other_versions_made(
    tmp_path: Path, folder: str, rule: str
) -> None:
    view = build_view(HISTORY)
    run_clustering(view, tmp_path)
    made = json.loads((tmp_path / folder / "manifest.json").read_text())["rules"]
    assert rule in made
    change_manifest(tmp_path / folder, rules=made | {rule: 99})
    with pytest.raises(NotFoundError, match=rf"\({rule}\): run `arien-flows cluster run`"):
        open_clustering(view, tmp_path)
    run_clustering(view, tmp_path)
    assert open_clustering(view, tmp_path).manifest.rules[rule] != 99


def test_open_clustering__refuses_one_whose_marks_another_profile_made_anew(
    tmp_path: Path,
) -> None:
    view = build_view(HISTORY)
    run_clustering(view, tmp_path)
    for folder in ("clusterings/strict", "coinjoin"):
        rules = json.loads((tmp_path / folder / "manifest.json").read_text())["rules"]
        older = {name: 0 if name.startswith("coinjoin") else rules[name] for name in rules}
        change_manifest(tmp_path / folder, rules=older)
    run_clustering(view, tmp_path, "wide")
    assert open_clustering(view, tmp_path, "wide").profile == "wide"
    with pytest.raises(NotFoundError, match="made by rules of another version"):
        open_clustering(view, tmp_path)


def test_open_clustering__may_end_at_an_earlier_block(tmp_path: Path) -> None:
    run_clustering(build_view(HISTORY[:3]), tmp_path)
    view = build_view(HISTORY)
    clustering = open_clustering(view, tmp_path)
    assert clustering.manifest.height == 0
    assert len(clustering.labels) < view.counts.addresses


def test_open_clustering__refuses_blocks_that_the_view_does_not_hold(tmp_path: Path) -> None:
    run_clustering(build_view(HISTORY), tmp_path)
    other = [Tx(name="c1", outputs=[("p2pkh:z", 1)]), *HISTORY[3:4]]
    with pytest.raises(StaleSnapshotError, match="`arien-flows cluster run`"):
        open_clustering(build_view(other), tmp_path)
    with pytest.raises(StaleSnapshotError, match="up to block 1"):
        open_clustering(build_view(HISTORY[:3]), tmp_path)


def owners_at(view: View) -> Constraints:
    """Return what tags of every third address say, as far as a view holds it."""
    address = np.arange(0, view.counts.addresses, 3)
    name = address % 2
    sure = np.full(len(address), 90)
    return constraints_of("tags", ("one", "two"), address, name, sure, name > 0)


@pytest.mark.parametrize("profile", ["strict", "wide"])
@pytest.mark.parametrize("tagged", [False, True])
def test_earlier_clustering__is_the_run_at_that_block(tmp_path: Path, profile: str, tagged: bool):
    chain = random_chain(11, BLOCKS)
    view = view_at(chain)

    def terms(at: View) -> Terms:
        return Terms(decision_lag=2, constraints=owners_at(at)) if tagged else Terms(decision_lag=2)

    run_clustering(view, tmp_path, profile, terms(view))
    before = sorted(tmp_path.rglob("*"))
    stored = open_clustering(view, tmp_path, profile)
    for height in (0, 4, BLOCKS - 2):
        at = view_at(chain, height + 1)
        found = earlier_clustering(stored, tmp_path, view_as_of(view, height))
        assert_same(found, run_clustering(at, None, profile, terms(at)))
    assert sorted(tmp_path.rglob("*")) == before
