"""The rules that tell which output of a payment is the payer's change.

Whoever pays with coins gets the rest back in an output of the same transaction. Each rule names
the outputs that it cannot rule out as that change (its *candidates*); where exactly one is left,
the rule votes for it and against the others. No rule is good enough to join anything by itself:
the votes are counted, or weighed by a model.

What all rules have in common: they speak of transactions that spend something, are not left out
as a possible CoinJoin, and have at least two outputs that can be spent. Outputs that carry data
are never candidates and get no votes.

*Static* rules look at the transaction and its past; their votes never change. *Dynamic* ones look
at what happened later, up to a horizon that is fixed beforehand, so their votes never change
either, but exist only once the chain is that long.

The text under each rule is what the program shows of it. Published error rates are in
`change_rates`.
"""

from enum import IntEnum
from typing import NamedTuple

from heuristics.jit import kernel_part

VERSION = 1
"""Raised whenever a rule can vote otherwise on the same chain and horizon."""


class ChangeRule(IntEnum):
    """The columns of a vote matrix. The first 26 are those of Moeser and Narayanan's model."""

    OPTIMAL_CHANGE = 0
    OPTIMAL_CHANGE_WITH_FEE = 1
    ADDRESS_TYPE = 2
    POWER_OF_TEN_2 = 3
    POWER_OF_TEN_3 = 4
    POWER_OF_TEN_4 = 5
    POWER_OF_TEN_5 = 6
    POWER_OF_TEN_6 = 7
    POWER_OF_TEN_7 = 8
    SAME_COUNTS = 9
    SAME_OUTPUT_COUNT = 10
    SAME_ZEROCONF = 11
    SAME_MULTISIG = 12
    SAME_P2PKH = 13
    SAME_FEE = 14
    SAME_FEE_RATE = 15
    SAME_VERSION = 16
    SAME_LOCKTIME = 17
    SAME_RBF = 18
    SAME_SEGWIT = 19
    SAME_SEGWIT_COMPATIBLE = 20
    SAME_ORDER = 21
    SAME_INPUT_TYPES = 22
    SAME_P2SH = 23
    SAME_P2WSH = 24
    SAME_P2WPKH = 25
    ADDRESS_REUSE = 26
    FRESH = 27
    ONE_TIME = 28
    ONE_TIME_GLOBAL = 29
    LOCKTIME = 30
    PEELING = 31
    FEE_RATE = 32
    LEGACY = 33
    SPENT = 34
    SHADOW = 35
    ERMILOV = 36
    CONSUMER = 37
    GRAPHSENSE = 38
    KEYSET = 39
    SAME_CLUSTER = 40


MODEL_VOTES: tuple[ChangeRule, ...] = tuple(ChangeRule)[:26]
"""The votes that the learned model reads, in its order."""

THRESHOLD_VOTES = MODEL_VOTES
"""The votes that the threshold vote counts."""

SMALLEST_POWER = 2
POWERS_OF_TEN = tuple(10**digits for digits in range(SMALLEST_POWER, 8))

DUST_LIKE_STEP_SAT = 1_000
ERMILOV_STEP_SAT = 10_000


class Payment(NamedTuple):
    """What the rules ask about a transaction as a whole."""

    inputs: int
    outputs: int
    """Those that carry data count."""

    least_input_sat: int
    marginal_fee_sat: int
    """Share of the fee that one input of average size pays, rounded down."""

    uniform_type: int
    """Script type that all inputs have; -1 where they differ or one is unknown."""

    locktime: bool
    """A lock time is set."""

    peels: bool
    """It is a hop of a chain of payments with one input and two outputs, as far as is known."""

    fee_rate: int
    """Thousandths of a satoshi for each virtual byte, rounded down."""

    self_change: bool
    """An output pays an address that is spent from."""

    fresh_outputs: int


class Candidate(NamedTuple):
    """What the rules ask about an output that can be spent."""

    value_sat: int
    script_type: int
    spent_from: bool
    """Its address is an input's, too."""

    fresh: bool
    """No earlier transaction mentions its address."""

    receipts: int
    spends: int
    """Outputs to its address and inputs from it as of the horizon; 2 stands for more as well."""

    spent: bool
    """Spent as of the horizon. The fields below have no meaning where it is not."""

    spender_locktime: bool
    spender_inputs: int
    spender_outputs: int
    """Counts of inputs and outputs are 1, 2 or 3, which stands for more as well."""

    spender_fee_rate: int


@kernel_part
def address_reuse(candidate: Candidate) -> bool:
    """The change goes back to an address that is spent from (C1).

    Assumes: nobody pays to an address that the payer just spent from, but the payer.
    Fails when: two parties of one transaction use each other's addresses, or a service refunds the
        sender in the same transaction.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp; the rule needs no probability, as
        spending from the address shows who holds it.
    """
    return candidate.spent_from


