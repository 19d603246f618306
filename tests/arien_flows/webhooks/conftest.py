"""Receivers on loopback, and a workspace that may tell them, on both databases."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from arien_flows.access.ids import new_id
from arien_flows.access.tlp import Tlp
from arien_flows.casebook.engine import writing
from arien_flows.casebook.events import EventType, emit
from arien_flows.casebook.webhook_records import Delivery, NewWebhook, StoredWebhook
from arien_flows.casebook.webhook_tables import deliveries
from arien_flows.settings import Settings
from arien_flows.webhooks.delivering import Delivering, sender_of
from arien_flows.webhooks.owners import Owners
from arien_flows.webhooks.sealing import new_secret, seal_of, shown_secret
from arien_flows.workspace import Workspace
from tests.arien_flows.casebook.conftest import address as address
from tests.webhook_receiver import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A workspace whose administrator allows receivers on loopback."""

    workspace: Workspace

    def hook(
        self,
        receiver: Receiver | None = None,
        *,
        owner: str = "ann",
        url: str | None = None,
        kinds: tuple[str, ...] = (),
        clearance: Tlp = Tlp.RED,
    ) -> StoredWebhook:
        """Make a receiver, and let it know its secret."""
        now, secret = datetime.now(UTC), new_secret()
        name = new_id("hook", now)
        if receiver is not None:
            receiver.secrets.append(shown_secret(secret))
        new = NewWebhook(
            id=name,
            owner=owner,
            url=url or (receiver.url if receiver else "https://x.example/"),
            description="",
            kinds=kinds,
            clearance=clearance,
            sealed_secret=seal_of(self.workspace.settings).close(secret, name),
        )
        return self.workspace.casebook.hooks.add(new, now)

    def happens(
        self,
        kind: EventType = EventType.JOB_SUCCEEDED,
        *,
        subject: str = "job_1",
        owner: str = "ann",
        case_id: str | None = None,
        count: int = 1,
    ) -> list[str]:
        """Let something happen; return the events' ids."""
        with writing(self.workspace.casebook._engine) as connection:
            return [
                emit(
                    connection,
                    kind,
                    subject=subject,
                    path=f"/v1/jobs/{subject}",
                    owner=owner,
                    case_id=case_id,
                    now=datetime.now(UTC),
                )
                for _ in range(count)
            ]

    def deliver(self, now: datetime | None = None, owners: Owners | None = None) -> None:
        sender = sender_of(self.workspace.settings)
        Delivering(self.workspace, sender, owners).run(now or datetime.now(UTC))

    def log(self, hook: StoredWebhook) -> list[Delivery]:
        return self.workspace.casebook.hooks.deliveries(hook.id, before=None, limit=100)

    def make_due(self) -> None:
        """Let the time of everything pending come."""
        with writing(self.workspace.casebook._engine) as connection:
            pending = deliveries.c.state == "pending"
            now = datetime.now(UTC)
            connection.execute(update(deliveries).where(pending).values(next_at=now))


@pytest.fixture
def make_office(address: str, tmp_path: Path) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(*receivers: Receiver, **settings: object) -> Office:
        allow = ";".join(f"127.0.0.1,127.0.0.0/8,{it.port}" for it in receivers)
        chosen = Settings(data=tmp_path, casebook=address, webhook_allow=allow or None, **settings)
        office = Office(workspace=Workspace(chosen))
        office.workspace.casebook.upgrade()
        made.append(office)
        return office

    yield make
    for office in made:
        office.workspace.casebook.close()
