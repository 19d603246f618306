"""What never stands in the audit log, though a caller may have written it into a request.

Keys of this service have no place in an address, but people paste them there. The answer of an
identity provider comes with codes in its query. Either would let a reader of the log do what he may
not.
"""

import re

HIDDEN = "***"

_KEYS = re.compile(r"\b(af_[0-9a-z]{4,40}_|whsec_)[0-9A-Za-z+/=%_-]+")
"""Keys of this service, of which the public part stays, and secrets of webhooks."""

_PARAMETERS = re.compile(
    r"([?&;](?:code|state|nonce|session_state|(?:access_|id_|refresh_)?token|api_?key|password|secret"
    r"|client_secret|signature)=)[^&;#]*",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Return a text of a request in which secrets are replaced by `***`."""
    return _PARAMETERS.sub(rf"\1{HIDDEN}", _KEYS.sub(rf"\1{HIDDEN}", text))
