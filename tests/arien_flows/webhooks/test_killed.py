"""A worker that is killed while it sends: nothing is lost, and what comes twice has one id."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from arien_flows.casebook.webhook_records import DeliveryState
from arien_flows.webhooks.delivering import LEASE
from tests.arien_flows.webhooks.conftest import Office
from tests.http_server import Reply
from tests.webhook_receiver import receiving

_DELIVER = """
import os
from datetime import UTC, datetime
from arien_flows.settings import settings_from
from arien_flows.webhooks.delivering import deliver
from arien_flows.workspace import Workspace

deliver(Workspace(settings_from(os.environ)), datetime.now(UTC))
"""


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_deliver__killed_while_a_message_is_on_its_way(make_office: Callable[..., Office]):
    arrived, killed = threading.Event(), threading.Event()

    def hang(_heard: object) -> Reply:
        arrived.set()
        killed.wait(20)
        return Reply()

    with receiving() as receiver:
        receiver.reply = hang
        office = make_office(receiver)
        hook = office.hook(receiver)
        (event,) = office.happens()
        settings = office.workspace.settings
        environment = {
            **os.environ,
            "ARIEN_DATA": str(settings.data),
            "ARIEN_CASEBOOK": settings.casebook or "",
            "ARIEN_WEBHOOK_ALLOW": settings.webhook_allow or "",
        }
        with subprocess.Popen([sys.executable, "-c", _DELIVER], env=environment) as worker:
            assert arrived.wait(60)
            worker.send_signal(signal.SIGKILL)
            worker.wait(20)
        killed.set()
        receiver.reply = lambda _heard: Reply()
        office.deliver(datetime.now(UTC) + LEASE + timedelta(seconds=1))
    assert [it.id for it in receiver.heard] == [event, event]
    (delivery,) = office.log(hook)
    assert delivery.state is DeliveryState.DELIVERED
    assert [attempt.ended_at is None for attempt in delivery.attempts] == [True, False]
