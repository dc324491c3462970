"""Progress for people: stage, rows, rate, time left. Quiet when nobody is at the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.jobs import Replay

if TYPE_CHECKING:
    from rich.progress import TaskID

_EVERY_SECONDS = 0.5
_PAUSE_PER_LOOK = 10


def at_terminal() -> bool:
    """Whether a person sees standard error."""
    return sys.stderr.isatty()


@dataclass(frozen=True)
class Watch:
    """Shows work on standard error if ``shown``; otherwise does nothing, and reads nothing."""

    shown: bool = False

    @contextlib.contextmanager
    def following(self, title: str, replay: Replay) -> Iterator[None]:
        """Shows how far a job's stages are, read from their memos, while the block runs."""
        if not self.shown:
            yield
            return
        stop = threading.Event()
        with _bars() as show:

            def look() -> None:
                with contextlib.suppress(Exception):  # what goes wrong is the run's to report
                    for each in replay.advance():
                        show(f"{title}: {each.stage.lower()}", each.weight_done, each.weight, each.rows_done)

            def follow() -> None:
                pause = _EVERY_SECONDS
                while not stop.wait(pause):
                    began = time.monotonic()
                    look()
                    # Where a look is many requests, it is to be a small part of what the run asks for.
                    pause = max(_EVERY_SECONDS, _PAUSE_PER_LOOK * (time.monotonic() - began))

            thread = threading.Thread(target=follow, daemon=True)
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()
                look()

    @contextlib.contextmanager
    def counting(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A function to call with how many of ``total`` are done."""
        if not self.shown:
            yield lambda _: None
            return
        with _bars() as show:
            last = [0.0]

            def report(done: int) -> None:
                now = time.monotonic()
                if now - last[0] > _EVERY_SECONDS / 5 or done >= total:
                    last[0] = now
                    show(title, done, total, done)

            yield report


UNWATCHED = Watch()


@contextlib.contextmanager
def _bars() -> Iterator[Callable[[str, int, int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rows(ProgressColumn):
        def render(self, task: Task) -> Text:
            rows, seconds = task.fields["rows"], task.finished_time or task.elapsed or 0
            rate = f"{rows / seconds:>9,.0f}/s" if rows and seconds else ""
            return Text(f"{rows:>11,} {rate}", style="cyan")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        Rows(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # A terminal of its own: while Beam runs, standard error is a file.
    with os.fdopen(os.dup(2), "w") as terminal, Progress(*columns, console=Console(file=terminal)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(title: str, done: int, total: int, rows: int) -> None:
            if title not in tasks:
                tasks[title] = bars.add_task(title, total=total, rows=0)
            bars.update(tasks[title], completed=done, total=total, rows=rows)

        yield show
