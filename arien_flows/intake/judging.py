"""In what role each address stands, with what is known of it from elsewhere.

The decision is `extraction.roles`'s; here it gets what it cannot know: whom the page is about, on
how many sites the address stands, what other captures of the listing show, which signatures hold,
and whether the address can have existed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from arien_flows.attribution.tag import DEFAULT_CONFIDENCE
from arien_flows.casebook.capture_records import Finding
from arien_flows.extraction.context import AddressProof, Context, PageOwner, SignedStretch
from arien_flows.extraction.decision import Decision
from arien_flows.extraction.finding import Scan
from arien_flows.extraction.plain_text import read_plain
from arien_flows.extraction.roles import asked_for, judge
from arien_flows.extraction.scan import scan
from arien_flows.extraction.secrets import without_secrets
from arien_flows.extraction.text import DocumentText
from arien_flows.intake.existence import GRACE, FirstUse
from arien_flows.vendors.account import AccountPage, market_name
from arien_flows.vendors.keys import PgpKey
from arien_flows.vendors.signed import (
    SignedMessage,
    SignedState,
    bitcoin_signed_blocks,
    prove_address,
    signed_messages,
)
from chains.bitcoin.signed_messages import Verdict

PAYING_ROLES = ("pay_to", "proof")
"""Roles in which an address is somebody's; of these captures of one listing must not differ."""

MANY_SITES = "many-sites"
"""The rule that other documents bear on."""

SIGNED_MARK = b"-----BEGIN PGP SIGNED MESSAGE-----"
SURE_CLOCKS = frozenset({"warc", "option"})
"""Clocks that are somebody's word. The time of a file may be that of a copy."""

FirstUses = Callable[[str, str], FirstUse | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known besides the text."""

    raw: bytes = field(repr=False)
    first_byte: int
    """Where in the document these bytes begin; all offsets are places in the document."""

    account: AccountPage | None
    market: str | None
    site: str
    captured_at: datetime
    clock: str
    network: str
    """What an address of several networks is taken for."""

    sites: Mapping[str, frozenset[str]] = field(default_factory=dict)
    contradicted: frozenset[str] = frozenset()
    first_use: FirstUses = lambda _network, _address: None
    keys: Sequence[PgpKey] = ()
    """Public keys by which signed texts can be checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was decided about everything that was found."""

    findings: tuple[Finding, ...]
    signed: tuple[SignedMessage, ...]
    """Texts that are signed by PGP, whether or not the signature holds."""


def judged(text: DocumentText, scan: Scan, around: Surroundings) -> Judged:
    """Decide in what role each address stands."""
    signed = _signed(text, around)
    if not scan.found:
        return Judged(findings=(), signed=signed)
    context = Context(
        owner=_owner(around),
        sites={
            each.address: len(around.sites.get(each.address, frozenset()) | {around.site})
            for each in scan.found
        },
        contradicted=around.contradicted,
        proofs=_proofs(text, around),
        signed=tuple(
            SignedStretch(
                begin=around.first_byte + each.begin,
                end=around.first_byte + each.end,
                signer=each.fingerprint,
                asked=_asked(each.text),
            )
            for each in signed
            if each.state is SignedState.VERIFIED and each.fingerprint is not None
        ),
        doubt=lambda network, address: _doubt(network, address, around),
    )
    decisions = judge(text, scan, context)
    return Judged(findings=tuple(_finding(each, around) for each in decisions), signed=signed)


def _owner(around: Surroundings) -> PageOwner | None:
    account = around.account
    if account is None:
        return None
    # A page's own word about its market goes first; the same market keeps the name people gave it.
    is_said = around.market is not None and market_name(around.market) == account.market
    return PageOwner(
        name=account.handle,
        market=around.market if is_said else account.market,
        begin=account.handle_begin,
        end=account.handle_end,
        key=_only_key(account),
    )


def _only_key(account: AccountPage) -> str | None:
    """Return the one key that a page shows. Of several, some may be its market's or a friend's."""
    shown = {each.fingerprint for each in account.keys}
    return shown.pop() if len(shown) == 1 else None


def _asked(verified: str) -> frozenset[str]:
    """Return where the words that were signed ask to be paid, read by themselves."""
    text = read_plain(verified.encode(), "utf-8")
    return asked_for(text, scan(text))


def _signed(text: DocumentText, around: Surroundings) -> tuple[SignedMessage, ...]:
    if SIGNED_MARK not in around.raw:
        return ()
    shown = () if around.account is None else around.account.keys
    keys = {each.fingerprint: each for each in around.keys}
    keys |= {each.key.fingerprint: each.key for each in shown if each.key is not None}
    return tuple(signed_messages(around.raw, list(keys.values()), text.encoding))


def _proofs(text: DocumentText, around: Surroundings) -> tuple[AddressProof, ...]:
    """Return the addresses whose own key signed a message that stands in the text.

    Only such messages as Bitcoin's wallets print between marks, by a key of the import's network.
    """
    found = []
    for block in bitcoin_signed_blocks(text.text):
        proof = prove_address(
            str(block["address"]), around.network, str(block["message"]), str(block["signature"])
        )
        if proof.check.verdict is Verdict.VALID:
            start, stop = int(block["start"]), int(block["stop"])
            begin, end = text.bytes_of(start, stop)
            found.append(
                AddressProof(
                    address=proof.address,
                    begin=begin,
                    end=end,
                    start=start,
                    stop=stop,
                    message=proof.message,
                )
            )
    return tuple(found)


def _doubt(network: str, address: str, around: Surroundings) -> str | None:
    """Return why an address cannot have stood there at that time, where a ledger can tell."""
    if around.clock not in SURE_CLOCKS and not around.clock.startswith("field:"):
        return None
    first = around.first_use(network, address)
    if first is None or first.at is None or first.at <= around.captured_at + GRACE:
        return None
    return (
        f"first used on {first.at:%Y-%m-%d}, more than {GRACE.days} days after the capture "
        f"of {around.captured_at:%Y-%m-%d}"
    )


def _finding(decision: Decision, around: Surroundings) -> Finding:
    found = decision.found
    network = _meant(found.networks, around.network)
    owner = decision.owner
    if owner is not None and decision.market is not None:
        owner = f"{owner} @ {decision.market}"
    if owner is not None and without_secrets(owner) != owner:
        owner = None  # Whoever calls himself by a key cannot be named.
    return Finding(
        network=network,
        networks=found.networks,
        address=found.address,
        form=found.form,
        begin=found.begin,
        end=found.end,
        rules=found.rules,
        factor=str(found.factor),
        role=decision.role.value,
        role_rule=decision.rule,
        role_begin=decision.begin,
        role_end=decision.end,
        attributes=decision.attributes and network is not None and owner is not None,
        owner=owner,
        confidence=decision.confidence or DEFAULT_CONFIDENCE,
        note=without_secrets(decision.note),
    )


def _meant(networks: Sequence[str], assumed: str) -> str | None:
    """Return the network that an address is of; nothing where it may be of several."""
    if assumed in networks:
        return assumed
    return networks[0] if len(networks) == 1 else None
