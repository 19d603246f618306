"""One good question per operation, to the small ledger."""

from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from fastapi.testclient import TestClient
from httpx2 import Response

from api.main import service
from arien_flows.settings import Settings
from tests.arien_flows.intake.desk import FIRST, Desk, page
from tests.small_case import NETWORK, SmallCase
from tests.small_vendor import ACCOUNT, with_vendor

WITHDRAWN = "withdraw_tag_import"
"""The one operation that changes what others answer: it is put to a service of its own."""


COLLECTED = (
    "list_listings", "read_listing", "list_vendors", "read_vendor", "read_vendor_link",
)  # fmt: skip
"""Operations that are about collected documents, which the small case has none of."""


OF_ACCOUNT = "read_account_profile"


def body(case: SmallCase) -> dict[str, object]:
    """Return the body of a trace."""
    return {"network": NETWORK, "sources": [case.address("alice")], "policy": "fifo"}


def ask(client: TestClient, case: SmallCase, operation: str) -> Response:
    """Put the question of an operation to the service."""
    if operation == "make_trace":
        return client.post("/v1/traces", json=body(case))
    if operation == "find_paths":
        ends = {"origin": case.address("alice"), "destination": case.address("exchange")}
        return client.post("/v1/paths", json={"network": NETWORK, **ends})
    if operation == "find_exposure":
        subjects = [case.address("alice"), f"entity:{case.address('bob')}"]
        return client.post(f"/v1/{NETWORK}/exposures", json={"subjects": subjects})
    if operation == "look_up":
        items = [case.address("exchange"), case.txid("pay"), "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"]
        return client.post(
            f"/v1/{NETWORK}/lookups", json={"items": items, "include": ["entity", "tags"]}
        )
    if operation == "import_tags":
        return import_tags(client, case)
    if operation == OF_ACCOUNT:
        return ask_of_account(case)
    if operation in COLLECTED:
        return ask_collected(operation)
    if operation == "read_account_profile":
        with TemporaryDirectory() as folder:
            settings = Settings(data=with_vendor(case, Path(folder)))
            own = TestClient(service(settings), base_url=str(client.base_url))
            return own.get(f"/v1/vendors/{ACCOUNT}/profile")
    if operation == WITHDRAWN:
        with TemporaryDirectory() as folder:
            own = TestClient(service(Settings(data=Path(folder))), base_url=str(client.base_url))
            import_tags(own, case)
            return own.post("/v1/tags/imports/1/withdrawal", json={"reason": "A mistaken list."})
    return client.get(questions(case)[operation])


def ask_of_account(case: SmallCase) -> Response:
    """Ask for the wallets of an account whose page names an address of the small ledger."""
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        copytree(case.data, desk.folder / "data")
        desk.bring({"alice.html": page("Alice", case.address("alice"))}, network=NETWORK)
        desk.casebook.close()
        client = TestClient(
            service(Settings(data=desk.folder / "data")), base_url="http://127.0.0.1:8000"
        )
        found = client.get("/v1/vendors").json()["items"][0]["id"]
        return client.get(f"/v1/vendors/{found}/profile?network={NETWORK}")


def ask_collected(operation: str) -> Response:
    """Put a question to a service whose casebook holds two pages of vendors."""
    with TemporaryDirectory() as folder:
        client = TestClient(
            service(Settings(data=collect(Path(folder)))), base_url="http://127.0.0.1:8000"
        )
        return client.get(collected_paths(client)[operation])


def collect(folder: Path) -> Path:
    """Make a data folder whose casebook holds two pages of vendors."""
    desk = Desk(folder)
    desk.bring({"alice.html": page("Alice", FIRST), "bob.html": page("Bob", None)})
    desk.casebook.close()
    return folder / "data"


def collected_paths(client: TestClient) -> dict[str, str]:
    """Return the path of each question about documents, to a service that holds some."""
    sha256 = client.get("/v1/listings").json()["items"][0]["sha256"]
    first, second = (item["id"] for item in client.get("/v1/vendors").json()["items"])
    return {
        "list_listings": "/v1/listings?limit=1",
        "read_listing": f"/v1/listings/{sha256}",
        "list_vendors": "/v1/vendors?limit=1",
        "read_vendor": f"/v1/vendors/{first}",
        "read_vendor_link": f"/v1/vendors/{first}/links?other={second}",
    }


def import_tags(client: TestClient, case: SmallCase) -> Response:
    """Send the TagPack of the small case; the small ledger's casebook knows it already."""
    return client.post(
        f"/v1/tags/imports?network={NETWORK}&name={case.pack.name}",
        content=case.pack.read_bytes(),
        headers={"Content-Type": "application/yaml"},
    )


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
        "list_address_tags": f"{base}/addresses/{case.address('exchange')}/tags",
        "list_tags": f"/v1/tags?network={NETWORK}&limit=1",
        "list_tag_imports": "/v1/tags/imports",
        "read_tag_import": "/v1/tags/imports/1",
        "list_neighbours": f"{base}/addresses/{case.address('exchange')}/neighbours?direction=in",
        "list_entity_neighbours": f"{base}/entities/{alice}/neighbours?limit=1",
        "read_transaction": f"{base}/transactions/{case.txid('pay')}",
        "follow_peel_chain": f"{base}/transactions/{case.txid('pay')}/peel-chain",
        "read_roles": f"{base}/entities/{alice}/roles",
        "read_address_exposure": f"{base}/addresses/{alice}/exposure",
        "read_entity_exposure": f"{base}/entities/{alice}/exposure",
        "read_address_risk": f"{base}/addresses/{alice}/risk",
        "read_entity_risk": f"{base}/entities/{alice}/risk",
        "read_vendor_profile": f"{base}/entities/{alice}/vendor-profile",
        "read_entity": f"{base}/entities/{alice}",
        "list_rules": "/v1/heuristics?rule=same_key",
        "list_categories": "/v1/heuristics/categories?category=darknet_market",
        "list_conflicts": f"{base}/conflicts?limit=1",
        "explain_link": f"{base}/why?a={alice}&b={case.address('alice-3')}",
    }
