"""Answers about accounts and their transactions as text for people."""

from collections.abc import Iterable, Sequence

from arien_flows.amounts import Asset, bare_amount, coins, counted
from arien_flows.answers.account_address import AccountAnswer, TokenBalance
from arien_flows.answers.account_code import CodeAnswer, CreationAnswer
from arien_flows.answers.account_events import EventAnswer
from arien_flows.answers.account_facts import AssetShape, asset_of_shape
from arien_flows.answers.account_history import AccountHistoryAnswer, AccountHistoryRow
from arien_flows.answers.account_movements import MovementAnswer
from arien_flows.answers.account_status import AccountStatusAnswer
from arien_flows.answers.account_transaction import AccountTransactionAnswer, ConversionAnswer
from arien_flows.answers.status import StatusAnswer
from arien_flows.cli.output import NOTHING, closing, pairs, table
from arien_flows.cli.tag_texts import naming_lines
from arien_flows.cli.texts import entity_text, flag_lines, sighting_text, status_lines, tag_lines
from arien_flows.shapes import shown_time

KINDS = {
    "key": "account of a key",
    "delegated": "account of a key that runs the code of another (EIP-7702)",
    "contract": "contract",
    "minimal_proxy": "contract that passes all calls on (EIP-1167)",
    "safe": "Safe, a wallet that several signers may share",
    "smart_account": "smart account (ERC-4337)",
    "entry_point": "entry point of smart accounts (ERC-4337)",
    "token": "contract of a token",
    "pool": "pool that exchanges assets",
    "router": "router to pools",
    "bridge": "bridge",
    "mixer": "mixer",
}


def account_lines(answer: AccountAnswer) -> Iterable[str]:
    """Return the summary of an account."""
    coin = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Address", answer.address),
            ("Network", answer.network),
            ("Kind", f"{KINDS.get(answer.kind, answer.kind)} ({answer.kind_certainty})"),
            *_created(answer.created),
            ("First seen", _seen(answer)),
            ("Last seen", NOTHING if not answer.last_seen else sighting_text(answer.last_seen)),
            (
                "Transactions",
                f"{answer.transaction_count:,}, of which it sent {answer.sent_count:,}",
            ),
            ("Received", coins(answer.received, coin)),
            ("Sent", f"{coins(answer.sent, coin)}, gas included"),
            ("Balance", coins(answer.balance, coin)),
            ("Entity", entity_text(answer.entity)),
        )
    )
    yield from _codes(answer.codes)
    if answer.tokens:
        yield from ("", "Tokens of the list of main assets (facts):", *_balances(answer.tokens))
    yield from _other_tokens(answer)
    yield from naming_lines(answer.naming)
    yield from tag_lines(answer.tags)
    yield from flag_lines(answer.flags)
    yield from closing(answer)


def account_history_lines(answer: AccountHistoryAnswer) -> Iterable[str]:
    """Return a page of an account's transactions, each with its movements."""
    for number, row in enumerate(answer.items):
        yield from () if number == 0 else ("",)
        yield from _history_row(answer, row)
    if answer.hidden:
        yield ""
        yield (
            f"{counted(answer.hidden, 'transaction')} of strangers passed over (transfers of "
            "nothing, tokens that pose as others, crumbs from look-alike addresses): --all shows "
            "them"
        )
    if answer.next_cursor is not None:
        yield f"There are more: add --cursor {answer.next_cursor}"
    yield from closing(answer)


def account_transaction_lines(answer: AccountTransactionAnswer) -> Iterable[str]:
    """Return a transaction with its movements, events and exchanges."""
    coin = Asset(name=answer.asset, decimals=answer.decimals)
    yield from pairs(
        (
            ("Transaction", answer.txid),
            ("Network", answer.network),
            ("Block", f"{answer.height:,} ({answer.block_hash}), position {answer.position}"),
            ("Time", shown_time(answer.time)),
            ("Confirmations", f"{answer.confirmations:,}"),
            *_envelope(answer),
            ("Gas burnt", coins(answer.gas_burnt, coin)),
            ("Gas tip", coins(answer.gas_tip, coin)),
        )
    )
    if answer.movements:
        yield from ("", *_movements(answer.movements))
    if answer.conversions:
        yield ""
        for each in answer.conversions:
            yield _conversion(each)
    if answer.events:
        yield ""
        for event in answer.events:
            yield _event(event)
    yield from flag_lines(answer.flags)
    yield from closing(answer)


