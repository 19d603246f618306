"""Putting a question to the ledger that the options mean, or to the server that they name."""

from collections.abc import Callable
from typing import TypeVar

from arien_flows.cli.session import Session
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.errors import InputError
from arien_flows.inquiry.inquire import Question
from arien_flows.workspace import OpenNetwork, Reading, Workspace
from chains.registry import ACCOUNT_LOOKUP_SCHEMES, BLOCK_SCHEMES, LOOKUP_SCHEMES

Answer = TypeVar("Answer")


def chosen(session: Session) -> OpenNetwork:
    """Open the ledger of the network that is named, or the only one there is."""
    workspace = Workspace(session.settings)
    return workspace.open(workspace.choose())


def asked(
    session: Session,
    answer: Callable[[Reading], Answer],
    fetched: Question | None = None,
    profile: str = DEFAULT_PROFILE,
    *,
    height: int | None = None,
) -> Answer:
    """Return what `answer` says of the present state of the chosen ledger.

    With a height it is the state as of that block. Where a server is named, `fetched` says what to
    ask it for; without it only a ledger is asked. Of what a server gives, only the entities of the
    default profile are made.
    """
    if fetched is not None and names_server(session):
        from arien_flows.cli.inquiring import inquired

        if profile != DEFAULT_PROFILE:
            raise InputError(
                f"profile {profile} needs a ledger: leave out --profile, or ask without --source"
            )
        if height is not None:
            raise InputError(
                "an earlier state needs a ledger: leave out --as-of, or ask without --source"
            )
        return inquired(session, answer, fetched)
    return chosen(session).ask(answer, profile, height)


def names_server(session: Session) -> bool:
    """Tell whether questions go to a server: `--source`, or a server in `ARIEN_SOURCE`.

    `ARIEN_SOURCE` may also name a node, which delivers blocks for a ledger: then the ledger is
    asked. `InputError` where it names no kind of source: a question that is put to a ledger by
    mistake looks answered.
    """
    uri = session.settings.source
    if uri is None:
        return False
    scheme, colon, _ = uri.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in (*LOOKUP_SCHEMES, *ACCOUNT_LOOKUP_SCHEMES, *BLOCK_SCHEMES):
        # What else it holds may be a password.
        named = "--source" if session.source_is_named else "ARIEN_SOURCE"
        raise InputError(
            f"{named} is not a server: write esplora+https://HOST/api or electrum+ssl://HOST:PORT"
        )
    return session.source_is_named or scheme in LOOKUP_SCHEMES


def refuse_account_options(**given: bool) -> None:
    """Raise `InputError` naming the first option that was typed and means nothing for coins."""
    for name, is_given in given.items():
        if is_given:
            raise InputError(f"--{name} is for Ethereum's networks: leave it out, or add --network")
