"""A receiver of webhooks as somebody else would write one.

It checks each message with the `standardwebhooks` package, keeps those that are signed, and
answers as a test says.
"""

import datetime
import ipaddress
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from tests.http_server import Asked, Reply, Served, serving

TAKEN = Reply(status=204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message whose signature is right."""

    id: str
    type: str
    subject: str
    url: str
    signatures: int
    """How many secrets it is signed with."""


@dataclass(slots=True, kw_only=True)
class Receiver:
    """A running receiver."""

    served: Served
    secrets: list[str] = field(default_factory=list)
    """`whsec_…` that it believes."""

    heard: list[Heard] = field(default_factory=list)
    forged: int = 0
    """Messages that no secret has signed."""

    reply: Callable[[Heard], Reply] = lambda _heard: TAKEN

    @property
    def port(self) -> int:
        return self.served.port

    @property
    def url(self) -> str:
        return f"{self.served.url}/hook?token=t"

    def answer(self, asked: Asked) -> Reply:
        for secret in self.secrets:
            try:
                told = Webhook(secret).verify(asked.body, dict(asked.headers))
            except WebhookVerificationError:
                continue
            heard = Heard(
                id=asked.headers["webhook-id"],
                type=told["type"],
                subject=told["data"]["id"],
                url=told["data"]["url"],
                signatures=len(asked.headers["webhook-signature"].split()),
            )
            assert sorted(told) == ["data", "timestamp", "type"]
            assert sorted(told["data"]) == ["id", "url"]
            self.heard.append(heard)
            return self.reply(heard)
        self.forged += 1
        return Reply(status=401, body=json.dumps({"error": "signature"}).encode())


@contextmanager
def receiving(*secrets: str) -> Iterator[Receiver]:
    """Run a receiver on loopback until the end of the block."""
    receiver = Receiver(served=Served(port=0), secrets=list(secrets))
    with serving(receiver.answer) as served:
        receiver.served = served
        yield receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority of the tests."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named("Authority of the tests")
        made = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(folder=folder, key=key, certificate=made)

    def trust(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=_pem(self.certificate))
        return context

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """Return the context of a server with a certificate for some names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        made = (
            _builder(_named(names[0]), self.certificate.subject, key.public_key(), days)
            .add_extension(alternatives, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _server_context(self.folder / f"{names[0]}.pem", key, made)

    def self_signed(self, name: str) -> ssl.SSLContext:
        """Return the context of a server whose certificate nobody vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name)])
        made = (
            _builder(_named(name), _named(name), key.public_key())
            .add_extension(alternatives, critical=False)
            .sign(key, hashes.SHA256())
        )
        return _server_context(self.folder / f"self-{name}.pem", key, made)


def _server_context(
    file: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(secret + _pem(certificate).encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int = 1
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=3))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
