"""Clusterings of accounts: runs of the rules that join accounts into entities, over a whole ledger.

All rules propose links, and these are heeded one by one, the surest first. A link is refused where
tags name different owners or services on its two sides, and put off where both sides are large; it
is written down then, and not made. So a doubtful link can never undo what a surer one showed.

Which accounts pay to one address, or how many an airdrop had, can change with every block, so
nothing of an earlier run can be kept: a run looks at the whole ledger again, unless nothing at all
has changed. The result depends on the ledger and the terms alone, byte for byte.

| array | row | holds |
|---|---|---|
| `labels` | account | the root: the first-seen account of its entity |
| `entity_root` | entity of two accounts and more | its root, ascending |
| `entity_first_member` | the same, one entry more | where its members start |
| `entity_member` | member, entity by entity | account, ascending |
| `member_row` | member | row of the log that merged it away; none for the root |
| `link_…` | link, in the order of heeding | see `links.Links`, and what became of it (`Outcome`) |
| `link_key`, `link_row` | end of a link | account, ascending; row of the links |
| `log` | merge | `heuristics.cospend.LogField`; as transaction the row of the link |
| `conflict` | link that was refused or put off | `ConflictField`, in the same way |
| `custody_…` | deposit address | `deposit_reuse.Custody` |
| `software_…` | code | `software.Software` |
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from arien_flows.account_entities.deposit_reuse import Custody, deposit_findings
from arien_flows.account_entities.known import KnownAccounts, read_known, write_known
from arien_flows.account_entities.links import NAME_OF_RULE, AccountRule, Links, surest_first
from arien_flows.account_entities.profiles import (
    AccountProfile,
    AccountTerms,
    account_profile,
    known_rules,
    parameters_of,
    rules_of,
    terms_from,
)
from arien_flows.account_entities.roles import Roles
from arien_flows.account_entities.rule_links import (
    airdrop_links,
    authorisation_links,
    creator_links,
    funding_links,
)
from arien_flows.account_entities.software import Software, software_of
from arien_flows.account_entities.uniting import united, write_sets
from arien_flows.account_ledger.view import AccountView
from arien_flows.entities.draft import Draft, drafting
from arien_flows.entities.profiles import DEFAULT_PROFILE, GROWTH_RULE, TAG_RULE
from arien_flows.entities.storage import MANIFEST, DerivedSet, Manifest, Rows, open_set
from arien_flows.errors import NotFoundError, StaleSnapshotError
from chains.types import UInt32Array
from heuristics.constrained_fields import CONFLICT_WIDTH, ConflictField
from heuristics.cospend import LogField

FOLDER = "clusterings"
"""Folder of all clusterings among a ledger's derived sets."""

_POSITION = ("blocks", "transactions", "accounts")


