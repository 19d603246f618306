"""What the settings say of accounts: who checks callers, and where people sign in."""

from arien_flows.access.oidc import Issuer, Registration
from arien_flows.accounts.authenticator import Authenticator
from arien_flows.accounts.sign_in import SignIn
from arien_flows.casebook.book import Casebook
from arien_flows.errors import InputError
from arien_flows.settings import Settings


def sign_in_of(settings: Settings, casebook: Casebook) -> SignIn | None:
    """Return how people sign in; nothing where no sign-in service is set, or no accounts are."""
    if not settings.accounts or settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.public_url is None:
        raise InputError(
            "signing in needs ARIEN_OIDC_CLIENT_ID and ARIEN_PUBLIC_URL beside ARIEN_OIDC_ISSUER"
        )
    issuer = Issuer(
        Registration(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_secret(),
            audience=settings.oidc_audience,
            role_claim=settings.oidc_role_claim,
            proxy=settings.proxy,
        )
    )
    return SignIn(casebook=casebook, issuer=issuer, public_url=settings.public_url)


def authenticator_of(
    settings: Settings, casebook: Casebook, sign_in: SignIn | None
) -> Authenticator | None:
    """Return who checks callers; nothing for a service without accounts."""
    if not settings.accounts:
        return None
    return Authenticator(casebook, None if sign_in is None else sign_in.issuer)
