"""Runs of words of a list, as the phrases are that wallets are restored from.

A word of three to eight letters is one number (five bits a letter), which a small hash table finds
or does not; capitals count as small letters. Words belong together if nothing but blanks, marks
and digits stands between them, at most six: phrases are numbered and broken into lines.
"""

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array
from heuristics.jit import kernel, kernel_part

TABLE_SIZE = 8_192
"""Places of the table, a power of two; four times the words of a list."""

SHORTEST_WORD, LONGEST_WORD = 3, 8
WIDEST_GAP = 6
LEAST_WORDS = 12


def word_number(word: str) -> int:
    """Return the number of a word of small letters."""
    number = 0
    for letter in word:
        number = number << 5 | ord(letter) - 96
    return number


@kernel_part
def _place_of(number: int) -> int:
    """Return where in the table a number is looked for first."""
    return (number ^ number >> 11 ^ number >> 23) & (TABLE_SIZE - 1)


def word_table(words: list[str]) -> tuple[Int64Array, Int32Array]:
    """Return the table of a list: the number at each place, 0 where none, and the word's index."""
    numbers = np.zeros(TABLE_SIZE, dtype=np.int64)
    indexes = np.zeros(TABLE_SIZE, dtype=np.int32)
    if len(words) > TABLE_SIZE // 2:
        raise ValueError(f"the table holds {TABLE_SIZE // 2} words at most")
    for index, word in enumerate(words):
        if not (SHORTEST_WORD <= len(word) <= LONGEST_WORD and word.isascii() and word.islower()):
            raise ValueError("a word needs three to eight small letters")
        place = _place_of(word_number(word))
        while numbers[place]:
            place = (place + 1) & (TABLE_SIZE - 1)
        numbers[place], indexes[place] = word_number(word), index
    return numbers, indexes


@kernel
def _index_of(number: int, numbers: Int64Array, indexes: Int32Array) -> int:
    place = _place_of(number)
    while numbers[place]:
        if numbers[place] == number:
            return int(indexes[place])
        place = (place + 1) & (TABLE_SIZE - 1)
    return -1


@kernel_part
def _is_letter(code: int) -> bool:
    return 97 <= code | 32 <= 122 and code < 128


@kernel
def _look_up(
    codes: UInt8Array,
    span: tuple[int, int],
    table: tuple[Int64Array, Int32Array],
    words: Int64Array,
    state: tuple[int, int],
) -> tuple[int, int]:
    """Write the runs of listed words in a span; take and return words written and runs."""
    start, stop = span
    numbers, indexes = table
    kept, runs = state
    count = kept
    place = start
    while place < stop:
        if not _is_letter(int(codes[place])):
            place += 1
            continue
        start = place
        number = 0
        while place < stop and _is_letter(int(codes[place])):
            number = number << 5 | (int(codes[place]) | 32) - 96
            place += 1
        index = _index_of(number, numbers, indexes)
        if index < 0:
            if count - kept >= LEAST_WORDS:
                kept, runs = count, runs + 1
            count = kept
            continue
        words[count, 0], words[count, 1] = start, place
        words[count, 2], words[count, 3] = index, runs
        count += 1
    return (count, runs + 1) if count - kept >= LEAST_WORDS else (kept, runs)


@kernel
def find_word_runs(
    codes: UInt8Array, numbers: Int64Array, indexes: Int32Array, words: Int64Array
) -> int:
    """Write the words of all runs of twelve or more; return how many words.

    Words are looked up only where twelve in a row are as long as those of a list: in prose they
    hardly ever are.

    Parameters
    ----------
    codes
        One a character; letters in ASCII.
    numbers, indexes
        As `word_table` gives them.
    words
        Receives first character, one past the last, index in the list, and the number of the run,
        from 0. Needs `len(codes) // 4 + 2` rows.
    """
    size = len(codes)
    state = (0, 0)
    run_start, run_stop, in_run = 0, 0, 0
    place = 0
    while place < size:
        if not _is_letter(int(codes[place])):
            place += 1
            continue
        start = place
        while place < size and _is_letter(int(codes[place])):
            place += 1
        fits = SHORTEST_WORD <= place - start <= LONGEST_WORD
        if not fits or start - run_stop > WIDEST_GAP:
            if in_run >= LEAST_WORDS:
                state = _look_up(codes, (run_start, run_stop), (numbers, indexes), words, state)
            in_run = 0
        if fits:
            if not in_run:
                run_start = start
            run_stop = place
            in_run += 1
    if in_run >= LEAST_WORDS:
        state = _look_up(codes, (run_start, run_stop), (numbers, indexes), words, state)
    return state[0]
