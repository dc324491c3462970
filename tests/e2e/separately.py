"""Processes of their own: `whole_way.py`, and the command line."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


def environment(**more: str) -> dict[str, str]:
    """Beam's workers are found by `python`, and everything of ours in this checkout."""
    ours = ":".join(map(str, (HERE, HERE.parent, HERE.parents[1])))
    return {**os.environ, "PYTHONPATH": ours, "PATH": f"{BIN}:{os.environ['PATH']}", **more}


def whole_way(
    url: str, world: Path, steps: str, *options: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """How `whole_way.py` ended."""
    command = [sys.executable, str(HERE / "whole_way.py"), url, str(world), steps, *options]
    return subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False)


def byleave(*arguments: str) -> subprocess.Popen[str]:
    """The command line, running as in a terminal."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments]
    # What a shell starts in the background ignores Ctrl-C, and so does all that it starts: CI may be that.
    hears_ctrl_c = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command,
        preexec_fn=hears_ctrl_c,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE.parents[1],
    )
