"""Texts: each distinct spelling is looked at once, and messages stay on one line."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.texts import did_you_mean, encode, map_distinct, shown


@given(st.lists(st.one_of(st.none(), st.sampled_from("abc"))), st.integers(0, 2))
def test_each_distinct_text_is_named_once_and_nulls_as_none(values, skipped):
    asked = []

    def name(value):
        asked.append(value)
        return f"<{value}>"

    column = pa.array(values, pa.string())
    assert map_distinct(column[skipped:], name).to_pylist() == [f"<{value}>" for value in values[skipped:]]
    assert len(asked) == len(set(asked))


def test_a_null_may_hide_in_the_dictionary_too():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))
    assert map_distinct(column, str).to_pylist() == ["a", "None", "None"]


def test_chunks_with_dictionaries_of_their_own_become_one():
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b"]).dictionary_encode()])
    assert encode(chunks).to_pylist() == ["a", "b", "b"]
    assert encode(pa.chunked_array([], pa.string())).to_pylist() == []


@given(st.text(max_size=300))
def test_what_is_shown_is_short_printable_ascii(value):
    text = shown(value)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 1000


def test_the_nearest_name_is_given_whatever_its_case():
    assert did_you_mean("CC-BY-NC-3", ["CC-BY-NC-3.0", "CC-BY-3.0"]) == " Did you mean 'CC-BY-NC-3.0'?"
    assert did_you_mean("ITEM", ["item", "owner"]) == " Did you mean 'item'?"
    assert did_you_mean("xyz", ["item", "owner"]) == ""
