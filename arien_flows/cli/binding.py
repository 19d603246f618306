"""Where the service may listen: on this machine, or with accounts anywhere.

Without accounts whoever reaches the port may do everything, so nothing but loopback is listened on.
With accounts there has to be somebody who can come in, and, for callers from elsewhere, the address
that they use: requests under any other name are refused.
"""

import ipaddress

from arien_flows.errors import InputError
from arien_flows.settings import Settings


def ip_version(host: str) -> int | None:
    """Return 4 or 6 for an IP address, and nothing for what is none."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_protection(settings: Settings, host: str) -> None:
    """Raise `InputError` where a service would be open to those who must not use it, or to none."""
    if not settings.accounts:
        if not is_loopback(host):
            raise InputError(
                f"{host} is not a loopback address, and without accounts whoever reaches it may do "
                "everything: set ARIEN_ACCOUNTS=1 (see `arien-flows keys create`), or serve on "
                "127.0.0.1 and forward the port with ssh -L"
            )
        return
    if not is_loopback(host) and settings.public_url is None:
        raise InputError(
            f"{host} is reached from elsewhere: say under which address in ARIEN_PUBLIC_URL, as "
            "https://flows.example (that of the proxy that speaks TLS for this service)"
        )
    if settings.oidc_issuer is None and not _has_keys(settings):
        raise InputError(
            "there are accounts and nobody can use one: make a key with `arien-flows keys create "
            "NAME --role admin`, or name a sign-in service in ARIEN_OIDC_ISSUER"
        )


def _has_keys(settings: Settings) -> bool:
    from datetime import UTC, datetime

    from arien_flows.workspace import Workspace

    casebook = Workspace(settings).casebook
    try:
        return casebook.keys.count_usable(datetime.now(UTC)) > 0
    finally:
        casebook.close()
