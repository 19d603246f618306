"""First named owners of money, transaction by transaction: the loop of `heuristics.exposure`.

What waits for a transaction are *entries*: an amount, the entity that holds the coins, and how far
the path has come. They wait in a calendar of windows (`heuristics.sweep_calendar`), which is read
forward in chain order and backward in reverse, so that every transaction is met once, after all
that leads to it. At the transaction its entries become a few *colours* (those of one distance that
stay in the same entity, and all others of one distance), the coins that it gives draw their shares
pro rata, and each of these is counted where a rule ends it, or waits for its own next transaction.

Distances are levels: 0 is the money that is asked about, 1 what never left the subject's own
entity, and `n + 1` what has come to the `n`-th entity on its path.
"""

import numpy as np

from heuristics.columns import NO_ADDRESS, UInt8Array
from heuristics.exposure_steps import (
    creator,
    draw,
    larger,
    next_taken,
    note,
    root_of,
    share_pro_rata,
)
from heuristics.exposure_terms import ExposureTerms, Moved, Owners, Reached
from heuristics.jit import kernel
from heuristics.stops import Direction, SpendColumns, find_sorted
from heuristics.sweep_calendar import (
    Calendar,
    chunks_for,
    grown_calendar,
    page_words,
    put_word,
    take_page,
)
from heuristics.taint import Number, Stop

WINDOW_BITS = 15
"""Windows of so many transactions as a power of two."""

_ROOT_BITS = 32
_LEVEL_BITS = 4
_ROOT_MASK = 2**_ROOT_BITS - 1
_LEVEL_MASK = 2**_LEVEL_BITS - 1
_OFFSET_SHIFT = _ROOT_BITS + _LEVEL_BITS
_BACKWARD = int(Direction.BACKWARD)
_NOBODY = int(NO_ADDRESS)
_RETAINTED = int(Stop.RETAINTED)
_DESTROYED = int(Stop.DESTROYED)
_FEE = int(Stop.FEE)
_NEWLY_MINED = int(Stop.NEWLY_MINED)
_BEFORE_LEDGER = int(Stop.BEFORE_LEDGER)
_UNSPENT = int(Stop.UNSPENT)
_BELOW_MIN = int(Stop.BELOW_MIN)
_TIME_WINDOW = int(Stop.TIME_WINDOW)
_HOP_LIMIT = int(Stop.HOP_LIMIT)
_FAN_OUT = int(Stop.FAN_OUT)
_BUDGET = int(Stop.BUDGET)
_REASONS = len(Stop)


