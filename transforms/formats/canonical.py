"""byleave's own Parquet: exactly the columns of a manifest, or of a snapshot of licenses or detections.

A Parquet file is not believed: 211 KB of it can decode to 2 GB. Texts are read as dictionaries, and a batch
is cut where its rows written out would grow too large, so that memory is bounded whatever the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from transforms.domain import schemas
from transforms.domain.errors import InputError
from transforms.formats import heads, ownrows, rowgroups, snapshots
from transforms.formats.columns import check_columns, read_as
from transforms.formats.filerows import FileRows
from transforms.formats.lines import Parsed
from transforms.formats.values import blank_to_null

BATCH_ROWS = 16_384
_TEXT_BYTES = 32 << 20  # of a batch, written out
_CHUNK_BYTES = 1 << 30  # of one column in one row group

_BROKEN = (pa.ArrowException, OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Canonical:
    """The format of manifests, or of a kind of snapshot.

    A row's place is its number in the file; its raw bytes are the row as JSON.
    """

    name: str
    snapshot: snapshots.Snapshot | None = None

    @property
    def kind(self) -> str:
        """Of what the rows are."""
        return self.snapshot.kind if self.snapshot else "manifest"

    def variant(self, head: bytes, place: str) -> dict[str, object]:
        """No settings; the file's beginning is only looked at.

        Raises:
            InputError: it is no Parquet file.
        """
        if not head.startswith(b"PAR1"):
            raise heads.not_of_format(head, place, self.name, "a Parquet file")
        return {}

    def cuts(self, file: IO[bytes], split_bytes: int) -> list[rowgroups.Cut]:
        """Where the file can be cut between row groups; nothing if it is small, or broken."""
        try:
            return rowgroups.cuts(file, split_bytes)
        except _BROKEN:
            return []  # reading it says what is wrong

    def batches(self, file: IO[bytes], settings: Mapping[str, object]) -> Iterator[Parsed]:
        """The rows in pieces, in the order of the file.

        Args:
            file: seekable.
            settings: of snapshots: see ``Snapshot.with_defaults``. With ``row_groups`` only those
                from the first to before the second are read.

        Raises:
            InputError: the file is corrupt, or has other columns. The message does not name the file.
        """
        of = self.snapshot
        wanted = of.schema if of else schemas.MANIFEST
        optional = of.may_be_absent(settings) if of else {*ownrows.NEWER_COLUMNS}
        for number, piece in _pieces(file, wanted, optional, settings.get("row_groups")):
            read = {name: read_as(piece.column(name), wanted.field(name).type) for name in piece.schema.names}
            if not of:
                for name in optional - read.keys():
                    read[name] = pa.nulls(len(piece), wanted.field(name).type)
            if "owner_id" in read:
                read["owner_id"] = blank_to_null(read["owner_id"])  # else those without owner had one: ""
            rows = FileRows(pa.table(read), number)
            yield _snapshot(rows, of, settings) if of else _manifest(rows)


def _manifest(rows: FileRows) -> Parsed:
    rows.refuse(ownrows.identity_faults(rows.columns()))
    read, unparsable = ownrows.manifest_rows(rows.columns())
    return Parsed(read, rows.quarantined(), unparsable)


def _snapshot(rows: FileRows, of: snapshots.Snapshot, settings: Mapping[str, object]) -> Parsed:
    rows.refuse(of.faults(of.with_defaults(rows.columns(), len(rows), settings)))
    read = of.rows(of.with_defaults(rows.columns(), len(rows), settings))
    return Parsed(read, rows.quarantined())


def _pieces(
    file: IO[bytes], wanted: pa.Schema, optional: set[str], row_groups: object
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Rows with the number in the file of the first of them."""
    try:
        opened = pq.ParquetFile(file)
        groups = range(*row_groups) if isinstance(row_groups, Sequence) else range(opened.num_row_groups)
        number = sum(opened.metadata.row_group(group).num_rows for group in range(groups.start))
        for piece in _read(opened, file, wanted, optional, groups):
            yield number, piece
            number += len(piece)
    except _BROKEN as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"a corrupt or cut Parquet file ({cause}). Fetch or write it again.") from None


def _read(
    opened: pq.ParquetFile, file: IO[bytes], wanted: pa.Schema, optional: set[str], groups: range
) -> Iterator[pa.RecordBatch]:
    check_columns(opened.schema_arrow, wanted, optional)
    _check_sizes(opened.metadata)
    texts = [
        column.path
        for column in map(opened.schema.column, range(len(opened.schema.names)))
        if column.physical_type == "BYTE_ARRAY"
    ]
    checked = pq.ParquetFile(
        file,
        metadata=opened.metadata,
        read_dictionary=texts,
        pre_buffer=False,
        buffer_size=1 << 20,
        page_checksum_verification=True,
    )
    read = 0
    said = sum(opened.metadata.row_group(group).num_rows for group in groups)
    if len(groups) == opened.num_row_groups:
        said = opened.metadata.num_rows
    for group in groups:  # Arrow cannot join dictionaries of two groups
        for batch in checked.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False):
            read += len(batch)
            yield from _cut(batch)
    if read != said:
        # A page header that lies ends a column early, without an error.
        raise InputError(
            f"a corrupt Parquet file ({read:,} rows where its footer says {said:,}). Fetch or write it again."
        )


def _check_sizes(metadata: pq.FileMetaData) -> None:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            if column.total_uncompressed_size > _CHUNK_BYTES:
                size = f"{column.total_uncompressed_size:,} bytes"
                raise InputError(
                    f"column {column.path_in_schema!r} of row group {group} unpacks to {size}, over "
                    f"{_CHUNK_BYTES:,}. Write smaller row groups."
                )


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices of at most ``_TEXT_BYTES`` written out, or of one row."""
    ends = np.cumsum(sum(map(_written_bytes, batch.columns), np.zeros(len(batch), np.int64)))
    start = 0
    while start < len(batch):
        limit = (ends[start - 1] if start else 0) + _TEXT_BYTES
        stop = max(start + 1, int(np.searchsorted(ends, limit, side="right")))
        yield batch.slice(start, stop - start)
        start = stop


def _written_bytes(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if pt.is_list(column.type) or pt.is_large_list(column.type):
        of_row = pc.list_parent_indices(column).to_numpy()
        return np.bincount(of_row, _written_bytes(column.flatten()), len(column)).astype(np.int64)
    if not pt.is_dictionary(column.type):
        return np.zeros(len(column), np.int64)
    sizes = pc.binary_length(column.dictionary).take(column.indices).fill_null(0)
    sized: np.ndarray[tuple[int], np.dtype[np.int64]] = sizes.to_numpy(zero_copy_only=False).astype(np.int64)
    return sized


MANIFEST = Canonical("canonical")
LICENSES = Canonical("canonical-licenses", snapshots.LICENSES)
DETECTIONS = Canonical("canonical-detections", snapshots.DETECTIONS)
