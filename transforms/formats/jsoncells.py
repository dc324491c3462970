"""JSON inside table cells, read a column at a time with the types it must have.

Cells are read together as lines of JSON, which is fast. What a cell gives never depends on its neighbors:
every text begins with ``{`` and ends with ``}``, so that no object can reach across a line, and a batch
counts only if it gives as many rows as it has cells. Where it does not, it is halved until each unreadable
cell stands alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json


def read_objects(cells: pa.Array, schemas: Sequence[pa.Schema]) -> pa.StructArray:
    """Each JSON object as a struct of the fields of ``schemas[0]``; other members are ignored.

    Args:
        cells: text or null, with no line feeds.
        schemas: types to try in turn, for members that some write as text and some as numbers.

    Returns:
        A struct per cell, null where the cell is null, is no object, or holds a member of another type.
    """
    spaces = " \t\r"
    trimmed = pc.utf8_trim(cells, spaces)
    is_object = pc.and_(pc.starts_with(trimmed, "{"), pc.ends_with(trimmed, "}")).fill_null(False)
    read = _read(trimmed.filter(is_object), schemas)
    places = pc.subtract(pc.cumulative_sum(is_object.cast(pa.int64())), 1)
    return read.take(pc.if_else(is_object, places, None))


def _read(texts: pa.Array, schemas: Sequence[pa.Schema]) -> pa.StructArray:
    kind = pa.struct(list(schemas[0]))
    if not len(texts):
        return pa.array([], kind)
    for schema in schemas:
        table = _read_as(texts, schema)
        if table is not None and len(table) == len(texts):
            columns = [table.column(name).combine_chunks() for name in schema.names]
            typed = [column.cast(field.type) for column, field in zip(columns, schemas[0], strict=True)]
            return pa.StructArray.from_arrays(typed, fields=list(schemas[0]))
    if len(texts) == 1:
        return pa.nulls(1, kind)
    half = len(texts) // 2
    return pa.concat_arrays([_read(texts[:half], schemas), _read(texts[half:], schemas)])


def _read_as(texts: pa.Array, schema: pa.Schema) -> pa.Table | None:
    text = "\n".join(texts.to_pylist()).encode()
    try:
        table = pa.json.read_json(
            io.BytesIO(text),
            pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
            pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        table.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return table
