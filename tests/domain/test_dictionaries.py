"""Dictionaries: the same rows, and nothing besides."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.dictionaries import differ, forget_unused, ordered

words = st.sampled_from(["ann", "bob", "é", "", "zoë"])
texts = st.lists(words, max_size=12)


def encoded(values: list[str | None]) -> pa.DictionaryArray:
    """``values`` over a dictionary that holds more than they use, in an order of its own."""
    names = ["nobody", "zoë", "", "é", "bob", "somebody", "ann"]
    places = [None if value is None else names.index(value) for value in values]
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(names))


def listed(lists: list[list[str] | None]) -> pa.ListArray:
    offsets = [0]
    for each in lists:
        offsets.append(offsets[-1] + len(each or ()))
    values = encoded([word for each in lists for word in each or ()])
    nulls = pa.array([each is None for each in lists], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=nulls)


@given(st.lists(st.tuples(st.none() | words, st.none() | texts), max_size=12), st.data())
def test_what_rows_do_not_use_is_forgotten(
    rows: list[tuple[str | None, list[str] | None]], data: st.DataObject
) -> None:
    name, tags = [row[0] for row in rows], [row[1] for row in rows]
    plain = [None if value is None else f"plain {value}" for value in name]
    table = pa.table({"name": encoded(name), "tags": listed(tags), "plain": plain})
    start = data.draw(st.integers(0, len(rows)))
    piece = table.slice(start, data.draw(st.integers(0, len(rows))))
    mask = data.draw(st.lists(st.booleans(), min_size=len(piece), max_size=len(piece)))
    kept = piece.filter(pa.array(mask, pa.bool_()))
    for some in (piece, kept, pa.concat_tables([kept, piece])):
        found = forget_unused(some)
        assert found.to_pylist() == some.to_pylist()
        assert found.schema.equals(some.schema)
        (names,), (tagged,) = found["name"].chunks, found["tags"].chunks
        assert {*names.dictionary.to_pylist()} == {*some["name"].to_pylist()} - {None}
        in_tags = {word for each in some["tags"].to_pylist() for word in each or ()}
        assert {*tagged.values.dictionary.to_pylist()} == in_tags


@given(texts)
def test_ordered_follows_from_the_values(values: list[str]) -> None:
    forms = (encoded(values), pa.array(values, pa.string()))
    one, other = (ordered(pa.chunked_array([form])) for form in forms)
    assert one.to_pylist() == values
    assert one.dictionary.to_pylist() == sorted(set(values), key=str.encode)
    assert one.equals(other)
    assert one.dictionary.equals(other.dictionary)


@given(st.lists(st.tuples(words, words), max_size=12), st.booleans())
def test_differ_compares_values_and_not_their_places(pairs: list[tuple[str, str]], plain: bool) -> None:
    one, other = ([pair[side] for pair in pairs] for side in (0, 1))
    second = pa.array(other, pa.string()) if plain else encoded(other)
    found = differ(pa.chunked_array([encoded(one)]), pa.chunked_array([second]))
    assert found.tolist() == [a != b for a, b in pairs]
