"""The truth agrees with the chain, and the chain has everything that the truth promises."""

from collections import Counter, defaultdict
from fractions import Fraction

import pandas as pd
import pytest
import yaml

from arien_flows.simulation.roles import (
    COMMISSION_PERCENT,
    JOINT_KINDS,
    Actor,
    Kind,
    Purpose,
    Role,
)
from arien_flows.simulation.wallets import SCRIPT_TYPE_OF_FORM, Form, Wallet
from chains.bitcoin.address import address_text, parse_address
from chains.bitcoin.networks import REGTEST
from chains.bitcoin.script import script_of
from chains.tables import ScriptType
from tests.arien_flows.simulation.conftest import Simulated
from tests.reference import coinjoin


def spends_of(simulated: Simulated) -> dict[int, pd.DataFrame]:
    """Return the outputs that each transaction spends, by transaction."""
    outputs = simulated.truth.outputs
    return dict(iter(outputs[outputs["spent_by"] >= 0].groupby("spent_by")))


def outputs_of(simulated: Simulated) -> dict[int, pd.DataFrame]:
    """Return the outputs of each transaction, by transaction."""
    return dict(iter(simulated.truth.outputs.groupby("transaction")))


def owners(simulated: Simulated, outputs: pd.DataFrame) -> set[int]:
    """Return the owners of outputs."""
    return set(simulated.truth.addresses["owner"].iloc[outputs["address"]])


@pytest.mark.slow
def test_transactions__are_those_of_the_chain(simulated: Simulated) -> None:
    table = simulated.truth.transactions
    seen = simulated.replay.seen
    assert list(table["txid"]) == [one.transaction.GetTxid() for one in seen]
    assert list(table["height"]) == [one.height for one in seen]
    assert (simulated.truth.txids() == [list(txid) for txid in table["txid"]]).all()


@pytest.mark.slow
def test_outputs__are_those_of_the_chain_and_every_one_has_an_owner(simulated: Simulated) -> None:
    addresses = simulated.truth.addresses
    scripts = [
        script_of(ScriptType(kind), payload)
        for kind, payload in zip(addresses["script_type"], addresses["payload"], strict=True)
    ]
    assert len(set(scripts)) == len(scripts)
    assert addresses["owner"].between(0, len(simulated.truth.owners) - 1).all()
    number = {one.transaction.GetTxid(): i for i, one in enumerate(simulated.replay.seen)}
    spent_by = {
        (number[one.prevout.hash], one.prevout.n): i
        for i, seen in enumerate(simulated.replay.seen)
        if seen.spends
        for one in seen.transaction.vin
    }
    rows = simulated.truth.outputs.itertuples()
    for i, seen in enumerate(simulated.replay.seen):
        for vout, output in enumerate(seen.transaction.vout):
            row = next(rows)
            assert (row.transaction, row.vout, row.value_sat) == (i, vout, output.nValue)
            assert row.spent_by == spent_by.get((i, vout), -1)
            if row.address < 0:
                assert output.scriptPubKey[0] == 0x6A
                assert row.purpose == Purpose.DATA
            else:
                assert bytes(output.scriptPubKey) == scripts[row.address]
    assert next(rows, None) is None


@pytest.mark.slow
def test_addresses__are_all_regtest(simulated: Simulated) -> None:
    addresses = simulated.truth.addresses
    for row in addresses.itertuples():
        kind = ScriptType(row.script_type)
        assert kind == SCRIPT_TYPE_OF_FORM[row.form]
        assert row.text == address_text(kind, row.payload, REGTEST)
        assert parse_address(row.text, REGTEST) == (kind, row.payload)
        assert row.text.startswith(("bcrt1", "m", "n", "2", "pk(", "multi("))


@pytest.mark.slow
def test_addresses__know_their_first_payment(simulated: Simulated) -> None:
    paid = simulated.truth.outputs.query("address >= 0")
    first = paid.groupby("address")["transaction"].min()
    expected = first.reindex(simulated.truth.addresses.index, fill_value=-1)
    assert list(simulated.truth.addresses["first_transaction"]) == list(expected)


