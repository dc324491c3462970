"""Decimals: texts are numbers only if each is the one spelling of its number."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.decimals import plain_decimals

SPELLED = st.integers(0, 10**18 - 1).map(str) | st.sampled_from(("0", "1", "10", "9" * 18))
OTHERS = st.sampled_from(
    ("", "07", "00", "-1", "-0", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "\u0661", "9" * 19)
)
PLAIN = re.compile("0|[1-9][0-9]{0,17}")


@given(st.lists(SPELLED, min_size=1, max_size=12), st.integers(0, 11))
def test_numbers_and_how_many_digits_they_have(texts, start):
    start %= len(texts)
    for column in (pa.array(texts)[start:], pa.chunked_array([texts, texts[:1]])[start : len(texts)]):
        found = plain_decimals(column)
        assert found.numbers.tolist() == [int(text) for text in texts[start:]]
        assert found.digits.tolist() == [len(text) for text in texts[start:]]


@given(st.lists(SPELLED, max_size=3), OTHERS | st.text(max_size=4), st.lists(SPELLED, max_size=3))
def test_one_text_that_is_no_plain_number_makes_all_of_them_texts(before, other, behind):
    found = plain_decimals(pa.array([*before, other, *behind]))
    assert (found is not None) == bool(PLAIN.fullmatch(other))


@pytest.mark.parametrize("column", [pa.array(["1", None]), pa.array([1]), pa.array([], pa.string())])
def test_nulls_other_types_and_nothing_are_not_numbers(column):
    assert plain_decimals(column) is None
