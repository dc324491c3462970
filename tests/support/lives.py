"""What has to hold on each engine whose workers are processes of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from toystages import noted, sum_of_squares

from pipelines.runner import Runner
from pipelines.store.store import Store
from transforms.domain.errors import InputError


def hold_workers_to_be_others(store: Store, options: Sequence[str], notes: Path, at_least: int) -> None:
    """The work is done, each piece once, by ``at_least`` so many processes, and none is this one."""
    _, (total,) = Runner(0, tuple(options)).run(store, sum_of_squares(range(1, 13), notes=str(notes)))
    assert total.result.counts["sum"] == 650
    runs = noted(notes)
    assert sorted(number for number, _ in runs) == list(range(1, 13))
    assert len({process for _, process in runs}) >= at_least


def hold_a_dead_worker_to_cost_nothing_else(store: Store, options: Sequence[str], notes: Path) -> None:
    """A process that is killed in the middle of action 6: the run ends well, and what was done stays done."""
    job = sum_of_squares(range(1, 13), notes=str(notes), kills_its_worker=[6])
    _, (total,) = Runner(0, tuple(options)).run(store, job)
    assert total.result.counts["sum"] == 650
    runs = noted(notes)
    killed = next(process for number, process in runs if number == 6)
    times = Counter(number for number, _ in runs)
    assert times[6] == 2
    # What the other worker had begun when the runner gave up may be begun again. One such action at most.
    assert sum(times.values()) <= 12 + 2
    assert all(times[number] == 1 for number, process in runs if process == killed and number != 6)
    # The second time nothing is left to do.
    Runner(0, tuple(options)).run(store, job)
    assert noted(notes) == runs


def hold_errors_to_arrive(store: Store, options: Sequence[str]) -> None:
    with pytest.raises(InputError) as caught:
        Runner(0, tuple(options)).run(store, sum_of_squares([5], fails="InputError"))
    assert str(caught.value) == "number 5: 'ü' \"quoted\" \\ BYLEAVE-ERROR [\nand a second line"
