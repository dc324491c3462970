"""Text to numbers and times. What cannot be read becomes null, and is counted; empty text is null and is not.

A cell's value never depends on its neighbors: columns are cast whole, which is fast, and where that fails the
distinct texts are halved until each unreadable one stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP = pa.timestamp("ms")


def blank_to_null(column: pa.Array) -> pa.Array:
    """The column with null for empty text. The text itself is not copied."""
    if not len(column):
        return column
    kept = pc.greater(pc.binary_length(column), 0).fill_null(False).to_numpy(zero_copy_only=False)
    if column.offset or column.null_count:
        return pc.if_else(pa.array(kept), column, None)
    validity = pa.py_buffer(np.packbits(kept, bitorder="little"))
    _, offsets, data = column.buffers()
    return pa.Array.from_buffers(column.type, len(column), [validity, offsets, data])


def _cast_distinct(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, kind)
    half = len(texts) // 2
    return pa.concat_arrays([_cast_distinct(texts[:half], kind), _cast_distinct(texts[half:], kind)])


def cast_or_null(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Each text as ``kind``, null where Arrow cannot read it so."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
    return _cast_distinct(encoded.dictionary, kind).take(encoded.indices)


def timestamps(texts: pa.Array) -> pa.Array:
    """``2012-02-16 09:56:37.0`` (ISO 8601 without a zone) as milliseconds, in any year from 0 to 9999."""
    return cast_or_null(texts, TIMESTAMP)


def dates(texts: pa.Array) -> pa.Array:
    """``2026-11-01`` as a date."""
    return cast_or_null(texts, pa.date32())


def decimals(texts: pa.Array, low: float, high: float) -> pa.Array:
    """Numbers from ``low`` to ``high``, as float64; others, and NaN, are null."""
    return _within(cast_or_null(texts, pa.float64()), low, high)


def integers(texts: pa.Array, kind: pa.DataType, low: int, high: int) -> pa.Array:
    """Plain decimal digits from ``low`` to ``high`` as ``kind``; others are null."""
    # Arrow would read `0x10` as 16.
    plain = pc.if_else(pc.ascii_is_decimal(texts), texts, None)
    return _within(cast_or_null(plain, pa.int64()), low, high).cast(kind)


def epoch_seconds(texts: pa.Array) -> pa.Array:
    """Seconds since 1970 as milliseconds; ten digits and more are read, up to the year 9999."""
    seconds = integers(texts, pa.int64(), 0, 253_402_300_799)
    return pc.multiply(seconds, 1000).cast(TIMESTAMP)


def _within(numbers: pa.Array, low: float, high: float) -> pa.Array:
    inside = pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))
    return pc.if_else(inside, numbers, None)


def lost(columns: Mapping[str, tuple[pa.Array, pa.Array]]) -> dict[str, int]:
    """Per column, of (text, value), how many values are null though the text is not; none, no entry."""
    counts = {name: value.null_count - text.null_count for name, (text, value) in columns.items()}
    return {name: count for name, count in counts.items() if count}