@kernel
def walk(
    terms: ExposureTerms,
    columns: SpendColumns,
    marks: UInt8Array,
    owners: Owners,
    moved: Moved,
    calendar: Calendar,
) -> Reached:
    """Follow money to the first named owners; see the module."""
    backward = terms.direction == _BACKWARD
    transactions = len(columns.first_input) - 1
    width = terms.max_hops + 1
    address_amount = np.zeros(len(owners.named_address) * width, np.int64)
    address_most = np.zeros(len(address_amount), np.int64)
    address_through = np.full(len(address_amount), -1, np.int64)
    root_amount = np.zeros(len(owners.named_root) * width, np.int64)
    root_most = np.zeros(len(root_amount), np.int64)
    root_through = np.full(len(root_amount), -1, np.int64)
    coinjoin_amount = np.zeros(width, np.int64)
    coinjoin_most = np.zeros(width, np.int64)
    coinjoin_through = np.full(width, -1, np.int64)
    by_reason = np.zeros(_REASONS, np.int64)
    filter_mask = len(owners.filter) - 1
    inner = 0
    followed = 0

    window_size = 1 << WINDOW_BITS
    head = np.full(window_size, -1, np.int64)
    # Entries that wait in the open window.
    key = np.empty(4096, np.int64)
    sum_ = np.empty(4096, np.int64)
    following = np.empty(4096, np.int64)
    # Coins that a transaction gives.
    values = np.empty(64, np.int64)
    roots = np.empty(64, np.int64)
    shares = np.empty(64, np.int64)
    far_shares = np.empty(64, np.int64)
    rests = np.empty(64, np.int64)
    # Colours of what a transaction takes: the entity that it may stay in (or nobody), the level.
    colour_root = np.empty(64, np.int64)
    colour_level = np.empty(64, np.int64)
    colour_amount = np.empty(64, np.int64)
    part = np.empty(64, np.int64)
    part_rests = np.empty(64, np.int64)

    sources = len(moved.transaction)
    source = sources - 1 if backward else 0
    step = -1 if backward else 1
    window = np.int64(-1) if sources == 0 else moved.transaction[source] >> WINDOW_BITS
    while 0 <= window < len(calendar.first):
        start = window << WINDOW_BITS
        past = min(start + window_size, transactions)
        next_source = moved.transaction[source] if 0 <= source < sources else np.int64(-1)
        if calendar.first[window] < 0 and not start <= next_source < past:
            window += step
            continue
        page = np.empty(page_words(calendar, window), np.int64)
        take_page(calendar, window, page)
        entries = 0
        if len(page) // 2 > len(key):
            key = larger(key, len(page) // 2)
            sum_ = larger(sum_, len(page) // 2)
            following = larger(following, len(page) // 2)
        for k in range(0, len(page), 2):
            offset = page[k] >> _OFFSET_SHIFT
            key[entries] = page[k]
            sum_[entries] = page[k + 1]
            following[entries] = head[offset]
            head[offset] = entries
            entries += 1

        transaction = past - 1 if backward else start
        while True:
            transaction = next_taken(head, start, past, transaction, step, next_source)
            if not start <= transaction < past:
                break
            entry = head[transaction - start]
            head[transaction - start] = -1
            is_coinjoin = transaction < len(marks) and marks[transaction] != 0
            first_in = columns.first_input[transaction]
            past_in = columns.first_input[transaction + 1]
            first_out = columns.first_output[transaction]
            past_out = columns.first_output[transaction + 1]

            # Whole transactions at which paths end.
            if is_coinjoin or first_in == past_in:
                while entry >= 0 or transaction == next_source:
                    if entry >= 0:
                        level = (key[entry] >> _ROOT_BITS) & _LEVEL_MASK
                        amount = sum_[entry]
                        entry = following[entry]
                    else:
                        level = np.int64(0)
                        amount = moved.amount[source]
                        source += step
                        next_source = (
                            moved.transaction[source] if 0 <= source < sources else np.int64(-1)
                        )
                    hops = max(level, 1)
                    if is_coinjoin and hops > terms.max_hops:
                        by_reason[_HOP_LIMIT] += amount
                    elif is_coinjoin:
                        note(hops, amount, transaction, coinjoin_amount, coinjoin_most,
                              coinjoin_through)  # fmt: skip
                    elif backward:
                        by_reason[_NEWLY_MINED] += amount
                    else:
                        by_reason[_DESTROYED] += amount
                transaction += step
                continue

            # What it gives.
            count = past_in - first_in if backward else past_out - first_out
            if count > len(values):
                values = larger(values, count)
                roots = larger(roots, count)
                shares = larger(shares, count)
                far_shares = larger(far_shares, count)
                rests = larger(rests, count)
            given = np.int64(0)
            for j in range(count):
                if backward:
                    values[j] = columns.input_value[first_in + j]
                    address = np.int64(columns.input_address[first_in + j])
                else:
                    values[j] = columns.output_value[first_out + j]
                    address = np.int64(columns.output_address[first_out + j])
                given += values[j]
                roots[j] = _NOBODY if address == _NOBODY else root_of(address, owners.labels)
            total = given
            if not backward:
                taken = np.int64(0)
                for i in range(first_in, past_in):
                    taken += columns.input_value[i]
                total = max(taken, given)
            remainder = total - given

            # What it takes, in colours. What is outside of the subject may end here.
            outside = np.int64(0)
            k = entry
            while k >= 0:
                if (key[k] >> _ROOT_BITS) & _LEVEL_MASK >= 2:
                    outside += sum_[k]
                k = following[k]
            reason = 0
            if outside > 0:
                if not terms.first_transaction <= transaction <= terms.last_transaction:
                    reason = _TIME_WINDOW
                elif past_out - first_out > terms.crowded_width and (
                    outside * 100 < total * terms.crowded_percent
                ):
                    reason = _FAN_OUT
                elif followed >= terms.budget:
                    reason = _BUDGET
                if reason != 0:
                    by_reason[reason] += outside
                else:
                    followed += 1
            colours = 0
            amount = np.int64(0)
            last_root = np.int64(-1)
            stays = np.int64(-1)
            while entry >= 0 or transaction == next_source:
                if entry >= 0:
                    level = (key[entry] >> _ROOT_BITS) & _LEVEL_MASK
                    root = key[entry] & _ROOT_MASK
                    sum_taken = sum_[entry]
                    entry = following[entry]
                else:
                    level = np.int64(0)
                    root = moved.root[source]
                    sum_taken = moved.amount[source]
                    source += step
                    next_source = (
                        moved.transaction[source] if 0 <= source < sources else np.int64(-1)
                    )
                if level < 2:
                    stays = np.int64(-1)
                    last_root = np.int64(-1)
                elif reason != 0:
                    continue
                elif root != last_root:
                    last_root = root
                    stays = np.int64(-1)
                    if root != _NOBODY:
                        for j in range(count):
                            if roots[j] == root:
                                stays = root
                                break
                place = 0
                while place < colours and (
                    colour_root[place] != stays or colour_level[place] != level
                ):
                    place += 1
                if place == colours:
                    if colours == len(colour_root):
                        colour_root = larger(colour_root, colours + 1)
                        colour_level = larger(colour_level, colours + 1)
                        colour_amount = larger(colour_amount, colours + 1)
                        part = larger(part, colours + 1)
                        part_rests = larger(part_rests, colours + 1)
                    colour_root[colours] = stays
                    colour_level[colours] = level
                    colour_amount[colours] = 0
                    colours += 1
                colour_amount[place] += sum_taken
                amount += sum_taken
            if amount == 0:
                transaction += step
                continue

            # Colours in an order that does not depend on that of the entries.
            for i in range(1, colours):
                k = i
                while k > 0 and (
                    colour_level[k - 1] > colour_level[k]
                    or (
                        colour_level[k - 1] == colour_level[k]
                        and colour_root[k - 1] > colour_root[k]
                    )
                ):
                    for column in (colour_root, colour_level, colour_amount):
                        column[k - 1], column[k] = column[k], column[k - 1]
                    k -= 1

            # Room for all that it may pass on.
            words = 2 * count * colours
            if chunks_for(calendar, words, count) > len(calendar.following):
                calendar = grown_calendar(calendar, chunks_for(calendar, words, count))
            if entries + count * colours > len(key):
                room = entries + count * colours
                key = larger(key, room)
                sum_ = larger(sum_, room)
                following = larger(following, room)

            # What has not left the subject's entity draws first, and by itself: so it does not
            # depend by a single unit on what limits leave of the rest.
            near = 0
            near_left = np.int64(0)
            while near < colours and colour_level[near] < 2:
                near_left += colour_amount[near]
                near += 1
            far_left = amount - near_left
            shares[:count] = 0
            if near > 0:
                fee = share_pro_rata(values, count, total, near_left, remainder, shares, rests)
                by_reason[_FEE] += fee
                total -= near_left
                remainder -= fee
                for j in range(count):
                    values[j] -= shares[j]
            far_shares[:count] = 0
            if near < colours:
                fee = share_pro_rata(values, count, total, far_left, remainder, far_shares, rests)
                by_reason[_FEE] += fee
            # The fee draws its colours last, so it takes what the coins leave.
            near_left = amount - far_left
            for j in range(count):
                share = shares[j] + far_shares[j]
                if share == 0:
                    continue
                draw(colour_amount[:near], near_left, shares[j], part[:near], part_rests)
                draw(
                    colour_amount[near:colours],
                    far_left,
                    far_shares[j],
                    part[near:colours],
                    part_rests,
                )
                near_left -= shares[j]
                far_left -= far_shares[j]
                root = roots[j]
                if backward:
                    address = np.int64(columns.input_address[first_in + j])
                    coin = columns.spent_output[first_in + j]
                else:
                    address = np.int64(columns.output_address[first_out + j])
                    coin = first_out + j
                is_subject = False
                is_own = False
                if root != _NOBODY:
                    is_own = find_sorted(owners.own_root, root) >= 0
                    is_subject = is_own and (
                        find_sorted(owners.subject_root, root) >= 0
                        or find_sorted(owners.subject_address, address) >= 0
                    )
                by_address = -1
                by_root = -1
                if root != _NOBODY and not is_own:
                    if owners.filter[address & filter_mask] != 0:
                        by_address = find_sorted(owners.named_address, address)
                    if by_address < 0 and owners.filter[root & filter_mask] != 0:
                        by_root = find_sorted(owners.named_root, root)
                ends = 0
                following_transaction: Number = -1
                if backward:
                    if coin < 0:
                        ends = _BEFORE_LEDGER
                else:
                    spender = np.int64(columns.spender[coin])
                    if root == _NOBODY or coin < terms.genesis_outputs:
                        ends = _DESTROYED
                    elif spender >= transactions:
                        ends = _UNSPENT
                    else:
                        following_transaction = spender
                for c in range(colours):
                    piece = part[c]
                    if piece == 0:
                        continue
                    level = colour_level[c]
                    if is_subject:
                        if level == 0:
                            inner += piece
                        else:
                            by_reason[_RETAINTED] += piece
                        continue
                    if is_own:
                        if level >= 2:
                            by_reason[_RETAINTED] += piece
                            continue
                        level = np.int64(1)
                    elif colour_root[c] != root or root == _NOBODY:
                        level = max(level, 1) + 1
                    if ends == _DESTROYED:
                        by_reason[_DESTROYED] += piece
                    elif level - 1 > terms.max_hops:
                        by_reason[_HOP_LIMIT] += piece
                    elif by_address >= 0:
                        note(by_address * width + level - 1, piece, transaction,
                              address_amount, address_most, address_through)  # fmt: skip
                    elif by_root >= 0:
                        note(by_root * width + level - 1, piece, transaction,
                              root_amount, root_most, root_through)  # fmt: skip
                    elif ends != 0:
                        by_reason[ends] += piece
                    elif level >= 2 and share < terms.min_value:
                        by_reason[_BELOW_MIN] += piece
                    else:
                        if following_transaction < 0:
                            following_transaction = creator(columns.first_output, coin, transaction)
                        word = (level << _ROOT_BITS) | root
                        if start <= following_transaction < past:
                            offset = following_transaction - start
                            key[entries] = word
                            sum_[entries] = piece
                            following[entries] = head[offset]
                            head[offset] = entries
                            entries += 1
                        else:
                            to = following_transaction >> WINDOW_BITS
                            offset = following_transaction - (to << WINDOW_BITS)
                            put_word(calendar, to, (offset << _OFFSET_SHIFT) | word)
                            put_word(calendar, to, piece)
            transaction += step
        window += step
    return Reached(
        address_amount, address_most, address_through,
        root_amount, root_most, root_through,
        coinjoin_amount, coinjoin_most, coinjoin_through,
        by_reason, inner, followed,
    )  # fmt: skip