def all_status_lines(answers: Sequence[StatusAnswer | AccountStatusAnswer]) -> Iterable[str]:
    """Return what ledgers of either kind hold."""
    for number, answer in enumerate(answers):
        yield from () if number == 0 else ("",)
        if isinstance(answer, AccountStatusAnswer):
            yield from account_status_lines(answer)
        else:
            yield from status_lines([answer])


def account_status_lines(answer: AccountStatusAnswer) -> Iterable[str]:
    """Return what a ledger of accounts holds."""
    tip = "the ledger is empty"
    if answer.tip is not None:
        tip = f"{answer.tip.height:,} ({answer.tip.hash}), {shown_time(answer.tip.time)}"
    whole = "from genesis" if answer.complete_from == 0 else f"from {answer.complete_from}"
    yield from pairs(
        (
            ("Network", answer.network),
            ("Last block", tip),
            ("Complete", NOTHING if answer.complete_from is None else whole),
            ("Blocks", f"{answer.blocks:,}"),
            ("Transactions", f"{answer.transactions:,}"),
            ("Movements", f"{answer.movements:,}"),
            ("Events", f"{answer.events:,}"),
            ("Accounts", f"{answer.accounts:,}"),
            ("Assets", f"{answer.assets:,}"),
            ("Internal calls", answer.calls),
            ("Order inside", answer.ordering.replace("_", " ")),
            ("On disk", f"{answer.bytes_on_disk:,} bytes"),
        )
    )
    for cut in answer.limits:
        yield f"Left out: {cut.where} ({cut.reason}). {cut.detail}"


def amount_text(amount: str, asset: AssetShape) -> str:
    """Return an amount as people read it, exactly, with what it counts."""
    return coins(amount, asset_of_shape(asset))


def _seen(answer: AccountAnswer) -> str:
    if answer.first_seen is None:
        return "never in a transaction: a block names it as its fee recipient"
    return sighting_text(answer.first_seen)


def _created(created: CreationAnswer | None) -> Iterable[tuple[str, str]]:
    if created is None:
        return ()
    by = created.creator or NOTHING
    through = "" if created.sender in (None, created.creator) else f", sent by {created.sender}"
    when = f"{shown_time(created.time)}, block {created.height:,}, {created.txid}"
    return (("Created", f"by {by}{through}, {when}"),)


def _codes(codes: Sequence[CodeAnswer]) -> Iterable[str]:
    if not codes:
        return
    yield ""
    for code in codes:
        where = f"{shown_time(code.time)}, block {code.height:,}, {code.txid}"
        leads = f", calls go to {code.target}" if code.target else ""
        known = f", code hash {code.code_hash}" if code.code_hash else ""
        yield f"Code: {code.kind.replace('_', ' ')}{leads}{known} ({where})"


def _balances(balances: Sequence[TokenBalance]) -> list[str]:
    return table(
        ("Balance", "Received", "Sent", "Movements", "Token", "Contract"),
        (
            (
                *(
                    bare_amount(amount, asset_of_shape(each.asset))
                    for amount in (each.balance, each.received, each.sent)
                ),
                f"{each.movements:,}",
                asset_of_shape(each.asset).name,
                each.asset.contract or NOTHING,
            )
            for each in balances
        ),
    )


def _other_tokens(answer: AccountAnswer) -> Iterable[str]:
    if not answer.other_token_count:
        return
    yield ""
    posing = ""
    if answer.imitation_count:
        posing = f", {answer.imitation_count:,} of which pose as a main asset"
    yield (
        f"{counted(answer.other_token_count, 'token')} on no list{posing}; anybody may have made "
        "and sent them, under any name:"
    )
    yield from _balances(answer.other_tokens)


