"""How often the rules that join accounts were wrong, counted on made-up people.

There is no list of who owns which accounts that anybody may use. So all that can be counted is how
the rules do among owners that this program made up (`simulation.account_people`), with the
misleading habits that are known. The error on the real chain is not measured, and every text says
so. The counts are kept in `account_entities/rates_1.json`, which `arien-flows heuristics
evaluate-accounts --save` writes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from arien_flows.account_entities.clustering import AccountClustering, run_account_clustering
from arien_flows.account_entities.deposit_reuse import DepositTerms, deposit_findings
from arien_flows.account_entities.known import KnownAccounts
from arien_flows.account_entities.links import NAME_OF_RULE, VERSION_OF_RULE, AccountRule
from arien_flows.account_entities.profiles import ACCOUNT_PROFILES, AccountTerms
from arien_flows.account_entities.roles import Roles
from arien_flows.account_ledger.memory import account_view_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.entities.constraints import constraints_of
from arien_flows.entities.profiles import TAG_RULE
from arien_flows.errors import InputError
from arien_flows.evaluation.agreement import agreement
from arien_flows.simulation.account_people import MadeUpAccounts, made_up_accounts
from chains.ethereum.networks import ETHEREUM_DEV
from chains.types import BoolArray, Int64Array, UInt32Array
from heuristics.cospend import LogField

SOURCE = "this program's simulation; owners, habits and their frequency are made up"
THRESHOLDS_PPM = (0, 250_000, 500_000, 700_000, 800_000, 900_000)
"""Least confidences of a deposit address that are compared."""

_SERVICE_LEVEL = 50


def evaluate_accounts(people: int, seed: int) -> dict[str, Any]:
    """Return counts by rule, profile and threshold, as JSON knows them."""
    made = made_up_accounts(people, seed)
    view = account_view_of([made.batch], ETHEREUM_DEV)
    owner = _owners(view, made)
    known = _known(view, made)
    runs = {
        name: run_account_clustering(view, None, profile, AccountTerms(known=known))
        for name, profile in ACCOUNT_PROFILES.items()
    }
    rules: dict[str, Any] = {
        NAME_OF_RULE[rule]: {"version": VERSION_OF_RULE[rule], "rates": []} for rule in AccountRule
    }
    for name, run in runs.items():
        for rule, row in _merges(run, owner).items():
            rules[rule]["rates"].append({"population": f"made-up-{name}", **row})
    return {
        "format": 1,
        "made_by": f"arien-flows heuristics evaluate-accounts --people {people} --seed {seed}",
        "populations": {
            f"made-up-{name}": {
                "kind": "simulated",
                "name": f"merges of profile {name} among {people:,} made-up people and their "
                f"farms (seed {seed}); the error on the real chain is not measured",
                "source": SOURCE,
                "picked": False,
            }
            for name in runs
        },
        "rules": rules,
        "clusterings": [_agreement(name, run, owner) for name, run in runs.items()],
        "deposit_thresholds": list(_thresholds(view, known, owner)),
    }


def save_account_rates(counts: Mapping[str, Any], path: Path) -> None:
    """Write counts; InputError where the file cannot be written."""
    try:
        path.write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error


def account_rate_lines(counts: Mapping[str, Any]) -> list[str]:
    """Return the counts as text for people."""
    lines = [f"Made by: {counts['made_by']}", "Measured on made-up people; the error on the real"]
    lines[-1] += " chain is not measured."
    for rule, told in counts["rules"].items():
        for row in told["rates"]:
            total = row["right"] + row["wrong"]
            profile = row["population"].removeprefix("made-up-")
            lines.append(f"{rule}, {profile}: {row['wrong']:,} of {total:,} merges wrong")
    for row in counts["clusterings"]:
        pairs = row["agreement"]
        lines.append(
            f"profile {row['profile']}: {pairs['right_pairs']:,} of {pairs['joined_pairs']:,} "
            f"joined pairs of one owner; {pairs['owned_pairs']:,} such pairs in all"
        )
    for row in counts["deposit_thresholds"]:
        only = "exchanges only" if row["pays_exchanges_only"] else "anybody"
        lines.append(
            f"deposit addresses that pay {only}, confidence {row['least_confidence_ppm']:,} ppm: "
            f"{row['wrong']:,} of {row['right'] + row['wrong']:,} links wrong"
        )
    return lines


def _owners(view: AccountView, made: MadeUpAccounts) -> Int64Array:
    """Return the owner of each account; -1 for those that nobody made up, and for exchanges."""
    owner = np.full(view.counts.accounts, -1, np.int64)
    for number in range(view.counts.accounts):
        raw = view.addresses[number].tobytes()
        if raw not in made.exchanges:
            owner[number] = made.owner.get(raw, -1)
    return owner


def _known(view: AccountView, made: MadeUpAccounts) -> KnownAccounts:
    names = tuple(sorted(made.exchanges.values()))
    found = {view.index.find_account(raw): name for raw, name in made.exchanges.items()}
    numbers = sorted(number for number in found if number is not None)
    name = np.array([names.index(found[number]) for number in numbers], np.int64)
    constraints = constraints_of(
        "made up",
        names,
        np.array(numbers, np.int64),
        name,
        np.full(len(numbers), _SERVICE_LEVEL, np.int64),
        np.ones(len(numbers), np.bool_),
    )
    accounts: UInt32Array = np.array(numbers, np.uint32)
    return KnownAccounts(
        constraints=constraints,
        exchange=accounts,
        exchange_name=name.astype(np.uint32),
        service=accounts,
        tagged=accounts,
        revision="made up",
    )


def _merges(run: AccountClustering, owner: Int64Array) -> dict[str, dict[str, Any]]:
    """Count the merges of each rule: right where both accounts that it names have one owner."""
    log = run.log.whole()
    right = _same(log[:, LogField.ADDRESS_A], log[:, LogField.ADDRESS_B], owner)
    found = {}
    for rule in ACCOUNT_PROFILES[run.profile].rules:
        mine = log[:, LogField.RULE] == rule
        found[NAME_OF_RULE[rule]] = {
            "unit": "merges",
            "right": int(np.count_nonzero(mine & right)),
            "wrong": int(np.count_nonzero(mine & ~right)),
            "missed": None,
            "clear": None,
        }
    return found


def _agreement(name: str, run: AccountClustering, owner: Int64Array) -> dict[str, Any]:
    counted = asdict(agreement(run.labels, owner))
    rows = _merges(run, owner)
    return {
        "profile": name,
        "rules": {rule: it for rule, it in run.manifest.rules.items() if rule != TAG_RULE},
        "population": f"made-up-{name}",
        "agreement": {
            key: f"{value:.4f}" if isinstance(value, float) else value
            for key, value in counted.items()
        },
        "wrong_merges": {rule: row["wrong"] for rule, row in rows.items() if row["wrong"]},
    }


def _thresholds(view: AccountView, known: KnownAccounts, owner: Int64Array) -> list[dict[str, Any]]:
    """Count the links of deposit addresses at several thresholds."""
    roles, rows = Roles(view, known), []
    for only in (True, False):
        terms = DepositTerms(least_confidence_ppm=0, pays_exchanges_only=only)
        for least in THRESHOLDS_PPM:
            found = deposit_findings(roles, terms._replace(least_confidence_ppm=least))
            right = int(np.count_nonzero(_same(found.links.a, found.links.b, owner)))
            rows.append(
                {
                    "pays_exchanges_only": only,
                    "least_confidence_ppm": least,
                    "right": right,
                    "wrong": len(found.links.a) - right,
                }
            )
    return rows


def _same(a: UInt32Array, b: UInt32Array, owner: Int64Array) -> BoolArray:
    same: BoolArray = (owner[a] == owner[b]) & (owner[a] >= 0)
    return same
