"""The rules as values: what each one says, on what it rests and when it fails.

A statement made by a rule carries the rule's name and version, and this table is what a reader
looks them up in. The texts are the rules' own docstrings, so that code and claim cannot part. A
rule is *static* if its answer about a transaction depends on that transaction alone and never
changes, *dynamic* if later transactions can change it.

How often a rule is wrong is not said here: that is measured, and every figure has a population of
its own.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from heuristics import (
    airdrops,
    change,
    change_features,
    change_rules,
    coinjoin,
    coinjoin_neighbours,
    coinjoin_rules,
    coinjoin_wasabi,
    coinjoin_whirlpool,
    constrained,
    control,
    cospend,
    demix,
    deposits,
    funding,
    passage_rules,
    peeling,
)
from heuristics.change_rules import ChangeRule

_SECTION = re.compile(r"^(Assumes|Fails when|Source): ", re.MULTILINE)

SAME_KEY = """Two scripts lock to one public key: one owner, whatever form the address has.

A key can be asked for bare (P2PK), by its hash (P2PKH, P2WPKH) or by its hash inside P2SH. Each
form is an address of its own in the ledger; they are linked as soon as the key is seen.

Assumes: nothing; the ledger holds both scripts and the key.
Fails when: the private key itself is shared, sold or published.
Source: the chain. BlockSci 14ccc93 links the same forms (address deduplication).
"""

INNER_SCRIPT = """One script is the one that a script hash was shown to hide.

A P2SH or P2WSH output shows its script when it is spent. Where that script, or a key in it that
alone opens it, also appears as an address of its own, both are linked. The keys of an m-of-n are
not linked with each other: an escrow has several owners.

Assumes: nothing; the ledger holds the spend that shows the script.
Fails when: the private keys are shared, sold or published.
Source: the chain. BlockSci 14ccc93, src/cluster/cluster_manager.cpp, links the same way.
"""

DIFFERENT_OWNERS = """Sets of addresses that tags give to different owners are not joined.

Sources of a confidence of 70 and more bind every rule: the merge is refused, and written down as a
conflict that a person has to settle. Sources of 50 and more that name a service bind change rules.
A transaction whose inputs have different owners joins none of them, and decisions about its change
come to nothing: several people made it.

Assumes: the sources are right, and write one owner in one way.
Fails when: a source is wrong, or calls one owner by two names: then one entity is shown as two.
Source: this program's own policy; constrained clustering with tags is that of Moeser & Narayanan,
    Resurrecting Address Clustering in Bitcoin, FC 2022, section 5, who keep tagged services apart.
"""

NOT_CHANGE = """An output that is almost certainly not change belongs to another than the payer.

No change rule joins the two afterwards; a co-spend or link still does, and that is written down.

Assumes: people seldom pay themselves in a way that looks like paying others.
Fails when: somebody moves coins between wallets of their own: these then stay apart.
Source: Moeser & Narayanan 2022, section 5: 158,045,991 such pairs kept 413,608 of 155,513,552
    merges from being made, and let 273 tagged services fall into 266 sets, instead of 161.
"""

GROWTH_ALARM = """A change rule does not by itself join two sets of more than 10,000 addresses each.

It is not made, and listed for review. Where a co-spend or a link joins two such sets, that is
noted as a conflict; profile strict has no change rules, keeps no sizes, and notes nothing.

Assumes: nothing; it only asks for a second look.
Fails when: one owner runs two large wallets: they stay apart until proved to be one.
Source: this program's own policy. A single wrong merge of two services undoes a clustering.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, with what an expert of the other side will ask about it."""

    name: str
    version: int
    kind: Literal["static", "dynamic"]
    summary: str
    """The first line of the documentation."""

    assumes: str
    fails_when: str
    source: str
    documentation: str
    confidence: int | None = None
    """0 to 100 as the named source gives it; None where no source does."""


