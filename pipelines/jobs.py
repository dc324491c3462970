"""Jobs: chains of stages, each planned from the results of those before it.

The driver plans as far as memos reach. If anything is left, a runner does the rest, carrying references and
never rows; plans are pure functions of memos, so a worker that plans the next stage comes to the same
actions. Afterwards every result is read from its memo: a run that was killed and started again, one on
another runner, and one with nothing to do all end in the same place.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.actions import Action, Done, Stage
from pipelines.store.memo import Result
from pipelines.store.store import Store

Plan = Callable[[Sequence[Sequence[Done]]], Sequence[Action]]
"""From the results of each stage before this one to this stage's actions. Pure, and picklable."""


@dataclass(frozen=True)
class Job:
    """Stages in the order in which they run.

    Attributes:
        name: of the job.
        stages: each with its plan.
        idle: places of stages with nothing to do whatever comes of those before: no runner hears of them.
    """

    name: str
    stages: Sequence[tuple[Stage, Plan]]
    idle: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Progress:
    """How far a stage is. Weights are rows or bytes, whichever the stage knows before it starts."""

    stage: str
    actions: int
    actions_done: int
    weight: int
    weight_done: int
    rows_done: int


class Replay:
    """A job as far as memos reach. Nothing is run. Several threads may advance it."""

    def __init__(self, store: Store, job: Job) -> None:
        self._store = store
        self._job = job
        self._guard = threading.Lock()
        # Two actions with one key are one piece of work with two places: byte-equal splits, for one.
        self._planned: list[list[tuple[str, Action]]] = []
        self._done: list[dict[str, Result]] = []

    def advance(self) -> list[Progress]:
        """Look for the memos that were missing, plan what they allow, and tell how far each stage is."""
        with self._guard:
            self._advance()
            return [self._progress(place) for place in range(len(self._planned))]

    def _advance(self) -> None:
        for place, (stage, plan) in enumerate(self._job.stages):
            if place == len(self._planned):
                actions = plan([self.results(before) for before in range(place)])
                self._planned.append([(stage.key(action), action) for action in actions])
                self._done.append({})
            planned, done = self._planned[place], self._done[place]
            unknown = {key: None for key, _ in planned if key not in done}
            done |= self._store.memos.get_all(stage.name, list(unknown))
            if self._is_left(place):
                break

    def _is_left(self, place: int) -> bool:
        return any(key not in self._done[place] for key, _ in self._planned[place])

    def _progress(self, place: int) -> Progress:
        planned = self._planned[place]
        done = self.results(place)
        return Progress(
            stage=self._job.stages[place][0].name,
            actions=len(planned),
            actions_done=len(done),
            weight=sum(action.weight for _, action in planned),
            weight_done=sum(each.action.weight for each in done),
            rows_done=sum(each.result.counts.get("rows_read", each.action.weight) for each in done),
        )

    @property
    def stage_reached(self) -> int:
        """The place of the first stage with work left; the number of stages if there is none."""
        return next((p for p in range(len(self._planned)) if self._is_left(p)), len(self._planned))

    @property
    def complete(self) -> bool:
        """Whether every action of every stage has its memo."""
        return self.stage_reached == len(self._job.stages)

    def results(self, place: int) -> list[Done]:
        """The results of a stage, one for each action, in the order in which it was planned."""
        done = self._done[place]
        return [Done(action, done[key]) for key, action in self._planned[place] if key in done]

    def missing(self, place: int) -> Iterator[Action]:
        """What is left of a stage, each piece of work once, the largest first: workers finish together."""
        left = {key: action for key, action in self._planned[place] if key not in self._done[place]}
        return iter(sorted(left.values(), key=lambda action: -action.weight))


_OPEN: dict[str, Replay] = {}


@contextlib.contextmanager
def opened(replay: Replay) -> Iterator[str]:
    """A name under which whoever plans in this process finds ``replay``, until the block ends.

    A worker in the driver's own process need not read all memos again for each stage that it plans.
    """
    name = secrets.token_hex(8)
    _OPEN[name] = replay
    try:
        yield name
    finally:
        del _OPEN[name]


def replay_of(name: str, store: Store, job: Job) -> Replay:
    """The replay that is open under ``name`` in this process, or a new one."""
    return _OPEN.get(name) or Replay(store, job)