@pytest.mark.slow
def test_is_change__marks_only_what_returns_to_a_spender(simulated: Simulated) -> None:
    spends, found = spends_of(simulated), 0
    thief = {int(Actor.THIEF)}
    for number, outputs in outputs_of(simulated).items():
        change = outputs[outputs["is_change"]]
        if len(change):
            assert owners(simulated, change) <= owners(simulated, spends[number]) | thief
            found += len(change)
    assert found > len(spends) / 2


@pytest.mark.slow
def test_senders__own_all_inputs_unless_the_transaction_is_joint(simulated: Simulated) -> None:
    joint = set(simulated.truth.joint["transaction"])
    for number, spent in spends_of(simulated).items():
        row = simulated.truth.transactions.iloc[number]
        if number in joint:
            assert row["sender"] == -1
            assert row["kind"] in JOINT_KINDS
        else:
            assert owners(simulated, spent) == {row["sender"]}


@pytest.mark.slow
def test_joint__names_the_participants_and_the_rule_that_must_fail(simulated: Simulated) -> None:
    spends = spends_of(simulated)
    for row in simulated.truth.joint.itertuples():
        assert row.txid == simulated.truth.transactions["txid"].iloc[row.transaction]
        assert list(row.participants) == sorted(owners(simulated, spends[row.transaction]))
        assert len(row.participants) > 1
        unseen = row.kind in (Kind.PAYJOIN, Kind.JOINT_PAYMENT)
        assert row.must_fail == ("multi_input" if unseen else "")
        assert bool(len(row.caught_by)) != unseen


def whirlpool(inputs: list[coinjoin.Coin], outputs: list[coinjoin.Coin]) -> bool:
    """Section 2.6: five to eight equal outputs, one to four inputs that bring a little more."""
    pool = outputs[0][1]
    surplus = [value - pool for _, value in inputs]
    new = [extra for extra in surplus if extra]
    return (
        5 <= len(inputs) == len(outputs) <= 8
        and {value for _, value in outputs} == {pool}
        and len({script for script, _ in [*inputs, *outputs]}) == 2 * len(inputs)
        and 1 <= len(new) <= 4
        and all(100 <= extra <= 110_000 for extra in new)
    )


def wasabi2(inputs: list[coinjoin.Coin], outputs: list[coinjoin.Coin]) -> bool:
    """Section 2.5: many sorted inputs, most outputs standard amounts, many of them repeated."""
    standard = {2**i for i in range(13, 40)}
    sent, received = [v for _, v in inputs], [v for _, v in outputs]
    repeated = {value for value, count in Counter(received).items() if count > 1}
    mixed = sum(value in repeated for value in received)
    return (
        len(inputs) >= 20
        and sent == sorted(sent, reverse=True)
        and received == sorted(received, reverse=True)
        and sum(value in standard for value in received) > 0.8 * len(received)
        and min(received) >= 5_000
        and len({script for script, _ in outputs}) == len(outputs)
        and len(repeated) >= 3
        and (len(received) - 1) / 2 <= mixed < len(received)
        and max(Counter(script for script, _ in inputs).values()) <= 0.1 * len(inputs)
    )


SHAPES = {
    "definite": coinjoin.definite,
    "joinmarket": coinjoin.joinmarket,
    "whirlpool": whirlpool,
    "wasabi2": wasabi2,
}


@pytest.mark.slow
def test_joint__has_exactly_the_shapes_that_it_claims(simulated: Simulated) -> None:
    outputs = outputs_of(simulated)
    for row in simulated.truth.joint.itertuples():
        paid = outputs[row.transaction]
        received = list(zip(paid["address"], paid["value_sat"], strict=True))
        seen = simulated.replay.seen[row.transaction]
        spent = [(hash(spend.script), spend.value) for spend in seen.spends]
        sent = [(-2 - abs(script), value) for script, value in spent]
        for name, shape in SHAPES.items():
            if name in row.caught_by:
                assert shape(sent, received), (name, row.transaction)
            elif row.must_fail:
                assert not shape(sent, received), (name, row.transaction)


