"""Routed files: Arrow IPC with one record batch for each bucket that has rows; the footer is the index.

They carry rows from the action that reads a split to the actions that build buckets, without a shuffle: a
reader seeks to its batch. Where it matters that an action depends only on the rows it reads, each batch has
a digest of its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.store.blobs import Blob, Blobs
from transforms.domain.errors import RetryError

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_OPEN_FILES = 256


@dataclass(frozen=True, slots=True)
class Slice:
    """One bucket's rows in a routed file. There are many of them: a split has one for each bucket.

    Attributes:
        file: where they lie.
        batch: which record batch they are.
        rows: how many.
        named: the digest of the rows alone; empty where a name by their place is enough.
    """

    file: Blob
    batch: int
    rows: int
    named: str = ""

    @property
    def digest(self) -> str:
        """What names the rows: their own digest, or the file's and their place in it."""
        return self.named or f"{self.file.digest}/{self.batch}"

    def to_json(self) -> list[Any]:
        """The slice as a JSON value."""
        return [self.file.to_json(), self.batch, self.rows, self.named]

    @staticmethod
    def from_json(value: list[Any]) -> Slice:
        """The slice that :meth:`to_json` wrote."""
        return Slice(Blob.from_json(value[0]), *value[1:])


@dataclass(frozen=True)
class Routed:
    """A routed file and which bucket's rows are in it: batch *i* is ``buckets[i]``, ascending."""

    file: Blob
    buckets: tuple[int, ...]
    rows: tuple[int, ...]
    digests: tuple[str, ...] = ()

    def slices(self) -> Iterable[tuple[int, Slice]]:
        """Each bucket with its rows."""
        for batch, bucket in enumerate(self.buckets):
            named = self.digests[batch] if self.digests else ""
            yield bucket, Slice(self.file, batch, self.rows[batch], named)

    def to_json(self) -> dict[str, Any]:
        """The file and its index as a JSON value."""
        return {
            "file": self.file.to_json(),
            "buckets": list(self.buckets),
            "rows": list(self.rows),
            "digests": list(self.digests),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Routed:
        """What :meth:`to_json` wrote."""
        return Routed(
            Blob.from_json(value["file"]),
            tuple(value["buckets"]),
            tuple(value["rows"]),
            tuple(value["digests"]),
        )


def route(
    blobs: Blobs, table: pa.Table, buckets: npt.NDArray[np.int32], *, name_rows: bool = False
) -> Routed:
    """Write ``table`` as a routed file: row *i* goes to ``buckets[i]``, in the order of the table.

    With ``name_rows`` each bucket's rows get a digest of their own.
    """
    order = np.argsort(buckets, kind="stable")
    present, starts = np.unique(buckets[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)][: len(starts)]
    (ordered,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    ordered = ordered.take(pa.array(order))
    digests = []
    with blobs.create(".arrow") as sink:
        with pa.ipc.new_file(sink.file, table.schema, options=_OPTIONS) as writer:
            for start, end in zip(starts.tolist(), ends, strict=True):
                batch = ordered.slice(start, end - start)
                if name_rows:
                    # A slice shares bytes of its null bitmaps with its neighbors; a copy does not.
                    batch = batch.take(pa.array(np.arange(end - start)))
                writer.write_batch(batch)
                if name_rows:
                    digests.append(hashlib.sha256(batch.serialize()).hexdigest())
        sink.rows = len(table)
    assert sink.blob is not None
    rows = tuple(end - start for start, end in zip(starts.tolist(), ends, strict=True))
    return Routed(sink.blob, tuple(present.tolist()), rows, tuple(digests))


@functools.lru_cache(maxsize=_OPEN_FILES)
def _reader(blobs: Blobs, file: Blob) -> pa.ipc.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(blobs.open(file))
    except FileNotFoundError:
        raise RetryError(
            f"{file.path}: was dropped by another run that shares it. Run the command again"
        ) from None


def gather(blobs: Blobs, slices: Iterable[Slice], schema: pa.Schema) -> pa.Table:
    """The rows of the slices, in the order of the slices' digests; empty, of ``schema``, without any."""
    ordered = sorted(slices, key=lambda each: each.digest)
    batches = [_reader(blobs, each.file).get_batch(each.batch) for each in ordered]
    return pa.Table.from_batches(batches, schema=schema)
