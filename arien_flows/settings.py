"""What may be set from outside: read once from the environment, then passed along as a value.

Every setting is a variable `ARIEN_…`; options of the command line stand above them. Nothing is
read at import, and nothing is kept in a module, so that two parts of a program (or two tests)
can hold different settings.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from arien_flows.errors import InputError
from chains.access import Access, Secret

RUN = "run"
"""Folder in the data folder for what processes of a running service share. It may be removed when
none runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run."""

    data: Path = Path("arien-data")
    """`ARIEN_DATA`: folder of the ledgers, one sub-folder a network."""

    network: str | None = None
    """`ARIEN_NETWORK`: the network that is meant where none is named."""

    casebook: str | None = field(default=None, repr=False)
    """`ARIEN_CASEBOOK`: address of the casebook's database; by default `casebook.sqlite` in the
    data folder. It may hold a password, and is shown by `Casebook.name` only."""

    casebook_password_file: Path | None = None
    """`ARIEN_CASEBOOK_PASSWORD_FILE`: a file that holds the password of the database of
    `ARIEN_CASEBOOK`, on its first line."""
    audit: str | None = field(default=None, repr=False)
    """`ARIEN_AUDIT`: address of the audit log's database; by default it is the casebook's server,
    or `audit.sqlite` beside the casebook's file. It may hold a password, and is shown by
    `AuditLog.name` only."""

    source: str | None = field(default=None, repr=False)
    """`ARIEN_SOURCE`: URI of the server that questions are put to where `--source` names none; by
    default they are put to the ledger. It may hold a password."""

    proxy: str | None = field(default=None, repr=False)
    """`ARIEN_PROXY`: `socks5h://HOST:PORT` or `http://HOST:PORT` for every outgoing connection. It
    may hold a password."""

    rpc_user: str | None = None
    """`ARIEN_RPC_USER`: user of a node whose URI names none."""

    rpc_password: Secret | None = field(default=None, repr=False)
    """`ARIEN_RPC_PASSWORD`: its password."""

    rpc_password_file: Path | None = None
    """`ARIEN_RPC_PASSWORD_FILE`: a file that holds the password instead, on its first line."""

    explorer_key: Secret | None = field(default=None, repr=False)
    """`ARIEN_EXPLORER_KEY`: API key of a block explorer whose URI names none."""

    explorer_key_file: Path | None = None
    """`ARIEN_EXPLORER_KEY_FILE`: a file that holds the key instead, on its first line."""

    host: str = "127.0.0.1"
    """`ARIEN_HOST`: loopback address that `serve` listens on."""

    port: int = 8000
    """`ARIEN_PORT`: port that `serve` listens on."""

    page_rows: int = 1000
    """`ARIEN_PAGE_ROWS`: most rows of one page of an answer of the service."""

    trace_budget: int = 20_000
    """`ARIEN_TRACE_BUDGET`: most transactions that a trace asked of the service may touch."""

    trace_job_budget: int = 1_000_000
    """`ARIEN_TRACE_JOB_BUDGET`: most transactions that a trace done as a job may touch."""

    body_bytes: int = 1_048_576
    """`ARIEN_BODY_BYTES`: longest request body that the service reads."""

    file_bytes: int = 52_428_800
    """`ARIEN_FILE_BYTES`: longest file that is attached to a case."""

    batch_bytes: int = 10_000_000
    """`ARIEN_BATCH_BYTES`: longest table that a batch is made of, in bytes."""

    accounts: bool = False
    """`ARIEN_ACCOUNTS`: `1` where people and programs have accounts. Without, the service trusts
    everybody on this machine, and is reached from nowhere else."""

    public_url: str | None = None
    """`ARIEN_PUBLIC_URL`: address under which callers reach a service with accounts."""

    case_required: bool | None = None
    """`ARIEN_CASE_REQUIRED`: whether each question about the chain must name a case; by default
    with accounts and not without."""

    trusted_proxies: tuple[str, ...] = ()
    """`ARIEN_TRUSTED_PROXIES`: addresses or ranges, separated by commas, whose `X-Forwarded-For`
    says where a request comes from."""

    oidc_issuer: str | None = None
    """`ARIEN_OIDC_ISSUER`: address of the sign-in service (OpenID Connect)."""

    oidc_client_id: str | None = None
    """`ARIEN_OIDC_CLIENT_ID`: under which name this service is registered there."""

    oidc_client_secret: Secret | None = field(default=None, repr=False)
    """`ARIEN_OIDC_CLIENT_SECRET`: its secret there, where it has one."""

    oidc_client_secret_file: Path | None = None
    """`ARIEN_OIDC_CLIENT_SECRET_FILE`: a file that holds the secret instead, on its first line."""

    oidc_audience: str | None = None
    """`ARIEN_OIDC_AUDIENCE`: for whom access tokens of programs must be made; without, none are
    taken."""

    oidc_role_claim: str | None = None
    """`ARIEN_OIDC_ROLE_CLAIM`: claim that names the role, as `roles` or `realm_access.roles`;
    without, an administrator makes each account."""

    rate_per_minute: int | None = None
    """`ARIEN_RATE_PER_MINUTE`: how much each caller may ask in a minute, an ordinary question being
    one and a trace more; 0 for no limit. By default 6,000 with accounts, and no limit without."""

    body_seconds: int = 20
    """`ARIEN_BODY_SECONDS`: how long a request's body may take to arrive."""

    request_seconds: int = 120
    """`ARIEN_REQUEST_SECONDS`: how long a caller waits for the beginning of an answer."""

    concurrent_requests: int = 256
    """`ARIEN_CONCURRENT_REQUESTS`: most requests that one process answers at the same time."""

    log: str | None = None
    """`ARIEN_LOG`: `json` or `text`, how the service writes its log; by default text on a terminal
    and JSON elsewhere."""

    processes: int = 1
    """`ARIEN_PROCESSES`: processes that answer requests."""

    workers: int = 1
    """`ARIEN_WORKERS`: workers that `serve` runs beside itself; 0 where `worker` runs apart."""

    jobs_per_owner: int = 100
    """`ARIEN_JOBS_PER_OWNER`: jobs of one owner that may wait at a time."""

    grace_seconds: int = 20
    """`ARIEN_GRACE_SECONDS`: how long a service that is told to stop lets requests and jobs end."""

    webhook_allow: str | None = None
    """`ARIEN_WEBHOOK_ALLOW`: receivers of webhooks inside one's own network, each as
    `HOST,NETWORK,PORT` with `;` between them. All others have to be public, and spoken to by
    https on port 443 or 8443."""

    secret_file: Path | None = None
    """`ARIEN_SECRET_FILE`: a file of at least 32 random bytes, with which the secrets of webhooks
    are sealed; by default `secret.key` in the data folder, made when it is first needed."""

    debug: bool = False
    """`ARIEN_DEBUG`: `1` shows the traceback of an unexpected error."""

    def casebook_password(self) -> Secret | None:
        """Return the password of the casebook's database, where a file holds it."""
        variable = "ARIEN_CASEBOOK_PASSWORD"
        return _secret(None, self.casebook_password_file, variable, "password")

    @property
    def is_case_required(self) -> bool:
        """Whether each question about the chain must name a case."""
        return self.accounts if self.case_required is None else self.case_required

    def oidc_secret(self) -> Secret | None:
        """Return the secret at the sign-in service; reads its file where one is named."""
        return _secret(
            self.oidc_client_secret,
            self.oidc_client_secret_file,
            "ARIEN_OIDC_CLIENT_SECRET",
            "secret",
        )

    def access(self) -> Access:
        """Return how sources are reached; reads the files of secrets where they are named."""
        return Access(
            proxy=self.proxy,
            rpc_user=self.rpc_user,
            rpc_password=_secret(
                self.rpc_password, self.rpc_password_file, "ARIEN_RPC_PASSWORD", "password"
            ),
            explorer_key=_secret(
                self.explorer_key, self.explorer_key_file, "ARIEN_EXPLORER_KEY", "key"
            ),
        )


