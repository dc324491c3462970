"""Two stages about numbers, to test jobs and runners by: what they do is plain to see.

They are a module, since a stage travels to workers by its function's name.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    if kind := action.inputs.get("fails"):
        if kind == "ValueError":
            raise ValueError("a plain mistake: 'ü' \"quoted\"\nand a second line")
        raise getattr(errors, kind)(f"number {number}: 'ü' \"quoted\" \\ BYLEAVE-ERROR [\nand a second line")
    blob = store.blobs.put_bytes(str(number * number).encode(), ".txt")
    return Result({"square": blob}, counts={"square": number * number, "rows_read": number})


def add(store: Store, action: Action) -> Result:
    ran.append("add")
    return Result(counts={"sum": sum(action.inputs["squares"])})


SQUARE, ADD = Stage("Square", square), Stage("Add", add)


class PlanSquares:
    def __init__(self, numbers: Sequence[int], fails: str = "") -> None:
        self.numbers, self.fails = numbers, fails

    def __call__(self, results: Sequence[Sequence[Done]]) -> list[Action]:
        settings = {"fails": self.fails} if self.fails else {}
        return [Action({"number": n, **settings}, {"place": p}, n) for p, n in enumerate(self.numbers)]


class PlanSum:
    def __call__(self, results: Sequence[Sequence[Done]]) -> list[Action]:
        squares = [done.result.counts["square"] for done in results[0]]
        return [Action({"squares": squares}, {}, len(squares))]


def sum_of_squares(numbers: Sequence[int], fails: str = "") -> Job:
    return Job("sum of squares", ((SQUARE, PlanSquares(numbers, fails)), (ADD, PlanSum())))
