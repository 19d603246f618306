"""How sources are reached: through which proxy, and with which credentials.

Credentials never show: a `Secret` prints as dots, and nothing but the one place that sends it
takes it out.
"""

from dataclasses import dataclass, field


class Secret:
    """A text that must not be shown, logged or stored."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, to be sent and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a run may use to reach the sources that it names."""

    proxy: str | None = field(default=None, repr=False)
    """`socks5h://HOST:PORT` or `http://HOST:PORT` for every outgoing connection. With `socks5h`
    the proxy looks names up, so that no name server learns what is asked."""

    rpc_user: str | None = None
    rpc_password: Secret | None = field(default=None, repr=False)
    """For a node whose URI names neither; without them the node's cookie file is used."""

    explorer_key: Secret | None = field(default=None, repr=False)
    """API key of an explorer whose URI names none."""


DIRECT = Access()
"""No proxy, no credentials."""
