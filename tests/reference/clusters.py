"""Slow, obvious versions of the clustering kernels: the oracle of their tests."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

NO_ADDRESS = 0xFFFF_FFFF
NO_OWNER = NO_ADDRESS


@dataclass(frozen=True)
class Spend:
    """A transaction as the co-spend rule sees it."""

    inputs: Sequence[int]
    """Addresses whose control the inputs show."""

    excluded: bool = False
    links: Sequence[tuple[int, int, int]] = ()
    """Address, earlier address, rule."""


def joined_sets(address_count: int, spends: Sequence[Spend]) -> list[set[int]]:
    """Merge Python sets, in order."""
    sets = [{address} for address in range(address_count)]
    for spend in spends:
        groups = [] if spend.excluded else [set(spend.inputs)]
        groups += [{address, earlier} for address, earlier, _ in spend.links]
        for group in groups:
            touched = [one for one in sets if one & group]
            if touched:
                sets = [one for one in sets if not one & group]
                sets.append(set().union(*touched))
    return sets


def labels(address_count: int, spends: Sequence[Spend]) -> list[int]:
    """Name each address's set by its smallest address."""
    named = [0] * address_count
    for one in joined_sets(address_count, spends):
        for address in one:
            named[address] = min(one)
    return named


def merge_log(address_count: int, spends: Sequence[Spend]) -> list[list[int]]:
    """Write a row for each pair that really joins two sets, the first input with each other."""
    sets = [{address} for address in range(address_count)]
    log = []
    for transaction, spend in enumerate(spends):
        pairs = [] if spend.excluded else [(spend.inputs[0], one, 0) for one in spend.inputs[1:]]
        pairs += [(earlier, address, rule) for address, earlier, rule in spend.links]
        for a, b, rule in pairs:
            ours = next(one for one in sets if a in one)
            theirs = next(one for one in sets if b in one)
            if ours is theirs:
                continue
            roots = sorted((min(ours), min(theirs)))
            log.append([roots[1], roots[0], transaction, a, b, rule])
            sets.remove(theirs)
            ours |= theirs
    return log


@dataclass(frozen=True)
class Payment:
    """A transaction as totals see it: address and satoshi of each input and output."""

    inputs: Sequence[tuple[int, int]]
    outputs: Sequence[tuple[int, int]]


def entity_totals(roots: Sequence[int], payments: Sequence[Payment]) -> dict[int, list[int]]:
    """Return, for each root: transactions, received, sent, the two net sums, first, last."""
    totals: dict[int, list[int]] = {}
    for number, payment in enumerate(payments):
        change: dict[int, int] = defaultdict(int)
        for sign, rows in ((-1, payment.inputs), (1, payment.outputs)):
            for address, value in rows:
                if address == NO_ADDRESS:
                    continue
                root = roots[address]
                change[root] += sign * value
                row = totals.setdefault(root, [0, 0, 0, 0, 0, number, number])
                row[1 if sign > 0 else 2] += value
        for root, value in change.items():
            row = totals[root]
            row[0] += 1
            row[3 if value > 0 else 4] += abs(value)
            row[6] = number
    return totals


def shortest_path_length(edges: Sequence[tuple[int, int]], start: int, goal: int) -> int | None:
    """Return the fewest edges between two nodes, or nothing."""
    distance = {start: 0}
    frontier = [start]
    while frontier:
        reached = []
        for node in frontier:
            for a, b in edges:
                for here, there in ((a, b), (b, a)):
                    if here == node and there not in distance:
                        distance[there] = distance[node] + 1
                        reached.append(there)
        frontier = reached
    return distance.get(goal)


@dataclass(frozen=True)
class Decision:
    """A decision about change, in the block in which it is due."""

    transaction: int
    input_address: int
    output_address: int
    same_owner: bool
    rule: int = 18


@dataclass(frozen=True)
class Block:
    """What one block adds: transactions, then the decisions due in it."""

    spends: Sequence[Spend]
    decisions: Sequence[Decision] = ()