def _secret(said: Secret | None, path: Path | None, variable: str, what: str) -> Secret | None:
    """Return a secret that is set, or that stands on the first line of a file."""
    if path is None:
        return said
    if said is not None:
        raise InputError(f"{variable} and {variable}_FILE exclude each other")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} does not hold a {what}") from error
    if not lines or not lines[0]:
        raise InputError(f"{path} is empty: it should hold the {what}")
    return Secret(lines[0])


VARIABLES: Mapping[str, str] = {
    "ARIEN_DATA": "data",
    "ARIEN_NETWORK": "network",
    "ARIEN_CASEBOOK": "casebook",
    "ARIEN_CASEBOOK_PASSWORD_FILE": "casebook_password_file",
    "ARIEN_AUDIT": "audit",
    "ARIEN_SOURCE": "source",
    "ARIEN_PROXY": "proxy",
    "ARIEN_RPC_USER": "rpc_user",
    "ARIEN_RPC_PASSWORD": "rpc_password",
    "ARIEN_RPC_PASSWORD_FILE": "rpc_password_file",
    "ARIEN_EXPLORER_KEY": "explorer_key",
    "ARIEN_EXPLORER_KEY_FILE": "explorer_key_file",
    "ARIEN_HOST": "host",
    "ARIEN_PORT": "port",
    "ARIEN_PAGE_ROWS": "page_rows",
    "ARIEN_TRACE_BUDGET": "trace_budget",
    "ARIEN_TRACE_JOB_BUDGET": "trace_job_budget",
    "ARIEN_BODY_BYTES": "body_bytes",
    "ARIEN_FILE_BYTES": "file_bytes",
    "ARIEN_BATCH_BYTES": "batch_bytes",
    "ARIEN_ACCOUNTS": "accounts",
    "ARIEN_PUBLIC_URL": "public_url",
    "ARIEN_CASE_REQUIRED": "case_required",
    "ARIEN_TRUSTED_PROXIES": "trusted_proxies",
    "ARIEN_OIDC_ISSUER": "oidc_issuer",
    "ARIEN_OIDC_CLIENT_ID": "oidc_client_id",
    "ARIEN_OIDC_CLIENT_SECRET": "oidc_client_secret",
    "ARIEN_OIDC_CLIENT_SECRET_FILE": "oidc_client_secret_file",
    "ARIEN_OIDC_AUDIENCE": "oidc_audience",
    "ARIEN_OIDC_ROLE_CLAIM": "oidc_role_claim",
    "ARIEN_RATE_PER_MINUTE": "rate_per_minute",
    "ARIEN_BODY_SECONDS": "body_seconds",
    "ARIEN_REQUEST_SECONDS": "request_seconds",
    "ARIEN_CONCURRENT_REQUESTS": "concurrent_requests",
    "ARIEN_LOG": "log",
    "ARIEN_PROCESSES": "processes",
    "ARIEN_WORKERS": "workers",
    "ARIEN_JOBS_PER_OWNER": "jobs_per_owner",
    "ARIEN_GRACE_SECONDS": "grace_seconds",
    "ARIEN_WEBHOOK_ALLOW": "webhook_allow",
    "ARIEN_SECRET_FILE": "secret_file",
    "ARIEN_DEBUG": "debug",
}
"""The variables and the setting that each one fills."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as absent, a bad one is an `InputError`."""
    text = {
        setting: environment[variable]
        for variable, setting in VARIABLES.items()
        if environment.get(variable)
    }
    default = Settings()
    return Settings(
        data=Path(text.get("data", default.data)),
        network=text.get("network"),
        casebook=text.get("casebook"),
        casebook_password_file=_path(text.get("casebook_password_file")),
        audit=text.get("audit"),
        source=text.get("source"),
        proxy=text.get("proxy"),
        rpc_user=text.get("rpc_user"),
        rpc_password=Secret(text["rpc_password"]) if "rpc_password" in text else None,
        rpc_password_file=_path(text.get("rpc_password_file")),
        explorer_key=Secret(text["explorer_key"]) if "explorer_key" in text else None,
        explorer_key_file=_path(text.get("explorer_key_file")),
        host=text.get("host", default.host),
        port=_whole("ARIEN_PORT", text.get("port"), default.port, 1, 65_535),
        page_rows=_whole("ARIEN_PAGE_ROWS", text.get("page_rows"), default.page_rows, 1, 100_000),
        trace_budget=_whole(
            "ARIEN_TRACE_BUDGET", text.get("trace_budget"), default.trace_budget, 1, 10_000_000
        ),
        trace_job_budget=_whole(
            "ARIEN_TRACE_JOB_BUDGET",
            text.get("trace_job_budget"),
            default.trace_job_budget,
            1,
            10_000_000,
        ),
        body_bytes=_whole(
            "ARIEN_BODY_BYTES", text.get("body_bytes"), default.body_bytes, 1024, 2**30
        ),
        file_bytes=_whole(
            "ARIEN_FILE_BYTES", text.get("file_bytes"), default.file_bytes, 1024, 2**40
        ),
        batch_bytes=_whole(
            "ARIEN_BATCH_BYTES", text.get("batch_bytes"), default.batch_bytes, 1024, 10_000_000
        ),
        accounts=_switch("ARIEN_ACCOUNTS", text.get("accounts")),
        public_url=_public_url(text.get("public_url")),
        case_required=(
            _switch("ARIEN_CASE_REQUIRED", text["case_required"])
            if "case_required" in text
            else None
        ),
        trusted_proxies=_networks("ARIEN_TRUSTED_PROXIES", text.get("trusted_proxies")),
        oidc_issuer=text.get("oidc_issuer"),
        oidc_client_id=text.get("oidc_client_id"),
        oidc_client_secret=(
            Secret(text["oidc_client_secret"]) if "oidc_client_secret" in text else None
        ),
        oidc_client_secret_file=_path(text.get("oidc_client_secret_file")),
        oidc_audience=text.get("oidc_audience"),
        oidc_role_claim=text.get("oidc_role_claim"),
        rate_per_minute=(
            _whole("ARIEN_RATE_PER_MINUTE", text["rate_per_minute"], 0, 0, 10_000_000)
            if "rate_per_minute" in text
            else None
        ),
        body_seconds=_whole(
            "ARIEN_BODY_SECONDS", text.get("body_seconds"), default.body_seconds, 1, 3_600
        ),
        request_seconds=_whole(
            "ARIEN_REQUEST_SECONDS", text.get("request_seconds"), default.request_seconds, 1, 3_600
        ),
        concurrent_requests=_whole(
            "ARIEN_CONCURRENT_REQUESTS",
            text.get("concurrent_requests"),
            default.concurrent_requests,
            1,
            100_000,
        ),
        log=_one_of("ARIEN_LOG", text.get("log"), ("json", "text")),
        processes=_whole("ARIEN_PROCESSES", text.get("processes"), default.processes, 1, 64),
        workers=_whole("ARIEN_WORKERS", text.get("workers"), default.workers, 0, 64),
        jobs_per_owner=_whole(
            "ARIEN_JOBS_PER_OWNER", text.get("jobs_per_owner"), default.jobs_per_owner, 1, 100_000
        ),
        grace_seconds=_whole(
            "ARIEN_GRACE_SECONDS", text.get("grace_seconds"), default.grace_seconds, 0, 3_600
        ),
        webhook_allow=text.get("webhook_allow"),
        secret_file=_path(text.get("secret_file")),
        debug=_switch("ARIEN_DEBUG", text.get("debug")),
    )


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the `ARIEN_…` variables that set nothing: most often a misspelling."""
    return sorted(
        name
        for name in environment
        if name.startswith("ARIEN_")
        and not name.startswith("ARIEN_TEST_")
        and name not in VARIABLES
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _whole(variable: str, text: str | None, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit() and least <= int(digits) <= most):
        raise InputError(f"{variable} must be a whole number from {least} to {most}, not {text!r}")
    return int(digits)


def _one_of(variable: str, text: str | None, known: Sequence[str]) -> str | None:
    if text is not None and text not in known:
        raise InputError(f"{variable} must be {' or '.join(known)}, not {text!r}")
    return text


def _switch(variable: str, text: str | None) -> bool:
    meanings = {None: False, "0": False, "false": False, "1": True, "true": True}
    if (text.lower() if text else None) not in meanings:
        raise InputError(f"{variable} must be 0 or 1, not {text!r}")
    return meanings[text.lower() if text else None]


def _networks(variable: str, text: str | None) -> tuple[str, ...]:
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    try:
        return tuple(str(ipaddress.ip_network(part)) for part in parts)
    except ValueError as error:
        raise InputError(
            f"{variable}: {error}; write addresses or ranges, as 10.0.0.5 or 10.0.0.0/24, "
            "separated by commas"
        ) from error


def _public_url(text: str | None) -> str | None:
    """Return an origin, as `https://flows.example`."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    is_origin = host is not None and parts.path in ("", "/") and "@" not in parts.netloc
    if not is_origin or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise InputError(
            "ARIEN_PUBLIC_URL must be https://HOST or https://HOST:PORT, with nothing behind it"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"
