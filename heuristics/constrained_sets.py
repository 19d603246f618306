"""Disjoint sets of which some must stay apart.

Two things keep sets apart. A set may carry an *owner*, named by a tag, and two sets with different
owners are not joined. And two sets may have been *separated* by a decision that an address of one
is not the change of the other. Sizes are kept as well, up to a limit, for those who want to be
warned before two large sets become one.

Few sets are concerned, so nothing is kept for the others. A set that is gets a dense *group*
number, found by its root in a hash table. Which groups are separated is a second hash table over
pairs of groups, so that a question costs one look-up however many sets each is separated from:
two exchanges that pay each other every day are asked about every day. Each group lists its
partners as well. When two groups become one, the pairs of the group with the shorter list are
written anew with the other's number, as in weighted union: a pair is rewritten at most about
log2(pairs) times. What pointed to the number that went is resolved through a small forest.

All tables have room before a kernel runs (`ConstrainedSets.reserve`), so that no kernel has to
grow one. Rows are taken out of the hash tables by closing the gap, so they never fill up with
remains.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heuristics.columns import (
    NO_ADDRESS,
    Int32Array,
    Int64Array,
    Scalar,
    UInt16Array,
    UInt32Array,
    read_only,
)
from heuristics.jit import kernel, kernel_part
from heuristics.union_find import find

UInt64Array = NDArray[np.uint64]

GROWTH_LIMIT = 10_000
"""A change rule does not by itself join two sets that both have more addresses than this."""

NO_OWNER = NO_ADDRESS
"""Stands for the owner of a set that no tag names."""

_NONE = -1
_NO_PAIR = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_FACTOR = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF = np.uint64(32)
_LEAST_SLOTS = 16
_GROUPS, _ROOTS, _NODES, _PAIRS = 0, 1, 2, 3


class OwnerColumns(NamedTuple):
    """What tags say about addresses; ascending by address, each once."""

    address: UInt32Array
    owner: UInt32Array
    """Number of the owner, or `NO_OWNER`."""

    service: UInt32Array
    """Number of the service whose money is mixed there, or `NO_OWNER`."""


class Sets(NamedTuple):
    """The arrays behind `ConstrainedSets`, as kernels take them; all are changed in place."""

    parent: UInt32Array
    """The forest; see `heuristics.union_find`."""

    size: UInt16Array
    """Of each root, at most `GROWTH_LIMIT + 1`; empty where nobody asks."""

    root: UInt32Array
    """Hash table: the root of a set that has a group, or `NO_ADDRESS`."""

    root_group: UInt32Array
    """Group of each root in the table."""

    group_parent: UInt32Array
    """A forest over groups: which number each goes by now."""

    group_head: Int32Array
    """First node of each group's list of partners, or -1."""

    group_nodes: Int32Array
    """Length of that list."""

    group_owner: UInt32Array
    group_service: UInt32Array
    node_partner: UInt32Array
    node_next: Int32Array
    pair: UInt64Array
    """Hash table: pairs of separated groups, the smaller number first."""

    used: Int64Array
    """Groups given out, roots in their table, nodes given out, pairs in their table."""


@kernel_part
def _home(key: np.uint64, slots: int) -> int:
    """Return where a hash table of that many slots (a power of two) keeps a key."""
    mixed = key * _FACTOR
    mixed ^= mixed >> _HALF
    return int(np.int64(mixed & np.uint64(slots - 1)))


@kernel_part
def _root_slot(sets: Sets, root: np.uint32) -> int:
    """Return the slot of a root, or the empty one where it belongs."""
    slots = len(sets.root)
    slot = _home(np.uint64(root), slots)
    while sets.root[slot] != root and sets.root[slot] != NO_ADDRESS:
        slot = (slot + 1) & (slots - 1)
    return slot


@kernel_part
def group_of(sets: Sets, root: np.uint32) -> int:
    """Return the group of a set, or -1 where it has none."""
    slot = _root_slot(sets, root)
    if sets.root[slot] == NO_ADDRESS:
        return _NONE
    return int(sets.root_group[slot])


