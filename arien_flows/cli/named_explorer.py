"""Whether questions about accounts go to an explorer, and not to a ledger."""

from arien_flows.cli.session import Session
from chains.registry import ACCOUNT_LOOKUP_SCHEMES


def names_explorer(session: Session) -> bool:
    """Tell whether an explorer of accounts is named: by option or `ARIEN_SOURCE`."""
    uri = session.settings.source
    return uri is not None and uri.partition(":")[0].lower() in ACCOUNT_LOOKUP_SCHEMES