def _history_row(answer: AccountHistoryAnswer, row: AccountHistoryRow) -> Iterable[str]:
    marks = ["" if row.succeeded else "FAILED", "dust or poison" if row.hidden else ""]
    told = ", ".join(mark for mark in marks if mark)
    yield (
        f"{shown_time(row.time)}  block {row.height:,}  {row.txid}"
        + (f"  ({told})" if told else "")
    )
    for moved in row.movements:
        yield f"   {_direction(answer.address, moved)}"
    if row.movement_count > len(row.movements):
        left = row.movement_count - len(row.movements)
        yield f"   {counted(left, 'more movement')}: `arien-flows tx {row.txid}` shows them"
    if not row.movements:
        yield "   nothing moved for this account"


def _direction(address: str, moved: MovementAnswer) -> str:
    shown = f"{amount_text(moved.amount, moved.asset)}{_token(moved)}"
    doubt = " (dust or poison)" if moved.hidden else ""
    named = moved.kind.replace("_", " ")
    if moved.giver == moved.receiver:
        return f"to itself  {shown} ({named}){doubt}"
    if moved.giver == address:
        return f"gave  {shown} to {moved.receiver or 'nobody'} ({named}){doubt}"
    return f"received  {shown} from {moved.giver or 'nobody'} ({named}){doubt}"


def _token(moved: MovementAnswer) -> str:
    return "" if moved.token_id is None else f" number {moved.token_id}"


def _envelope(answer: AccountTransactionAnswer) -> Iterable[tuple[str, str]]:
    if answer.kind == "system":
        yield ("Kind", "outside any transaction; the id is the block's hash")
        return
    yield ("Kind", answer.kind.replace("_", " "))
    yield ("Result", "took effect" if answer.succeeded else "FAILED: it moved nothing but its gas")
    acting = "" if answer.acting in (None, answer.sender) else f", acting for {answer.acting}"
    yield ("Sender", f"{answer.sender}{acting}, its number {answer.nonce:,}")
    called = "" if answer.selector is None else f", function {answer.selector}"
    yield ("Sent to", f"{answer.receiver or NOTHING}{called}")
    yield ("Gas", f"{answer.gas_used:,} at {int(answer.gas_price):,} wei")


def _movements(movements: Sequence[MovementAnswer]) -> list[str]:
    return table(
        ("No", "Amount", "From", "To", "By"),
        (
            (
                str(each.position),
                amount_text(each.amount, each.asset) + _token(each),
                each.giver or NOTHING,
                each.receiver or NOTHING,
                each.kind.replace("_", " ") + (" (dust or poison)" if each.hidden else ""),
            )
            for each in movements
        ),
    )


def _conversion(each: ConversionAnswer) -> str:
    gave, got = amount_text(each.gave_amount, each.gave), amount_text(each.got_amount, each.got)
    shown = ", ".join(map(str, each.positions))
    return (
        f"{each.owner} gave {gave} for {got} ({each.certainty} by {each.rule}, movements {shown})"
    )


def _event(event: EventAnswer) -> str:
    parts = [event.kind.replace("_", " ")]
    if event.contract:
        parts.append(f"by {event.contract}")
    if event.accounts:
        parts.append(f"names {', '.join(event.accounts)}")
    if event.unlimited:
        parts.append("without limit")
    elif event.amount is not None and event.kind == "mixer_deposit":
        parts.append(f"leaf {event.amount}")
    elif event.amount is not None:
        parts.append(
            f"{event.amount} base units"
            if event.asset is None
            else amount_text(event.amount, event.asset)
        )
    if event.word:
        parts.append(event.word)
    if event.succeeded is False:
        parts.append("FAILED")
    if event.leaves_chain is not None:
        parts.append("leaves this chain" if event.leaves_chain else "arrives on this chain")
    return f"Event: {'; '.join(parts)}"