@kernel_part
def address_type(payment: Payment, candidate: Candidate) -> bool:
    """The change has the script type that all inputs have (C2).

    Assumes: a wallet makes addresses of one type, and others are likely to use another.
    Fails when: both parties use one type (no vote), or a wallet makes change of another type than
        it receives (nested to native SegWit, taproot). The numbers m and n of multisig are not
        compared.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp.
    """
    return candidate.script_type == payment.uniform_type


@kernel_part
def optimal_change(payment: Payment, candidate: Candidate) -> bool:
    """The change is less than the smallest input, or that input was not needed (C3).

    Asked of transactions with two or more inputs only.

    Assumes: the wallet picks no input that it could do without.
    Fails when: the wallet sweeps small coins together, spends all coins of an address, or picks
        coins at random.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp ("unnecessary input").
    """
    return payment.inputs >= 2 and candidate.value_sat < payment.least_input_sat


@kernel_part
def optimal_change_with_fee(payment: Payment, candidate: Candidate) -> bool:
    """The change is less than the smallest input less the fee that the input costs (C3f).

    As rule optimal_change, but leaving an input out also saves its share of the fee, here that of
    an input of the transaction's average size.

    Assumes: as optimal_change, and that the wallet counts with fees.
    Fails when: as optimal_change, or where inputs differ much in size.
    Source: Moeser and Narayanan 2022 name the rule; their definition is not public, this one is
        this program's.
    """
    room = payment.least_input_sat - payment.marginal_fee_sat
    return payment.inputs >= 2 and candidate.value_sat < room


@kernel_part
def power_of_ten(candidate: Candidate, power: int) -> bool:
    """The change is not a round amount: no multiple of 10^{digits} satoshi (C4).

    Assumes: people pay round amounts of bitcoin, and the rest is not round.
    Fails when: prices are in other currencies (no vote), a wallet rounds its change, or somebody
        empties a wallet of round coins.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp; Moeser and Narayanan 2022 for the
        numbers of digits.
    """
    return candidate.value_sat % power != 0


@kernel_part
def fresh(candidate: Candidate) -> bool:
    """The change goes to an address that was never mentioned before (C5).

    Assumes: a wallet makes a new address for each change, and payees show theirs repeatedly.
    Fails when: payees make new addresses, too (no vote, or a wrong one where the wallet returns
        change to an old address).
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp (client change address behaviour).
    """
    return candidate.fresh


@kernel_part
def one_time(payment: Payment, candidate: Candidate) -> bool:
    """The change goes to the only new address, and no output goes back to an input's (C6).

    The second heuristic of Meiklejohn and others; that of Goldfeder and others (C13) adds that the
    transaction is no CoinJoin, which all rules here demand, so it is the same rule.

    Assumes: as rule fresh, and that a wallet which returns change to its inputs makes no other.
    Fails when: as rule fresh. The authors' refinements (waiting whether the address receives
        again) are rule one_time_global.
    Source: Meiklejohn and others 2013; Goldfeder and others 2018; neither text was at hand, so the
        definition is second-hand.
    """
    return candidate.fresh and not payment.self_change


@kernel_part
def one_time_global(payment: Payment, candidate: Candidate) -> bool:
    """The change goes to the only address that receives just once as of the horizon (C6g).

    As rule one_time, with the future in view: an address that receives again by the horizon is
    not change.

    Assumes: a wallet never shows a change address to anybody.
    Fails when: a payee's address is used once and the change address again.
    Source: Moeser and Narayanan 2022, as a variant of Meiklejohn and others 2013.
    """
    return candidate.receipts == 1 and not payment.self_change


@kernel_part
def locktime(payment: Payment, candidate: Candidate) -> bool:
    """The change is unspent, or is spent with a lock time if and only if this one has it (C7).

    Assumes: a wallet program always sets a lock time or never does.
    Fails when: most programs do the same, and where the payee's output is spent late: an unspent
        output is never ruled out.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp.
    """
    return not candidate.spent or candidate.spender_locktime == payment.locktime


@kernel_part
def peeling(payment: Payment, candidate: Candidate) -> bool:
    """In a peeling chain the change is unspent, or the chain goes on from it (C8).

    A transaction looks like a hop if it has one input and two outputs; it is one if the
    transaction before it or one after it looks so, too.

    Assumes: somebody pays out step by step from one large coin.
    Fails when: payees spend with one input and two outputs, which most payments have: the rule is
        weak. The stronger follower of peel chains is a rule of its own.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp.
    """
    hop = candidate.spender_inputs == 1 and candidate.spender_outputs == 2
    return payment.peels and (not candidate.spent or hop)