@kernel_part
def _group_made(sets: Sets, root: np.uint32) -> int:
    """Return the group of a set, which gets one if it has none."""
    slot = _root_slot(sets, root)
    if sets.root[slot] == NO_ADDRESS:
        group = sets.used[_GROUPS]
        sets.used[_GROUPS] += 1
        sets.used[_ROOTS] += 1
        sets.group_parent[group] = group
        sets.group_head[group] = _NONE
        sets.group_nodes[group] = 0
        sets.group_owner[group] = NO_OWNER
        sets.group_service[group] = NO_OWNER
        sets.root[slot] = root
        sets.root_group[slot] = group
    return int(sets.root_group[slot])


@kernel
def _drop_root(sets: Sets, gap: int) -> None:
    """Take the root in a slot out of its table."""
    mask = len(sets.root) - 1
    slot = gap
    while True:
        slot = (slot + 1) & mask
        root = sets.root[slot]
        if root == NO_ADDRESS:
            break
        home = _home(np.uint64(root), len(sets.root))
        if ((slot - home) & mask) >= ((slot - gap) & mask):
            sets.root[gap] = root
            sets.root_group[gap] = sets.root_group[slot]
            gap = slot
    sets.root[gap] = NO_ADDRESS
    sets.used[_ROOTS] -= 1


@kernel_part
def _pair_of(a: int, b: int) -> np.uint64:
    """Return two groups as one key."""
    low, high = np.uint64(min(a, b)), np.uint64(max(a, b))
    return (low << _HALF) | high


@kernel_part
def _pair_slot(sets: Sets, pair: np.uint64) -> int:
    """Return the slot of a pair, or the empty one where it belongs."""
    slots = len(sets.pair)
    slot = _home(pair, slots)
    while sets.pair[slot] != pair and sets.pair[slot] != _NO_PAIR:
        slot = (slot + 1) & (slots - 1)
    return slot


@kernel_part
def _has_pair(sets: Sets, a: int, b: int) -> bool:
    return bool(sets.pair[_pair_slot(sets, _pair_of(a, b))] != _NO_PAIR)


@kernel_part
def _add_pair(sets: Sets, a: int, b: int) -> bool:
    """Put a pair into its table; return whether it was not there before."""
    pair = _pair_of(a, b)
    slot = _pair_slot(sets, pair)
    if sets.pair[slot] == pair:
        return False
    sets.pair[slot] = pair
    sets.used[_PAIRS] += 1
    return True


@kernel
def _drop_pair(sets: Sets, a: int, b: int) -> bool:
    """Take a pair out of its table; return whether it was there."""
    mask = len(sets.pair) - 1
    gap = _pair_slot(sets, _pair_of(a, b))
    if sets.pair[gap] == _NO_PAIR:
        return False
    slot = gap
    while True:
        slot = (slot + 1) & mask
        pair = sets.pair[slot]
        if pair == _NO_PAIR:
            break
        home = _home(pair, len(sets.pair))
        if ((slot - home) & mask) >= ((slot - gap) & mask):
            sets.pair[gap] = pair
            gap = slot
    sets.pair[gap] = _NO_PAIR
    sets.used[_PAIRS] -= 1
    return True


@kernel_part
def _list_partner(sets: Sets, node: int, group: int, partner: int) -> None:
    """Put a node at the head of a group's list."""
    sets.node_partner[node] = partner
    sets.node_next[node] = sets.group_head[group]
    sets.group_head[group] = node
    sets.group_nodes[group] += 1


@kernel_part
def separate(sets: Sets, root_a: np.uint32, root_b: np.uint32) -> bool:
    """Keep two different sets apart from now on; return whether they were not already."""
    a, b = _group_made(sets, root_a), _group_made(sets, root_b)
    if not _add_pair(sets, a, b):
        return False
    node = sets.used[_NODES]
    sets.used[_NODES] += 2
    _list_partner(sets, node, a, b)
    _list_partner(sets, node + 1, b, a)
    return True


@kernel
def _merge_groups(sets: Sets, a: int, b: int) -> int:
    """Make two groups one, under one of their numbers; return it.

    Pairs of the two groups with each other are dropped: what they said is overruled.
    """
    kept, gone = (a, b) if sets.group_nodes[a] >= sets.group_nodes[b] else (b, a)
    node = sets.group_head[gone]
    while node != _NONE:
        following = sets.node_next[node]
        partner = int(find(sets.group_parent, sets.node_partner[node]))
        # A partner that is listed twice, since two of its own became one, has one pair only.
        listed = _drop_pair(sets, gone, partner)
        if listed and partner != kept and _add_pair(sets, kept, partner):
            _list_partner(sets, node, kept, partner)
        node = following
    sets.group_parent[gone] = kept
    sets.group_owner[kept] = min(sets.group_owner[kept], sets.group_owner[gone])
    sets.group_service[kept] = min(sets.group_service[kept], sets.group_service[gone])
    return int(kept)


