"""One good question per operation, to the small ledger."""

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.small_case import NETWORK, SmallCase


def body(case: SmallCase) -> dict[str, object]:
    """Return the body of the one operation that takes one."""
    return {"network": NETWORK, "sources": [case.address("alice")], "policy": "fifo"}


def ask(client: TestClient, case: SmallCase, operation: str) -> Response:
    """Put the question of an operation to the service."""
    if operation == "make_trace":
        return client.post("/v1/traces", json=body(case))
    return client.get(questions(case)[operation])


def questions(case: SmallCase) -> dict[str, str]:
    """Return the path of a GET request by operation id."""
    alice, base = case.address("alice"), f"/v1/{NETWORK}"
    return {
        "live": "/livez",
        "ready": "/readyz",
        "list_networks": "/v1/networks",
        "read_address": f"{base}/addresses/{alice}",
        "list_address_transactions": f"{base}/addresses/{alice}/transactions?limit=1",
        "read_entity_of_address": f"{base}/addresses/{alice}/entity",
        "read_transaction": f"{base}/transactions/{case.txid('pay')}",
        "read_entity": f"{base}/entities/{alice}",
        "explain_link": f"{base}/why?a={alice}&b={case.address('alice-3')}",
    }
