"""What a process and all its children cost: wall and CPU seconds, peak memory, bytes written.

Memory is sampled. Of a single process it is the resident set. Of several it is the sum of proportional sets
(``smaps_rollup``), in which a page that processes share counts once; reading it walks the page table, so
that a single process, where the two hardly differ, is spared it.
"""

from __future__ import annotations

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
    peak, cpu, waited, usage = 0, 0.0, 0, None
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complaints:
        before = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=printed, stderr=complaints, env={**os.environ, **(environment or {})}
        )
        watched = psutil.Process(process.pid)
        while not waited:
            try:
                tree = [watched, *watched.children(recursive=True)]
                peak = max(peak, _memory(tree))
                cpu = max(cpu, sum(sum(each.cpu_times()[:2]) for each in tree))
            except (psutil.Error, OSError):
                pass  # one of them ended while it was looked at
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
    return Figures(
        wall_seconds=wall,
        cpu_seconds=max(cpu, usage.ru_utime + usage.ru_stime),
        peak_bytes=peak,  # not `ru_maxrss`: that of a child is never below what its parent held when it began
        written_bytes=size_of(folder) - before_bytes,
        printed=text,
    )


def _memory(tree: Sequence[psutil.Process]) -> int:
    if len(tree) == 1:
        return int(tree[0].memory_info().rss)
    return sum(_proportional_bytes(each.pid) for each in tree)


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
