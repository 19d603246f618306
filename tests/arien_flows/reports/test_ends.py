"""The words for the ends of traces: one for each reason, in both directions."""

import pytest

from arien_flows.account_tracing.stops import Reason
from arien_flows.reports.ends import BACKWARD_ENDS, FORWARD_ENDS, meaning
from heuristics.taint import Stop

NO_ENDS = {Stop.CLEAN, Stop.FOLLOWED, Stop.FEE}
"""What is followed or not traced; what goes to miners is told as `fees`, under no reason."""


@pytest.mark.parametrize("ends", [FORWARD_ENDS, BACKWARD_ENDS])
def test_ends__every_reason_has_words(ends: dict[str, str]):
    of_coins = {stop.name.lower() for stop in Stop if stop not in NO_ENDS}
    of_balances = {str(reason) for reason in Reason if reason is not Reason.FEE} | {"converted"}
    assert set(ends) == of_coins | of_balances | {"fees"}
    assert all("_" not in words for words in ends.values())


def test_meaning__backward_nothing_is_paid_to_a_service():
    for reason in ("service_reached", "mixer", "bridge"):
        assert meaning(reason, "forward").startswith("paid to")
        assert meaning(reason, "backward").startswith("came from")
