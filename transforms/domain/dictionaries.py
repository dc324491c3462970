"""Dictionaries of columns: what one holds besides the values of its rows goes no further."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import encode, in_use


def forget_unused(table: pa.Table) -> pa.Table:
    """``table`` with dictionaries that hold only values its rows use, in their order.

    A filtered or sliced column keeps its whole dictionary, and Parquet writes a dictionary out whole: the
    names of those who opted out would travel with the release that leaves them out.

    Args:
        table: of any columns; dictionaries, and lists of them, are looked at.
    """
    columns = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = in_use(_in_one_chunk(column))
        elif pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
            column = _lists_in_use(_in_one_chunk(column))
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def _in_one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _lists_in_use(column: pa.ListArray) -> pa.ListArray:
    # list_flatten leaves out what only filtered rows pointed at; `values` would not.
    values = in_use(pc.list_flatten(column))
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(column) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    element = column.type.value_field.with_type(values.type)
    nulls = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), values, pa.list_(element), mask=nulls)


def ordered(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """The same texts over a dictionary that follows from them: those in use, ascending; nulls are indices."""
    encoded = encode(column)
    if encoded.dictionary.null_count:
        encoded = encode(encoded.cast(encoded.type.value_type))
    encoded = in_use(encoded)
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return pa.DictionaryArray.from_arrays(
        pa.array(rank).take(encoded.indices), encoded.dictionary.take(pa.array(order))
    )


def differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where two columns of texts, never null, differ; each distinct value is looked at once."""
    a, b = encode(one), encode(other)
    if not len(a):
        return np.zeros(0, np.bool_)
    place = pc.index_in(b.dictionary, a.dictionary).fill_null(-1).to_numpy(zero_copy_only=False)
    differs: npt.NDArray[np.bool_] = a.indices.to_numpy() != place[b.indices.to_numpy()]
    return differs
