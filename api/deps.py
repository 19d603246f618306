"""What routes are given: the workspace, the network's state, bounds of pages."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.errors import Problem
from arien_flows.account_workspace import OpenAccounts
from arien_flows.errors import InputError
from arien_flows.settings import Settings
from arien_flows.shapes import json_text
from arien_flows.workspace import OpenNetwork, Workspace

DEFAULT_ROWS = 100


def workspace_of(request: Request) -> Workspace:
    """Return the workspace that the application was made with."""
    workspace = request.app.state.workspace
    if not isinstance(workspace, Workspace):
        raise TypeError("the application was made without a workspace")
    return workspace


# What follows is asked for by routes. They are coroutines because they wait for nothing: anything
# else is run in a thread, and going there and back takes longer than many an answer.


async def given_workspace(request: Request) -> Workspace:
    """Return the workspace that the application was made with."""
    return workspace_of(request)


async def given_settings(request: Request) -> Settings:
    """Return the settings that the application was made with."""
    return workspace_of(request).settings


async def network_of(
    network: Annotated[
        str, Path(description="Name of the network.", max_length=40, examples=["bitcoin"])
    ],
    workspace: Annotated[Workspace, Depends(given_workspace)],
) -> OpenNetwork:
    """Return the ledger of the network in the path, which keeps coins."""
    opened = workspace.opened(network)
    if isinstance(opened, OpenNetwork):
        return opened
    return await run_in_threadpool(workspace.open, network)


async def any_network_of(
    network: Annotated[
        str, Path(description="Name of the network.", max_length=40, examples=["bitcoin"])
    ],
    workspace: Annotated[Workspace, Depends(given_workspace)],
) -> OpenNetwork | OpenAccounts:
    """Return the ledger of the network in the path, whether it keeps coins or accounts."""
    opened = workspace.opened(network)
    if opened is not None:
        return opened
    return await run_in_threadpool(workspace.open_any, network)


async def page_limit(
    settings: Annotated[Settings, Depends(given_settings)],
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=100_000,
            description="Most rows of one page: by default 100, or what the service allows.",
        ),
    ] = None,
) -> int:
    """Return the number of rows of a page; more than the service allows is an error."""
    if limit is None:
        return min(DEFAULT_ROWS, settings.page_rows)
    if limit > settings.page_rows:
        raise InputError(
            f"limit is {limit} and this service allows {settings.page_rows}: "
            "ask for less, or raise ARIEN_PAGE_ROWS"
        )
    return limit


WorkspaceDep = Annotated[Workspace, Depends(given_workspace)]
SettingsDep = Annotated[Settings, Depends(given_settings)]
NetworkDep = Annotated[OpenNetwork, Depends(network_of)]
AnyNetworkDep = Annotated[OpenNetwork | OpenAccounts, Depends(any_network_of)]

ProfileQuery = Annotated[
    Literal["strict", "standard", "wide"],
    Query(
        description="Whose entities: each profile has to be run first. `wide` guesses much: use it "
        "to explore, never for a report."
    ),
]
PageLimit = Annotated[int, Depends(page_limit)]
AddressPath = Annotated[
    str,
    Path(
        description="Address, or output descriptor of a Bitcoin script that has none.",
        max_length=25_000,
        examples=["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
    ),
]
TxidPath = Annotated[
    str,
    Path(
        description="Transaction id as people read it; on Ethereum with `0x`. The hash of a block "
        "there names what moved outside any transaction.",
        max_length=100,
        examples=["4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"],
    ),
]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the last page.", max_length=200)]


def linked(response: Response, request: Request, next_cursor: str | None) -> Response:
    """Lead from a page to the next one by the header `Link` (RFC 8288), too."""
    if next_cursor is not None:
        following = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<?{following.query}>; rel="next"'
    return response


def answer(content: object, status: int = 200) -> Response:
    """Return an answer as a response, in the very bytes that `--json` prints."""
    return Response(json_text(content), status, media_type="application/json")


def problems(**meanings: str) -> dict[int | str, dict[str, object]]:
    """Describe the error answers of a route: `problems(_404="no such address")`."""
    return {
        int(name.removeprefix("_")): {
            "description": meaning,
            "model": Problem,
        }
        for name, meaning in meanings.items()
    }
