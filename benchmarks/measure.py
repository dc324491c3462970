"""Whole-process figures: wall and CPU seconds, and the peak memory of a process and all its children."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Figures:
    """One run of one command. Memory is the sum of resident sets: shared pages count once per process."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure(command: Sequence[str]) -> Figures:
    """Run ``command`` to its end; it must succeed."""
    before = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak, cpu = 0, 0.0
    while process.poll() is None:
        try:
            tree = [process, *process.children(recursive=True)]
            peak = max(peak, sum(each.memory_info().rss for each in tree))
            cpu = max(cpu, sum(sum(each.cpu_times()[:2]) for each in tree))
        except psutil.Error:
            pass
        time.sleep(_EVERY_SECONDS)
    wall = time.perf_counter() - before
    if process.returncode:
        sys.exit(f"{' '.join(command)}\n{process.stderr.read().decode()}")
    return Figures(wall, cpu, peak)
