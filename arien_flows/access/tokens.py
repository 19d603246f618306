"""Tokens of a sign-in service: whether its own key signed them, and whether they are meant for us.

The key is chosen by its id among those that the service publishes, and only public keys are taken
from there: a token that names no algorithm (`none`), or one whose secret would be a public key
(`HS256`), finds no key and is refused before anything in it is believed. What algorithm fits a key
is checked by the library; which ones there are at all is the list below.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from arien_flows.errors import NotAuthenticatedError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519")
"""Signatures that count: those with a pair of keys."""

LEEWAY_SECONDS = 30
"""How far the clocks of two servers may be apart."""

MOST_KEYS = 100
LEAST_RSA_BITS = 2_048

PublicKey = RSAKey | ECKey | OKPKey


def public_keys(document: object) -> dict[str, PublicKey]:
    """Return the keys of a JSON Web Key Set that sign, by their ids; others are left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, PublicKey] = {}
    for item in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        key = _public_key(item)
        if key is not None:
            found[str(item["kid"])] = key
    return found


def key_id(token: str) -> str:
    """Return the id of the key that a token says it is signed with, before it is believed."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError) as error:
        raise NotAuthenticatedError("the token is none (no signed JWT)") from error
    if header.get("alg") not in ALGORITHMS:
        raise NotAuthenticatedError(
            f"the token is not signed in a way that counts here: {', '.join(ALGORITHMS)}"
        )
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise NotAuthenticatedError("the token does not say which key signed it")
    return kid


def opened(
    token: str, key: PublicKey, *, issuer: str, audience: str, now: datetime
) -> Mapping[str, object]:
    """Return the claims of a token; `NotAuthenticatedError` where one thing about it is wrong."""
    checks = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        claims: dict[str, object] = jwt.decode(token, key, algorithms=ALGORITHMS).claims
        checks.validate(claims)
    except ExpiredTokenError as error:
        raise NotAuthenticatedError("the token has expired: get a new one") from error
    except (JoseError, ValueError, OverflowError, RecursionError) as error:
        raise NotAuthenticatedError(f"the token does not count: {_words(error)}") from error
    if not _is_name(claims["sub"]):
        raise NotAuthenticatedError("the token does not say whom it is about")
    return claims


def expiry(claims: Mapping[str, object]) -> datetime:
    """Return until when a token counts."""
    seconds = claims["exp"]
    try:
        return datetime.fromtimestamp(float(str(seconds)) + LEEWAY_SECONDS, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise NotAuthenticatedError("the token names no moment at which it expires") from error


def _public_key(item: object) -> PublicKey | None:
    if not isinstance(item, dict) or not isinstance(item.get("kid"), str):
        return None
    # `oct` is a shared secret, and has no place among public keys.
    if item.get("kty") not in ("RSA", "EC", "OKP") or item.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(item)
    except (JoseError, ValueError, TypeError):
        return None
    if isinstance(key, RSAKey):
        return key if key.raw_value.key_size >= LEAST_RSA_BITS else None
    return key if isinstance(key, ECKey | OKPKey) else None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 255


def _words(error: Exception) -> str:
    # What the library says names claims and algorithms, never the content of a token.
    return error.error.replace("_", " ") if isinstance(error, JoseError) else "it cannot be read"
