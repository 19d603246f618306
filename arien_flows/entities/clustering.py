"""Clusterings: runs of the rules that join addresses into entities, over a whole ledger.

An entity is a set of addresses that rules say one owner controls; it is named by the one that was
seen first. A run continues from the last one: it keeps what stands on blocks that are still in
the chain, undoes the rest by replaying the merge log up to the fork, and goes on from there. The
result is the same, byte for byte, as that of a run from the first block.

Which rules join is said by a profile (see `profiles`); how they do it, by `joining`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from arien_flows.entities.artefacts import RULE_NUMBERS, write_artefacts
from arien_flows.entities.coinjoin_findings import RULES
from arien_flows.entities.coinjoins import CoinJoins, mark_coinjoins
from arien_flows.entities.constraints import Constraints, read_constraints, write_constraints
from arien_flows.entities.draft import drafting
from arien_flows.entities.joining import joined_forest
from arien_flows.entities.position import (
    clustering_folder,
    grow_headers,
    new_manifest,
    reusable_blocks,
    shared_blocks,
)
from arien_flows.entities.profiles import (
    DEFAULT_PROFILE,
    TAG_RULE,
    Profile,
    Terms,
    exclusion_by,
    profile_named,
    profile_of,
    switched_off,
    terms_of,
)
from arien_flows.entities.rule_names import rule_name
from arien_flows.entities.storage import MANIFEST, DerivedSet, Manifest, Rows, open_set
from arien_flows.errors import NotFoundError, StaleSnapshotError
from arien_flows.ledger.view import View
from chains.types import UInt32Array
from heuristics.coinjoin import CoinJoinMark
from heuristics.cospend import LOG_WIDTH, LogField
from heuristics.entity_totals import TotalField


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityTotals:
    """What an entity has done up to the clustering's last block.

    *Gross* sums over outputs and inputs, change included; *net* sums over whole transactions what
    each one changed for the entity. Either way received minus sent is the balance.
    """

    address_count: int
    transaction_count: int
    received_sat: int
    sent_sat: int
    received_net_sat: int
    sent_net_sat: int
    first_transaction: int
    last_transaction: int

    @property
    def balance_sat(self) -> int:
        """What the entity holds."""
        return self.received_sat - self.sent_sat


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """The result of one run. Numbers are those of the ledger and never leave the process."""

    profile: str
    derived: DerivedSet
    coinjoins: CoinJoins

    @property
    def manifest(self) -> Manifest:
        """Which rules made it, from the chain up to which block."""
        return self.derived.manifest

    @property
    def identity(self) -> str:
        """A short name that two runs share only if they must have the same result."""
        made = self.manifest
        parts = [made.network, self.profile, made.block_hash]
        parts += [f"{name}={made.rules[name]}" for name in sorted(made.rules)]
        parts += [f"{name}={made.parameters[name]}" for name in sorted(made.parameters)]
        return f"{self.profile}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"

    @cached_property
    def labels(self) -> UInt32Array:
        """The root of each address: the first-seen address of its entity."""
        return self.derived.whole("labels")

    @cached_property
    def exclusion(self) -> CoinJoinMark:
        """Marks of transactions whose inputs the run did not join."""
        return exclusion_by(self.manifest.rules)

    @cached_property
    def constraints(self) -> Constraints:
        """The tags that the run heeded."""
        return read_constraints(self.derived)

    @property
    def heeds_tags(self) -> bool:
        """Whether the run heeded tags of owners, or would have, had there been any."""
        return TAG_RULE not in switched_off(self.derived)

    @cached_property
    def tagged_root(self) -> UInt32Array:
        """The root of each address that the constraints speak of."""
        roots: UInt32Array = self.labels[self.constraints.columns.address]
        return roots

    @property
    def for_exploration(self) -> bool:
        """Whether it guesses too much for a report."""
        return profile_named(self.profile).for_exploration

    @property
    def log(self) -> Rows:
        """The merge log, in the order in which merges were made; see `LogField`."""
        return self.derived.arrays["log"]

    def root_of(self, address: int) -> int:
        """Return the first-seen address of an address's entity.

        An address that appeared after the clustering's last block is an entity of its own.
        """
        return int(self.labels[address]) if address < len(self.labels) else address

    def position_of(self, root: int) -> int | None:
        """Return the row of an entity in the artefacts; nothing for one with a single address."""
        roots = self.derived.whole("entity_root")
        # Of the roots' own type: for any other one, NumPy would convert all of them first.
        position = int(np.searchsorted(roots, np.uint32(root)))
        if position == len(roots) or int(roots[position]) != root:
            return None
        return position

    def members(self, root: int) -> UInt32Array:
        """Return the addresses of an entity in order of first appearance, the root first."""
        stretch = self._stretch(root)
        if stretch is None:
            return np.array([root], dtype=np.uint32)
        return self.derived.arrays["entity_member"].slice(*stretch)

    def size(self, root: int) -> int:
        """Return the number of addresses of an entity."""
        stretch = self._stretch(root)
        return 1 if stretch is None else stretch[1] - stretch[0]

    def merge_rows(self, root: int) -> UInt32Array:
        """Return the rows of the merge log that built an entity, in the log's order."""
        stretch = self._stretch(root)
        if stretch is None:
            return np.empty((0, LOG_WIDTH), dtype=np.uint32)
        # The root was never merged into another set, so it has no row; it is the first member.
        rows = self.derived.arrays["member_row"].slice(stretch[0] + 1, stretch[1])
        return self.log.take(np.sort(rows).astype(np.int64))

    def merges_by_rule(self, root: int) -> dict[str, int]:
        """Return how many merges each rule made within an entity; the rules that made it."""
        large = self.derived.whole("large_root")
        place = int(np.searchsorted(large, np.uint32(root)))
        if place < len(large) and int(large[place]) == root:
            counts = self.derived.arrays["large_rules"].slice(place, place + 1)[0]
        else:
            rules = self.merge_rows(root)[:, LogField.RULE]
            counts = np.bincount(rules, minlength=RULE_NUMBERS)
        return {
            rule_name(number): int(counts[number]) for number in np.flatnonzero(counts).tolist()
        }

    def merged_members(self, root: int) -> tuple[UInt32Array, UInt32Array]:
        """Return an entity's addresses, ascending, and the row of the log that merged each away.

        The entity has two addresses at least; nothing is read from the disk before it is used.
        """
        stretch = self._stretch(root)
        if stretch is None:
            raise ValueError(f"address {root} is alone")
        members: UInt32Array = self.derived.arrays["entity_member"].slice(*stretch)
        rows: UInt32Array = self.derived.arrays["member_row"].slice(*stretch)
        return members, rows

    def _stretch(self, root: int) -> tuple[int, int] | None:
        position = self.position_of(root)
        if position is None:
            return None
        first, last = self.derived.arrays["entity_first_member"].slice(position, position + 2)
        return int(first), int(last)

    def totals(self, view: View, root: int) -> EntityTotals:
        """Return what an entity has done. `view` is the one that the clustering was made from."""
        position = self.position_of(root)
        if position is None:
            return _single_totals(view, root)
        row = self.derived.arrays["totals"].slice(position, position + 1)[0].tolist()
        return EntityTotals(
            address_count=self.size(root),
            transaction_count=row[TotalField.TRANSACTIONS],
            received_sat=row[TotalField.RECEIVED_SAT],
            sent_sat=row[TotalField.SENT_SAT],
            received_net_sat=row[TotalField.RECEIVED_NET_SAT],
            sent_net_sat=row[TotalField.SENT_NET_SAT],
            first_transaction=row[TotalField.FIRST_TRANSACTION],
            last_transaction=row[TotalField.LAST_TRANSACTION],
        )


