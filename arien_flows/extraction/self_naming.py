"""Whether a message says who signs it: "I am Alice", "this is Alice", "Alice here".

That a name stands in a message is not enough: who proves that an address is his may speak of
anybody, and "the wallet of Alice" may be told by a thief. The signer must give himself the name, in
one of the few manners that are known here; any other is missed.
"""

import re

_BEFORE = (
    "i am",
    "i'm",
    "i,",
    "this is",
    "it's me,?",
    "my name is",
    "signed by",
    "this (?:address|wallet|key) belongs to",
    "ich bin",
    "hier ist",
    "je suis",
    "ik ben",
    "меня зовут",
)
_BEHIND = r"(?=\Z|[.,;:!)]| (?:here|speaking|from|on|of|at|and)\b)"


def names_himself(name: str, message: str) -> bool:
    """Tell whether whoever wrote a message says in it that this is his name.

    A message that speaks of scams, that denies, or that tells what others say is for the rules
    about words (`roles.EXCLUDING`); here only the name is looked for.
    """
    plain = " ".join(message.replace("\u2019", "'").split()).casefold()
    written = re.escape(" ".join(name.split()).casefold())
    before = rf"(?<!\w)(?:{'|'.join(_BEFORE)}) (?:(?:the )?(?:vendor|seller|shop) )?"
    return bool(
        re.search(rf"{before}{written}{_BEHIND}", plain)
        or re.search(rf"(?:\A|[.!?] ){written} (?:here|speaking)\b", plain)
        or re.search(rf"(?:\A|\s)[-\u2013\u2014~]{{1,3}} ?{written}[.!]?\Z", plain)
    )
