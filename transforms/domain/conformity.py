"""Whether a table is what its schema says: columns, types, and nulls only where they may be."""

from __future__ import annotations

import pyarrow as pa

from transforms.domain.errors import IntegrityError


def _decoded(kind: pa.DataType) -> pa.DataType:
    """The type of the values, whether they are held as a dictionary or not."""
    if pa.types.is_list(kind):
        return pa.list_(_decoded(kind.value_type))
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _nulls(column: pa.ChunkedArray, field: pa.Field) -> int:
    """Nulls where ``field`` allows none: as rows, as entries of a dictionary, as elements of a list."""
    nulls = 0
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type) and chunk.dictionary.null_count:
            chunk = chunk.cast(chunk.type.value_type)
        nulls += 0 if field.nullable else chunk.null_count
        if pa.types.is_list(field.type) and not field.type.value_field.nullable and chunk.values.null_count:
            nulls += chunk.flatten().null_count
    return nulls


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table`` with exactly the columns and types of ``schema``, in its order.

    Raises:
        IntegrityError: a column is missing, has another type, or holds a null where none may be.
    """
    columns = []
    for field in schema:
        place = table.schema.get_field_index(field.name)
        if place < 0:
            raise IntegrityError(f"column {field.name!r} is missing among {table.column_names}")
        column = table.column(place)
        if _decoded(column.type) != _decoded(field.type):
            raise IntegrityError(f"column {field.name!r} is {column.type}, not {field.type}")
        if nulls := _nulls(column, field):
            raise IntegrityError(f"column {field.name!r} has {nulls} nulls and may have none")
        columns.append(column)
    return pa.table(columns, names=schema.names)
