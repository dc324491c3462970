"""Order: rows are sorted, compared and preferred as plain Python would."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from strategies import IDS, SHAPES, cuts, in_chunks

from transforms.domain import order

KEYS = st.sampled_from(("a", "ab", "b", "bb", "x" * 8 + "a", "x" * 8 + "b")) | IDS
ROWS = st.lists(st.tuples(KEYS | st.none(), KEYS), max_size=20)


def pairs(rows, shape="plain"):
    text = pa.dictionary(pa.int32(), pa.string()) if "dictionaries" in shape else pa.string()
    first, second = ([row[n] for row in [*rows[-1:], *rows]] for n in (0, 1))
    whole = pa.table({"a": pa.array(first, text), "b": pa.array(second, text)})
    return whole.slice(len(rows[-1:])) if "sliced" in shape else whole.slice(len(rows[-1:])).combine_chunks()


def in_runs(rows):
    return sorted(rows, key=lambda row: row[0])


def nulls_last(text):
    return (text is None, (text or "").encode())


@given(ROWS, st.sampled_from(SHAPES), cuts(), st.booleans())
def test_by_text_is_a_stable_sort_by_bytes_with_nulls_last(rows, shape, ends, distinct):
    some = in_chunks(pairs(rows, shape), ends)
    expected = sorted(range(len(rows)), key=lambda n: (nulls_last(rows[n][0]), rows[n][1].encode()))
    assert order.by_text(some, ("a", "b"), distinct=("b",) if distinct else ()).tolist() == expected


NUMBERS = st.sampled_from(("0", "1", "10", "100", "12", "120", "2", "9", "99", "6985418911"))


@given(st.lists(st.tuples(st.sampled_from("abc") | st.none(), NUMBERS | st.integers(0, 10**19).map(str))))
def test_numbers_are_in_the_order_of_their_bytes_too(rows):
    table = pa.table(
        {"a": pa.array([a for a, _ in rows], pa.string()), "b": pa.array([b for _, b in rows], pa.string())}
    )
    expected = sorted(range(len(rows)), key=lambda n: (nulls_last(rows[n][0]), rows[n][1].encode()))
    assert order.by_text(table, ("a", "b"), distinct=("b",)).tolist() == expected
    assert order.by_text(table, ("b",), distinct=("b",)).tolist() == sorted(
        range(len(rows)), key=lambda n: rows[n][1].encode()
    )


@given(ROWS, st.sampled_from(SHAPES), cuts())
def test_repeats_are_rows_equal_to_the_row_before(rows, shape, ends):
    some = in_chunks(pairs(rows, shape), ends)
    for names, of in ((("a", "b"), slice(0, 2)), (("b",), slice(1, 2))):
        expected = [
            n > 0 and rows[n][of] == rows[n - 1][of] and None not in rows[n][of] for n in range(len(rows))
        ]
        assert order.repeats(some, names).tolist() == expected


@given(st.lists(st.integers(0, 2), max_size=20))
def test_repeated_and_contested(numbers):
    same = order.repeated(np.array(numbers, np.int64))
    assert same.tolist() == [n > 0 and numbers[n] == numbers[n - 1] for n in range(len(numbers))]
    rivals = [
        n for n in range(len(numbers)) if numbers[n] in numbers[max(n - 1, 0) : n] + numbers[n + 1 : n + 2]
    ]
    assert order.contested(same).tolist() == rivals


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), KEYS | st.none()), max_size=20).map(in_runs))
def test_preferred_is_the_smallest_of_each_run_and_the_first_of_equals(rows):
    same = order.repeated(np.array([run for run, _, _ in rows], np.int64))
    rivals = order.contested(same)
    preference = pa.table(
        {
            "rank": pa.array([rows[n][1] for n in rivals], pa.int64()),
            "name": pa.array([rows[n][2] for n in rivals], pa.string()),
        }
    )
    expected = {}
    for n, (run, rank, name) in enumerate(rows):
        expected[run] = min(expected.get(run, (np.inf,)), (rank, *nulls_last(name), n))
    assert order.preferred(same, preference).tolist() == [best[-1] for best in expected.values()]


@given(ROWS, st.sampled_from(SHAPES), cuts())
def test_identity_is_null_with_its_key_and_else_tells_pairs_apart(rows, shape, ends):
    some = in_chunks(pairs(rows, shape), ends)
    names = order.identity(some["b"], some["a"])
    assert isinstance(names, pa.Array)
    found = names.to_pylist()
    assert [name is None for name in found] == [key is None for key, _ in rows]
    known = {row: name for row, name in zip(rows, found, strict=True) if name is not None}
    assert len(set(known.values())) == len(known)
    assert all(found[n] == known[row] for n, row in enumerate(rows) if row[0] is not None)


def test_identity_knows_where_the_source_ends():
    some = pa.table({"source": ["a", "ab", "abb"], "key": ["bb", "b", ""]})
    assert len(order.identity(some["source"], some["key"]).unique()) == 3


ELEMENTS = st.sampled_from(("", "a", "b", "a\x1fb", "\x1f", "1:a", ":", "é")) | st.text(max_size=3)
LISTS = st.none() | st.lists(ELEMENTS, max_size=4)


@given(st.lists(LISTS, max_size=12), st.integers(0, 12), st.booleans())
def test_joined_lists_are_equal_where_the_lists_are(lists, start, as_dictionary):
    if as_dictionary:
        flat = pa.array([text for some in lists for text in some or []], pa.string()).dictionary_encode()
        ends = np.cumsum([0, *(len(some or []) for some in lists)]).astype(np.int32)
        column = pa.ListArray.from_arrays(
            pa.array(ends), flat, mask=pa.array([some is None for some in lists], pa.bool_())
        )
    else:
        column = pa.array(lists, pa.list_(pa.string()))
    joined = order.joined(column[start:]).to_pylist()
    lists = lists[start:]
    assert [text is None for text in joined] == [some is None for some in lists]
    for a, one in zip(lists, joined, strict=True):
        for b, other in zip(lists, joined, strict=True):
            assert (a == b) == (one == other)


def test_an_element_cannot_pass_for_two():
    lists = pa.array([["1", "", "a" * 9], ["09" + "a" * 9], ["a", "b"], ["a1:b"], ["ab"], ["a\x1fb"]])
    assert len(order.joined(lists).unique()) == 6