@kernel_part
def fee_rate(payment: Payment, candidate: Candidate) -> bool:
    """The change is unspent, or is spent at the very same fee rate (C9).

    Compared are thousandths of a satoshi for each virtual byte, rounded down.

    Assumes: a wallet pays a fixed fee rate.
    Fails when: fee rates follow the market, which most do since 2016.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp.
    """
    return not candidate.spent or candidate.spender_fee_rate == payment.fee_rate


@kernel_part
def legacy(payment: Payment, candidate: Candidate) -> bool:
    """The change is the only new address with less than the smallest input (C10).

    Assumes: as rules fresh and optimal_change.
    Fails when: as they do.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp; that program's default before its
        version 0.6.
    """
    return candidate.fresh and candidate.value_sat < payment.least_input_sat


@kernel_part
def spent(candidate: Candidate) -> bool:
    """The change is spent as of the horizon (C11).

    Assumes: nothing much; wallets spend change soon and payees may keep what they got.
    Fails when: often; it is meant to be combined with other rules.
    Source: BlockSci 14ccc93, src/heuristics/change_address.cpp.
    """
    return candidate.spent


@kernel_part
def shadow(payment: Payment, candidate: Candidate) -> bool:
    """Of exactly two outputs, the one to a new address is change (C12).

    Assumes: as rule fresh.
    Fails when: as rule fresh.
    Source: Androulaki and others 2013, whose text was not at hand; the definition is second-hand.
    """
    return payment.outputs == 2 and candidate.fresh


@kernel_part
def ermilov(payment: Payment, candidate: Candidate) -> bool:
    """Of exactly two outputs, the only new address with many digits is change (C14).

    The transaction has not two inputs and pays none of its input addresses; exactly one output is
    new, and its amount has digits beyond the fourth decimal of a bitcoin.

    Assumes: as rules one_time and power_of_ten.
    Fails when: as they do.
    Source: Ermilov, Panov and Yanovich 2017, whose text was not at hand; second-hand.
    """
    return (
        payment.outputs == 2
        and payment.inputs != 2
        and not payment.self_change
        and payment.fresh_outputs == 1
        and candidate.fresh
        and candidate.value_sat % ERMILOV_STEP_SAT != 0
    )


@kernel_part
def consumer(candidate: Candidate) -> bool:
    """The change is unspent, or is not spent by a transaction with more than two outputs (C15).

    Assumes: the payer is a consumer, whose wallet makes one payment at a time.
    Fails when: the payer pays several people at once, as services do.
    Source: Nick, thesis, ETH Zurich 2015 (consumer heuristic).
    """
    return not candidate.spent or candidate.spender_outputs <= 2


@kernel_part
def graphsense(payment: Payment, candidate: Candidate) -> bool:
    """GraphSense's one-time change: type, amount and history of the output all fit (C16).

    Of two to ten outputs, the change has the script type of all inputs, is no multiple of 1,000
    satoshi, is less than the smallest input, and its address appears here first and, as of the
    horizon, receives and spends at most once.

    Assumes: as rules address_type, power_of_ten, optimal_change and one_time_global, all at once.
    Fails when: a payee with a new address of the same type gets the smaller, less round part.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py; that program's confidence in
        it is 50, which is no measured rate.
    """
    return (
        2 <= payment.outputs <= 10
        and candidate.script_type == payment.uniform_type
        and candidate.value_sat % DUST_LIKE_STEP_SAT != 0
        and candidate.value_sat < payment.least_input_sat
        and candidate.fresh
        and candidate.receipts <= 1
        and candidate.spends <= 1
    )


KEYSET = """The change is the only output to a multisig that shares a key with an input's (C18).

The script behind an output's address has to be known as of the horizon. A script that is the same
as an input's is reuse of the address and does not count. At most 16 inputs that are multisig are
compared, the first ones.

Assumes: a key of one multisig turns up in another only if its holder set up both.
Fails when: an escrow agent, a co-signing service or an exchange takes part with its own key on both
    sides of a payment.
Source: BlockSci 14ccc93, src/heuristics/tx_identification.cpp (keyset change).
"""

SAME_CLUSTER = """The change goes to an address that is clustered with the inputs already (C17).

Asked of a clustering by common spending as it stands when the change is decided.

Assumes: what the clustering rests on. Not used by any profile.
Fails when: the clustering joined two owners, or somebody pays within the own wallet.
Source: GraphSense graphsense-lib a82914b, heuristics_service.py (multi-input change); that
    program's confidence in it is 50, which is no measured rate.
"""

