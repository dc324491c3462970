"""A job as a Beam pipeline: the one module that imports Beam, loaded only when there is something to run.

What travels is an action as JSON: digests, places and settings, never a row. Each stage is three steps: a
worker replays the memos and plans what is left, the actions run wherever there is room, and counting them
is the barrier behind which the next stage can be planned.
"""

from __future__ import annotations

import contextlib
import json
import socket
import traceback
from collections.abc import Iterator

import apache_beam as beam

from pipelines import code
from pipelines.actions import Action, Stage
from pipelines.jobs import Job, replay_of
from pipelines.store.store import Store, open_store
from transforms.domain.errors import ByleaveError, ConfigError, StateError, encode, unusable


@contextlib.contextmanager
def _carried(driver: str) -> Iterator[None]:
    """Errors in a form that survives any runner: as text, whole, without the runner's own trace.

    One of another machine than the ``driver``'s says which: what is missing there may be here.
    """
    host = socket.gethostname()
    where = "" if host == driver else f" (on the worker {host})"
    try:
        yield
    except ByleaveError as error:
        raise RuntimeError(encode(type(error)(f"{error}{where}"))) from None
    except OSError as error:
        raise RuntimeError(encode(StateError(f"{unusable(error)}{where}"))) from None
    except Exception as error:
        raise RuntimeError(encode(ByleaveError(f"a defect of byleave:\n{traceback.format_exc()}"))) from error


def _store(url: str) -> Store:
    """The store as this worker sees it."""
    try:
        return open_store(url)
    except (StateError, OSError) as error:
        raise StateError(
            f"{url}: a worker cannot open the store ({error}). Workers on other machines need one that all of"
            " them reach, such as gs://bucket/path, or a shared disk"
        ) from None


def _version(stage: Stage) -> str:
    """What a stage's results hang on besides their inputs, in words for the operator."""
    tools = ", ".join(f"{name} {version}" for name, version in sorted(code.toolchain().items()))
    return f"code {code.digest(stage.run.__module__)[:12]}, {tools}"


def _check_same(stage: Stage, drivers: str) -> None:
    """Stop a worker whose results the driver would not find: it would work for hours, and for nothing."""
    if (ours := _version(stage)) != drivers:
        raise ConfigError(
            f"{stage.name}: a worker has another byleave than the driver ({ours}; the driver's: {drivers})."
            " Give both the same package, such as one image, and run it again"
        )


# What the elements are is said to Beam in so many words: it does not read annotations that are strings.
@beam.typehints.with_output_types(bytes)
class PlanActions(beam.DoFn):
    """The actions of one stage that have no memo, the largest first, when all stages before are done."""

    def __init__(self, store_url: str, job: Job, place: int, run: str) -> None:
        self._store_url = store_url
        self._job = job
        self._place = place
        self._run = run
        self._driver = socket.gethostname()
        self._version = _version(job.stages[place][0])

    def process(self, _: object) -> Iterator[bytes]:
        with _carried(self._driver):
            _check_same(self._job.stages[self._place][0], self._version)
            replay = replay_of(self._run, _store(self._store_url), self._job)
            replay.advance()
        if replay.stage_reached == self._place:
            for action in replay.missing(self._place):
                yield json.dumps(action.to_json()).encode()


@beam.typehints.with_output_types(int)
class PerformAction(beam.DoFn):
    """Runs one action and remembers its result. Running it twice changes nothing."""

    def __init__(self, store_url: str, stage: Stage) -> None:
        self._store_url = store_url
        self._stage = stage
        self._driver = socket.gethostname()
        self._version = _version(stage)

    def process(self, element: bytes) -> Iterator[int]:
        action = Action.from_json(json.loads(element))
        with _carried(self._driver):
            _check_same(self._stage, self._version)
            self._stage.perform(_store(self._store_url), action)
        yield action.weight


class RunActions(beam.PTransform):
    """Plans, runs and remembers one stage of a job; comes back with one element when all of it is done."""

    def __init__(self, store_url: str, job: Job, place: int, run: str) -> None:
        super().__init__()
        self._store_url = store_url
        self._job = job
        self._place = place
        self._run = run
        self._stage = job.stages[place][0]

    def expand(self, ready: beam.PCollection) -> beam.PCollection:
        return (
            ready
            | "Plan" >> beam.ParDo(PlanActions(self._store_url, self._job, self._place, self._run))
            | "Spread" >> beam.Reshuffle()
            | "Perform" >> beam.ParDo(PerformAction(self._store_url, self._stage))
            | "Finish" >> beam.CombineGlobally(beam.combiners.CountCombineFn())
        )


def build(pipeline: beam.Pipeline, store_url: str, job: Job, first: int, run: str) -> beam.PCollection:
    """The stages of ``job`` from ``first`` on, one after the other. ``run``: see :func:`jobs.opened`."""
    ready = pipeline | "Start" >> beam.Create([0])
    for place in sorted({*range(first, len(job.stages))} - job.idle):
        ready = ready | job.stages[place][0].name >> RunActions(store_url, job, place, run)
    return ready
