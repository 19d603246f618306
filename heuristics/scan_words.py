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


@kernel
def find_word_runs(
    codes: UInt8Array, numbers: Int64Array, indexes: Int32Array, words: Int64Array
) -> int:
    """Write the words of all runs of twelve or more; return how many words.

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
    kept, count, runs = 0, 0, 0
    run_stop = 0
    place = 0
    while place < size:
        code = int(codes[place]) | 32
        if not 97 <= code <= 122 or codes[place] >= 128:
            place += 1
            continue
        start = place
        number = 0
        while place < size:
            code = int(codes[place]) | 32
            if not 97 <= code <= 122 or codes[place] >= 128:
                break
            if place - start < LONGEST_WORD:
                number = number << 5 | code - 96
            place += 1
        length = place - start
        index = -1
        if SHORTEST_WORD <= length <= LONGEST_WORD:
            index = _index_of(number, numbers, indexes)
        if index < 0 or start - run_stop > WIDEST_GAP:
            if count - kept >= LEAST_WORDS:
                kept, runs = count, runs + 1
            count = kept
        if index >= 0:
            words[count, 0], words[count, 1] = start, place
            words[count, 2], words[count, 3] = index, runs
            count += 1
            run_stop = place
    return count if count - kept >= LEAST_WORDS else kept