@pytest.mark.slow
def test_multi_input_rule__joins_owners_only_where_the_truth_says_that_it_fails(
    simulated: Simulated,
) -> None:
    """Union by plain sets over all transactions but CoinJoins of a known shape."""
    caught = {row.transaction for row in simulated.truth.joint.itertuples() if len(row.caught_by)}
    failing = {row.transaction for row in simulated.truth.joint.itertuples() if row.must_fail}
    spends = spends_of(simulated)

    def mixed_clusters(skipped: set[int]) -> int:
        cluster = {number: {number} for number in simulated.truth.addresses.index}
        for number, spent in spends.items():
            if number not in skipped:
                merged = set().union(*(cluster[address] for address in spent["address"]))
                for address in merged:
                    cluster[address] = merged
        owner = simulated.truth.addresses["owner"]
        distinct = {id(members): members for members in cluster.values()}
        return sum(len(set(owner.iloc[list(found)])) > 1 for found in distinct.values())

    assert mixed_clusters(caught | failing) == 0
    assert mixed_clusters(caught) > 0
    assert mixed_clusters(failing) > 0


@pytest.mark.slow
def test_kinds__all_happen_in_the_smallest_chain(simulated: Simulated) -> None:
    assert all(simulated.summary.kinds[kind.name.lower()] for kind in Kind)
    assert set(simulated.truth.outputs["purpose"]) == set(Purpose)
    used = simulated.truth.addresses.query("first_transaction >= 0")
    assert set(used["form"]) == set(Form)
    assert set(simulated.truth.owners["role"]) == set(Role)
    assert set(simulated.truth.owners["wallet"]) == set(Wallet)


@pytest.mark.slow
def test_keys__of_upgraded_wallets_appear_in_two_forms(simulated: Simulated) -> None:
    used = simulated.truth.addresses.query("first_transaction >= 0")
    forms: defaultdict[bytes, set[int]] = defaultdict(set)
    for row in used.itertuples():
        if row.form in (Form.P2PKH, Form.P2WPKH):
            forms[row.payload].add(row.form)
    assert sum(len(found) == 2 for found in forms.values()) >= 3


@pytest.mark.slow
def test_spend_ages__spread_from_the_same_block_over_most_of_the_chain(
    simulated: Simulated,
) -> None:
    ages = [
        one.height - spend.made_at
        for one in simulated.replay.seen
        for spend in one.spends
        if not spend.by_coinbase
    ]
    economy = simulated.summary.tip_height - 120
    assert sum(age == 0 for age in ages) >= len(ages) / 100
    assert max(ages) > economy * 2 / 3
    for low in (1, 2, 4, 8, 16, 32):
        assert sum(low <= age < 2 * low for age in ages) >= len(ages) / 50


@pytest.mark.slow
def test_escrows__split_by_the_market_s_exact_commission(simulated: Simulated) -> None:
    outputs, found = outputs_of(simulated), 0
    for row in simulated.truth.transactions.query(f"kind == {Kind.ESCROW_RELEASE}").itertuples():
        paid = outputs[row.Index]
        market = Actor(row.sender)
        kept = [o.value_sat for o in paid.itertuples() if owner_of(simulated, o) == market]
        (commission,) = kept
        total = int(paid["value_sat"].sum())
        assert commission == Fraction(total * COMMISSION_PERCENT[market], 100).__floor__()
        assert len(paid) == 2
        found += 1
    assert found >= 30


def owner_of(simulated: Simulated, output: object) -> int:
    """Return the owner of a row of outputs."""
    return int(simulated.truth.addresses["owner"].iloc[getattr(output, "address")])  # noqa: B009


@pytest.mark.slow
def test_fingerprints__are_constant_for_a_wallet_program(simulated: Simulated) -> None:
    wallet = simulated.truth.owners["wallet"]
    marks: defaultdict[int, set[tuple[int, int, bool]]] = defaultdict(set)
    for row in simulated.truth.transactions.query("sender >= 0").itertuples():
        if row.kind in (Kind.PAYMENT, Kind.CONSOLIDATION):
            transaction = simulated.replay.seen[row.Index].transaction
            (sequence,) = {one.nSequence for one in transaction.vin}
            mark = (transaction.nVersion, sequence, transaction.nLockTime > 0)
            marks[int(wallet.iloc[row.sender])].add(mark)
    assert all(len(found) == 1 for found in marks.values())
    assert len({mark for found in marks.values() for mark in found}) >= 4


