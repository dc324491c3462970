"""Single requests to one bucket of Google Cloud Storage, each with its checksum where there can be one.

Nothing is tried again here, and what the library would do about an error by itself is switched off.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import google_crc32c
from google.api_core import exceptions
from google.cloud import storage

from pipelines.store.gcs_calls import Clock, Damaged

ABSENT = 0
"""The generation of an object that is not there."""

_ONE_REQUEST_BYTES = 8 << 20
"""The library sends what is larger in chunks, by a resumable upload."""


@dataclass(frozen=True)
class Page:
    """A page of a listing: names of objects, prefixes that end in a slash, and the token of the next page."""

    names: list[str]
    prefixes: list[str]
    next: str | None


class Objects:
    """The objects of a bucket. None where one is not there."""

    def __init__(self, client: storage.Client, bucket: str, chunk_bytes: int) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)
        self._chunk_bytes = chunk_bytes

    def get(self, name: str, clock: Clock) -> tuple[bytes, int] | None:
        """All of an object, held to its checksum, and its generation."""
        blob = self._bucket.blob(name)
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

    def get_range(self, name: str, offset_bytes: int, length_bytes: int, clock: Clock) -> bytes | None:
        """So many bytes of an object. A part has no checksum but that of the encrypted way."""
        try:
            data: bytes = self._bucket.blob(name).download_as_bytes(
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

    def sums(self, name: str, clock: Clock) -> tuple[int, str | None] | None:
        """An object's size and MD5, as the store has them."""
        blob = self._bucket.get_blob(name, retry=None, timeout=clock.timeout())
        return None if blob is None else (blob.size, blob.md5_hash)

    def exists(self, name: str, clock: Clock) -> bool:
        """Whether there is an object."""
        return bool(self._bucket.blob(name).exists(retry=None, timeout=clock.timeout()))

    def put(self, name: str, file: BinaryIO, generation: int, clock: Clock) -> tuple[str, str]:
        """Write all of ``file`` over ``generation``; its CRC32C as the store has it, and as it is."""
        size, crc32c = file.seek(0, io.SEEK_END), _sum(file, google_crc32c.Checksum())
        # In one request the library declares the checksum, and the store holds the bytes to it. For chunks it
        # would compare afterwards, and delete the object, whoever's it is by then, if they differ.
        declared: dict[str, Any] = (
            {"checksum": "crc32c"}
            if size <= _ONE_REQUEST_BYTES
            else {"checksum": None, "crc32c_checksum_value": crc32c}
        )
        blob = self._bucket.blob(name, chunk_size=self._chunk_bytes)
        blob.upload_from_file(
            file,
            rewind=True,
            size=size,
            if_generation_match=generation,
            retry=None,
            timeout=clock.timeout(),
            **declared,
        )
        return blob.crc32c, crc32c

    def page(self, prefix: str, token: str | None, most: int, clock: Clock) -> Page:
        """What is in the folder ``prefix``, which ends in a slash or is empty; NotFound without a bucket."""
        found = self._client.list_blobs(
            self._bucket,
            prefix=prefix,
            delimiter="/",
            fields="items(name),prefixes,nextPageToken",
            page_size=most,
            page_token=token,
            retry=None,
            timeout=clock.timeout(),
        )
        page = next(found.pages)
        return Page([blob.name for blob in page], list(page.prefixes), found.next_page_token)

    def delete(self, name: str, clock: Clock) -> None:
        """Drop an object, if there is one."""
        with contextlib.suppress(exceptions.NotFound):
            self._bucket.blob(name).delete(retry=None, timeout=clock.timeout())

    def close(self) -> None:
        """Close the connections; later requests open new ones."""
        self._client.close()


class _Checksum(Protocol):
    def update(self, data: bytes) -> object: ...
    def digest(self) -> bytes: ...


def _sum(file: BinaryIO, checksum: _Checksum) -> str:
    file.seek(0)
    while chunk := file.read(1 << 20):
        checksum.update(chunk)
    return base64.b64encode(checksum.digest()).decode()


def sums_of(file: BinaryIO) -> tuple[int, str]:
    """Size and MD5 of all of ``file``, to compare with :meth:`Objects.sums`."""
    return file.seek(0, io.SEEK_END), _sum(file, hashlib.md5(usedforsecurity=False))