def _sections(documentation: str) -> dict[str, str]:
    """Return the texts that follow the headings, each as one line."""
    body = documentation.split("\n\nParameters\n")[0]
    parts = _SECTION.split(body)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {heading: " ".join(text.split()) for heading, text in pairs}


def _rule(
    name: str,
    version: int,
    documented: Callable[..., object] | str,
    *,
    kind: Literal["static", "dynamic"] = "static",
    confidence: int | None = None,
) -> Rule:
    """Read a rule's texts from its docstring."""
    text = documented if isinstance(documented, str) else documented.__doc__ or ""
    documentation = inspect.cleandoc(text)
    sections = _sections(documentation)
    return Rule(
        name=name,
        version=version,
        kind=kind,
        summary=documentation.split("\n")[0],
        assumes=sections.get("Assumes", ""),
        fails_when=sections.get("Fails when", ""),
        source=sections.get("Source", ""),
        documentation=documentation,
        confidence=confidence,
    )


def _change_rule(rule: ChangeRule) -> Rule:
    """Return a rule on change."""
    return _rule(
        change_rules.vote_name(rule),
        change_rules.VERSION,
        change_rules.documentation(rule),
        kind="static" if rule in change_rules.STATIC else "dynamic",
        confidence=change_rules.GRAPHSENSE_CONFIDENCE.get(rule),
    )


def _kind_of_passage(name: str) -> Literal["static", "dynamic"]:
    """Return whether later transactions can change what a rule about passages says."""
    return "static" if passage_rules.is_of_one_transaction(name) else "dynamic"


