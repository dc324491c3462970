"""A store in a folder: scratch file, fsync, `os.link`, fsync of the folder.

`os.link` fails when the name is taken and has one winner among racers; `os.rename` has many.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from pipelines.store.folders import Folders, sync_folder
from pipelines.store.scratch import Scratch, is_at
from transforms.domain.errors import IntegrityError, RetryError, StateError

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.ENOSYS)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Alone among the processes that replace ``target``. The lock is a file beside it, gone afterwards."""
    path = target.with_name(f".{target.name}.lock")
    while True:
        with path.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                raise RetryError(f"{target}: cannot be locked ({error.strerror}); run it again") from error
            if is_at(lock, path):
                try:
                    yield
                finally:
                    # While it is held: whoever waits for it sees that its name is gone, and makes a new one.
                    path.unlink(missing_ok=True)
                return


class LocalUpload:
    """A scratch file on its way to a name in the store."""

    def __init__(self, root: Path, folders: Folders, scratch: Path) -> None:
        self._root = root
        self._folders = folders
        self._scratch = scratch
        self.file: BinaryIO = scratch.open("xb")

    def create(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Upload.create`."""
        self.file.flush()
        os.fsync(self.file.fileno())
        target = self._root / path
        self._folders.make(target.parent)
        try:
            os.link(self._scratch, target)
            won = True
        except FileExistsError:
            # A server of files may have done it, lost the answer, and been asked again.
            won = self._scratch.samefile(target)
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise StateError(
                    f"{self._root}: this file system has no hard links ({error.strerror}), by which a store"
                    " gives a file its name only once. Put the store on another one, such as ext4, XFS or NFS"
                ) from error
            raise
        # Also what another process put there a moment ago: its name is relied on from here on.
        sync_folder(target.parent)
        return won

    def close(self) -> None:
        """Drop the scratch file; what was created stays."""
        self.file.close()
        self._scratch.unlink(missing_ok=True)


class LocalBackend:
    """A :class:`pipelines.store.backend.Backend` over a folder on a local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = str(self.root)
        self.reads_at_once = 1
        self._scratch = Scratch(self.root / "tmp")
        self._folders = Folders(self.root)

    @contextlib.contextmanager
    def upload(self, suffix: str) -> Iterator[LocalUpload]:
        """See :meth:`pipelines.store.backend.Backend.upload`."""
        upload = LocalUpload(self.root, self._folders, self._scratch.new().with_suffix(suffix))
        try:
            yield upload
        finally:
            upload.close()

    def create(self, path: str, data: bytes) -> bool:
        """See :meth:`pipelines.store.backend.Backend.create`."""
        if self.exists(path):
            self._folders.make((self.root / path).parent)
            sync_folder((self.root / path).parent)
            return False
        with self.upload(".json") as upload:
            upload.file.write(data)
            return upload.create(path)

    def read(self, path: str) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read`."""
        return (self.root / path).read_bytes()

    def read_generation(self, path: str) -> tuple[bytes, str] | None:
        """See :meth:`pipelines.store.backend.Backend.read_generation`."""
        try:
            data = self.read(path)
        except FileNotFoundError:
            return None
        return data, hashlib.sha256(data).hexdigest()

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        """See :meth:`pipelines.store.backend.Backend.replace`."""
        target = self.root / path
        self._folders.make(target.parent)
        with locked(target):
            current = self.read_generation(path)
            if (current[1] if current else None) != generation:
                return False
            scratch = self._scratch.new()
            with scratch.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(target)
            sync_folder(target.parent)
        return True

    def exists(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Backend.exists`."""
        return (self.root / path).exists()

    def list(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.list`."""
        return (f"{prefix}/{e.name}" if prefix else e.name for e in self._entries(prefix) if e.is_file())

    def folders(self, prefix: str) -> Iterator[str]:
        """See :meth:`pipelines.store.backend.Backend.folders`."""
        return (f"{prefix}/{e.name}" if prefix else e.name for e in self._entries(prefix) if e.is_dir())

    def _entries(self, prefix: str) -> Iterator[os.DirEntry[str]]:
        folder = self.root / prefix
        if folder.is_dir():
            entries = (entry for entry in os.scandir(folder) if not entry.name.startswith("."))
            yield from sorted(entries, key=lambda entry: entry.name)

    def local_path(self, path: str) -> Path:
        """See :meth:`pipelines.store.backend.Backend.local_path`."""
        return self.root / path

    def open(self, path: str, size_bytes: int | None = None) -> pa.NativeFile:
        """See :meth:`pipelines.store.backend.Backend.open`."""
        return pa.OSFile(str(self.root / path))

    def read_range(self, path: str, offset_bytes: int, length_bytes: int) -> bytes:
        """See :meth:`pipelines.store.backend.Backend.read_range`."""
        with (self.root / path).open("rb") as file:
            data = os.pread(file.fileno(), length_bytes, offset_bytes)
        if len(data) != length_bytes:
            raise IntegrityError(
                f"{self.root / path}: has {len(data)} bytes from {offset_bytes} on, not {length_bytes}"
            )
        return data

    def remove(self, path: str) -> None:
        """See :meth:`pipelines.store.backend.Backend.remove`."""
        (self.root / path).unlink(missing_ok=True)

    def close(self) -> None:
        """Drop this run's scratch folder."""
        self._scratch.close()