@dataclass(frozen=True, kw_only=True)
class AccountClustering:
    """The result of one run. Numbers are those of the ledger and never leave the process."""

    profile: str
    derived: DerivedSet

    @property
    def manifest(self) -> Manifest:
        """Which rules made it, from the chain up to which block."""
        return self.derived.manifest

    @cached_property
    def identity(self) -> str:
        """A short name that two runs share only if they must have the same result."""
        made = self.manifest
        parts = [made.network, self.profile, made.block_hash]
        parts += [f"{name}={made.rules[name]}" for name in sorted(made.rules)]
        parts += [f"{name}={made.parameters[name]}" for name in sorted(made.parameters)]
        return f"{self.profile}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"

    @cached_property
    def labels(self) -> UInt32Array:
        """The root of each account: the first-seen account of its entity."""
        return self.derived.whole("labels")

    @cached_property
    def known(self) -> KnownAccounts:
        """What the run heeded of what sources say."""
        return read_known(self.derived)

    @property
    def height(self) -> int:
        """The last block that it knows."""
        return self.manifest.height

    @property
    def for_exploration(self) -> bool:
        """Whether it guesses too much for a report."""
        return account_profile(self.profile).for_exploration

    @property
    def log(self) -> Rows:
        """The merge log, in the order in which merges were made; see `LogField`."""
        return self.derived.arrays["log"]

    @cached_property
    def links(self) -> Links:
        """Everything that rules proposed, whatever became of it."""
        return Links._make(self.derived.whole(f"link_{name}") for name in Links._fields)

    @cached_property
    def custody(self) -> Custody:
        """Which exchange holds which deposit address."""
        return Custody._make(self.derived.whole(f"custody_{name}") for name in Custody._fields)

    @cached_property
    def software(self) -> Software:
        """Which codes contracts have, and how many."""
        return Software._make(self.derived.whole(f"software_{name}") for name in Software._fields)

    def root_of(self, account: int) -> int:
        """Return the first-seen account of an account's entity.

        An account that appeared after the clustering's last block is an entity of its own.
        """
        return int(self.labels[account]) if account < len(self.labels) else account

    def members(self, root: int) -> UInt32Array:
        """Return the accounts of an entity in order of first appearance, the root first."""
        stretch = self._stretch(root)
        if stretch is None:
            return np.array([root], np.uint32)
        return self.derived.arrays["entity_member"].slice(*stretch)

    def merged_members(self, root: int) -> tuple[UInt32Array, UInt32Array]:
        """Return an entity's accounts, ascending, and the row of the log that merged each away."""
        stretch = self._stretch(root)
        if stretch is None:
            raise ValueError(f"account {root} is alone")
        members: UInt32Array = self.derived.arrays["entity_member"].slice(*stretch)
        return members, self.derived.arrays["member_row"].slice(*stretch)

    def size(self, root: int) -> int:
        """Return the number of accounts of an entity."""
        stretch = self._stretch(root)
        return 1 if stretch is None else stretch[1] - stretch[0]

    def merge_rows(self, root: int) -> UInt32Array:
        """Return the rows of the merge log that built an entity, in the log's order."""
        stretch = self._stretch(root)
        if stretch is None:
            return self.log.slice(0, 0)
        # The root was never merged into another set, so it has no row; it is the first member.
        rows = self.derived.arrays["member_row"].slice(stretch[0] + 1, stretch[1])
        return self.log.take(np.sort(rows).astype(np.int64))

    def merges_by_rule(self, root: int) -> dict[str, int]:
        """Return how many merges each rule made within an entity; the rules that made it."""
        counts = np.bincount(self.merge_rows(root)[:, LogField.RULE], minlength=len(AccountRule))
        return {NAME_OF_RULE[rule]: int(counts[rule]) for rule in AccountRule if counts[rule]}

    def least_confidence_ppm(self, root: int) -> int | None:
        """Return the least confidence of the merges of an entity; nothing for a single account."""
        rows = self.merge_rows(root)
        if not len(rows):
            return None
        return int(self.links.confidence_ppm[rows[:, LogField.TRANSACTION]].min())

    def rule_name(self, number: int) -> str:
        """Return the name of the rule that a row carries as number."""
        return NAME_OF_RULE[AccountRule(number)]

    def conflicts_about(self, root: int) -> UInt32Array:
        """Return the links of an entity that were refused or put off: rows of the conflicts."""
        rows: UInt32Array = self.derived.whole("conflict").reshape(-1, CONFLICT_WIDTH)
        ends = [
            self.labels[rows[:, side]] == root
            for side in (ConflictField.ADDRESS_A, ConflictField.ADDRESS_B)
        ]
        about: UInt32Array = rows[ends[0] != ends[1]]
        return about

    def conflicts_between(self, root: int, other: int) -> UInt32Array:
        """Return the links between two entities that were refused or put off."""
        about = self.conflicts_about(root)
        ends = [
            self.labels[about[:, side]] == other
            for side in (ConflictField.ADDRESS_A, ConflictField.ADDRESS_B)
        ]
        between: UInt32Array = about[ends[0] | ends[1]]
        return between

    def custody_of(self, members: UInt32Array) -> Custody:
        """Return the deposit addresses among some accounts."""
        mine = np.isin(self.custody.deposit, members)
        return Custody._make(column[mine] for column in self.custody)

    def _stretch(self, root: int) -> tuple[int, int] | None:
        roots = self.derived.whole("entity_root")
        # Of the roots' own type: for any other one, NumPy would convert all of them first.
        place = int(np.searchsorted(roots, np.uint32(root)))
        if place == len(roots) or int(roots[place]) != root:
            return None
        first, last = self.derived.arrays["entity_first_member"].slice(place, place + 2)
        return int(first), int(last)


def run_account_clustering(
    view: AccountView,
    derived: Path | None,
    profile: AccountProfile | str = DEFAULT_PROFILE,
    terms: AccountTerms | None = None,
    *,
    aside: bool = False,
) -> AccountClustering:
    """Make a clustering of a view, and return it.

    Parameters
    ----------
    view
        Holds at least one block.
    derived
        The folder of the ledger's derived sets; None computes in memory.
    profile
        A profile or its name; InputError for an unknown one.
    terms
        What else the run depends on.
    aside
        Whether to leave what the folder holds as it is, and keep the result in memory.
    """
    wanted = account_profile(profile) if isinstance(profile, str) else profile
    terms = terms or AccountTerms()
    manifest = _manifest(view, wanted, terms)
    folder = None if derived is None else derived / FOLDER / wanted.name
    with drafting(folder, aside=aside) as draft:
        if draft.base is not None and _is_same(draft.base.manifest, manifest):
            return AccountClustering(profile=wanted.name, derived=draft.base)
        counts = _write(view, draft, wanted, terms)
        manifest = replace(manifest, counts={**manifest.counts, **counts})
        return AccountClustering(profile=wanted.name, derived=draft.commit(manifest))


def earlier_account_clustering(stored: AccountClustering, view: AccountView) -> AccountClustering:
    """Return what a run by the terms of a stored one gave at the end of an earlier view."""
    terms = terms_from(stored.derived, stored.known).among(view.counts.accounts)
    return run_account_clustering(view, None, stored.profile, terms)


