"""A disk that loses power: what the calls of a program leave of a folder, whenever they are cut short.

What is recorded is what POSIX promises and no more. Of a file the bytes outlast that lay in it when it was
last synced; of a folder the names that were in it when it was last synced. Names that were made since may be
there or not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

_CALLS = ("fsync", "link", "mkdir", "rename", "replace", "unlink", "rmdir")


class Disk:
    """Looks, after each call that changes a folder or syncs something, at what a power cut would leave.

    Args:
        above: a folder that is there and stays.
        root: of the store, somewhere below.
        patch: through which calls are recorded.
        synced: what lies in the store durably.
        nameless: files whose bytes are durable, and whose names are not.

    Attributes:
        cuts: how many moments were looked at.
        faults: promises that would be broken.
    """

    def __init__(
        self,
        above: Path,
        root: Path,
        patch: pytest.MonkeyPatch,
        *,
        synced: Sequence[str] = (),
        nameless: Sequence[str] = (),
    ) -> None:
        self._above, self._root, self._patch = above, root, patch
        self._names: dict[int, dict[str, int]] = {}
        self._bytes: dict[int, bytes] = {}
        self._promised: dict[str, bytes] = {}
        self.cuts = 0
        self.faults: list[str] = []
        self._keep(above)
        for path in synced:
            parts = (root / path).relative_to(above).parts
            for depth, part in enumerate(parts):
                folder = above.joinpath(*parts[:depth])
                names = self._names.setdefault(folder.stat().st_ino, {})
                names[part] = (folder / part).stat().st_ino
        for path in (*synced, *nameless):
            self._bytes[(root / path).stat().st_ino] = (root / path).read_bytes()

    def promised(self, path: str, content: bytes) -> None:
        """From now on ``path`` holds ``content``, power or not."""
        self._promised[path] = content
        self._look()

    def __enter__(self) -> Disk:
        for name in _CALLS:
            self._patch.setattr(os, name, self._recorded(getattr(os, name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patch.undo()

    def _recorded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            outcome = call(*args, **options)
            if call.__name__ == "fsync":
                self._keep(Path(f"/proc/self/fd/{args[0]}"))
            self._look()
            return outcome

        return run

    @staticmethod
    def _now(folder: Path) -> dict[str, int]:
        return {entry.name: entry.inode() for entry in os.scandir(folder)}

    def _keep(self, synced: Path) -> None:
        status = synced.stat()
        if stat.S_ISDIR(status.st_mode):
            self._names[status.st_ino] = self._now(synced)
        else:
            self._bytes[status.st_ino] = synced.read_bytes()

    def _look(self) -> None:
        self.cuts += 1
        for path, content in self._promised.items():
            kept = self._kept(path)
            # What replaces it may be there already; it is held to its own promise below.
            if kept != content and (kept is None or not kept.startswith(b"replaced")):
                self.faults.append(f"{path} was promised, and {kept!r} would be left of it")
        for file in self._root.rglob("*") if self._root.exists() else []:
            visible = file.is_file() and not file.name.startswith(".") and "tmp" not in file.parts[-3:]
            if visible and self._bytes.get(file.stat().st_ino) != file.read_bytes():
                self.faults.append(f"{file} has its name, and not its bytes")

    def _kept(self, path: str) -> bytes | None:
        number = self._above.stat().st_ino
        for part in (self._root / path).relative_to(self._above).parts:
            names = self._names.get(number, {})
            if part not in names:
                return None
            number = names[part]
        return self._bytes.get(number)
