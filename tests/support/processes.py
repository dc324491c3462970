"""Servers as processes of a test: on a port that is free, and surely gone afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def die_with_parent() -> None:
    """In a process that was just forked: have the kernel kill it when the thread that forked it is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    answers: Callable[[], bool],
    *,
    settings: Mapping[str, str] = {},
    within_seconds: float = 30,
    log_file: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that ``answers``; stopped at the end, and by the kernel if this process is killed.

    What it started itself, and left in its session, ends with it. What it writes stays in ``log_file``.

    Raises:
        RuntimeError: it ended or did not answer in time; the message shows what it wrote.
    """
    with log_file.open("w+b") if log_file else tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + within_seconds
            # Does it live, too? Somebody else may answer on the port that it did not get.
            while not (answers() and process.poll() is None):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    written = log.read().decode(errors="replace")
                    raise RuntimeError(f"{command[0]}: exit code {process.poll()}, no answer\n{written}")
                time.sleep(0.02)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def listens(port: int) -> bool:
    """Whether somebody takes calls on ``port``."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def wait_for(true: Callable[[], bool], within_seconds: float) -> None:
    """Wait until something is ``true``.

    Raises:
        TimeoutError: it is not, in time.
    """
    deadline = time.monotonic() + within_seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {within_seconds:g} s")
        time.sleep(0.05)
