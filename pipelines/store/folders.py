"""Folders that outlast a power cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and what is above it, durably."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


class Folders:
    """The folders of a store, made when they are needed.

    That a folder is there does not say that it will be after a power cut: another process may have made it a
    moment ago. So each process makes each of them durable once.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[Path] = set()

    def make(self, folder: Path) -> None:
        """Have ``folder``, in the store, and everything above it durably."""
        if folder in self._durable and folder.is_dir():
            return
        if folder == self._root:
            make_folder(folder)
            with contextlib.suppress(PermissionError):  # what lies above a store may be another's
                sync_folder(folder.parent)
        else:
            self.make(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
        self._durable.add(folder)
