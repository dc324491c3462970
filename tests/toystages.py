"""Two stages about numbers, to test jobs and runners by: what they do is plain to see.

They are a module, since a stage travels to workers by its function's name.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.actions import Action, Done, Stage
from pipelines.jobs import Job
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain import errors

ran: list[str] = []
"""What was run in this process, in order."""


def square(store: Store, action: Action) -> Result:
    number = action.inputs["number"]
    ran.append(f"square {number}")
    if folder := action.refs.get("notes"):
        note(Path(folder), number, dies=number in action.refs["kills_its_worker"])
        if action.refs["waits"]:
            _wait_for(Path(folder) / "go")
    if kind := action.inputs.get("fails"):
        if kind == "ValueError":
            raise ValueError("a plain mistake: 'ü' \"quoted\"\nand a second line")
        raise getattr(errors, kind)(f"number {number}: 'ü' \"quoted\" \\ BYLEAVE-ERROR [\nand a second line")
    blob = store.blobs.put_bytes(str(number * number).encode(), ".txt")
    return Result({"square": blob}, counts={"square": number * number, "rows_read": number})


def note(folder: Path, number: int, *, dies: bool) -> None:
    """Leave word of which process runs an action. One that ``dies`` kills the first process that runs it."""
    with (folder / "runs").open("a") as runs:
        runs.write(f"{number} {os.getpid()}\n")
    if dies:
        try:
            (folder / f"{number}.died").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def noted(folder: Path) -> list[tuple[int, int]]:
    """The number and the process of each action that was begun, in order."""
    lines = (folder / "runs").read_text().splitlines()
    return [(int(number), int(process)) for number, process in map(str.split, lines)]


def add(store: Store, action: Action) -> Result:
    ran.append("add")
    return Result(counts={"sum": sum(action.inputs["squares"])})


SQUARE, ADD = Stage("Square", square), Stage("Add", add)


class PlanSquares:
    def __init__(self, numbers: Sequence[int], fails: str = "", **refs: Any) -> None:
        self.numbers, self.fails, self.refs = numbers, fails, refs

    def __call__(self, results: Sequence[Sequence[Done]]) -> list[Action]:
        settings = {"fails": self.fails} if self.fails else {}
        return [
            Action({"number": n, **settings}, {"place": p, **self.refs}, n)
            for p, n in enumerate(self.numbers)
        ]


class PlanSum:
    def __call__(self, results: Sequence[Sequence[Done]]) -> list[Action]:
        squares = [done.result.counts["square"] for done in results[0]]
        return [Action({"squares": squares}, {}, len(squares))]


def sum_of_squares(
    numbers: Sequence[int],
    fails: str = "",
    *,
    notes: str = "",
    kills_its_worker: Sequence[int] = (),
    waits: bool = False,
) -> Job:
    """Adds squares. With a folder of ``notes`` it is told there who ran what: see :func:`noted`.

    Actions that ``wait`` go on when there is a file `go` in that folder.
    """
    refs = {"notes": notes, "kills_its_worker": list(kills_its_worker), "waits": waits} if notes else {}
    return Job("sum of squares", ((SQUARE, PlanSquares(numbers, fails, **refs)), (ADD, PlanSum())))
