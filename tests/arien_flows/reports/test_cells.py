import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.reports.cells import original_text, safe_text

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
PIECES = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from([*DANGEROUS, "'", "''", ";", "|", '"', " ", "\u00a0", "cmd|'/C calc'!A0"]),
    ),
    max_size=10,
).map("".join)


@given(PIECES)
def test_safe_text__is_undone_exactly(text):
    assert original_text(safe_text(text)) == text


@given(PIECES)
def test_safe_text__begins_with_nothing_dangerous(text):
    cell = safe_text(text)
    assert not cell.lstrip(' "\u00a0').startswith(DANGEROUS[:4])
    assert not cell.startswith(DANGEROUS)


@given(PIECES, st.sampled_from([";", "\t", "|"]))
def test_safe_text__begins_no_formula_where_another_separator_cuts_it(text, separator):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(["first", safe_text(text)])
    for line in csv.reader(io.StringIO(stream.getvalue(), newline=""), delimiter=separator):
        for cell in line:
            assert not cell.lstrip(' "\u00a0').startswith(DANGEROUS[:4])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0+", "\uff1d"])
def test_safe_text__puts_an_apostrophe_in_front(start):
    assert safe_text(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "plain = text", "a-b", "it's", "'quoted'", "1\r\n2", "3;4"])
def test_safe_text__leaves_what_is_harmless(text):
    assert safe_text(text) == text