@pytest.mark.slow
def test_sorting_wallets__order_inputs_by_outpoint_and_outputs_by_amount(
    simulated: Simulated,
) -> None:
    wallet, found = simulated.truth.owners["wallet"], 0
    for row in simulated.truth.transactions.query("sender >= 0").itertuples():
        if row.kind == Kind.PAYMENT and wallet.iloc[row.sender] == Wallet.SORTING:
            transaction = simulated.replay.seen[row.Index].transaction
            spent = [(one.prevout.hash[::-1], one.prevout.n) for one in transaction.vin]
            paid = [output.nValue for output in transaction.vout]
            assert spent == sorted(spent)
            assert paid == sorted(paid)
            found += len(spent) > 1
    assert found


@pytest.mark.slow
def test_summary__counts_what_is_there(simulated: Simulated) -> None:
    summary = simulated.truth.summary
    assert summary["inputs"] == sum(len(one.spends) for one in simulated.replay.seen)
    assert summary["outputs"] == len(simulated.truth.outputs)
    unspent = [one for one in simulated.replay.unspent.values() if one.script[0] != 0x6A]
    assert summary["unspent_outputs"] == len(unspent)
    assert summary["unspent_sat"] == sum(one.value for one in unspent)
    assert summary["unspent_sat"] == sum(
        REGTEST.subsidy(height) for height in range(1, summary["tip_height"] + 1)
    )
    size = sum(file.stat().st_size for file in simulated.truth.blocks.iterdir())
    assert summary["block_bytes"] == size


@pytest.mark.slow
def test_listings__hold_the_addresses_that_the_truth_names(simulated: Simulated) -> None:
    documents = simulated.truth.documents
    files = {file.name for file in simulated.truth.listings.iterdir()}
    assert {document["file"] for document in documents} == files
    assert len(files) >= 24
    roles: Counter[str] = Counter()
    for document in documents:
        text = (simulated.truth.listings / document["file"]).read_text(encoding="utf-8")
        for mention in document["mentions"]:
            assert text.count(mention["address"]) == 1
            assert simulated.truth.owner_of_text(mention["address"]) == mention["owner"]
            own = mention["owner"] == document["owner"]
            assert own == (mention["role"] == "pay_to")
            roles[mention["role"]] += 1
    assert set(roles) == {"pay_to", "donation", "feedback", "example", "warning"}


@pytest.mark.slow
def test_vendors__are_paid_at_the_addresses_that_they_publish(simulated: Simulated) -> None:
    two_names = [v for v in simulated.truth.vendors if len(v["aliases"]) == 2]
    assert two_names
    assert all(v["aliases"][0]["name"] != v["aliases"][1]["name"] for v in two_names)
    addresses = simulated.truth.addresses.set_index("text")
    direct = [v["direct_address"] for v in simulated.truth.vendors if v["direct_address"]]
    assert 0 < len(direct) < len(simulated.truth.vendors)
    assert any(addresses.loc[text, "first_transaction"] >= 0 for text in direct)


@pytest.mark.slow
def test_tagpack__names_services_but_not_the_thief_s_account(simulated: Simulated) -> None:
    pack = yaml.safe_load(simulated.truth.tagpack.read_text(encoding="utf-8"))
    assert {"title", "creator", "currency", "source", "lastmod"} <= pack.keys()
    tagged = [tag["address"] for tag in pack["tags"]]
    assert len(set(tagged)) == len(tagged)
    assert simulated.truth.theft["deposit_address"] not in tagged
    names = {actor["owner"]: actor["name"] for actor in simulated.truth.actors}
    for tag in pack["tags"]:
        assert tag["label"].startswith(names[simulated.truth.owner_of_text(tag["address"])])
    categories = {tag["category"] for tag in pack["tags"]}
    assert categories == {"market", "exchange", "mixing_service"}
