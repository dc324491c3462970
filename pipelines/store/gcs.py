"""A store in a bucket of Google Cloud Storage: `gs://bucket/path`.

Every write is conditional on the generation that it replaces, none for a new object. Whenever the answer does
not say for certain what became of it (412, 409, a timeout, a reset, a 5xx), the object is read back and
compared with what was sent: the same is a success, another a refusal, nothing means to send it again.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import google_crc32c
import pyarrow as pa
from google.api_core import exceptions

from pipelines.config import patience_seconds
from pipelines.store.gcs_calls import PATIENCE_S, Calls, Clock, Damaged, Unsettled, momentary
from pipelines.store.gcs_client import new_client
from pipelines.store.ranges import RangeFile
from transforms.domain.errors import ConfigError, IntegrityError

_WHOLE_BYTES = 32 << 20
"""Up to this an object is read in one request, with its checksum; a bucket's blob is about 10 MB."""

_PAGE_PATHS = 1000
_READS_AT_ONCE = 32
_SPOOL_BYTES = 8 << 20
_CHUNK_BYTES = 16 << 20
_ONE_REQUEST_BYTES = 8 << 20
"""The library sends what is larger in chunks, by a resumable upload."""

_NONE = 0
"""The generation of an object that is not there."""

_Stands = Callable[[Clock], bool | None]


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
        self._client = new_client(self.url)
        self._bucket = self._client.bucket(bucket)
        self._calls = Calls(self.url, patience_seconds(patience_s))

    def create(self, path: str, data: bytes) -> bool:
        """See :meth:`pipelines.store.backend.Backend.create`."""
        return self._replace(path, data, _NONE)

    @contextlib.contextmanager
    def upload(self, suffix: str) -> Iterator[GcsUpload]:
        """See :meth:`pipelines.store.backend.Backend.upload`."""
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as file:
            yield GcsUpload(self, cast(BinaryIO, file))

    def read(self, path: str) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read`."""
        found = self.read_generation(path)
        if found is None:
            raise FileNotFoundError(f"{self.url}/{path}")
        return found[0]

    def read_generation(self, path: str) -> tuple[bytes, str] | None:
        """See :meth:`pipelines.store.backend.Backend.read_generation`."""
        found = self._calls.until_answered(path, lambda clock: self._get(path, clock))
        return (found[0], str(found[1])) if found else None

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        """See :meth:`pipelines.store.backend.Backend.replace`."""
        return self._replace(path, data, int(generation) if generation else _NONE)

    def _replace(self, path: str, data: bytes, generation: int) -> bool:
        def stands(clock: Clock) -> bool | None:
            found = self._get(path, clock)
            if found is None:
                return None if generation == _NONE else False
            return None if found[1] == generation else found[0] == data

        return self._send(path, io.BytesIO(data), generation, stands)

    def create_from(self, path: str, file: BinaryIO) -> bool:
        """Create an object of all that is in ``file``."""
        size = file.seek(0, io.SEEK_END)

        def stands(clock: Clock) -> bool | None:
            # It may be large: its checksums are compared, as the store computed them.
            found = self._bucket.get_blob(self._name(path), retry=None, timeout=clock.timeout())
            return None if found is None else found.size == size and found.md5_hash == _md5(file)

        return self._send(path, file, _NONE, stands)

    def _send(self, path: str, file: BinaryIO, generation: int, stands: _Stands) -> bool:
        """Write over ``generation`` until it is known what lies there; whether that is what was sent.

        ``stands`` looks: None means that the object is as it was.
        """
        size, crc32c = file.seek(0, io.SEEK_END), _crc32c(file)
        # In one request the library declares the checksum, and the store holds the bytes to it. For chunks
        # the library would compare afterwards, and delete the object where it found a difference.
        sums: dict[str, Any] = (
            {"checksum": "crc32c"}
            if size <= _ONE_REQUEST_BYTES
            else {"checksum": None, "crc32c_checksum_value": crc32c}
        )

        def send(clock: Clock) -> bool:
            blob = self._bucket.blob(self._name(path), chunk_size=_CHUNK_BYTES)
            try:
                blob.upload_from_file(
                    file,
                    rewind=True,
                    size=size,
                    if_generation_match=generation,
                    retry=None,
                    timeout=clock.timeout(),
                    **sums,
                )
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
            if blob.crc32c != crc32c:
                raise IntegrityError(
                    f"{self.url}/{path}: the store has kept other bytes (crc32c {blob.crc32c}) than were sent"
                    f" ({crc32c}). Delete this object, and run it again"
                )
            return True

        return self._calls.until_answered(path, send)

    def exists(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Backend.exists`."""
        blob = self._bucket.blob(self._name(path))
        return self._calls.until_answered(
            path, lambda clock: bool(blob.exists(retry=None, timeout=clock.timeout()))
        )

    def list(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.list`."""
        for page in self._pages(prefix):
            yield from page.paths

    def folders(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.folders`."""
        last = ""
        for page in self._pages(prefix):
            # A page may begin with the folders of the one before.
            yield from (folder for folder in page.folders if folder > last)
            last = max([last, *page.folders])

    def _pages(self, prefix: str) -> Iterator[_Page]:
        token: str | None = None
        while True:
            page = self._calls.until_answered(prefix, functools.partial(self._page, prefix, token))
            yield page
            token = page.next
            if not token:
                return

    def _page(self, prefix: str, token: str | None, clock: Clock) -> _Page:
        found = self._client.list_blobs(
            self._bucket,
            prefix=self._name(f"{prefix}/") if prefix else self._root,
            delimiter="/",
            fields="items(name),prefixes,nextPageToken",
            page_size=self._page_paths,
            page_token=token,
            retry=None,
            timeout=clock.timeout(),
        )
        page = next(found.pages)
        start = len(self._root)
        # What ends in a slash stands for a folder in the consoles of some.
        paths = [blob.name[start:] for blob in page if not blob.name.endswith("/")]
        return _Page(paths, [name[start:-1] for name in page.prefixes], found.next_page_token)

    def local_path(self, path: str) -> None:
        """See :meth:`pipelines.store.backend.Backend.local_path`."""
        return

    def open(self, path: str, size_bytes: int | None = None) -> pa.NativeFile:
        """See :meth:`pipelines.store.backend.Backend.open`."""
        if size_bytes is None:
            size_bytes = self._size(path)
        if size_bytes <= _WHOLE_BYTES:
            return pa.BufferReader(self.read(path))
        file = RangeFile(functools.partial(self.read_range, path), size_bytes)
        file.read(1)
        file.seek(0)
        return pa.PythonFile(file, mode="r")

    def _size(self, path: str) -> int:
        def ask(clock: Clock) -> int | None:
            found = self._bucket.get_blob(self._name(path), retry=None, timeout=clock.timeout())
            return None if found is None else int(found.size)

        size = self._calls.until_answered(path, ask)
        if size is None:
            raise FileNotFoundError(f"{self.url}/{path}")
        return size

    def read_range(self, path: str, offset_bytes: int, length_bytes: int) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read_range`."""

        def ask(clock: Clock) -> bytes | None:
            blob = self._bucket.blob(self._name(path))
            try:
                # Of a part there is no checksum; the way there is encrypted, and so nothing changes on it.
                data: bytes = blob.download_as_bytes(
                    start=offset_bytes,
                    end=offset_bytes + length_bytes - 1,
                    raw_download=True,
                    checksum=None,
                    single_shot_download=True,
                    retry=None,
                    timeout=clock.timeout(),
                )
            except exceptions.NotFound:
                return None
            except exceptions.RequestRangeNotSatisfiable:
                data = b""
            if len(data) != length_bytes:
                raise Damaged(f"{len(data)} bytes instead of {length_bytes}")
            return data

        found = self._calls.until_answered(path, ask)
        if found is None:
            raise FileNotFoundError(f"{self.url}/{path}")
        return found

    def remove(self, path: str) -> None:
        """See :meth:`pipelines.store.backend.Backend.remove`."""

        def ask(clock: Clock) -> None:
            with contextlib.suppress(exceptions.NotFound):
                self._bucket.blob(self._name(path)).delete(retry=None, timeout=clock.timeout())

        self._calls.until_answered(path, ask)

    def close(self) -> None:
        """Close the connections; what is asked later opens new ones."""
        self._client.close()

    def _name(self, path: str) -> str:
        return self._root + path

    def _get(self, path: str, clock: Clock) -> tuple[bytes, int] | None:
        """All of an object, held to its checksum, and its generation."""
        blob = self._bucket.blob(self._name(path))
        try:
            data = blob.download_as_bytes(
                raw_download=True,
                checksum="crc32c",
                single_shot_download=True,
                retry=None,
                timeout=clock.timeout(),
            )
        except exceptions.NotFound:
            return None
        # Without one the library checks nothing, and says so in its log only.
        if blob.crc32c is None or blob.generation is None:
            raise Damaged("no checksum, or no generation")
        return data, blob.generation


@dataclass(frozen=True)
class _Page:
    """A page of a listing."""

    paths: list[str]
    folders: list[str]
    next: str | None


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


def _crc32c(file: BinaryIO) -> str:
    file.seek(0)
    checksum = google_crc32c.Checksum()
    while chunk := file.read(1 << 20):
        checksum.update(chunk)
    return base64.b64encode(checksum.digest()).decode()


def _md5(file: BinaryIO) -> str:
    file.seek(0)
    checksum = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(1 << 20):
        checksum.update(chunk)
    return base64.b64encode(checksum.digest()).decode()
