"""The rules by which roles are decided, in the order in which they are asked.

What excludes an attribution is asked before what would make one. So a rule that is missing here
costs an attribution or makes a false one only if every rule before it missed the reason, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from arien_flows.extraction.decision import Role

OWN = "this program's own"
SPEC = "§7.3 of the algorithm specification"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What people must know about a rule."""

    role: Role
    purpose: str
    source: str
    fails_when: str


RULES: Mapping[str, RuleText] = {
    "hidden": RuleText(
        role=Role.BOILERPLATE,
        purpose="No reader sees it: a comment, a script, an element that is not displayed, the "
        "value of an attribute.",
        source=f"{SPEC}; hidden anti-phishing links of real markets",
        fails_when="a style sheet elsewhere, a rule for more than one class or id, or the colour "
        "of its background hides it, or a script displays it",
    ),
    "key-block": RuleText(
        role=Role.OTHER,
        purpose="It stands in an armoured PGP block, whose letters are no writing.",
        source=OWN,
        fails_when="the block is never closed and real text follows it",
    ),
    "deny-list": RuleText(
        role=Role.DENIED,
        purpose="A burn address, the example of a standard, the donation address of software.",
        source=f"{SPEC}; each entry names its public origin",
        fails_when="the list does not know the example",
    ),
    "many-sites": RuleText(
        role=Role.BOILERPLATE,
        purpose="It stands on ten or more unrelated sites, so it belongs to none of them.",
        source=SPEC,
        fails_when="a vendor advertises on ten forums; a review lifts it",
    ),
    "feedback": RuleText(
        role=Role.FEEDBACK,
        purpose="Others than whom the page is about wrote this part.",
        source=SPEC,
        fails_when="a vendor answers in the feedback with his own address, which is then missed",
    ),
    "furniture": RuleText(
        role=Role.BOILERPLATE,
        purpose="It belongs to the site: head, navigation, side, foot.",
        source=SPEC,
        fails_when="a page puts the vendor's own words there, which are then missed",
    ),
    "quotation": RuleText(
        role=Role.QUOTED,
        purpose="It stands in a quotation of somebody else.",
        source=SPEC,
        fails_when="a page uses quotations for decoration, or a quotation is not marked",
    ),
    "address-proof": RuleText(
        role=Role.PROOF,
        purpose="It stands beside a message that its own key signed, as was verified; somebody's "
        "only if the signed words say who he is.",
        source="BIP-137, BIP-322",
        fails_when="the signer gives himself somebody else's name",
    ),
    "list": RuleText(
        role=Role.OTHER,
        purpose="The document names more than 5,000 addresses: a list, and nobody's request.",
        source=OWN,
        fails_when="a vendor's own address stands in a long list",
    ),
    "warning": RuleText(
        role=Role.QUOTED,
        purpose="The words around it warn of it: do not send, scammer, stolen.",
        source=SPEC,
        fails_when="somebody warns of something else in the same breath; then it is missed",
    ),
    "retired": RuleText(
        role=Role.QUOTED,
        purpose="The words around it say that it is not used any more.",
        source=OWN,
        fails_when="they speak of something else; then it is missed",
    ),
    "example": RuleText(
        role=Role.QUOTED,
        purpose="It is called an example.",
        source=SPEC,
        fails_when="something else is the example; then it is missed",
    ),
    "donation": RuleText(
        role=Role.BOILERPLATE,
        purpose="Donations go there, which says nothing about who sells.",
        source="donation addresses of directories in real pages",
        fails_when="a vendor calls payments donations",
    ),
    "someone-elses": RuleText(
        role=Role.OTHER,
        purpose="It is called somebody else's: his, the exchange's, the buyer's.",
        source=OWN,
        fails_when="a vendor speaks of himself as of another",
    ),
    "reported": RuleText(
        role=Role.QUOTED,
        purpose="The words are told as somebody else's: he asks you to, if somebody says.",
        source=f"{SPEC}; conditional warnings",
        fails_when="a vendor speaks of his own words so; then it is missed",
    ),
    "question": RuleText(
        role=Role.OTHER,
        purpose="The sentence asks whether.",
        source=OWN,
        fails_when="a question mark follows for another reason; then it is missed",
    ),
    "negated": RuleText(
        role=Role.OTHER,
        purpose="The sentence says no, whatever to.",
        source=OWN,
        fails_when="a request has a no of another meaning in it; then it is missed",
    ),
    "refund": RuleText(
        role=Role.OTHER,
        purpose="Somebody wants his money back there.",
        source=f"{SPEC}; refund addresses of buyers",
        fails_when="a vendor publishes where he pays refunds from",
    ),
    "past-payment": RuleText(
        role=Role.OTHER,
        purpose="Somebody tells of a payment that was made.",
        source=OWN,
        fails_when="the payment is told as a reference by the vendor",
    ),
    "market-payment": RuleText(
        role=Role.OTHER,
        purpose="A market or an escrow asks to be paid: an order's or a deposit's address.",
        source="order pages of markets: the address is the market's, made for one order",
        fails_when="a vendor's own words are those of a market",
    ),
    "signed-statement": RuleText(
        role=Role.PROOF,
        purpose="The words whose PGP signature was verified ask to be paid there.",
        source=SPEC,
        fails_when="the signer repeats somebody else's words without marking them",
    ),
    "pay-request": RuleText(
        role=Role.PAY_TO,
        purpose="Just before it, the words ask to send, pay or deposit to it.",
        source=SPEC,
        fails_when="the page's part is not written by whom the page is about",
    ),
    "own-address": RuleText(
        role=Role.PAY_TO,
        purpose="The writer calls it his own: my address, our wallet.",
        source=SPEC,
        fails_when="somebody repeats another's words without marking them",
    ),
    "pay-link": RuleText(
        role=Role.PAY_TO,
        purpose="It is a displayed payment link (`bitcoin:…`): whoever presses it pays there.",
        source="BIP-21, ERC-681",
        fails_when="the link belongs to the site and not to whom the page is about",
    ),
    "label": RuleText(
        role=Role.PAY_TO,
        purpose="It follows a label (`BTC:`, `Bitcoin address:`) in a part of the page that the "
        "page's subject wrote.",
        source=OWN,
        fails_when="the label belongs to a list of other people's addresses",
    ),
    "price": RuleText(
        role=Role.PAY_TO,
        purpose="An amount of coin or money stands before it, as what is to be paid there.",
        source=f"{SPEC} (price nearby); too weak to attribute",
        fails_when="the amount is a balance or a turnover",
    ),
    "unclear": RuleText(
        role=Role.OTHER,
        purpose="Nothing around it says what it is.",
        source=OWN,
        fails_when="the words are in a language, or a manner, that no rule knows",
    ),
}
"""What each rule is for, where it comes from and when it fails; asked in this order."""
