"""What a receiver is told, and the proof that it comes from here.

A message names what happened and where to ask about it, and nothing of what was found: it leaves
the protected system. It is signed as the Standard Webhooks (1.x) say. Its id is the event's, the
same however often it is sent, so a receiver that keeps ids takes each event once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from arien_flows.casebook.webhook_records import StoredEvent
from arien_flows.shapes import shown_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A signed message."""

    headers: dict[str, str]
    body: bytes


def message_of(
    event: StoredEvent, secrets: Sequence[bytes], base_url: str, now: datetime
) -> Message:
    """Return the message about an event, signed with every secret that is in force.

    `base_url` is where callers reach the service, without a slash at its end.
    """
    body = json.dumps(
        {
            "type": event.kind,
            "timestamp": shown_time(event.created_at),
            "data": {"id": event.subject, "url": base_url + event.path},
        },
        separators=(",", ":"),
    )
    # The library takes any datetime for one in UTC, whatever its zone says.
    moment = now.astimezone(UTC).replace(microsecond=0)
    signatures = [Webhook(secret).sign(event.id, moment, body) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "arien-flows",
        "webhook-id": event.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return Message(headers=headers, body=body.encode())
