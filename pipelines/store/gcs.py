"""A store in a bucket of Google Cloud Storage: `gs://bucket/path`.

Every write is conditional on the generation that it replaces, none for a new object. Whenever the answer does
not say for certain what became of it (412, 409, a timeout, a reset, a 5xx), the object is read back and
compared with what was sent: the same is a success, another a refusal, nothing means to send it again.
"""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar, cast

import pyarrow as pa
from google.api_core import exceptions

from pipelines.config import patience_seconds
from pipelines.store.gcs_calls import PATIENCE_S, Calls, Clock, Damaged, Unsettled, momentary
from pipelines.store.gcs_client import new_client
from pipelines.store.gcs_objects import ABSENT, Objects, Page, sums_of
from pipelines.store.ranges import RangeFile
from transforms.domain.errors import ConfigError, IntegrityError

_WHOLE_BYTES = 32 << 20
"""Up to this an object is read in one request, with its checksum; a bucket's blob is about 10 MB."""

_PAGE_PATHS = 1000
_READS_AT_ONCE = 32
_SPOOL_BYTES = 8 << 20
_CHUNK_BYTES = 16 << 20

_Found = TypeVar("_Found")


class GcsBackend:
    """A :class:`pipelines.store.backend.Backend` over a bucket, or a folder in one."""

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S, page_paths: int = _PAGE_PATHS) -> None:
        bucket, _, folder = url.removeprefix("gs://").partition("/")
        if not bucket:
            raise ConfigError(f"{url}: name a bucket, as in gs://bucket/path")
        parts = [part for part in folder.split("/") if part]
        self.url = "/".join(["gs:/", bucket, *parts])
        self.reads_at_once = _READS_AT_ONCE
        self._root = "".join(f"{part}/" for part in parts)
        self._page_paths = page_paths
        self._objects = Objects(new_client(self.url), bucket, _CHUNK_BYTES)
        self._calls = Calls(self.url, patience_seconds(patience_s))

    # --- Writing -------------------------------------------------------------------------------------------

    def create(self, path: str, data: bytes) -> bool:
        """See :meth:`pipelines.store.backend.Backend.create`."""
        return self._replace(path, data, ABSENT)

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        """See :meth:`pipelines.store.backend.Backend.replace`."""
        return self._replace(path, data, int(generation) if generation else ABSENT)

    @contextlib.contextmanager
    def upload(self, suffix: str) -> Iterator[GcsUpload]:
        """See :meth:`pipelines.store.backend.Backend.upload`."""
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as file:
            yield GcsUpload(self, cast(BinaryIO, file))

    def create_from(self, path: str, file: BinaryIO) -> bool:
        """Create an object of all that is in ``file``."""

        def stands(clock: Clock) -> bool | None:
            # It may be large: what is compared are its sums.
            found = self._objects.sums(self._root + path, clock)
            return None if found is None else found == sums_of(file)

        return self._send(path, file, ABSENT, stands)

    def _replace(self, path: str, data: bytes, generation: int) -> bool:
        def stands(clock: Clock) -> bool | None:
            found = self._objects.get(self._root + path, clock)
            if found is None:
                return None if generation == ABSENT else False
            return None if found[1] == generation else found[0] == data

        return self._send(path, io.BytesIO(data), generation, stands)

    def _send(
        self, path: str, file: BinaryIO, generation: int, stands: Callable[[Clock], bool | None]
    ) -> bool:
        """Write over ``generation`` until it is known what lies there; whether that is what was sent.

        ``stands`` looks; None means that the object is as it was.
        """

        def send(clock: Clock) -> bool:
            try:
                kept, sent = self._objects.put(self._root + path, file, generation, clock)
            except Exception as error:
                if not _ambiguous(error):
                    raise
                outcome = stands(clock)
                if outcome is not None:
                    return outcome
                if isinstance(error, exceptions.NotFound):
                    self._page("", None, clock)  # raises it again if there is no bucket
                if isinstance(error, exceptions.BadRequest):
                    raise Damaged("other bytes arrive there than are sent") from error
                raise Unsettled from error
            if kept != sent:
                raise IntegrityError(
                    f"{self.url}/{path}: the store has kept other bytes (CRC32C {kept}) than were sent"
                    f" ({sent}). Delete this object, and run it again"
                )
            return True

        return self._calls.until_answered(path, send)

    def remove(self, path: str) -> None:
        """See :meth:`pipelines.store.backend.Backend.remove`."""
        self._calls.until_answered(path, functools.partial(self._objects.delete, self._root + path))

    # --- Reading -------------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read`."""
        return self._there(path, self.read_generation(path))[0]

    def read_generation(self, path: str) -> tuple[bytes, str] | None:
        """See :meth:`pipelines.store.backend.Backend.read_generation`."""
        found = self._calls.until_answered(path, functools.partial(self._objects.get, self._root + path))
        return (found[0], str(found[1])) if found else None

    def read_range(self, path: str, offset_bytes: int, length_bytes: int) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read_range`."""
        ask = functools.partial(self._objects.get_range, self._root + path, offset_bytes, length_bytes)
        return self._there(path, self._calls.until_answered(path, ask))

    def open(self, path: str, size_bytes: int | None = None) -> pa.NativeFile:
        """See :meth:`pipelines.store.backend.Backend.open`."""
        if size_bytes is None:
            ask = functools.partial(self._objects.sums, self._root + path)
            size_bytes, _ = self._there(path, self._calls.until_answered(path, ask))
        if size_bytes <= _WHOLE_BYTES:
            return pa.BufferReader(self.read(path))
        file = RangeFile(functools.partial(self.read_range, path), size_bytes)
        file.read(1)  # whether it is there is to be known here
        file.seek(0)
        return pa.PythonFile(file, mode="r")

    def exists(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Backend.exists`."""
        return self._calls.until_answered(path, functools.partial(self._objects.exists, self._root + path))

    def local_path(self, path: str) -> None:
        """See :meth:`pipelines.store.backend.Backend.local_path`."""
        return

    def _there(self, path: str, found: _Found | None) -> _Found:
        if found is None:
            raise FileNotFoundError(f"{self.url}/{path}")
        return found

    # --- Listing -------------------------------------------------------------------------------------------

    def list(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.list`."""
        for page in self._pages(prefix):
            # What ends in a slash stands for a folder in some consoles.
            yield from (name.removeprefix(self._root) for name in page.names if not name.endswith("/"))

    def folders(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.folders`."""
        last = ""
        for page in self._pages(prefix):
            # A page may begin with the folders of the one before.
            new = [name for name in page.prefixes if name > last]
            yield from (name.removeprefix(self._root).rstrip("/") for name in new)
            last = max([last, *new])

    def _pages(self, prefix: str) -> Iterator[Page]:
        token: str | None = None
        while True:
            page = self._calls.until_answered(prefix, functools.partial(self._page, prefix, token))
            yield page
            token = page.next
            if not token:
                return

    def _page(self, prefix: str, token: str | None, clock: Clock) -> Page:
        folder = f"{self._root}{prefix}/" if prefix else self._root
        return self._objects.page(folder, token, self._page_paths, clock)

    def close(self) -> None:
        """See :meth:`pipelines.store.backend.Backend.close`."""
        self._objects.close()


class GcsUpload:
    """Bytes kept on this machine, in memory as long as they are few, until they have their name."""

    def __init__(self, backend: GcsBackend, file: BinaryIO) -> None:
        self._backend = backend
        self.file = file

    def create(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Upload.create`."""
        return self._backend.create_from(path, self.file)


def _ambiguous(error: Exception) -> bool:
    """Whether a write that ended so may stand, now or already before, or may succeed at another try.

    A 404 comes from an upload in chunks that is over: its last answer was lost. A 400 that speaks of the
    checksum is said of bytes that were changed on their way.
    """
    if isinstance(error, exceptions.BadRequest):
        return "crc32c" in str(error).lower()
    return momentary(error) or (
        isinstance(error, exceptions.GoogleAPICallError) and error.code in (404, 409, 410, 412)
    )
