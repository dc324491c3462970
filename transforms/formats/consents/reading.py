"""Lists of consents as files: CSV with a header, JSON lines, or Parquet.

A list is read whole or not at all: a refusal that is not understood would be one person who is not heard.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from transforms.domain.errors import InputError
from transforms.domain.schemas import CONSENTS
from transforms.formats.consents.rows import SHEET, read_rows
from transforms.formats.lists import Faults, Lines
from transforms.formats.optouts.entries import Received
from transforms.formats.sheets import Cells, read_sheet

_ROWS_AT_ONCE = 1 << 16
_CELL_BYTES = 1 << 20
_PARQUET = b"PAR1"


def read_consents(data: bytes, received: Received) -> pa.Table:
    """The statements of one list.

    Args:
        data: the file; text in UTF-8, with or without a byte-order mark.
        received: how it came in.

    Returns:
        A table of ``schemas.CONSENTS``, distinct and sorted as by :func:`merge_consents`; without rows where
        there are none: whether that is acceptable is for the caller to say.

    Raises:
        InputError: the file has no such form, or a column or line of it is not understood; the message has
            one line for each of the first 20 faults, then their count.
        ConfigError: a person is named, and there is no key.
    """
    faults = Faults(received.place)
    found = []
    for lines, cells in _rows(data, received.place, faults):
        found.append(read_rows(lines, cells, received, faults))
        faults.trim()
    faults.check()
    return merge_consents(found)


def merge_consents(lists: list[pa.Table]) -> pa.Table:
    """The statements of several lists as those of one: distinct, and in the order of all their columns."""
    table = pa.concat_tables([CONSENTS.empty_table(), *lists])
    distinct = table.group_by(CONSENTS.names, use_threads=False).aggregate([])
    order = pc.sort_indices(distinct, sort_keys=[(name, "ascending") for name in CONSENTS.names])
    return distinct.take(order).cast(CONSENTS).combine_chunks()


def _rows(data: bytes, place: str, faults: Faults) -> Iterator[tuple[Lines, Cells]]:
    return _parquet(data, place) if data.startswith(_PARQUET) else read_sheet(data, place, SHEET, faults)


def _parquet(data: bytes, place: str) -> Iterator[tuple[Lines, Cells]]:
    """The rows of a Parquet file; a row's line is its number, from 1."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        SHEET.check(file.schema_arrow.names, place)
        for field in file.schema_arrow:
            if not _is_readable(field):
                raise InputError(f"{place}: column {field.name!r} is {field.type}; write text")
        first = 1
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            yield (
                first + np.arange(len(batch)),
                {name: _texts(batch.column(name), place) for name in batch.schema.names},
            )
            first += len(batch)
    except (OSError, pa.ArrowException) as error:
        told = " ".join(str(error).split())[:200]
        raise InputError(f"{place}: cannot be read as Parquet: {told}. Fetch or write it again.") from None


def _is_readable(field: pa.Field) -> bool:
    kind = field.type.value_type if pt.is_dictionary(field.type) else field.type
    if pt.is_list(kind) or pt.is_large_list(kind):
        return field.name == "purposes" and _is_text(kind.value_type)
    dated = field.name in ("effective_on", "expires_on") and pt.is_date(kind)
    return _is_text(kind) or pt.is_null(kind) or dated or (field.name == "item_id" and pt.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)


def _texts(column: pa.Array, place: str) -> pa.Array:
    """The cells as CSV would have them."""
    if pt.is_list(column.type) or pt.is_large_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), ";")
    elif pt.is_date(column.type):
        column = column.cast(pa.date32())
    texts = column.cast(pa.string())
    texts.validate(full=True)
    if len(texts) and (pc.max(pc.binary_length(texts)).as_py() or 0) > _CELL_BYTES:
        raise InputError(f"{place}: a cell is over 1 MiB")
    return pc.utf8_trim_whitespace(texts.fill_null(""))
