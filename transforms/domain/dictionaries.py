"""Dictionaries of columns: what a column's dictionary holds besides the values of its rows goes no further."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import in_use


def forget_unused(table: pa.Table) -> pa.Table:
    """``table`` with dictionaries that hold only values its rows use, in their order.

    A filtered or sliced column keeps its whole dictionary, and Parquet writes a dictionary out whole: the names
    of those who opted out would travel with the release that leaves them out.

    Args:
        table: any columns; dictionaries, and lists of them, are looked at. None may be too long for one chunk.
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
