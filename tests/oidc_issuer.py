"""A real sign-in service (OpenID Connect) for the tests: small, with real keys, and strict.

It answers discovery, the authorisation endpoint (everybody is signed in at once, as `person`), the
token endpoint (checks the client's secret, the code, its place of return and PKCE) and its keys,
which it can change. Tokens of any kind can be asked of it, wrong ones too.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.http_server import Asked, Reply, Served, serving

CLIENT = "arien-flows"
SECRET = "s/e:c&r=e t"  # noqa: S105 holds what has to be quoted
AUDIENCE = "https://flows.example/api"


@dataclass(slots=True, kw_only=True)
class OidcIssuer:
    """The service: what it is asked and what it says can be changed by a test."""

    served: Served | None = None
    keys: list[RSAKey | ECKey] = field(default_factory=list)
    person: dict[str, object] = field(
        default_factory=lambda: {"sub": "7f3", "preferred_username": "ann", "roles": ["analyst"]}
    )
    """Claims of whoever signs in next."""

    id_token_changes: dict[str, object] = field(default_factory=dict)
    """Claims of the next id tokens that shall be otherwise; a value of `None` leaves one out."""

    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    is_away: bool = False

    @property
    def name(self) -> str:
        assert self.served is not None
        return self.served.url

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})]

    def token(
        self,
        changes: Mapping[str, object] | None = None,
        *,
        header: Mapping[str, object] | None = None,
        key: RSAKey | ECKey | None = None,
    ) -> str:
        """Return an access token of a program, with claims that are otherwise."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": "robot-1",
            "client_id": "case-system",
            "roles": ["service"],
            "iat": now,
            "exp": now + 300,
        } | dict(changes or {})
        return self.signed(claims, header=header, key=key)

    def signed(
        self,
        claims: Mapping[str, object],
        *,
        header: Mapping[str, object] | None = None,
        key: RSAKey | ECKey | None = None,
    ) -> str:
        signing = key or self.keys[0]
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithm = "ES256" if isinstance(signing, ECKey) else "RS256"
        told = {"alg": algorithm, "kid": self.keys[0].kid} | dict(header or {})
        return jwt.encode(told, kept, signing)

    def answer(self, asked: Asked) -> Reply:
        if self.is_away:
            return Reply(status=503)
        url = urlsplit(asked.path)
        match url.path:
            case "/.well-known/openid-configuration":
                return _json(self.described())
            case "/keys":
                return _json(KeySet(self.keys).as_dict(private=False))
            case "/authorize":
                return self._authorize(dict(parse_qsl(url.query)))
            case "/token":
                return self._exchange(asked)
        return Reply(status=404)

    def described(self) -> dict[str, object]:
        return {
            "issuer": self.name,
            "authorization_endpoint": f"{self.name}/authorize",
            "token_endpoint": f"{self.name}/token",
            "jwks_uri": f"{self.name}/keys",
        }

    def _authorize(self, asked: dict[str, str]) -> Reply:
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = urlencode({"code": code, "state": asked["state"], "iss": self.name})
        return Reply(status=302, headers={"Location": f"{asked['redirect_uri']}?{told}"})

    def _exchange(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        if not _is_client(asked.headers.get("Authorization", "")):
            return _json({"error": "invalid_client"}, 401)
        # Each code is good once.
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        if begun is None or (shown, form["redirect_uri"]) != (
            begun["code_challenge"],
            begun["redirect_uri"],
        ):
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": CLIENT,
            "nonce": begun["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.person,
            **self.id_token_changes,
        }
        tokens = {"token_type": "Bearer", "access_token": "x", "id_token": self.signed(claims)}
        return _json(tokens)


@contextmanager
def oidc_issuer() -> Iterator[OidcIssuer]:
    """Run the service on a free loopback port until the end of the block."""
    issuer = OidcIssuer()
    issuer.rotate()
    with serving(issuer.answer) as served:
        issuer.served = served
        yield issuer


def _is_client(authorization: str) -> bool:
    expected = urlencode({"": CLIENT})[1:] + ":" + "s%2Fe%3Ac%26r%3De%20t"
    return authorization == f"Basic {base64.b64encode(expected.encode()).decode()}"


def _json(document: object, status: int = 200) -> Reply:
    body = json.dumps(document).encode()
    return Reply(status=status, body=body, headers={"Content-Type": "application/json"})
