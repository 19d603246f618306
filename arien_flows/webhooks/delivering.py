"""Telling receivers what happened: the outbox is emptied a piece at a time.

A duty of the workers. A call finds the receivers of new events, then sends what is due, until
nothing is or its time is up. A few threads send; each receiver is called by one at a time, so that
the one that hangs for fifteen seconds keeps a thread busy and nobody waiting. The casebook is held
for moments only, before and after a message is on its way.
"""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from time import monotonic

from arien_flows.casebook.webhook_records import (
    AttemptResult,
    Claim,
    DueDelivery,
    StoredEvent,
    StoredWebhook,
)
from arien_flows.settings import Settings
from arien_flows.webhooks.messages import message_of
from arien_flows.webhooks.owners import Owners, may_be_told, owners_of, wants
from arien_flows.webhooks.schedule import GIVE_UP, next_try
from arien_flows.webhooks.sealing import SealError, seal_of
from arien_flows.webhooks.sending import Sender, Sent
from arien_flows.webhooks.targets import TargetPolicy, allow_list
from arien_flows.workspace import Workspace

log = logging.getLogger("arien_flows.webhooks")

THREADS = 8
EVENTS_TOGETHER = 500
SECONDS = 20.0
"""No delivery is begun in a call that has lasted so long."""

LEASE = timedelta(seconds=60)
"""Longer than a message can take; whoever is killed while sending blocks it for so long."""

_GONE = 410


def deliver(workspace: Workspace, now: datetime) -> None:
    """Tell receivers of what happened: the duty of a worker."""
    if workspace.casebook.hooks.active():
        Delivering(workspace, sender_of(workspace.settings)).run(now)
    else:
        fan_out(workspace, owners_of(workspace), now)


def sender_of(settings: Settings) -> Sender:
    """Return how messages are sent under some settings."""
    return Sender(policy=policy_of(settings))


def policy_of(settings: Settings) -> TargetPolicy:
    """Return which targets the settings allow."""
    return TargetPolicy(
        allowed=allow_list(settings.webhook_allow or ""),
        proxy_is_set=settings.proxy is not None,
    )


def base_url(settings: Settings) -> str:
    """Return where callers reach the service, without a slash at its end."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def fan_out(workspace: Workspace, owners: Owners, now: datetime) -> int:
    """Find the receivers of new events; return how many deliveries were made."""
    hooks, made = workspace.casebook.hooks, 0
    while found := hooks.new_events(EVENTS_TOGETHER):
        receivers = hooks.active()
        told = {event.id: _receivers(workspace, event, receivers, owners) for event in found}
        made += hooks.fan_out(told, {event.id: event.kind for event in found}, now)
    return made


def _receivers(
    workspace: Workspace, event: StoredEvent, among: Sequence[StoredWebhook], owners: Owners
) -> list[str]:
    case_of = workspace.casebook.cases.access
    return [
        webhook.id
        for webhook in among
        if wants(webhook, event) and may_be_told(webhook, event, owners, case_of)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt that is under way."""

    claimed: Claim
    webhook: StoredWebhook
    begun: float
    """On the clock of `monotonic`."""


class Delivering:
    """One round of deliveries."""

    def __init__(self, workspace: Workspace, sender: Sender, owners: Owners | None = None) -> None:
        self._workspace = workspace
        self._hooks = workspace.casebook.hooks
        self._sender = sender
        self._owners = owners or owners_of(workspace)
        self._base_url = base_url(workspace.settings)
        self._chance = SystemRandom()
        self._seal = seal_of(workspace.settings)

    def run(self, now: datetime, seconds: float = SECONDS) -> None:
        """Send what is due at `now` or becomes due meanwhile, for about so many seconds."""
        began = monotonic()
        fan_out(self._workspace, self._owners, now)
        under_way: dict[Future[Sent], _Begun] = {}
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks") as pool:
            while True:
                passed = monotonic() - began
                moment = now + timedelta(seconds=passed)
                if passed < seconds:
                    under_way |= self._begin(pool, under_way.values(), moment)
                if not under_way:
                    return
                done, _ = wait(under_way, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    ended = now + timedelta(seconds=monotonic() - began)
                    self._finish(under_way.pop(future), future.result(), ended)

    def _begin(
        self, pool: ThreadPoolExecutor, under_way: Collection[_Begun], now: datetime
    ) -> dict[Future[Sent], _Begun]:
        """Begin as many deliveries as there are free threads."""
        busy = {it.webhook.id for it in under_way}
        free = THREADS - len(busy)
        begun = {}
        for due in self._hooks.due(now, busy, free) if free else ():
            if not self._is_allowed(due):
                self._hooks.withhold(due.id, now)
                continue
            claimed = self._hooks.claim(due.id, now, LEASE)
            if claimed is not None:
                future = pool.submit(self._send, due, now)
                begun[future] = _Begun(claimed=claimed, webhook=due.webhook, begun=monotonic())
        return begun

    def _is_allowed(self, due: DueDelivery) -> bool:
        if due.event is None:
            return False
        case_of = self._workspace.casebook.cases.access
        return may_be_told(due.webhook, due.event, self._owners, case_of)

    def _send(self, due: DueDelivery, now: datetime) -> Sent:
        assert due.event is not None  # noqa: S101 nothing else is allowed to be sent
        try:
            secrets = self._secrets(due, now)
        except SealError as error:
            return Sent(status=None, failure="secret_lost", words=str(error))
        message = message_of(due.event, secrets, self._base_url, now)
        return self._sender.send(due.webhook.url, message.headers, message.body)

    def _secrets(self, due: DueDelivery, now: datetime) -> list[bytes]:
        """Return the secrets in force, the newest first."""
        webhook = due.webhook
        found = [self._seal.open(due.sealed_secret, webhook.id)]
        until = webhook.earlier_until
        if due.earlier_secret is not None and until is not None and now < until:
            found.append(self._seal.open(due.earlier_secret, webhook.id))
        return found

    def _finish(self, begun: _Begun, sent: Sent, now: datetime) -> None:
        result = AttemptResult(
            ended_at=now,
            is_delivered=sent.is_delivered,
            status=sent.status,
            failure=sent.failure,
            milliseconds=int((monotonic() - begun.begun) * 1000),
            answer_bytes=sent.answer_bytes,
            next_at=(
                None
                if sent.is_delivered
                else next_try(begun.claimed.tries, now, sent.retry_after, self._chance.random())
            ),
        )
        why = _reason_to_disable(begun.webhook, sent, now)
        self._hooks.finish(begun.claimed, result, disable_why=why)
        outcome = sent.failure or sent.status
        log.info("delivery %s: %s", begun.claimed.delivery_id, outcome)
        if why is not None:
            log.warning("webhook %s is disabled: %s", begun.webhook.id, why)


def _reason_to_disable(webhook: StoredWebhook, sent: Sent, now: datetime) -> str | None:
    """Return why a receiver is not to be called any more, if so."""
    if sent.status == _GONE:
        return "it answered 410 Gone"
    since = webhook.failing_since
    if sent.is_delivered or since is None or now - since < GIVE_UP:
        return None
    return f"every attempt failed for {(now - since).days} days"
