"""Taint through a whole ledger, transaction by transaction: the loop of `heuristics.sweep`.

Every transaction that taint reaches, or that makes a declared source, is met once, in chain
order. What it takes is gathered from the coins that wait for it, the policy shares it out
(`heuristics.taint.share_out`, as everywhere), and every output that carries taint either comes to
rest or waits for its spender: in the present window at hand, in later ones in the calendar.

Policies that decide by sums need one number for each transaction that waits: coins are added up as
they come. Ordered policies keep every coin with its segments.

Where fees are followed into coinbases, a block's coinbase comes after all its other transactions:
its stream is their fees in order, the untainted ones too, with the subsidy at one end.
"""

import numpy as np

from heuristics.columns import NO_ADDRESS
from heuristics.jit import kernel
from heuristics.propagate import MOST_COLOURS
from heuristics.segments import CLEAN_COLOUR, gather_stream
from heuristics.shares import gather_colours
from heuristics.stops import StopRules, find_sorted, owner_of_row, service_stop
from heuristics.sweep_calendar import (
    chunks_for,
    put_word,
)
from heuristics.sweep_state import (
    ARENA,
    ARENA_LIMIT,
    AT_ARENA,
    AT_COIN,
    AT_END,
    AT_FEE,
    AT_PENDING,
    AT_PENDING_PIECE,
    AT_SOURCE,
    BLOCK,
    CHUNKS,
    COINS,
    ENDS,
    FEE_SUM,
    FEES,
    JOINED,
    MOST_ARENA,
    MOST_COINS,
    PENDING,
    PENDING_PIECES,
    STREAM,
    TOUCHED,
    TOUCHED_INPUTS,
    UNCLAIMED_SUM,
    WIDTH,
    WRONG_BLOCK,
    WRONG_OUTPUT,
    State,
    grown_state,
)
from heuristics.sweep_steps import (
    declare,
    first_source,
    keep_fee,
    lay_fees,
    match_inputs,
    past_sources,
    tell_colours,
)
from heuristics.sweep_terms import SweepColumns, SweepSources, SweepTerms
from heuristics.sweep_windows import clear_dead, open_window, put_coin
from heuristics.taint import TAINTED_COLOUR, Number, Policy, Stop, segment_room, share_out

_FIFO = int(Policy.FIFO)
_LIFO = int(Policy.LIFO)
_NO_ADDRESS = int(NO_ADDRESS)
_RETAINTED = int(Stop.RETAINTED)
_DESTROYED = int(Stop.DESTROYED)
_UNSPENT = int(Stop.UNSPENT)
_FEE = int(Stop.FEE)
_COINJOIN = int(Stop.COINJOIN)
_FOLLOWED = int(Stop.FOLLOWED)
_NEVER = 2**62
_EVERY_SOURCE = 2**62 - 1


@kernel
def sweep_windows(
    terms: SweepTerms,
    columns: SweepColumns,
    sources: SweepSources,
    rules: StopRules,
    state: State,
    first_window: int,
    past_window: int,
) -> State:
    """Pass over a range of windows; return the state after it."""
    for window in range(first_window, past_window):
        start = window << terms.window_bits
        past = min(start + (1 << terms.window_bits), terms.stop_transaction)
        place = state.at[AT_SOURCE]
        has_source = place < len(sources.creator) and sources.creator[place] < past
        if state.calendar.first[window] < 0 and not has_source and state.at[BLOCK] < 0:
            continue
        state = open_window(terms, state, window)
        reached: Number = start
        while True:
            reached = _pass_window(terms, columns, sources, rules, state, start, int(reached), past)
            if reached >= past and state.needs[WIDTH] == 0:
                break
            if state.at[WRONG_BLOCK] >= 0 or state.at[WRONG_OUTPUT] >= 0:
                return state
            if state.needs[ARENA] > state.at[ARENA_LIMIT]:
                state = clear_dead(terms, state, window, int(reached), past)
            state = grown_state(state)
    return state