class ConstrainedSets:
    """Sets of addresses that tags and decisions keep apart; the sets are Python sets."""

    def __init__(
        self,
        address_count: int,
        owner: dict[int, int],
        service: dict[int, int],
        growth_limit: int = 10_000,
    ) -> None:
        self.sets = [{address} for address in range(address_count)]
        self.owner = owner
        self.service = service
        self.growth_limit = growth_limit
        self.separations: list[tuple[int, int]] = []
        self.log: list[list[int]] = []
        self.conflicts: list[list[int]] = []
        self.outcomes: list[str] = []
        self.marks: list[list[int]] = []
        self.spends: list[Spend] = []

    def set_of(self, address: int) -> set[int]:
        return next(one for one in self.sets if address in one)

    def objections(self, ours: set[int], theirs: set[int]) -> list[str]:
        """Say what keeps two sets apart, the gravest first."""
        found = []
        if self._differ(self.owner, ours, theirs):
            found.append("owners")
        if self._differ(self.service, ours, theirs):
            found.append("services")
        if any({a, b} & ours and {a, b} & theirs for a, b in self.separations):
            found.append("separated")
        if min(len(ours), len(theirs)) > self.growth_limit:
            found.append("growth")
        return found

    @staticmethod
    def _differ(named: dict[int, int], ours: set[int], theirs: set[int]) -> bool:
        mine = [named[address] for address in ours if address in named]
        others = [named[address] for address in theirs if address in named]
        return bool(mine and others) and min(mine) != min(others)

    def apply(self, block: Block) -> None:
        for spend in block.spends:
            self.spends.append(spend)
            if not spend.excluded and not self._is_refused(spend.inputs):
                for address in spend.inputs[1:]:
                    self._prove(spend.inputs[0], address, 0)
            for address, earlier, rule in spend.links:
                self._prove(earlier, address, rule)
        nobody = [self._has_two_owners(each.transaction) for each in block.decisions]
        outcomes = {}
        for order in (False, True):
            for number, decision in enumerate(block.decisions):
                if decision.same_owner is order:
                    outcomes[number] = "no_payer" if nobody[number] else self._decide(decision)
        self.outcomes += [outcomes[number] for number in sorted(outcomes)]
        self.marks.append([len(self.log), len(self.outcomes), len(self.conflicts)])

    def _has_two_owners(self, transaction: int) -> bool:
        owners = {self.owner_of(address) for address in self.spends[transaction].inputs}
        return len(owners - {None}) > 1

    def _is_refused(self, inputs: Sequence[int]) -> bool:
        """Note what a transaction of several owners does not join; return whether it is one."""
        if not self._has_two_owners(len(self.spends) - 1):
            return False
        first = next(address for address in inputs if self.owner_of(address) is not None)
        noted = [self.set_of(first)]
        for address in inputs:
            if self.set_of(address) not in noted:
                noted.append(self.set_of(address))
                differs = self.owner_of(address) not in (None, self.owner_of(first))
                self._note(len(self.spends) - 1, first, address, 0, 0 if differs else 7)
        return True

    def owner_of(self, address: int) -> int | None:
        named = [self.owner[one] for one in self.set_of(address) if one in self.owner]
        return named[0] if named else None

    def _prove(self, a: int, b: int, rule: int) -> None:
        ours, theirs = self.set_of(a), self.set_of(b)
        if ours is theirs:
            return
        transaction = len(self.spends) - 1
        against = self.objections(ours, theirs)
        if against:
            kinds = {"owners": 0, "services": 3, "separated": 4, "growth": 6}
            self._note(transaction, a, b, rule, kinds[against[0]])
        if "owners" not in against:
            self._join(transaction, a, b, rule)

    def _decide(self, decision: Decision) -> str:
        a, b = decision.input_address, decision.output_address
        ours, theirs = self.set_of(a), self.set_of(b)
        if not decision.same_owner:
            if ours is theirs:
                return "not_separated"
            if "separated" in self.objections(ours, theirs):
                return "apart"
            self.separations.append((a, b))
            return "separated"
        if ours is theirs:
            return "together"
        against = self.objections(ours, theirs)
        if not against:
            self._join(decision.transaction, a, b, decision.rule)
            return "joined"
        kinds = {"owners": 0, "services": 1, "separated": 2, "growth": 5}
        self._note(decision.transaction, a, b, decision.rule, kinds[against[0]])
        return "put_off" if against[0] == "growth" else "refused"

    def _note(self, transaction: int, a: int, b: int, rule: int, kind: int) -> None:
        roots = [min(self.set_of(a)), min(self.set_of(b))]
        told = {0: self.owner, 7: self.owner, 1: self.service, 3: self.service}.get(kind, {})
        names = [self._named(told, a), self._named(told, b)]
        self.conflicts.append([transaction, a, b, *roots, rule, kind, *names])

    def _named(self, told: dict[int, int], address: int) -> int:
        return min((told[one] for one in self.set_of(address) if one in told), default=NO_OWNER)

    def _join(self, transaction: int, a: int, b: int, rule: int) -> None:
        ours, theirs = self.set_of(a), self.set_of(b)
        roots = sorted((min(ours), min(theirs)))
        self.log.append([roots[1], roots[0], transaction, a, b, rule])
        self.sets.remove(theirs)
        ours |= theirs

    def labels(self) -> list[int]:
        return [min(self.set_of(address)) for address in range(sum(map(len, self.sets)))]
