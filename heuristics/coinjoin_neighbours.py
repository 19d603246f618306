"""What the transactions around a suspected CoinJoin say about it: the rules, in words.

Marks depend on one transaction alone. These rules look at where its inputs come from, where its
outputs go and what is said of its addresses. They are applied when somebody asks about a
transaction, and nothing that they say is stored. Where their answer can change with later blocks
or tags, they are dynamic.
"""

VERSION = 1
"""Raised whenever a rule can give another answer on the same transactions."""

WHIRLPOOL_LINEAGE = """Each coin of a Whirlpool mix comes from one of its pool or what may be a Tx0.

An input of exactly the pool's amount must be an output of a mix, whose inputs are looked at in the
same way, once more. An input of more must come from a transaction that carries data as each Tx0
does: exactly one output of data. Whether it is a Tx0 otherwise is not asked.

Assumes: the ledger reaches back far enough; what carries data and pays into a mix is a Tx0.
Fails when: an input comes from before the ledger (then nothing is said), or the pool's first mixes
    are looked at, which have nothing behind them.
Source: GraphSense graphsense-lib a82914b (lineage); that a Tx0 needs no more than data is how
    Dumplings 36f28f2 finds them. The depth of two is this program's. No error rate is given.
"""

WHIRLPOOL_TX0_SPENT = """An output went into a Whirlpool mix as a new coin, so this is a Tx0.

The transaction carries data, and one of its first twenty outputs that could be a new coin of a
pool is spent in a mix of that pool. It raises the confidence of a Tx0 from 60 to 90, and finds
those whose shape is in doubt because their change is as small as a fee. It is asked of every
transaction but rounds of Wasabi and Whirlpool. What marks leave out of clustering stays left out:
a transaction with as many equal outputs as a CoinJoin, even where this rule says that it is none.

Assumes: only a Tx0 makes coins of a pool's amount and a little more.
Fails when: somebody's wallet makes such a coin by chance and he mixes it.
Source: GraphSense graphsense-lib a82914b (forward check, confidence 90); Dumplings 36f28f2 finds
    its Tx0 transactions in this way.
"""

WASABI_2_ISOLATED = """No coin of a Wasabi 2 round was mixed before, and none is mixed again (veto).

No input comes from a transaction that looks like a round of Wasabi 2, and no output is spent in
one up to the ledger's last block.

Assumes: most participants of real rounds mix more than once, so that rounds hang together.
Fails when: a round is among the coordinator's first or the chain's last.
Source: crocs-muni/coinjoin-analysis 097447a (wasabi_detect_false, detect_no_inout_remix_txs), a
    filter by which its authors look for false positives. No error rate is given.
"""

POSTMIX = """It spends coins from a Wasabi or Whirlpool round, one owner's by now (veto).

It is said of CoinJoins without a coordinator only, and not where `joinmarket` finds one, too:
Wasabi's own first rounds, which no rule here knows by name, spend coins of one another.

Assumes: who leaves a round spends its coins alone, in equal parts if he pays so.
Fails when: somebody takes mixed coins to a maker of JoinMarket.
Source: Dumplings 36f28f2, Scanner.cs, which takes such transactions off its list; the exception
    is this program's. No error rate is given.
"""

EXCHANGE = """An input is an exchange's by a tag: a batch of equal payments, not a CoinJoin (veto).

It is said of Wasabi 1 and of CoinJoins without a coordinator. The first 1,000 inputs are asked;
where there are more and none of these is an exchange's, the answer says how many were not.

Assumes: the tag is right, and an exchange does not take part in CoinJoins.
Fails when: the tag is wrong, or reached the address through a merge that is.
Source: GraphSense graphsense-lib a82914b, heuristics_service.py. No error rate is given.
"""