def _single_totals(view: View, address: int) -> EntityTotals:
    """Return the totals of an entity of one address, which the ledger knows itself."""
    totals = view.totals(address)
    history = view.history(address)
    change = history.received_sat - history.sent_sat
    return EntityTotals(
        address_count=1,
        transaction_count=totals.transaction_count,
        received_sat=totals.received_sat,
        sent_sat=totals.sent_sat,
        received_net_sat=int(change[change > 0].sum()),
        sent_net_sat=-int(change[change < 0].sum()),
        first_transaction=totals.first_transaction,
        last_transaction=totals.last_transaction,
    )


def run_clustering(
    view: View,
    derived: Path | None,
    profile: Profile | str = DEFAULT_PROFILE,
    terms: Terms | None = None,
    *,
    aside: bool = False,
) -> Clustering:
    """Bring a clustering up to the view's last block, and return it.

    Parameters
    ----------
    view
        Holds at least one block.
    derived
        The folder of the ledger's derived sets; None computes in memory, from the first block.
    profile
        A profile or its name; InputError for an unknown one.
    terms
        What else the run depends on; a run under other terms starts from the first block.
    aside
        Whether to leave what the folder holds as it is, and keep the result in memory.
    """
    wanted_profile = profile_named(profile) if isinstance(profile, str) else profile
    name, terms = wanted_profile.name, terms or Terms()
    coinjoins = mark_coinjoins(view, derived, aside=aside)
    wanted = new_manifest(
        view,
        kind=f"clustering/{name}",
        rules=wanted_profile.rules(terms),
        parameters=wanted_profile.parameters(terms),
        counts={},
    )
    with drafting(clustering_folder(derived, name), aside=aside) as draft:
        kept = reusable_blocks(draft.base, view, wanted)
        if draft.base is not None and kept == view.counts.blocks == _blocks(draft.base):
            return Clustering(profile=name, derived=draft.base, coinjoins=coinjoins)
        parent = joined_forest(view, draft, coinjoins, kept, wanted_profile, terms)
        grow_headers(draft, view, kept)
        write_constraints(draft, wanted_profile.heeded(terms))
        counts = write_artefacts(view, draft, parent)
        manifest = replace(wanted, counts={**wanted.counts, **counts})
        return Clustering(profile=name, derived=draft.commit(manifest), coinjoins=coinjoins)