def open_account_clustering(
    view: AccountView, derived: Path, profile: str = DEFAULT_PROFILE
) -> AccountClustering:
    """Return the stored clustering, which may end at an earlier block than the view.

    Raises NotFoundError where none was made by the rules of this program, and StaleSnapshotError
    where it stands on blocks that the view does not hold.
    """
    wanted = account_profile(profile)
    folder = derived / FOLDER / profile
    stored = open_set(folder)
    command = account_cluster_command(view.network.name, profile)
    if stored is None:
        made = "by this version of the program" if (folder / MANIFEST).exists() else "yet"
        raise NotFoundError(
            f"no clustering {profile!r} of {view.network.name} was made {made}: run `{command}`"
        )
    known = known_rules(wanted)
    others = [name for name, it in stored.manifest.rules.items() if known.get(name) != it]
    if others:
        raise NotFoundError(
            f"the clustering {profile!r} of {view.network.name} was made by rules of another "
            f"version of the program ({', '.join(sorted(others))}): run `{command}`"
        )
    if not stands_on(stored.manifest, view):
        raise StaleSnapshotError(
            f"the clustering {profile!r} goes up to block {stored.manifest.height} "
            f"({stored.manifest.block_hash}), which this state of the ledger does not hold: "
            f"run `{command}`, or ask again"
        )
    return AccountClustering(profile=profile, derived=stored)


def stands_on(made: Manifest, view: AccountView) -> bool:
    """Return whether a view holds the blocks that a set was made from, with the same numbers."""
    blocks = made.counts["blocks"]
    if not 0 < blocks <= view.counts.blocks:
        return False
    last = "0x" + view.blocks.block_hash[blocks - 1].tobytes().hex()
    rows = int(view.blocks.first_transaction[blocks])
    return (last, rows) == (made.block_hash, made.counts["transactions"])


def account_cluster_command(network: str, profile: str, part: str = "run") -> str:
    """Return what a person types to make a clustering, or to see a part of it."""
    command = f"arien-flows cluster {part} --network {network}"
    return command if profile == DEFAULT_PROFILE else f"{command} --profile {profile}"


def _manifest(view: AccountView, profile: AccountProfile, terms: AccountTerms) -> Manifest:
    return Manifest(
        kind=f"account-clustering/{profile.name}",
        rules=rules_of(profile, terms),
        parameters=parameters_of(profile, terms),
        network=view.network.name,
        height=view.tip.height,
        block_hash=view.tip.block_hash,
        counts={name: getattr(view.counts, name) for name in _POSITION},
    )


def _is_same(made: Manifest, wanted: Manifest) -> bool:
    parts = ("kind", "rules", "parameters", "network", "height", "block_hash")
    return all(getattr(made, name) == getattr(wanted, name) for name in parts) and all(
        made.counts[name] == wanted.counts[name] for name in _POSITION
    )


def _write(
    view: AccountView, draft: Draft, profile: AccountProfile, terms: AccountTerms
) -> dict[str, int]:
    """Run the rules and write every array; return counts for the manifest."""
    roles = Roles(view, terms.known)
    links, custody = _proposed(roles, profile, terms)
    owners = None if TAG_RULE in terms.without else terms.known.constraints
    made = united(
        view.counts.accounts, links, owners, watch_growth=GROWTH_RULE not in terms.without
    )
    write_known(draft, terms.known)
    software = software_of(view)
    for table, columns in (("link", links), ("custody", custody), ("software", software)):
        for name, column in columns._asdict().items():
            width = 1 if column.ndim == 1 else column.shape[1]
            draft.allocate(f"{table}_{name}", str(column.dtype), len(column), width=width)[:] = (
                column
            )
    return {
        **write_sets(draft, made, links),
        "links": len(links.a),
        "deposits": len(custody.deposit),
    }


def _proposed(roles: Roles, profile: AccountProfile, terms: AccountTerms) -> tuple[Links, Custody]:
    """Return what the rules of a run propose, the surest first, and who holds deposits."""
    rules = [rule for rule in profile.rules if NAME_OF_RULE[rule] not in terms.without]
    deposits = deposit_findings(roles, profile.deposits)
    parts, custody = [], deposits.custody
    if AccountRule.DEPOSIT_REUSE in rules:
        parts.append(deposits.links)
    else:
        custody = Custody._make(column[:0] for column in custody)
    if AccountRule.SAME_CREATOR in rules:
        parts.append(creator_links(roles, deposits.is_deposit))
    if AccountRule.AIRDROP in rules:
        parts.append(airdrop_links(roles, deposits.is_deposit, terms.airdrops))
    if AccountRule.GAS_FUNDING in rules:
        parts.append(
            funding_links(
                roles,
                deposits.is_deposit,
                only_swept=profile.only_swept,
                many_funded=terms.many_funded,
            )
        )
    if AccountRule.SELF_AUTHORISATION in rules:
        parts.append(authorisation_links(roles, deposits.is_deposit))
    return surest_first(parts), custody
