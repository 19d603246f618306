"""The sign-in service: OpenID Connect, as a client of one issuer that the settings name.

People sign in by the authorisation code flow with PKCE (RFC 7636, S256): the browser is sent to the
service with a state, a nonce and the digest of a secret, and comes back with a code that only the
holder of that secret can exchange. Programs bring an access token of the same service, made for the
audience that the settings name. A token made for signing in (it bears a nonce) is not taken from a
program: whoever got hold of one must not become that person.

Keys are read anew where a token names one that is not known, at most every half minute, so that
tokens with invented keys do not make us ask without end. Connections go to the service alone, over
HTTPS (or to this machine), through the proxy that is set, and follow no redirect.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from arien_flows.access.claims import Claims
from arien_flows.access.names import MOST, person_name
from arien_flows.access.roles import Role
from arien_flows.access.secrets import is_same, new_token
from arien_flows.access.tokens import PublicKey, expiry, key_id, opened, public_keys
from arien_flows.errors import InputError, NotAuthenticatedError, SignInServiceError
from chains.access import Access, Secret
from chains.endpoint import Endpoint
from chains.errors import ChainError
from chains.exchange import NoRecorder
from chains.http import HttpClient, HttpRefusalError, Patience

MOST_BYTES = 1 << 20
"""Longest answer of the service that is read."""

REFRESH_SECONDS = 30.0
"""Keys are not asked for more often."""

KEPT_SECONDS = 3_600.0
"""Keys and addresses are read anew after this long."""

_PATIENCE = Patience(connect=5, silence=5, answer=10, attempts=1)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ROLES = {role.value: role for role in Role if role is not Role.LOCAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How we are known to the service."""

    issuer: str
    """Its address, exactly as it calls itself."""

    client_id: str
    client_secret: Secret | None = None
    audience: str | None = None
    """For whom access tokens of programs must be made; without, none are taken."""

    role_claim: str | None = None
    """Where a token names the role, as `roles` or `realm_access.roles`."""

    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInStart:
    """A sign-in that is begun: where the browser goes, and what its return is checked with."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    """What the service says of itself, and when it was read (in seconds of the clock)."""

    authorization_url: str
    token_url: str
    keys_url: str
    takes_basic: bool
    read_at: float


class Issuer:
    """The sign-in service. Safe to share between threads."""

    def __init__(
        self, registration: Registration, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Connect to nothing yet; `InputError` where its address is not safe to use."""
        self.name = registration.issuer
        self._registration = registration
        self._clock = clock
        self._lock = Lock()
        self._service: _Service | None = None
        self._keys: dict[str, PublicKey] = {}
        self._keys_read_at = self._keys_asked_at = float("-inf")
        if not _is_safe(registration.issuer):
            raise InputError("ARIEN_OIDC_ISSUER must be an address that begins with https://")

    def begin(self, return_url: str) -> SignInStart:
        """Return where to send a browser; it comes back to `return_url`."""
        state, nonce, verifier = new_token(), new_token(), new_token()
        url = prepare_grant_uri(
            self._described().authorization_url,
            self._registration.client_id,
            "code",
            redirect_uri=return_url,
            scope="openid profile",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return SignInStart(url=str(url), state=state, nonce=nonce, verifier=verifier)

    def finish(
        self, code: str, *, verifier: str, nonce: str, return_url: str, now: datetime
    ) -> Claims:
        """Exchange a code and return who signed in; `NotAuthenticatedError` where that fails."""
        answer = self._exchange(code, verifier, return_url)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInServiceError(f"{self.name} says nothing of who signed in (no id_token)")
        client_id = self._registration.client_id
        claims = self._opened(token, client_id, now)
        shown = claims.get("nonce")
        if not isinstance(shown, str) or not is_same(shown, nonce):
            raise NotAuthenticatedError("the token was made for another sign-in: sign in again")
        audience = claims["aud"]
        is_for_others = isinstance(audience, list) and len(audience) > 1
        if claims.get("azp", None if is_for_others else client_id) != client_id:
            raise NotAuthenticatedError("the token was made for another program")
        return self._told(claims)

    def bearer(self, token: str, now: datetime) -> Claims:
        """Return whom a program's access token is about; `NotAuthenticatedError` if it is void."""
        audience = self._registration.audience
        if audience is None:
            raise NotAuthenticatedError(
                "tokens are not taken here (ARIEN_OIDC_AUDIENCE is not set): send a key"
            )
        claims = self._opened(token, audience, now)
        if "nonce" in claims:
            raise NotAuthenticatedError("the token was made for signing in, and not for programs")
        return self._told(claims)

    def _opened(self, token: str, audience: str, now: datetime) -> Mapping[str, object]:
        key = self._key(key_id(token))
        return opened(token, key, issuer=self.name, audience=audience, now=now)

    def _told(self, claims: Mapping[str, object]) -> Claims:
        return Claims(
            issuer=self.name,
            subject=str(claims["sub"]),
            name=_name_in(claims),
            role=role_in(claims, self._registration.role_claim),
            expires_at=expiry(claims),
        )

    # --- what the service publishes

    def _key(self, kid: str) -> PublicKey:
        with self._lock:
            now = self._clock()
            is_due = kid not in self._keys or now - self._keys_read_at >= KEPT_SECONDS
            if is_due and now - self._keys_asked_at >= REFRESH_SECONDS:
                self._keys_asked_at = now
                self._read_keys(now)
            if not self._keys:
                raise SignInServiceError(f"{self.name} has shown no keys yet: try again later")
            key = self._keys.get(kid)
        if key is None:
            raise NotAuthenticatedError("the token is signed with a key that the service disowns")
        return key

    def _read_keys(self, now: float) -> None:
        try:
            self._keys = public_keys(_document(self._get(self._described().keys_url)))
            self._keys_read_at = now
        except SignInServiceError:
            # While the service is away, the keys of an hour ago still count, and no older ones.
            if now - self._keys_read_at >= 2 * KEPT_SECONDS:
                self._keys = {}
            if not self._keys:
                raise

    def _described(self) -> _Service:
        known = self._service
        if known is not None and self._clock() - known.read_at < KEPT_SECONDS:
            return known
        path = f"{self.name.rstrip('/')}/.well-known/openid-configuration"
        document = _document(self._get(path))
        if not isinstance(document, dict) or document.get("issuer") != self.name:
            raise SignInServiceError(
                f"what is found at {self.name} calls itself otherwise: see ARIEN_OIDC_ISSUER"
            )
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        self._service = _Service(
            authorization_url=self._address(document, "authorization_endpoint"),
            token_url=self._address(document, "token_endpoint"),
            keys_url=self._address(document, "jwks_uri"),
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
            read_at=self._clock(),
        )
        return self._service

    def _address(self, document: Mapping[str, object], field: str) -> str:
        found = document.get(field)
        if not isinstance(found, str) or not _is_safe(found):
            raise SignInServiceError(f"{self.name} names no safe address as its {field}")
        return found

    # --- requests

    def _get(self, url: str) -> bytes:
        client, path = self._connect(url)
        try:
            return client.get(path, most_bytes=MOST_BYTES)
        except ChainError as error:
            raise self._unusable(error) from error
        finally:
            client.close()

    def _exchange(self, code: str, verifier: str, return_url: str) -> dict[str, object]:
        ours, service = self._registration, self._described()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "code_verifier": verifier,
        }
        client, path = self._connect(service.token_url)
        if ours.client_secret is None:
            fields["client_id"] = ours.client_id
        elif service.takes_basic:
            secret = Secret(quote(ours.client_secret.reveal(), safe=""))
            client.authorize(quote(ours.client_id, safe=""), secret)
        else:
            fields |= {"client_id": ours.client_id, "client_secret": ours.client_secret.reveal()}
        form = "application/x-www-form-urlencoded"
        try:
            body = client.post(path, urlencode(fields).encode(), form, most_bytes=MOST_BYTES)
        except HttpRefusalError as error:
            raise self._refused(error) from None
        except ChainError as error:
            raise self._unusable(error) from None
        finally:
            client.close()
        answer = _document(body)
        if not isinstance(answer, dict):
            raise SignInServiceError(f"{self.name} answers an exchange with no object")
        return answer

    def _refused(self, error: HttpRefusalError) -> Exception:
        if b"invalid_grant" in error.body:
            return NotAuthenticatedError(
                "the sign-in service does not accept the return, or has seen it before: sign in "
                "again"
            )
        return SignInServiceError(
            f"{self.name} refuses to exchange codes ({error.status}): see ARIEN_OIDC_CLIENT_ID and "
            "ARIEN_OIDC_CLIENT_SECRET"
        )

    def _unusable(self, error: ChainError) -> SignInServiceError:
        return SignInServiceError(f"the sign-in service cannot be used: {error}")

    def _connect(self, url: str) -> tuple[HttpClient, str]:
        parts = urlsplit(url)
        endpoint = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
        client = HttpClient(
            endpoint,
            access=Access(proxy=self._registration.proxy),
            recorder=NoRecorder(),
            patience=_PATIENCE,
            worth_another_try=frozenset(),
        )
        return client, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def role_in(claims: Mapping[str, object], place: str | None) -> Role | None:
    """Return the one role of ours that a claim names; `NotAuthenticatedError` for several.

    The claim is a word or a list of words; words that are no role of ours mean other programs.
    """
    value: object = claims if place is not None else None
    for part in (place or "").split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    words = value if isinstance(value, list) else [value]
    found = {_ROLES[word] for word in words if isinstance(word, str) and word in _ROLES}
    if len(found) > 1:
        names = ", ".join(sorted(role.value for role in found))
        raise NotAuthenticatedError(
            f"the sign-in service names several roles ({names}): ask an administrator for one"
        )
    return found.pop() if found else None


def _name_in(claims: Mapping[str, object]) -> str:
    for field in ("preferred_username", "email", "client_id", "azp", "sub"):
        value = claims.get(field)
        if isinstance(value, str) and len(value) <= MOST:
            try:
                return person_name(value)
            except InputError:
                continue
    raise NotAuthenticatedError("the sign-in service gives no name that can be used here")


def _document(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SignInServiceError("the sign-in service answers with no JSON") from error


def _is_safe(url: str) -> bool:
    """Tell whether what is sent there can be read by nobody on the way."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if host is None or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