def earlier_clustering(stored: Clustering, derived: Path, view: View) -> Clustering:
    """Return a stored clustering as it was at the last block of an earlier view, in memory.

    It is what a run at that block gave, by the same rules and tags: merges that later blocks
    brought are undone by replaying the log.
    """
    terms = terms_of(stored.derived)
    held = terms.constraints.among(view.counts.addresses)
    return run_clustering(
        view,
        derived,
        profile_of(stored.derived),
        replace(terms, constraints=held),
        aside=True,
    )


def _blocks(derived: DerivedSet) -> int:
    return derived.manifest.counts["blocks"]


def open_clustering(view: View, derived: Path, profile: str = DEFAULT_PROFILE) -> Clustering:
    """Return the stored clustering, which may end at an earlier block than the view.

    Raises NotFoundError where none was made by the rules of this program, and StaleSnapshotError
    where it stands on blocks that the view does not hold: removed by a reorganisation, or later
    than the view.
    """
    profile_named(profile)
    folder = derived / "clusterings" / profile
    stored, marks = open_set(folder), open_set(derived / "coinjoin")
    if stored is None or marks is None:
        made = "by this version of the program" if (folder / MANIFEST).exists() else "yet"
        raise NotFoundError(
            f"no clustering {profile!r} of {view.network.name} was made {made}: run "
            f"`{cluster_command(profile)}`"
        )
    others = {**_other_rules(stored, profile_of(stored).known_rules), **_other_rules(marks, RULES)}
    if others:
        raise NotFoundError(
            f"the clustering {profile!r} of {view.network.name} was made by rules of another "
            f"version of the program ({', '.join(sorted(others))}): run "
            f"`{cluster_command(profile)}`"
        )
    for part in (stored, marks):
        if shared_blocks(part, view) < _blocks(part):
            raise StaleSnapshotError(
                f"the clustering {profile!r} goes up to block {part.manifest.height} "
                f"({part.manifest.block_hash}), which this state of the ledger does not hold: "
                f"run `{cluster_command(profile)}`, or ask again"
            )
    return Clustering(profile=profile, derived=stored, coinjoins=CoinJoins(derived=marks))


def _other_rules(part: DerivedSet, known: Mapping[str, int]) -> dict[str, int]:
    """Return the rules of a set that this program does not have in that version."""
    made = part.manifest.rules
    return {name: version for name, version in made.items() if known.get(name) != version}


def cluster_command(profile: str, part: str = "run") -> str:
    """Return what a person types to make a clustering, or to see a part of it."""
    command = f"arien-flows cluster {part}"
    return command if profile == DEFAULT_PROFILE else f"{command} --profile {profile}"