SAME_HABIT = """The change is the only output that is spent on {habit}.

One of the fingerprint votes: a property of the transaction is compared with that of the
transactions that spend its outputs. Voted only where all outputs that can be spent are, as of the
horizon. The "smart" form of the source, which votes only where the payer's other transactions show
the habit, is not public and not used here.

Assumes: a wallet program keeps its habits, and the payee's program has others.
Fails when: payer and payee use one program (no vote), a service spends all its coins in one way
    whatever they are, or the wallet is moved to another program.
Source: Moeser and Narayanan 2022, maltemoeser/dissertation-code f0e333b.
"""

HABITS: dict[ChangeRule, str] = {
    ChangeRule.SAME_COUNTS: "with as many inputs and outputs (one, two, more)",
    ChangeRule.SAME_OUTPUT_COUNT: "with as many outputs (one, two, more)",
    ChangeRule.SAME_ZEROCONF: "alike as to spending outputs of its own block",
    ChangeRule.SAME_MULTISIG: "alike as to spending multisig scripts",
    ChangeRule.SAME_P2PKH: "alike as to spending P2PKH outputs",
    ChangeRule.SAME_FEE: "for the same fee in satoshi",
    ChangeRule.SAME_FEE_RATE: "at the same fee rate",
    ChangeRule.SAME_VERSION: "with the same version (below 2, or not)",
    ChangeRule.SAME_LOCKTIME: "with the same kind of lock time",
    ChangeRule.SAME_RBF: "alike as to signalling replacement",
    ChangeRule.SAME_SEGWIT: "alike as to carrying a witness",
    ChangeRule.SAME_SEGWIT_COMPATIBLE: "alike as to inputs that may all carry a witness",
    ChangeRule.SAME_ORDER: "alike as to sorting inputs and outputs (BIP-69)",
    ChangeRule.SAME_INPUT_TYPES: "from the same set of script types",
    ChangeRule.SAME_P2SH: "alike as to spending P2SH outputs",
    ChangeRule.SAME_P2WSH: "alike as to spending P2WSH outputs",
    ChangeRule.SAME_P2WPKH: "alike as to spending P2WPKH outputs",
}

_PREDICATES = {
    ChangeRule.OPTIMAL_CHANGE: optimal_change,
    ChangeRule.OPTIMAL_CHANGE_WITH_FEE: optimal_change_with_fee,
    ChangeRule.ADDRESS_TYPE: address_type,
    ChangeRule.ADDRESS_REUSE: address_reuse,
    ChangeRule.FRESH: fresh,
    ChangeRule.ONE_TIME: one_time,
    ChangeRule.ONE_TIME_GLOBAL: one_time_global,
    ChangeRule.LOCKTIME: locktime,
    ChangeRule.PEELING: peeling,
    ChangeRule.FEE_RATE: fee_rate,
    ChangeRule.LEGACY: legacy,
    ChangeRule.SPENT: spent,
    ChangeRule.SHADOW: shadow,
    ChangeRule.ERMILOV: ermilov,
    ChangeRule.CONSUMER: consumer,
    ChangeRule.GRAPHSENSE: graphsense,
}

STATIC = frozenset(
    {
        ChangeRule.OPTIMAL_CHANGE,
        ChangeRule.OPTIMAL_CHANGE_WITH_FEE,
        ChangeRule.ADDRESS_TYPE,
        *(rule for rule in ChangeRule if rule.name.startswith("POWER_OF_TEN")),
        ChangeRule.ADDRESS_REUSE,
        ChangeRule.FRESH,
        ChangeRule.ONE_TIME,
        ChangeRule.LEGACY,
        ChangeRule.SHADOW,
        ChangeRule.ERMILOV,
    }
)
"""The rules that look at the transaction and its past only."""

GRAPHSENSE_CONFIDENCE = {ChangeRule.GRAPHSENSE: 50, ChangeRule.SAME_CLUSTER: 50}
"""0 to 100 as that program gives it; no measured rate."""


def vote_name(rule: ChangeRule) -> str:
    """Return the name under which findings carry a rule."""
    return f"change_{rule.name.lower()}"


def documentation(rule: ChangeRule) -> str:
    """Return the text that explains a rule."""
    if rule in HABITS:
        return SAME_HABIT.format(habit=HABITS[rule])
    if rule is ChangeRule.KEYSET:
        return KEYSET
    if rule is ChangeRule.SAME_CLUSTER:
        return SAME_CLUSTER
    if rule in _PREDICATES:
        return _PREDICATES[rule].__doc__ or ""
    digits = rule - ChangeRule.POWER_OF_TEN_2 + SMALLEST_POWER
    return (power_of_ten.__doc__ or "").format(digits=digits)
