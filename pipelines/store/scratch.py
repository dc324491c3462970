"""Scratch files of a run, and what becomes of those of a run that died.

A run writes into a folder of its own, held by a lock that the kernel drops when the process dies: what nobody
holds is the leftover of a dead run, and is swept by the next one that writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from pathlib import Path
from typing import IO, cast

from pipelines.store.folders import make_folder


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
        make_folder(self._root)
        self._sweep()
        while True:
            name = f"{os.getpid()}-{os.urandom(4).hex()}"
            lock_path = self._root / f"{name}.lock"
            lock = lock_path.open("xb")
            fcntl.flock(lock, fcntl.LOCK_EX)
            # A sweeper may have seen the file between its creation and our lock.
            if is_at(lock, lock_path):
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


def is_at(file: IO[bytes], path: Path) -> bool:
    """Whether the open ``file`` still has this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
