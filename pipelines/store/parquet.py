"""Parquet as byleave writes and reads it: one writer with fixed settings, so that the same rows give the same
bytes, and one reader that verifies every page's checksum.

Manifests and `items` are written in row groups of :data:`GROUP_ROWS` rows, each with dictionaries of its own.
So a bucket is worked on a group at a time, and a group that did not change is copied as it is. Narrow tables
are read whole, and are one group.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.dictionaries import forget_unused
from transforms.domain.errors import IntegrityError

# zstd level 1 was within the noise of the faster levels and the smallest of them. Batches of 16,384 values
# took 15 % less time than the usual 1,024; statistics of every column took 17 % more than those of the few by
# which anyone looks for rows.
_SETTINGS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    "compression_level": 1,
    "write_page_checksum": True,
    "store_schema": False,
    "write_batch_size": 1 << 14,
}
_STATISTICS = ("source", "item_id", "owner_id", "uploaded_at")

GROUP_ROWS = 1 << 14
"""Rows of a row group of a manifest. `items` has a group for each of its groups, with the rows kept of it."""
WHOLE_ROWS = 1 << 20
"""Rows of a row group of any other table."""


def write(groups: Iterable[pa.Table], schema: pa.Schema) -> pa.Buffer:
    """A Parquet file with exactly the columns of ``schema`` and a row group for each of ``groups``.

    A column may be a dictionary, in all groups or in none: it is written as one, and reads back as ``schema``
    says. Without groups: a file without rows.
    """
    buffer = pa.BufferOutputStream()
    writer = None
    try:
        for group in groups:
            typed = _typed(group, schema)
            writer = writer or _writer(buffer, schema, typed.schema)
            writer.write_table(typed, row_group_size=max(len(group), 1))
        writer = writer or _writer(buffer, schema, schema)
    finally:
        if writer is not None:
            writer.close()
    return buffer.getvalue()


def _writer(buffer: pa.BufferOutputStream, schema: pa.Schema, typed: pa.Schema) -> pq.ParquetWriter:
    paths = [f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema]
    return pq.ParquetWriter(
        buffer,
        typed,
        use_dictionary=[path for path in paths if path in schemas.REPEATING],
        write_statistics=[name for name in _STATISTICS if name in schema.names],
        **_SETTINGS,
    )


def grouped(table: pa.Table, schema: pa.Schema) -> Iterator[pa.Table]:
    """``table`` in the row groups of tables of ``schema``, each with dictionaries of its own.

    Raises:
        IntegrityError: it is not a table of ``schema``.
    """
    table = conform(table, schema)
    narrow = schema.names not in (schemas.MANIFEST.names, schemas.ITEMS.names)
    rows = WHOLE_ROWS if narrow else GROUP_ROWS
    for start in range(0, max(len(table), 1), rows):
        piece = table.slice(start, rows)
        yield piece if len(piece) == len(table) else forget_unused(piece)


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table``, which conforms to ``schema``, with its fields; dictionaries stay."""
    fields = [
        field if column.type == field.type else field.with_type(column.type)
        for field, column in zip(schema, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields))


class RowGroups:
    """An open Parquet file, read a row group at a time: Arrow cannot read lists of dictionaries over several.

    Attributes:
        rows: of each row group, how many.
    """

    def __init__(
        self,
        file: pa.NativeFile,
        place: str,
        columns: Sequence[str] | None = None,
        schema: pa.Schema | None = None,
        dictionary: Sequence[str] = (),
    ) -> None:
        """Open ``file``, whose errors name ``place``; for the rest see :meth:`.blobs.Blobs.get_table`.

        Raises:
            IntegrityError: it is no Parquet file.
        """
        self._place = place
        self._columns = None if columns is None else list(columns)
        self._schema = schema
        if schema is not None and columns is not None:
            self._schema = pa.schema([schema.field(name) for name in columns])
        with self._damage():
            self._file = pq.ParquetFile(
                file, page_checksum_verification=True, read_dictionary=list(dictionary) or None
            )
            metadata = self._file.metadata
            self.rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def read(self, *groups: int) -> pa.Table:
        """The rows of some groups, page checksums verified. Groups become chunks, over one dictionary.

        Raises:
            IntegrityError: they are not what was written.
        """
        with self._damage():
            pieces = [self._file.read_row_groups([each], self._columns, use_threads=False) for each in groups]
            if not pieces:
                pieces = [self._file.read_row_groups([], self._columns, use_threads=False)]
            table = pa.concat_tables(pieces).unify_dictionaries() if len(pieces) > 1 else pieces[0]
            if len(table) != sum(self.rows[each] for each in groups):
                raise IntegrityError(f"{len(table)} rows")
            if self._schema is None:
                return table
            return _typed(conform(table, self._schema), self._schema)

    def read_all(self) -> pa.Table:
        """The rows of every group; see :meth:`read`."""
        return self.read(*range(len(self.rows)))

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException, UnicodeDecodeError, IntegrityError) as error:
            raise IntegrityError(f"{self._place}: the blob is damaged ({error})") from error
