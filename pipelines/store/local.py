"""A store in a folder: temp file, fsync, `os.link`, fsync of the folder.

`os.link` fails when the name is taken and has one winner among racers; `os.rename` has many. A run writes
into a scratch folder of its own under `<store>/tmp`, held by a lock that the kernel drops when the process
dies: what nobody holds is the leftover of a dead run and is swept by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import pyarrow as pa

from transforms.domain.errors import IntegrityError, RetryError


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Create ``folder`` and what is above it, durably."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        _sync_folder(each.parent)


class Scratch:
    """A run's own folder for files being written, made when it is first needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None
        self._pid = 0
        self._count = 0

    def new(self) -> Path:
        """A path in this run's folder that nobody has used."""
        with self._guard:
            if self._folder is None or self._pid != os.getpid():
                self._claim()
            self._count += 1
            return cast(Path, self._folder) / str(self._count)

    def _claim(self) -> None:
        _make_folder(self._root)
        self._sweep()
        while True:
            name = f"{os.getpid()}-{os.urandom(4).hex()}"
            lock_path = self._root / f"{name}.lock"
            lock = lock_path.open("xb")
            fcntl.flock(lock, fcntl.LOCK_EX)
            # A sweeper may have seen the file between its creation and our lock.
            if lock_path.exists() and os.path.samestat(lock_path.stat(), os.fstat(lock.fileno())):
                break
            lock.close()
        self._folder, self._lock, self._pid = self._root / name, lock, os.getpid()
        self._folder.mkdir()

    def _sweep(self) -> None:
        for lock_path in self._root.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError, BlockingIOError), lock_path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_path.with_suffix(""), ignore_errors=True)
                lock_path.unlink()

    def close(self) -> None:
        """Drop the folder and its lock."""
        with self._guard:
            if self._folder is not None and self._pid == os.getpid():
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.with_name(self._folder.name + ".lock").unlink(missing_ok=True)
                if self._lock is not None:
                    self._lock.close()
            self._folder = None


class LocalUpload:
    """A scratch file on its way to a name in the store."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root = root
        self._scratch = scratch
        self.file: BinaryIO = scratch.open("xb")

    def create(self, path: str) -> bool:
        """See :meth:`pipelines.store.backend.Upload.create`."""
        self.file.flush()
        os.fsync(self.file.fileno())
        target = self._root / path
        _make_folder(target.parent)
        try:
            os.link(self._scratch, target)
        except FileExistsError:
            return False
        _sync_folder(target.parent)
        return True

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

    @contextlib.contextmanager
    def upload(self, suffix: str) -> Iterator[LocalUpload]:
        """See :meth:`pipelines.store.backend.Backend.upload`."""
        upload = LocalUpload(self.root, self._scratch.new().with_suffix(suffix))
        try:
            yield upload
        finally:
            upload.close()

    def create(self, path: str, data: bytes) -> bool:
        """See :meth:`pipelines.store.backend.Backend.create`."""
        if self.exists(path):
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
        _make_folder(target.parent)
        with (target.parent / f".{target.name}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                raise RetryError(f"{target}: cannot be locked ({error.strerror}); run it again") from error
            current = self.read_generation(path)
            if (current[1] if current else None) != generation:
                return False
            scratch = self._scratch.new()
            with scratch.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(target)
            _sync_folder(target.parent)
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
