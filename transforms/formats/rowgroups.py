"""Where a Parquet file can be cut: between row groups, so that one large file keeps all cores busy."""

from __future__ import annotations

from typing import IO, NamedTuple

import pyarrow.parquet as pq

SPLIT_ROWS = 1 << 19


class Cut(NamedTuple):
    """A range of row groups, from where the one before it ends in the file to ``end_bytes``."""

    first: int
    stop: int
    end_bytes: int


def cuts(file: IO[bytes], split_bytes: int) -> list[Cut]:
    """Ranges of whole row groups, each closed when it has ``SPLIT_ROWS`` rows or ``split_bytes`` unpacked.

    None if they would be one, or if the row groups do not lie in the file one behind another.

    Raises:
        ArrowException, OSError: it is no Parquet file.
    """
    metadata = pq.ParquetFile(file).metadata
    found: list[Cut] = []
    first = rows = size = before = 0
    for group in range(metadata.num_row_groups):
        start, end = _place(metadata.row_group(group))
        if start < before:
            return []
        before = end
        rows += metadata.row_group(group).num_rows
        size += metadata.row_group(group).total_byte_size
        if rows >= SPLIT_ROWS or size >= split_bytes or group == metadata.num_row_groups - 1:
            found.append(Cut(first, group + 1, end))
            first, rows, size = group + 1, 0, 0
    return found if len(found) > 1 else []


def _place(group: pq.RowGroupMetaData) -> tuple[int, int]:
    columns = [group.column(place) for place in range(group.num_columns)]
    starts = [
        min(offset for offset in (column.dictionary_page_offset, column.data_page_offset) if offset)
        for column in columns
    ]
    ends = [start + column.total_compressed_size for start, column in zip(starts, columns, strict=True)]
    return min(starts), max(ends)
