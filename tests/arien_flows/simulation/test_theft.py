"""What a trace of the theft must find, by closed form and by plain Python over the whole chain."""

from collections import deque
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.simulation import theft
from tests.arien_flows.simulation.conftest import Simulated
from tests.arien_flows.simulation.replay import Outpoint

TAINT = dict[Outpoint, int]


def test_amounts__leave_nothing_unexplained() -> None:
    assert sum(theft.VICTIM_COINS_SAT) - 2 * theft.FEE_SAT == theft.STOLEN_SAT
    assert sum(theft.SPLIT_SAT) + theft.FEE_SAT == theft.STOLEN_SAT
    assert theft.SPLIT_SAT[1] + theft.CLEAN_SAT == sum(theft.MERGED_SAT) + theft.FEE_SAT
    peeled = sum(theft.FIRST_PEEL_SAT + theft.PEEL_STEP_SAT * i for i in range(theft.PEELS))
    fees = (theft.PEELS + 1) * theft.FEE_SAT
    assert theft.SPLIT_SAT[0] - peeled - fees == theft.FIRST_DEPOSIT_SAT
    merged = sum(theft.MERGED_SAT)
    assert merged == theft.SECOND_DEPOSIT_SAT + theft.SECOND_REST_SAT + theft.FEE_SAT


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.integers(0, 10**6), st.data())
def test_haircut_shares__are_whole_and_lose_nothing_but_the_fee(
    outputs: list[int], fee: int, data: st.DataObject
) -> None:
    total = sum(outputs) + fee
    if total == 0:
        return
    tainted = data.draw(st.integers(0, total))
    shares = theft.haircut_shares(outputs, tainted, total)
    for share, output in zip(shares, outputs, strict=True):
        assert abs(share - Fraction(output * tainted, total)) < 1
        assert 0 <= share <= output
    assert 0 <= tainted - sum(shares) <= fee


def outpoint(text: str) -> Outpoint:
    """Return an outpoint as stored."""
    txid, vout = text.split(":")
    return bytes.fromhex(txid)[::-1], int(vout)


def fifo(streams: list[list[tuple[int, bool]]], outputs: list[int]) -> list[list[tuple[int, bool]]]:
    """Cut the inputs' stream of (length, stolen) pieces into outputs, in order."""
    queue = deque(piece for stream in streams for piece in stream)
    cut = []
    for wanted in outputs:
        pieces = []
        while wanted:
            length, stolen = queue.popleft()
            if length > wanted:
                queue.appendleft((length - wanted, stolen))
            pieces.append((min(length, wanted), stolen))
            wanted -= min(length, wanted)
        cut.append(pieces)
    return cut


def pro_rata(tainted: int, total: int, outputs: list[int]) -> list[int]:
    """Share in exact fractions, rounded down; the fee, then the largest fractions take the rest."""
    exact = [Fraction(output * tainted, total) for output in outputs]
    shares = [int(share) for share in exact]
    left = max(0, tainted - sum(shares) - (total - sum(outputs)))
    by_fraction = sorted(range(len(outputs)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_fraction[:left]:
        shares[i] += 1
    return shares


def trace(simulated: Simulated, policy: str, source: Outpoint) -> TAINT:
    """Return the stolen part of every output of the chain that has any."""
    found: TAINT = {}
    pieces: dict[Outpoint, list[tuple[int, bool]]] = {}
    for seen in simulated.replay.seen:
        txid = seen.transaction.GetTxid()
        values = [output.nValue for output in seen.transaction.vout]
        spent = [(one.prevout.hash, one.prevout.n) for one in seen.transaction.vin]
        if txid == source[0]:
            found[source] = values[source[1]]
            pieces[source] = [(values[source[1]], True)]
        if not any(one in found for one in spent):
            continue
        if policy == "poison":
            parts = values
        elif policy == "haircut":
            tainted = sum(found.get(one, 0) for one in spent)
            parts = pro_rata(tainted, sum(spend.value for spend in seen.spends), values)
        else:
            streams = [
                pieces.get(one, [(spend.value, False)])
                for one, spend in zip(spent, seen.spends, strict=True)
            ]
            cut = fifo(streams, values)
            parts = [sum(length for length, stolen in part if stolen) for part in cut]
            pieces.update({(txid, vout): part for vout, part in enumerate(cut)})
        found.update({(txid, vout): part for vout, part in enumerate(parts) if part})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["poison", "haircut", "fifo"])
def test_theft__reaches_the_deposits_with_the_amounts_that_the_truth_names(
    simulated: Simulated, policy: str
) -> None:
    truth = simulated.truth.theft
    found = trace(simulated, policy, outpoint(truth["source"]))
    assert found[outpoint(truth["source"])] == truth["stolen_sat"] == theft.STOLEN_SAT
    for deposit in truth["deposits"]:
        expected = {str(name): value for name, value in deposit["expected_sat"].items()}
        assert found[outpoint(deposit["outpoint"])] == expected[policy]


@pytest.mark.slow
def test_theft__conserves_what_was_stolen_on_its_way(simulated: Simulated) -> None:
    truth = simulated.truth.theft
    found = trace(simulated, "fifo", outpoint(truth["source"]))
    ends = [*truth["peels"], truth["rest"], *(deposit["outpoint"] for deposit in truth["deposits"])]
    fees = truth["stolen_sat"] - sum(found[outpoint(end)] for end in ends)
    # All fees of the path but one are stolen money: step 3 pays its fee from the clean coin.
    assert fees == (len(truth["transactions"]) - 2) * theft.FEE_SAT


@pytest.mark.slow
def test_theft__path_is_on_the_chain_in_order(simulated: Simulated) -> None:
    truth = simulated.truth.theft
    numbers = {one.transaction.GetTxid(): i for i, one in enumerate(simulated.replay.seen)}
    path = [numbers[bytes.fromhex(txid)[::-1]] for txid in truth["transactions"]]
    assert path == sorted(path)
    assert len(path) == 3 + theft.PEELS + 2
    assert numbers[outpoint(truth["clean"])[0]] < path[0]
    assert outpoint(truth["rest"]) in simulated.replay.unspent


@pytest.mark.slow
def test_deposits__are_swept_with_the_exchange_s_hot_wallet(simulated: Simulated) -> None:
    """So that clustering alone joins the account to tagged addresses."""
    truth = simulated.truth.theft
    outputs = simulated.truth.outputs
    addresses = simulated.truth.addresses
    hot = set(simulated.truth.actors[truth["exchange"]]["addresses"])
    for deposit in truth["deposits"]:
        txid, vout = outpoint(deposit["outpoint"])
        number = int(simulated.truth.transactions["txid"].tolist().index(txid))
        row = outputs.query(f"transaction == {number} and vout == {vout}").iloc[0]
        assert addresses["text"].iloc[row["address"]] == truth["deposit_address"]
        swept = outputs[outputs["spent_by"] == row["spent_by"]]
        assert hot & set(addresses["text"].iloc[swept["address"]])