@kernel
def _pass_window(
    terms: SweepTerms,
    columns: SweepColumns,
    sources: SweepSources,
    rules: StopRules,
    state: State,
    start: int,
    reached: int,
    past: int,
) -> Number:
    """Take the transactions of a window in order, from `reached` on.

    Returns `past` with `needs` all 0, or the transaction that there was no room for.
    """
    keeps_order = terms.policy == _FIFO or terms.policy == _LIFO
    keeps_coins = keeps_order or terms.has_colours
    counted = _EVERY_SOURCE if terms.has_colours else 0
    ledger = columns.ledger
    first_input, first_output = ledger.first_input, ledger.first_output
    at, here, head = state.at, state.here, state.head
    scratch, arena, stream = state.scratch, state.arena, state.stream
    coins, calendar, ends = state.coins, state.calendar, state.ends
    shares, piece_first, piece_count = scratch.shares, scratch.first, scratch.pieces
    room_width, room_ends, room_fees = len(shares), len(ends.output), len(state.fees.amount)
    room_chunks, room_coins = len(calendar.following), len(coins.output)
    room_arena, room_stream = len(arena.length), len(stream.length)
    room_pending = len(state.pending.amount)
    room_pending_pieces = len(state.pending_pieces.length)
    state.needs[:] = 0
    transaction = np.int64(reached)
    while True:
        place = at[AT_SOURCE]
        next_source = sources.creator[place] if place < len(sources.creator) else _NEVER
        due = columns.first_transaction[at[BLOCK] + 1] if at[BLOCK] >= 0 else _NEVER
        limit = min(past, due)
        if keeps_coins:
            while transaction < limit and head[transaction - start] < 0 and (
                transaction != next_source
            ):  # fmt: skip
                transaction += 1
        else:
            while transaction < limit and here[transaction - start] == 0 and (
                transaction != next_source
            ):  # fmt: skip
                transaction += 1
        if transaction >= limit and due > past:
            return past
        settles = transaction >= limit
        current = columns.first_transaction[at[BLOCK]] if settles else transaction
        makes_source = not settles and current == next_source
        begin = first_input[current]
        taken = first_input[current + 1] - begin
        if makes_source and taken == 0 and terms.follows_fees:
            # The turn of a coinbase comes at the end of its block.
            at[BLOCK] = owner_of_row(columns.first_transaction, current)
            at[AT_SOURCE] = past_sources(sources, place, current)
            transaction += 1
            continue

        # Room to lay ready what it takes.
        if settles:
            taken = due - current  # the fees of all others, and the subsidy
        low = first_output[current]
        width = first_output[current + 1] - low
        if max(width, taken) >= room_width:
            state.needs[WIDTH] = max(width, taken) + 1
            return transaction
        tainted = np.int64(0)
        mine = 0
        pieces = taken + 1
        if settles:
            mine = at[AT_PENDING]
            for k in range(mine):
                tainted += state.pending.amount[k]
                pieces += state.pending.pieces[k]
        elif keeps_coins:
            coin = np.int64(head[current - start])
            while coin >= 0:
                scratch.mine[mine] = coin
                mine += 1
                pieces += coins.pieces[coin]
                coin = np.int64(coins.following[coin])
            tainted = np.int64(mine)
        else:
            tainted = here[current - start]
        used = at[AT_ARENA]
        if keeps_coins and (
            pieces >= room_stream
            or used + pieces > room_arena
            or at[AT_COIN] + width + mine > room_coins
        ):
            state.needs[STREAM] = pieces + 1
            state.needs[ARENA] = used + pieces
            state.needs[COINS] = at[AT_COIN] + width + mine
            state.needs[WIDTH] = room_width
            return transaction

        # What it takes.
        count = 0
        if tainted > 0 and keeps_coins:
            slots = scratch.slots[:taken]
            if settles:
                used = lay_fees(
                    terms.subsidy_last, columns, state.pending, mine, state.pending_pieces,
                    scratch, coins, at, arena, current, due, used,
                )  # fmt: skip
                amounts = scratch.taken[:taken]
            else:
                amounts = ledger.input_value[begin : begin + taken]
                match_inputs(
                    ledger.spent_output[begin : begin + taken], scratch.mine, mine,
                    coins.output, slots,
                )  # fmt: skip
            if keeps_order:
                count = gather_stream(
                    slots, amounts, coins.first, coins.pieces, arena.length, arena.colour,
                    stream.length, stream.colour,
                )  # fmt: skip
            else:
                count = gather_colours(
                    slots, coins.first, coins.pieces, arena.length, arena.colour,
                    stream.length, stream.colour,
                )  # fmt: skip
                if count > MOST_COLOURS:
                    at[JOINED] = 1
                if at[JOINED] != 0:
                    stream.length[0] = stream.length[:count].sum()
                    stream.colour[0] = TAINTED_COLOUR
                    count = 1
            tainted = np.int64(0)
            for piece in range(count):
                if stream.colour[piece] != CLEAN_COLOUR:
                    tainted += stream.length[piece]

        # Room for what comes; nothing is changed before all of it is there.
        words = 2 * width
        if keeps_coins:
            own: Number = 0
            if makes_source:
                own = past_sources(sources, place, current) - place
            elif settles:
                own = first_source(sources, low + width) - first_source(sources, low)
            # A declared source takes over the segments that came back to it, beside its own.
            made: Number = segment_room(terms.policy, count, width + 1)
            made += min(own * (count + 2), made + own)
            words += 2 * made
            kept = at[AT_PENDING_PIECE]
            if terms.follows_fees and not settles:
                kept += count + 2
            if used + made > room_arena or kept > room_pending_pieces:
                state.needs[ARENA] = used + made
                state.needs[PENDING_PIECES] = kept
                state.needs[WIDTH] = room_width
                return transaction
        if (
            at[AT_END] + 2 * width > room_ends
            or at[AT_FEE] >= room_fees
            or at[AT_PENDING] >= room_pending
            or chunks_for(calendar, words, width) > room_chunks
        ):
            state.needs[ENDS] = at[AT_END] + 2 * width
            state.needs[FEES] = at[AT_FEE] + 1
            state.needs[PENDING] = at[AT_PENDING] + 1
            state.needs[CHUNKS] = chunks_for(calendar, words, width)
            state.needs[WIDTH] = room_width
            return transaction

        values = ledger.output_value[low : low + width]
        remainder = columns.fee[current]
        if settles:
            remainder = columns.subsidy[at[BLOCK]]
            for k in range(current + 1, due):
                remainder += columns.fee[k]
            for j in range(width):
                remainder -= values[j]
            if remainder < 0:
                at[WRONG_BLOCK] = at[BLOCK]
                state.needs[WIDTH] = room_width
                return transaction

        # What it gives.
        if tainted > 0:
            at[TOUCHED] += 1
            if not settles:
                at[TOUCHED_INPUTS] += taken
            used = share_out(
                terms.policy, int(tainted), values, remainder, stream.length, stream.colour, count,
                shares[: width + 1], piece_first[: width + 1], piece_count[: width + 1],
                arena.length, arena.colour, used,
            )  # fmt: skip
        else:
            for j in range(width + 1):
                shares[j] = 0
                piece_count[j] = 0

        # Where that goes.
        source: Number = len(sources.output)
        if makes_source:
            source = place
        elif settles:
            source = first_source(sources, low)
        for j in range(width):
            amount = shares[j]
            output = low + j
            is_source = source < len(sources.output) and sources.output[source] == output
            if amount == 0 and not is_source:
                continue
            if is_source:
                if amount > 0:
                    end = at[AT_END]
                    at[AT_END] = end + 1
                    ends.output[end] = output
                    ends.amount[end] = amount
                    ends.reason[end] = _RETAINTED
                    ends.segments[end] = 1
                    ends.colour[end] = TAINTED_COLOUR
                    if keeps_coins:
                        ends.colour[end], ends.segments[end] = tell_colours(
                            arena, piece_first[j], piece_count[j], _RETAINTED,
                            counted & sources.colour[source], state.by_colour,
                        )  # fmt: skip
                amount = values[j]
                if keeps_coins:
                    used = declare(
                        keeps_order, scratch, arena, j, amount, sources.colour[source], used
                    )
                source += 1
            spender = np.int64(ledger.spender[output])
            address = np.int64(ledger.output_address[output])
            reason: Number = _FOLLOWED
            if (
                address == _NO_ADDRESS
                or output < rules.genesis_outputs
                or (len(columns.voided) > 0 and find_sorted(columns.voided, output) >= 0)
            ):
                reason = _DESTROYED
            else:
                if terms.stops_at_services and not is_source:
                    reason = service_stop(address, rules)
                if spender >= terms.stop_transaction:
                    reason = min(reason, _UNSPENT)
                elif spender < len(rules.marks) and rules.marks[spender] != 0:
                    reason = min(reason, _COINJOIN)
            if reason != _FOLLOWED:
                end = at[AT_END]
                at[AT_END] = end + 1
                ends.output[end] = output
                ends.amount[end] = amount
                ends.reason[end] = reason
                ends.segments[end] = 1
                ends.colour[end] = TAINTED_COLOUR
                if keeps_coins:
                    ends.colour[end], ends.segments[end] = tell_colours(
                        arena, piece_first[j], piece_count[j], reason,
                        counted, state.by_colour,
                    )  # fmt: skip
            elif spender < transaction or (spender == transaction and not settles):
                at[WRONG_OUTPUT] = output
                state.needs[WIDTH] = room_width
                return transaction
            elif spender < past:
                offset = spender - start
                if keeps_coins:
                    coin = at[AT_COIN]
                    coins.output[coin] = output
                    coins.first[coin] = piece_first[j]
                    coins.pieces[coin] = piece_count[j]
                    coins.following[coin] = head[offset]
                    head[offset] = coin
                    at[AT_COIN] = coin + 1
                else:
                    here[offset] += amount
            else:
                window = spender >> terms.window_bits
                offset = spender - (window << terms.window_bits)
                if keeps_coins:
                    put_coin(
                        calendar, window, offset, output, piece_first[j], piece_count[j],
                        arena.length, arena.colour,
                    )  # fmt: skip
                else:
                    put_word(calendar, window, offset)
                    put_word(calendar, window, amount)

        # And the rest.
        amount = shares[width]
        if amount > 0 and terms.follows_fees and not settles:
            if at[BLOCK] < 0:
                at[BLOCK] = owner_of_row(columns.first_transaction, current)
            keep_fee(state.pending, state.pending_pieces, scratch, arena, at, current, width)
        elif amount > 0:
            at[UNCLAIMED_SUM if settles else FEE_SUM] += amount
            if terms.has_colours:
                tell_colours(
                    arena, piece_first[width], piece_count[width],
                    _DESTROYED if settles else _FEE, counted, state.by_colour,
                )  # fmt: skip
            row = at[AT_FEE]
            state.fees.transaction[row] = current
            state.fees.amount[row] = amount
            at[AT_FEE] = row + 1
        if settles:
            at[BLOCK] = -1
            at[AT_PENDING] = 0
            at[AT_PENDING_PIECE] = 0
        else:
            transaction += 1
        if makes_source:
            at[AT_SOURCE] = past_sources(sources, place, current)
        at[AT_ARENA] = used
        at[MOST_COINS] = max(at[MOST_COINS], at[AT_COIN])
        at[MOST_ARENA] = max(at[MOST_ARENA], used)
