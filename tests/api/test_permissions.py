"""Every route declares what it needs, asks it of every role, and hides the objects of others.

Made from the routes of the application: one that is added is in here without anybody's doing, or
the test says what is missing.
"""

import re

import pytest
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response

from api.callers import Needed, declared
from api.main import application
from arien_flows.access.permissions import Permission, Public, SignedIn
from arien_flows.access.roles import PERMISSIONS, Role
from arien_flows.access.tlp import Tlp
from arien_flows.settings import Settings
from tests.api.conftest import Accounts
from tests.api.foreign_objects import ABSENT, BODIES, FOREIGN, PLAIN, QUERIES, SEEN_BY

PUBLIC = {"live", "ready", "start", "begin_sign_in", "finish_sign_in"}
"""What everybody may ask. To add to it is a decision."""

ROLES = [role for role in Role if role is not Role.LOCAL]


EVERYTHING = list(iter_route_contexts(application(Settings()).routes))


def name_of(route: RouteContext) -> str:
    return str(route.operation_id or route.name)


ROUTES = {
    name_of(route): route for route in EVERYTHING if isinstance(route.original_route, APIRoute)
}


def needed(route: RouteContext) -> list[Needed]:
    return [it for it in map(declared, route.dependencies) if it is not None]


def method_of(route: RouteContext) -> str:
    (method,) = set(route.methods or ()) - {"HEAD"}
    return method


def parameters(route: RouteContext) -> list[str]:
    return re.findall(r"{(\w+)", str(route.path))


def path_of(route: RouteContext, objects: dict[str, str]) -> str:
    return re.sub(r"{(\w+)(:\w+)?}", lambda it: (PLAIN | objects)[it[1]], str(route.path))


def call(
    client: TestClient, route: RouteContext, objects: dict[str, str], body: object
) -> Response:
    method = method_of(route)
    content = None if method in ("GET", "DELETE") else body
    headers = {} if method == "GET" else {"If-Match": '"1"'}
    path = f"{path_of(route, objects)}?{QUERIES.get(name_of(route), '')}"
    return client.request(method, path, json=content, headers=headers)


def tell_refusal(response: Response, permission: Permission) -> bool:
    """Tell whether a request was refused because its caller lacks a permission."""
    return response.status_code == 403 and f"it needs `{permission}`" in response.text


@pytest.mark.parametrize("name", ROUTES)
def test_route__declares_exactly_one_permission(name: str):
    assert len(needed(ROUTES[name])) == 1, f"{name}: dependencies=[allow(Permission.…)]"
    assert method_of(ROUTES[name])


def test_paths__beside_the_routes_are_these():
    others = {it.path for it in EVERYTHING if not isinstance(it.original_route, APIRoute)}
    assert others == {"/openapi.json", "/web"}


def test_routes__that_everybody_may_ask_are_these():
    assert {name for name, route in ROUTES.items() if needed(route) == [Public]} == PUBLIC


def test_parameters__of_paths_are_known():
    """An id whose route nobody checks for strangers would be a hole."""
    for route in ROUTES.values():
        for name in parameters(route):
            assert name in PLAIN or name in FOREIGN, (
                f"{route.path}: add {name!r} to FOREIGN in tests/api/foreign_objects.py with a "
                "function that makes one, or to PLAIN where it names no object of anybody"
            )
            assert name not in PLAIN or not name.endswith("_id")


def test_routes__want_to_know_who_asks(accounts: Accounts):
    anonymous = accounts.anonymous()
    for name, route in ROUTES.items():
        if name not in PUBLIC:
            response = call(anonymous, route, ABSENT, {})
            assert (response.status_code, response.json()["code"]) == (
                401,
                "not_authenticated",
            ), name


@pytest.mark.parametrize("role", ROLES)
def test_routes__ask_of_each_role_what_they_declare(accounts: Accounts, role: Role):
    client = accounts.client(role, f"{role.value} of the matrix")
    for name, route in ROUTES.items():
        (need,) = needed(route)
        if isinstance(need, Permission):
            response = call(client, route, ABSENT, {})
            is_refused = tell_refusal(response, need)
            assert is_refused == (need not in PERMISSIONS[role]), (name, response.text)
            assert response.status_code != 401
            assert response.status_code < 500, (name, response.text)


@pytest.mark.parametrize("parameter", FOREIGN)
def test_objects__of_others_can_be_made(accounts: Accounts, parameter: str):
    before = {"case_id": FOREIGN["case_id"](accounts, {})}
    assert FOREIGN[parameter](accounts, before) != ABSENT[parameter]


@pytest.mark.parametrize(
    "name", [name for name, route in ROUTES.items() if set(parameters(route)) & set(FOREIGN)]
)
def test_objects__of_others_are_not_found(accounts: Accounts, name: str):
    route = ROUTES[name]
    (need,) = needed(route)
    objects: dict[str, str] = {}
    for parameter in parameters(route):
        if parameter in FOREIGN:
            objects[parameter] = FOREIGN[parameter](accounts, objects)
    for role in ROLES:
        client = accounts.client(role, f"{role.value} for amber", clearance=Tlp.AMBER)
        seen = any(role in SEEN_BY.get(parameter, ()) for parameter in objects)
        if seen or (need is not SignedIn and need not in PERMISSIONS[role]):
            continue
        found = call(client, route, objects, BODIES.get(name, {}))
        assert found.status_code == 404, f"{role.value}: {found.text}; see BODIES for a 422"
        absent = call(client, route, ABSENT, BODIES.get(name, {}))
        assert absent.status_code == 404
        assert _without_ids(found) == _without_ids(absent), "the answer tells that it is there"


def _without_ids(response: Response) -> dict[str, object]:
    told = re.sub(r"[a-z]{2,12}_[0-9a-hjkmnp-tv-z]{26}", "ID", response.text)
    return {"told": re.sub(r'"request_id": "\w+"', "", told), "status": response.status_code}
