"""Routed files: for each bucket that has rows, one record batch on its own, compressed as a whole.

They carry rows from the action that reads a split to the actions that build buckets, without a shuffle: a
reader asks for one range of bytes, whose place the memo has. Where it matters that an action depends only on
the rows it reads, each batch has a digest of its own.

A batch is an Arrow IPC message in one LZ4 block, behind its size in eight bytes. Arrow's own file format
compresses each buffer of each column, and has each reader read the footer: with a thousand buckets, batches
are so small that this costs more than their rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.store.blobs import Blob, Blobs
from pipelines.threads import in_threads
from transforms.domain.errors import IntegrityError, RetryError

_SUFFIX = ".routed"
_SIZE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Slice:
    """One bucket's rows in a routed file.

    There are as many as splits times buckets, and each stands in its action twice, so one text is all of it.

    Attributes:
        place: which bytes of which file, and how many rows: ``<digest>/<offset>+<length>/<rows>``.
        named: the digest of the rows alone; empty where a name by their place is enough.
    """

    place: str
    named: str = ""

    @staticmethod
    def of(file: Blob, offset_bytes: int, length_bytes: int, rows: int, named: str = "") -> Slice:
        """The rows in these bytes of ``file``."""
        return Slice(f"{file.digest}/{offset_bytes}+{length_bytes}/{rows}", named)

    @property
    def file(self) -> Blob:
        """Where the rows lie; its size is not known here."""
        return Blob(self.place.split("/")[0], _SUFFIX, 0, 0)

    @property
    def span(self) -> tuple[int, int]:
        """Where in the file the rows begin, and how many bytes they take."""
        offset, length = self.place.split("/")[1].split("+")
        return int(offset), int(length)

    @property
    def rows(self) -> int:
        """How many rows they are."""
        return int(self.place.rpartition("/")[2])

    @property
    def digest(self) -> str:
        """What names the rows: their own digest, or their place."""
        return self.named or self.place

    def to_json(self) -> str:
        """The slice as a JSON value."""
        return f"{self.place}={self.named}" if self.named else self.place

    @staticmethod
    def from_json(value: str) -> Slice:
        """The slice that :meth:`to_json` wrote."""
        place, _, named = value.partition("=")
        return Slice(place, named)


@dataclass(frozen=True)
class Routed:
    """A routed file and which bucket's rows are in it: batch *i* is ``buckets[i]``, ascending.

    Attributes:
        file: the batches, one behind another.
        buckets: those that have rows.
        rows: of each of them.
        lengths: how many bytes each of them takes.
        digests: of the rows of each of them; empty if nobody needs them.
    """

    file: Blob
    buckets: tuple[int, ...]
    rows: tuple[int, ...]
    lengths: tuple[int, ...]
    digests: tuple[str, ...] = ()

    def slices(self) -> Iterable[tuple[int, Slice]]:
        """Each bucket with its rows."""
        offset = 0
        names = self.digests or ("",) * len(self.buckets)
        for bucket, rows, length, named in zip(self.buckets, self.rows, self.lengths, names, strict=True):
            yield bucket, Slice.of(self.file, offset, length, rows, named)
            offset += length

    def to_json(self) -> dict[str, Any]:
        """The file and its index as a JSON value."""
        return {
            "file": self.file.to_json(),
            "buckets": list(self.buckets),
            "rows": list(self.rows),
            "lengths": list(self.lengths),
            "digests": list(self.digests),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Routed:
        """What :meth:`to_json` wrote."""
        return Routed(
            Blob.from_json(value["file"]),
            tuple(value["buckets"]),
            tuple(value["rows"]),
            tuple(value["lengths"]),
            tuple(value["digests"]),
        )


def route(
    blobs: Blobs, table: pa.Table, buckets: npt.NDArray[np.int32], *, name_rows: bool = False
) -> Routed:
    """Write ``table`` as a routed file: row *i* goes to ``buckets[i]``, in the order of the table.

    With ``name_rows`` each bucket's rows get a digest of their own.
    """
    # Of integers of 16 bits numpy makes a radix sort.
    narrow = buckets.astype(np.min_scalar_type(buckets.max(initial=0)))
    order = np.argsort(narrow, kind="stable")
    ordered = _taken(table, pa.array(order))
    of_row = narrow[order]
    starts = np.flatnonzero(np.append(True, of_row[1:] != of_row[:-1])[: len(order)])
    rows = np.diff(starts, append=len(order))
    lengths, digests = [], []
    with blobs.create(_SUFFIX) as sink:
        for start, count in zip(starts.tolist(), rows.tolist(), strict=True):
            message = _message(ordered.slice(start, count), name_rows)
            packed = pa.compress(message, "lz4_raw")
            sink.file.write(message.size.to_bytes(_SIZE_BYTES, "little"))
            sink.file.write(packed)
            lengths.append(_SIZE_BYTES + packed.size)
            if name_rows:
                digests.append(hashlib.sha256(message).hexdigest())
        sink.rows = len(table)
    assert sink.blob is not None
    buckets_present = tuple(of_row[starts].tolist())
    return Routed(sink.blob, buckets_present, tuple(rows.tolist()), tuple(lengths), tuple(digests))


def _taken(table: pa.Table, places: pa.Array) -> pa.RecordBatch:
    """The rows at ``places``, one column after another: of each its whole is still in the cache."""
    columns = [_whole(column).take(places) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _message(batch: pa.RecordBatch, alone: bool) -> pa.Buffer:
    """The batch as an IPC message; ``alone``: whatever else was in the table that it is a slice of."""
    # A slice shares the last bytes of its buffers with its neighbors; a copy does not.
    return (batch.take(pa.array(np.arange(len(batch)))) if alone else batch).serialize()


def _read(blobs: Blobs, piece: Slice, schema: pa.Schema) -> pa.RecordBatch:
    try:
        data = memoryview(blobs.read_range(piece.file, *piece.span))
    except FileNotFoundError:
        raise RetryError(
            f"{piece.file.path}: was dropped by another run that shares it. Run the command again"
        ) from None
    try:
        size = int.from_bytes(data[:_SIZE_BYTES], "little")
        message = pa.decompress(data[_SIZE_BYTES:], size, "lz4_raw")
        return pa.ipc.read_record_batch(message, schema)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise IntegrityError(f"{piece.file.path}: the routed rows are damaged ({error})") from error


def gather(blobs: Blobs, slices: Iterable[Slice], schema: pa.Schema) -> pa.Table:
    """The rows of the slices, in the order of the slices' digests; empty, of ``schema``, without any.

    Raises:
        RetryError: a file of theirs was dropped meanwhile.
        IntegrityError: one is damaged.
    """
    ordered = sorted(slices, key=lambda each: each.digest)
    batches = in_threads(lambda each: _read(blobs, each, schema), ordered, blobs.reads_at_once)
    return pa.Table.from_batches(batches, schema=schema)