@kernel_part
def unite(sets: Sets, root_a: np.uint32, root_b: np.uint32) -> None:
    """Join two different sets, whatever keeps them apart; the smaller root names the result."""
    child, top = max(root_a, root_b), min(root_a, root_b)
    sets.parent[child] = top
    if len(sets.size):
        together = np.int64(sets.size[child]) + np.int64(sets.size[top])
        sets.size[top] = np.uint16(together if together <= GROWTH_LIMIT else GROWTH_LIMIT + 1)
    if sets.used[_ROOTS] == 0:
        return
    slot = _root_slot(sets, child)
    if sets.root[slot] == NO_ADDRESS:
        return
    group = int(sets.root_group[slot])
    _drop_root(sets, slot)
    slot = _root_slot(sets, top)
    if sets.root[slot] == NO_ADDRESS:
        sets.root[slot] = top
        sets.used[_ROOTS] += 1
    else:
        group = _merge_groups(sets, group, int(sets.root_group[slot]))
    sets.root_group[slot] = group


@kernel_part
def differ(one: np.uint32, other: np.uint32) -> bool:
    """Return whether both owners are known, and not the same."""
    return bool(one != other and one != NO_OWNER and other != NO_OWNER)


@kernel_part
def are_separated(sets: Sets, a: int, b: int) -> bool:
    """Return whether two groups must stay apart by a decision; -1 stands for no group."""
    return a != _NONE and b != _NONE and _has_pair(sets, a, b)


@kernel
def _name_owners(sets: Sets, owners: OwnerColumns) -> None:
    """Give the sets of tagged addresses their owners; of several, the smallest number."""
    for row in range(len(owners.address)):
        group = _group_made(sets, find(sets.parent, owners.address[row]))
        sets.group_owner[group] = min(sets.group_owner[group], owners.owner[row])
        sets.group_service[group] = min(sets.group_service[group], owners.service[row])


@kernel
def _separate_all(sets: Sets, left: UInt32Array, right: UInt32Array) -> None:
    """Repeat separations in a forest in which they may mean less than when they were made."""
    for row in range(len(left)):
        a, b = find(sets.parent, left[row]), find(sets.parent, right[row])
        if a != b:
            separate(sets, a, b)


@kernel
def _count_sizes(parent: UInt32Array, size: UInt16Array) -> None:
    """Count the nodes of each set at its root, up to the limit."""
    for node in range(len(parent)):
        root = find(parent, np.uint32(node))
        if size[root] <= GROWTH_LIMIT:
            size[root] += np.uint16(1)


@kernel
def _move_roots(old: Sets, new: Sets) -> None:
    """Copy the table of roots into an empty, larger one."""
    for slot in range(len(old.root)):
        root = old.root[slot]
        if root != NO_ADDRESS:
            place = _root_slot(new, root)
            new.root[place] = root
            new.root_group[place] = old.root_group[slot]


@kernel
def _move_pairs(old: Sets, new: Sets) -> None:
    """Copy the table of pairs into an empty, larger one."""
    for slot in range(len(old.pair)):
        pair = old.pair[slot]
        if pair != _NO_PAIR:
            new.pair[_pair_slot(new, pair)] = pair


