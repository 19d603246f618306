"""Earlier states of a casebook, made again from what it keeps."""

from datetime import timedelta

import pytest

from arien_flows.casebook.book import Casebook
from arien_flows.casebook.past import earlier_casebook
from tests.arien_flows.casebook.packs import FIRST, GENESIS, SCRIPT, WITNESS, bring_in, pack, row


@pytest.mark.parametrize("withdrawn_after_days", [9, 0, -9])
def test_earlier_casebook__whatever_the_clocks_said(
    casebook: Casebook, withdrawn_after_days: int
) -> None:
    """A withdrawal may be stamped before its import: clocks are set back, or are of two machines.

    The state between the withdrawal and the next import is had again where the clocks can tell;
    all others are in any case.
    """
    told = [casebook.revision("bitcoin")]
    for days, address in ((5, GENESIS), (3, WITNESS)):
        bring_in(casebook, pack(row(address, "Exchange"), title=address), days=days)
        told.append(casebook.revision("bitcoin"))
    moment = FIRST + timedelta(days=withdrawn_after_days)
    casebook.withdraw(2, reason="wrong", now=moment, by="an analyst")
    told.append(casebook.revision("bitcoin"))
    # The same document once more, and another.
    for address in (WITNESS, SCRIPT):
        bring_in(casebook, pack(row(address, "Exchange"), title=address), days=4)
        told.append(casebook.revision("bitcoin"))
    # Withdrawing the second leaves what the first alone said.
    assert len(set(told)) == 4
    for wanted in told:
        with earlier_casebook(casebook, lambda book: book.revision("bitcoin") == wanted) as past:  # noqa: B023
            assert past is not None
    with earlier_casebook(casebook, lambda _book: False) as past:
        assert past is None
