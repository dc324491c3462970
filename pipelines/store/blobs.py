"""Blobs: immutable files named by their SHA-256.

A blob is hashed while it is written and named afterwards, so that no reader ever meets a blob whose bytes
are not those of its name. Parquet blobs carry page checksums, which every read verifies.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines.store import parquet
from pipelines.store.backend import Backend
from transforms.domain.errors import IntegrityError

_CHUNK_BYTES = 4 << 20


@dataclass(frozen=True, order=True)
class Blob:
    """A reference to a blob: what actions pass around instead of rows."""

    digest: str
    suffix: str
    rows: int
    bytes: int

    @property
    def path(self) -> str:
        """Where the blob lies in its store."""
        return f"blobs/sha256/{self.digest[:2]}/{self.digest}{self.suffix}"

    def to_json(self) -> list[Any]:
        """The reference as a JSON value; :meth:`from_json` reads it."""
        return [self.digest, self.suffix, self.rows, self.bytes]

    @staticmethod
    def from_json(value: Sequence[Any]) -> Blob:
        """The reference that :meth:`to_json` wrote."""
        return Blob(*value)


class _HashingFile:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.sha256.update(view)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self.bytes

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


class BlobSink:
    """A blob being written: ``file`` takes its bytes, ``blob`` is known once the sink is closed."""

    def __init__(self, file: _HashingFile) -> None:
        self.file = pa.PythonFile(file, mode="w")
        self.rows = 0
        self.blob: Blob | None = None


class Blobs:
    """The blobs of one store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @contextlib.contextmanager
    def create(self, suffix: str) -> Iterator[BlobSink]:
        """A sink; when the block ends without an exception, its bytes are a blob of the store."""
        with self._backend.upload(suffix) as upload:
            hashing = _HashingFile(upload.file)
            sink = BlobSink(hashing)
            yield sink
            sink.file.close()
            blob = Blob(hashing.sha256.hexdigest(), suffix, sink.rows, hashing.bytes)
            upload.create(blob.path)
            sink.blob = blob

    def put_bytes(self, data: bytes, suffix: str) -> Blob:
        """``data`` as a blob; nothing is written if the store has it."""
        blob = Blob(hashlib.sha256(data).hexdigest(), suffix, 0, len(data))
        self._backend.create(blob.path, data)
        return blob

    def put_table(self, table: pa.Table, schema: pa.Schema) -> Blob:
        """``table`` as a Parquet blob with exactly the columns of ``schema``; written if the store lacks it.

        A column of ``table`` may be a dictionary: it is written as one, and reads back as ``schema`` says.
        """
        return self.put_parquet(parquet.write(parquet.grouped(table, schema), schema), len(table))

    def put_parquet(self, data: pa.Buffer | bytes, rows: int) -> Blob:
        """A Parquet file of ``rows`` rows as a blob; written if the store lacks it."""
        view = memoryview(data)
        blob = Blob(hashlib.sha256(view).hexdigest(), ".parquet", rows, view.nbytes)
        if not self.has(blob):
            with self._backend.upload(blob.suffix) as upload:
                upload.file.write(view)
                upload.create(blob.path)
        return blob

    def get_table(
        self,
        blob: Blob,
        columns: Sequence[str] | None = None,
        *,
        schema: pa.Schema | None = None,
        dictionary: Sequence[str] = (),
    ) -> pa.Table:
        """The rows of a Parquet blob, page checksums verified. Row groups become chunks.

        Args:
            blob: to read.
            columns: which of its columns; None for all.
            schema: what the blob must be. Parquet's footer has no checksum: a damaged one can name other
                columns and types, and never other values under the right ones.
            dictionary: columns to read without decoding their dictionary.

        Raises:
            IntegrityError: the blob is missing, or it is not what was written.
        """
        with self.row_groups(blob, columns, schema=schema, dictionary=dictionary) as groups:
            return groups.read_all()

    @contextlib.contextmanager
    def row_groups(
        self,
        blob: Blob,
        columns: Sequence[str] | None = None,
        *,
        schema: pa.Schema | None = None,
        dictionary: Sequence[str] = (),
    ) -> Iterator[parquet.RowGroups]:
        """A Parquet blob, to be read a row group at a time; see :meth:`get_table`."""
        try:
            file = self._backend.open(blob.path, blob.bytes)
        except FileNotFoundError:
            raise IntegrityError(f"{blob.path}: the blob is missing from {self._backend.url}") from None
        with file:
            groups = parquet.RowGroups(file, blob.path, columns, schema, dictionary)
            if sum(groups.rows) != blob.rows:
                raise IntegrityError(f"{blob.path}: the blob has {sum(groups.rows)} rows, not {blob.rows}")
            yield groups

    def read(self, blob: Blob) -> bytes:
        """The bytes of a blob, held to its digest."""
        try:
            data = self._backend.read(blob.path)
        except FileNotFoundError:
            raise IntegrityError(f"{blob.path}: the blob is missing from {self._backend.url}") from None
        found = hashlib.sha256(data).hexdigest()
        if found != blob.digest:
            raise IntegrityError(f"{blob.path}: the bytes have SHA-256 {found}; the blob is damaged")
        return data

    def verify(self, blob: Blob) -> None:
        """Hash the blob in the store, in bounded memory.

        Raises:
            IntegrityError: it is missing, or its bytes are not those of its name.
        """
        for _ in self._verified(blob):
            pass

    def copy(self, blob: Blob, target: Path) -> None:
        """Make ``target`` a copy of the blob, unless it is one already, to the byte.

        Raises:
            IntegrityError: the blob is missing, or its bytes are not those of its name. No copy is made.
        """
        if _is_copy(target, blob):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with scratch.open("xb") as file:
                for chunk in self._verified(blob):
                    file.write(chunk)
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)

    def _verified(self, blob: Blob) -> Iterator[pa.Buffer]:
        """The bytes of the blob; an error at their end if they are others."""
        sha256 = hashlib.sha256()
        try:
            with self._backend.open(blob.path, blob.bytes) as file:
                while chunk := file.read_buffer(_CHUNK_BYTES):
                    sha256.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise IntegrityError(f"{blob.path}: the blob is missing from {self._backend.url}") from None
        if sha256.hexdigest() != blob.digest:
            raise IntegrityError(
                f"{blob.path}: the bytes have SHA-256 {sha256.hexdigest()}; the blob is damaged"
            )

    def has(self, blob: Blob) -> bool:
        """Whether the store has the blob."""
        return self._backend.exists(blob.path)

    def open(self, blob: Blob) -> pa.NativeFile:
        """The blob for random reads."""
        return self._backend.open(blob.path, blob.bytes)

    @property
    def reads_at_once(self) -> int:
        """How many threads may ask for small parts of blobs."""
        return self._backend.reads_at_once

    def read_range(self, blob: Blob, offset_bytes: int, length_bytes: int) -> bytes:
        """A part of the blob; what is in it is held to nothing here."""
        return self._backend.read_range(blob.path, offset_bytes, length_bytes)

    def remove(self, blob: Blob) -> None:
        """Drop a blob that nothing refers to any more."""
        self._backend.remove(blob.path)


def _is_copy(path: Path, blob: Blob) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == blob.digest
    except FileNotFoundError:
        return False
