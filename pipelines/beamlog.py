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
from typing import TextIO

from transforms.domain.errors import RetryError

_HELD = threading.Lock()


class BeamLog:
    """Where it goes.

    Attributes:
        path: of the file; None where another run of this process already holds the terminal.
    """

    def __init__(self, path: Path | None = None, terminal: int = 2) -> None:
        self.path = path
        self._terminal = terminal
        self._kept = False

    def say(self, line: str) -> None:
        """Tell the operator nevertheless."""
        os.write(self._terminal, f"{line}\n".encode())

    def keep(self) -> str:
        """Leave the file where it is; comes back with a sentence that names it."""
        self._kept = True
        return f". Beam's own log: {self.path}" if self.path else ""

    def _drop(self) -> None:
        if self.path and not self._kept:
            self.path.unlink(missing_ok=True)


class GaveUp(RetryError):
    """A runner ended before its work was done, and did not say why in words of ours."""

    def __init__(self, message: str, log: BeamLog) -> None:
        super().__init__(f"{message}{log.keep()}")
        self._log = log

    def forget(self) -> None:
        """Drop the log: the run goes on."""
        if self._log.path:
            self._log.path.unlink(missing_ok=True)


@contextlib.contextmanager
def diverted() -> Iterator[BeamLog]:
    """Standard error of this process and its children goes to a file while the block runs; logging too."""
    if not _HELD.acquire(blocking=False):
        yield BeamLog()
        return
    number, name = tempfile.mkstemp(prefix="byleave-beam-", suffix=".log")
    terminal = os.dup(2)
    log = BeamLog(Path(name), terminal)
    try:
        os.dup2(number, 2)
        with os.fdopen(number, "a", encoding="utf-8", errors="replace") as file, _logged_to(file):
            yield log
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        log._drop()
        _HELD.release()


@contextlib.contextmanager
def _logged_to(file: TextIO) -> Iterator[None]:
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