def _slots_for(rows: int) -> int:
    """Return the size of a hash table that stays at most two thirds full."""
    return max(_LEAST_SLOTS, 1 << (rows * 3 // 2).bit_length())


def _longer(array: NDArray[Scalar], rows: int) -> NDArray[Scalar]:
    """Return the array with room for that many rows, at least doubled if it has to grow."""
    if rows <= len(array):
        return array
    grown = np.empty(max(rows, 2 * len(array)), dtype=array.dtype)
    grown[: len(array)] = array
    return grown


def _empty_sets(parent: UInt32Array, size: UInt16Array) -> Sets:
    return Sets(
        parent=parent,
        size=size,
        root=np.full(_LEAST_SLOTS, NO_ADDRESS, dtype=np.uint32),
        root_group=np.zeros(_LEAST_SLOTS, dtype=np.uint32),
        group_parent=np.empty(0, dtype=np.uint32),
        group_head=np.empty(0, dtype=np.int32),
        group_nodes=np.empty(0, dtype=np.int32),
        group_owner=np.empty(0, dtype=np.uint32),
        group_service=np.empty(0, dtype=np.uint32),
        node_partner=np.empty(0, dtype=np.uint32),
        node_next=np.empty(0, dtype=np.int32),
        pair=np.full(_LEAST_SLOTS, _NO_PAIR, dtype=np.uint64),
        used=np.zeros(4, dtype=np.int64),
    )


@dataclass(slots=True)
class ConstrainedSets:
    """A forest with what keeps its sets apart."""

    sets: Sets
    has_owners: bool
    """Whether any tag names an owner."""

    @classmethod
    def of(
        cls,
        parent: UInt32Array,
        owners: OwnerColumns,
        separated: tuple[UInt32Array, UInt32Array],
        *,
        watch_growth: bool,
    ) -> "ConstrainedSets":
        """Start from a forest, tags, and the addresses that earlier decisions separated.

        The answers depend on these alone, and not on the order of the unions behind the forest.

        Parameters
        ----------
        parent
            The forest; changed in place.
        owners
            Tagged addresses, all of the forest.
        separated
            One address of each side, in the order of the decisions.
        watch_growth
            Whether to keep sizes: 2 bytes more for each address.
        """
        for name, addresses in (
            ("tag", owners.address),
            ("separation", separated[0]),
            ("separation", separated[1]),
        ):
            if len(addresses) and int(addresses.max()) >= len(parent):
                raise ValueError(f"a {name} speaks of an address that is not in the forest")
        if len(owners.address) > 1 and not bool(np.all(owners.address[1:] > owners.address[:-1])):
            raise ValueError("tagged addresses must ascend")
        size = np.zeros(len(parent) if watch_growth else 0, dtype=np.uint16)
        if watch_growth:
            _count_sizes(parent, size)
        made = cls(_empty_sets(parent, size), has_owners=bool((owners.owner != NO_OWNER).any()))
        made.reserve(groups=len(owners.address) + 2 * len(separated[0]), pairs=len(separated[0]))
        with np.errstate(over="ignore"):
            _name_owners(made.sets, OwnerColumns(*(read_only(column) for column in owners)))
            _separate_all(made.sets, read_only(separated[0]), read_only(separated[1]))
        return made

    def reserve(self, *, groups: int, pairs: int) -> None:
        """Make room for so many groups and pairs more."""
        sets, used = self.sets, self.sets.used.tolist()
        group_rows, node_rows = used[_GROUPS] + groups, used[_NODES] + 2 * pairs
        if max(group_rows, node_rows) > np.iinfo(np.int32).max:
            raise ValueError("more sets are kept apart than numbers can tell apart")
        self.sets = sets._replace(
            group_parent=_longer(sets.group_parent, group_rows),
            group_head=_longer(sets.group_head, group_rows),
            group_nodes=_longer(sets.group_nodes, group_rows),
            group_owner=_longer(sets.group_owner, group_rows),
            group_service=_longer(sets.group_service, group_rows),
            node_partner=_longer(sets.node_partner, node_rows),
            node_next=_longer(sets.node_next, node_rows),
        )
        with np.errstate(over="ignore"):
            self._widen_roots(_slots_for(used[_ROOTS] + groups))
            self._widen_pairs(_slots_for(used[_PAIRS] + pairs))

    def _widen_roots(self, slots: int) -> None:
        old = self.sets
        if slots > len(old.root):
            self.sets = old._replace(
                root=np.full(slots, NO_ADDRESS, dtype=np.uint32),
                root_group=np.zeros(slots, dtype=np.uint32),
            )
            _move_roots(old, self.sets)

    def _widen_pairs(self, slots: int) -> None:
        old = self.sets
        if slots > len(old.pair):
            self.sets = old._replace(pair=np.full(slots, _NO_PAIR, dtype=np.uint64))
            _move_pairs(old, self.sets)