COIN_RULES: tuple[Rule, ...] = (
    _rule("cospend", cospend.VERSION, cospend.join_cospends),
    _rule("same_key", cospend.VERSION, SAME_KEY),
    _rule("inner_script", cospend.VERSION, INNER_SCRIPT),
    _rule("coinjoin_definite", coinjoin.VERSION, coinjoin_rules.definite),
    _rule("coinjoin_proven", coinjoin.VERSION, coinjoin_rules.proven),
    _rule(
        "coinjoin_joinmarket",
        coinjoin.VERSION,
        coinjoin_rules.joinmarket,
        confidence=coinjoin.JOINMARKET_CONFIDENCE,
    ),
    _rule("coinjoin_equal_outputs", coinjoin.VERSION, coinjoin_rules.equal_outputs),
    _rule("coinjoin_possible", coinjoin.VERSION, coinjoin_rules.possible),
    _rule("coinjoin_stonewall", coinjoin.VERSION, coinjoin_rules.stonewall),
    _rule("payjoin_possible", coinjoin.VERSION, coinjoin_rules.payjoin_possible),
    _rule("coinjoin_wasabi_1", coinjoin.VERSION, coinjoin_wasabi.wasabi_1),
    _rule(
        "coinjoin_wasabi_1_0",
        coinjoin.VERSION,
        coinjoin_wasabi.wasabi_1_0,
        confidence=coinjoin_wasabi.WASABI_1_0_CONFIDENCE,
    ),
    _rule("coinjoin_wasabi_1_1", coinjoin.VERSION, coinjoin_wasabi.wasabi_1_1),
    _rule("coinjoin_wasabi_2", coinjoin.VERSION, coinjoin_wasabi.wasabi_2),
    _rule(
        "coinjoin_wasabi_2_shape",
        coinjoin.VERSION,
        coinjoin_wasabi.wasabi_2_shape,
        confidence=coinjoin_wasabi.WASABI_2_CONFIDENCE,
    ),
    _rule("coinjoin_wasabi_2_reuse", coinjoin.VERSION, coinjoin_wasabi.wasabi_2_reuse),
    _rule("coinjoin_wasabi_2_lookalike", coinjoin.VERSION, coinjoin_wasabi.wasabi_2_lookalike),
    _rule(
        "coinjoin_wasabi_2_isolated",
        coinjoin_neighbours.VERSION,
        coinjoin_neighbours.WASABI_2_ISOLATED,
        kind="dynamic",
    ),
    _rule(
        "coinjoin_whirlpool",
        coinjoin.VERSION,
        coinjoin_whirlpool.whirlpool,
        confidence=coinjoin_whirlpool.WHIRLPOOL_CONFIDENCE,
    ),
    _rule(
        "coinjoin_whirlpool_lineage",
        coinjoin_neighbours.VERSION,
        coinjoin_neighbours.WHIRLPOOL_LINEAGE,
    ),
    _rule(
        "coinjoin_whirlpool_tx0",
        coinjoin.VERSION,
        coinjoin_whirlpool.whirlpool_tx0,
        confidence=coinjoin_whirlpool.WHIRLPOOL_CONFIDENCE,
    ),
    _rule(
        "coinjoin_whirlpool_tx0_spent",
        coinjoin_neighbours.VERSION,
        coinjoin_neighbours.WHIRLPOOL_TX0_SPENT,
        confidence=coinjoin_whirlpool.TX0_SPENT_CONFIDENCE,
        kind="dynamic",
    ),
    _rule("coinjoin_postmix", coinjoin_neighbours.VERSION, coinjoin_neighbours.POSTMIX),
    _rule(
        "coinjoin_exchange",
        coinjoin_neighbours.VERSION,
        coinjoin_neighbours.EXCHANGE,
        kind="dynamic",
    ),
    _rule(demix.EQUAL_RULE, demix.VERSION, demix.DEMIX_EQUAL),
    _rule(demix.CHANGE_RULE, demix.VERSION, demix.DEMIX_CHANGE),
    _rule(demix.STANDARD_RULE, demix.VERSION, demix.DEMIX_STANDARD),
    _rule(demix.CONSOLIDATION_RULE, demix.VERSION, demix.DEMIX_CONSOLIDATION, kind="dynamic"),
    *(_change_rule(rule) for rule in ChangeRule),
    _rule("change_vote", change.VERSION, change.vote_difference, kind="dynamic"),
    _rule(
        "change_model",
        change_features.MODEL_VERSION,
        change_features.CHANGE_MODEL,
        kind="dynamic",
    ),
    _rule("different_owners", constrained.VERSION, DIFFERENT_OWNERS),
    _rule("not_change", constrained.VERSION, NOT_CHANGE, kind="dynamic"),
    _rule("growth_alarm", constrained.VERSION, GROWTH_ALARM, kind="dynamic"),
    _rule("peel_hop", peeling.VERSION, peeling.choose_next, kind="dynamic"),
)
"""Rules of chains of coins, in the order in which the program applies them."""

ACCOUNT_RULES: tuple[Rule, ...] = (
    _rule("deposit-reuse", deposits.VERSION, deposits.match_deposits, kind="dynamic"),
    _rule("same-creator", control.VERSION, control.same_creators, kind="dynamic"),
    _rule("airdrop", airdrops.VERSION, airdrops.collected_airdrops, kind="dynamic"),
    _rule("gas-funding", funding.VERSION, funding.gas_fundings, kind="dynamic"),
    _rule("self-authorisation", control.VERSION, control.self_authorisations, kind="dynamic"),
)
"""Rules of chains of accounts."""

PASSAGE_RULES: tuple[Rule, ...] = tuple(
    _rule(name, passage_rules.VERSIONS[name], text, kind=_kind_of_passage(name))
    for name, text in passage_rules.DOCUMENTATION.items()
)
"""Rules about what changes its asset, its chain, or goes through a mixer, and what ranks."""

RULES = (*COIN_RULES, *ACCOUNT_RULES, *PASSAGE_RULES)


def rule_named(name: str) -> Rule:
    """Return the rule of that name; KeyError names the known ones."""
    for rule in RULES:
        if rule.name == name:
            return rule
    known = ", ".join(rule.name for rule in RULES)
    raise KeyError(f"no rule is called {name!r}; known: {known}")
