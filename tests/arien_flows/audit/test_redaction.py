"""Secrets that people write where they do not belong."""

from datetime import UTC, datetime

import pytest

from arien_flows.access.secrets import new_key
from arien_flows.audit.redaction import without_secrets


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/v1/x?token=abc&limit=5", "/v1/x?token=***&limit=5"),
        ("/v1/x?limit=5&APIKEY=abc", "/v1/x?limit=5&APIKEY=***"),
        ("/v1/sign-in/return?code=a.b-c&state=d", "/v1/sign-in/return?code=***&state=***"),
        ("see whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "see whsec_***"),
        ("/v1/bitcoin/addresses/bc1qx?profile=wide", "/v1/bitcoin/addresses/bc1qx?profile=wide"),
        ("/v1/audit?request_id=code&operation=token", "/v1/audit?request_id=code&operation=token"),
    ],
)
def test_without_secrets__hides_them_and_nothing_else(said: str, kept: str) -> None:
    assert without_secrets(said) == kept


def test_without_secrets__keeps_the_public_part_of_a_key() -> None:
    key = new_key(datetime.now(UTC))
    told = without_secrets(f"/v1/{key.text}?caller={key.text}")
    assert key.secret not in told
    assert told.count(key.id.removeprefix("key_")) == 2
