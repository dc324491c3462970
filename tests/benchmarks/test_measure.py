"""What is measured of real processes, of which one or another is hard to see."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks.measure import Figures, measure

BURN = """
import os, signal, subprocess, sys, time
def burn(seconds):
    while time.process_time() < seconds: pass
"""


def figures_of(program: str, folder: Path | None = None) -> Figures:
    return measure([sys.executable, "-c", BURN + textwrap.dedent(program)], folder)


def test_a_process_by_itself(tmp_path: Path) -> None:
    figures = figures_of(
        f"""
        held = bytearray(os.urandom(1)) * 150_000_000
        open({str(tmp_path / "a")!r}, "wb").write(held[:1000])
        burn(0.4)
        print("said")
        """,
        tmp_path,
    )
    assert (figures.written_bytes, figures.printed) == (1000, "said\n")
    assert 150e6 < figures.peak_bytes < 250e6
    assert 0.4 <= figures.cpu_seconds < 3
    assert figures.wall_seconds >= 0.4


def test_a_zombie_does_not_hide_the_others() -> None:
    figures = figures_of(
        """
        if os.fork() == 0: os._exit(0)
        held = bytearray(os.urandom(1)) * 150_000_000
        time.sleep(0.5)
        """
    )
    assert figures.peak_bytes > 150e6


def test_children_are_summed_and_shared_pages_count_once() -> None:
    figures = figures_of(
        """
        held = bytearray(os.urandom(1)) * 100_000_000
        children = [os.fork(), os.fork()]  # three more processes
        own = bytearray(os.urandom(1)) * 50_000_000
        time.sleep(0.8)
        """
    )
    assert 300e6 < figures.peak_bytes < 450e6


@pytest.mark.parametrize(
    "program",
    [
        # Short-lived, and waited for: no sample has to see them.
        "for _ in range(20): subprocess.run([sys.executable, '-c', 'sum(range(10**6))'], check=True)",
        # Nobody waits for it, and the kernel adds its time to nobody's.
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        done, doing = os.pipe()
        if os.fork() == 0: burn(1.5); os._exit(0)
        os.close(doing); os.read(done, 1)  # it ends with the child
        """,
        # Its parent is gone before it begins.
        """
        done, doing = os.pipe()
        if os.fork() == 0:
            if os.fork() == 0: time.sleep(0.2); burn(1.5); os._exit(0)
            time.sleep(0.1); os._exit(0)
        os.close(doing); os.read(done, 1)
        """,
    ],
    ids=["short-lived", "not waited for", "orphan"],
)
def test_the_time_of_children_that_ended_counts(program: str) -> None:
    assert figures_of(program).cpu_seconds > 0.4


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(SystemExit, match=r"ended with 3\nno\n"):
        figures_of("sys.stderr.write('no\\n'); sys.exit(3)")
