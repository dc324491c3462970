"""Texts as people write them: each spelling looked at once, shown safely, and set beside the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SHOWN_CHARACTERS = 80


def encode(values: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """The same values in one dictionary-encoded chunk. Nulls are null indices or null dictionary entries."""
    if isinstance(values, pa.ChunkedArray):
        values = values.unify_dictionaries().combine_chunks()
        if isinstance(values, pa.ChunkedArray):  # of no chunks, or too long for one
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)


def in_use(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same rows over a dictionary that holds only the values they use, in its order."""
    indices = column.indices
    rows = (indices.drop_null() if indices.null_count else indices).to_numpy()
    used = np.zeros(len(column.dictionary), np.bool_)
    used[rows] = True
    if used.all():
        return column
    places = np.cumsum(used, dtype=np.int32) - 1
    indices = pa.array(places).take(indices) if indices.null_count else pa.array(places[rows])
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.filter(pa.array(used)))


def map_distinct(values: pa.Array | pa.ChunkedArray, name: Callable[[str | None], str]) -> pa.Array:
    """``name`` of each value, called once per distinct value.

    Args:
        values: text, or dictionary-encoded text; nullable.
        name: what to call on each distinct value; on None for nulls.

    Returns:
        Text, row for row; never null.
    """
    encoded = encode(values)
    names = pa.array([*(name(value) for value in encoded.dictionary.to_pylist()), name(None)], pa.string())
    return names.take(encoded.indices.fill_null(len(names) - 1))


def shown(value: object) -> str:
    """``value`` as a message quotes it: on one line, in ASCII, cut where it is long.

    Only ASCII, because what an id is mistaken for may look the same (full-width digits, zero-width marks).
    """
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{value[:_SHOWN_CHARACTERS]!a}... ({len(value):,} characters)"
    return ascii(value)


def did_you_mean(value: str, names: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with the nearest of ``names``, or nothing where none is near."""
    # Case is the commonest slip and costs difflib a whole letter each: it is left out of the measure.
    by_folded = {name.lower(): name for name in sorted(names, reverse=True)}
    near = difflib.get_close_matches(value[:_SHOWN_CHARACTERS].lower(), list(by_folded), n=1)
    return f" Did you mean {shown(by_folded[near[0]])}?" if near else ""
