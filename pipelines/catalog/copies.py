"""The blobs of a store as files of this machine: what DuckDB can open.

Where the store is a folder, they lie there. Of a store elsewhere they are copied, and hashed on their way,
into a folder that is gone when the query ends: the next release leaves out who opts out today, and a copy on
somebody's laptop would not. What a killed query left is swept by the next one. Whoever sets ``BYLEAVE_CACHE``
keeps the copies in that folder; they are hashed again each time.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.progress import Watch
from pipelines.store.blobs import Blob
from pipelines.store.scratch import Scratch
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.domain.errors import StateError

CACHE_VARIABLE = "BYLEAVE_CACHE"


class Copies:
    """Where a store's blobs lie on this machine, once :meth:`fetch` brought them there."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self._store = store
        self._folder = folder

    def path(self, blob: Blob) -> str:
        """The absolute path of a blob's file, by which DuckDB tells where a row came from."""
        place = self._store.backend.local_path(blob.path)
        return str(place if place is not None else self._elsewhere / blob.path)

    def fetch(self, blobs: Sequence[Blob], watch: Watch) -> None:
        """Bring the files there that are not, and hold all of them to their digests.

        Raises:
            IntegrityError: a blob is missing or damaged.
        """
        if self._folder is None:
            list(in_threads(self._store.blobs.verify, blobs))
            return
        copied = in_threads(self._copy, blobs, self._store.blobs_at_once)
        with watch.counting("fetching", sum(blob.bytes for blob in blobs)) as report:
            done = 0
            for blob, _ in zip(blobs, copied, strict=True):
                done += blob.bytes
                report(done)

    def _copy(self, blob: Blob) -> None:
        self._store.blobs.copy(blob, self._elsewhere / blob.path)

    @property
    def _elsewhere(self) -> Path:
        assert self._folder is not None, "a store whose blobs lie here needs no copies"
        return self._folder


@contextlib.contextmanager
def copies(store: Store) -> Iterator[Copies]:
    """The files of ``store``, for as long as the block runs.

    Raises:
        StateError: the temporary folder for them is not this user's alone.
    """
    kept = os.environ.get(CACHE_VARIABLE)
    if store.backend.local_path("") is not None:
        yield Copies(store, None)
    elif kept:
        yield Copies(store, Path(kept).absolute())
    else:
        scratch = Scratch(_private(Path(tempfile.gettempdir()).absolute() / f"byleave-{os.getuid()}"))
        try:
            yield Copies(store, scratch.new())
        finally:
            scratch.close()


def _private(folder: Path) -> Path:
    """``folder``, made for this user alone if it is not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StateError(
            f"{folder}: is open to others, and rows are copied to it. Remove it, or name another by TMPDIR"
        )
    return folder
