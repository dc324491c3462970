"""What Beam and its workers write goes to a file, not to the operator's terminal.

A worker in this process prints the trace of each error that it reports, workers that Beam starts inherit the
terminal, and gRPC writes there by itself. None of it says better what the one line of the error says; where
there is no such line, the file is named.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from transforms.domain.errors import RetryError

_HELD = threading.Lock()


class BeamLog:
    """What was written so far: a file without a name, so that one that is killed leaves nothing behind."""

    def __init__(self, written: IO[str] | None = None, terminal: int = 2) -> None:
        self._written = written
        self._terminal = terminal

    def say(self, line: str) -> None:
        """Tell the operator nevertheless."""
        os.write(self._terminal, f"{line}\n".encode())

    def keep(self) -> Path | None:
        """A file with all of it; None where another run of this process already holds the terminal."""
        if self._written is None:
            return None
        self._written.flush()
        kept, name = tempfile.mkstemp(prefix="byleave-beam-", suffix=".log")
        with os.fdopen(kept, "wb") as file:
            size = os.fstat(self._written.fileno()).st_size
            file.write(os.pread(self._written.fileno(), size, 0))
        return Path(name)


class GaveUp(RetryError):
    """A runner ended before its work was done, and did not say why in words of ours."""

    def __init__(self, message: str, log: BeamLog) -> None:
        self._log = log.keep()
        super().__init__(f"{message}. Beam's own log: {self._log}" if self._log else message)

    def forget(self) -> None:
        """Drop the log: the run goes on."""
        if self._log:
            self._log.unlink(missing_ok=True)


@contextlib.contextmanager
def diverted() -> Iterator[BeamLog]:
    """Standard error of this process and its children goes to a file while the block runs; logging too."""
    if not _HELD.acquire(blocking=False):
        yield BeamLog()
        return
    terminal = os.dup(2)
    try:
        with tempfile.TemporaryFile("a+", encoding="utf-8", errors="replace") as file, _logged_to(file):
            os.dup2(file.fileno(), 2)
            yield BeamLog(file, terminal)
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        _HELD.release()


@contextlib.contextmanager
def _logged_to(file: IO[str]) -> Iterator[None]:
    handler = logging.StreamHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    beam = logging.getLogger("apache_beam")
    before, logging.root.handlers = logging.root.handlers, [handler]
    # Threads of Beam end a moment after the run, and complain: nobody is to hear that either.
    beam.handlers, beam.propagate = [handler], False
    try:
        yield
    finally:
        logging.root.handlers, beam.handlers = before, [logging.NullHandler()]
