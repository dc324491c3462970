"""What a process and all its children cost: wall and CPU seconds, peak memory, bytes written.

Memory is sampled. Of a single process it is the resident set. Of several it is the sum of proportional sets
(``smaps_rollup``), in which a page that processes share counts once; reading it walks the page table, so
that a single process, where the two hardly differ, is spared it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Figures:
    """One run of one command, and what it printed.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system, of the process and its children.
        peak_bytes: of memory, summed over the tree.
        written_bytes: by how much the folder grew that it was to write in; 0 if none was named.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int = 0
    printed: str = ""


def measure(
    command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Figures:
    """Run ``command`` to its end; it must succeed.

    Args:
        folder: whose growth is measured.
        environment: variables to set besides those there are.
    """
    before_bytes = size_of(folder)
    waited, usage = 0, None
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        before = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=printed, stderr=complaints, env={**os.environ, **(environment or {})}
        )
        tree = _Tree(process.pid)
        while not waited:
            tree.look()
            time.sleep(_EVERY_SECONDS)
            waited, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        complaints.seek(0)
        if process.returncode:
            said = complaints.read().decode(errors="replace")
            sys.exit(f"{' '.join(command)}\nended with {process.returncode}\n{said}")
        text = printed.read().decode(errors="replace")
    assert usage is not None
    # What the kernel counted has the last moments too; what was sampled, children that nobody waited for.
    # Memory is not its `ru_maxrss`: that of a child is never below what its parent held when it began.
    cpu_seconds = max(tree.cpu_seconds, usage.ru_utime + usage.ru_stime)
    return Figures(
        wall_seconds=wall,
        cpu_seconds=cpu_seconds,
        peak_bytes=tree.peak_bytes,
        written_bytes=size_of(folder) - before_bytes,
        printed=text,
    )


class _Tree:
    """A process and all that descend from it, also where a parent ended before its child.

    One that cannot be looked at, such as one that just ended, is passed over by itself.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._own: dict[psutil.Process, float] = {}  # CPU seconds of each itself, when it was last seen
        self.cpu_seconds = 0.0
        self.peak_bytes = 0

    def look(self) -> None:
        """Take a sample."""
        family = {self._root: None, **dict.fromkeys(self._own)}
        with contextlib.suppress(psutil.Error):
            family.update(dict.fromkeys(self._root.children(recursive=True)))
        living, with_children = [], 0.0
        for each in family:
            with contextlib.suppress(psutil.Error):
                if each.is_running():  # or else its number may be another's by now
                    times = each.cpu_times()
                    self._own[each] = times.user + times.system
                    with_children += self._own[each] + times.children_user + times.children_system
                    living.append(each)
        self.cpu_seconds = max(self.cpu_seconds, with_children, sum(self._own.values()))
        self.peak_bytes = max(self.peak_bytes, _memory(living))


def _memory(processes: Sequence[psutil.Process]) -> int:
    found = 0
    for each in processes:
        with contextlib.suppress(psutil.Error, OSError):
            found += each.memory_info().rss if len(processes) == 1 else _proportional_bytes(each.pid)
    return found


def _proportional_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def size_of(folder: Path | None) -> int:
    """Bytes of all files below ``folder``."""
    if folder is None or not folder.exists():
        return 0
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
