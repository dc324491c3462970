from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import toystages
from byhand import ByHand, listing
from toystages import sum_of_squares

from pipelines.actions import Stage
from pipelines.ingest_plans import PlanIndex, PlanLookMerge, PlanManifestMerge, PlanPartition
from pipelines.jobs import Job, Plan
from pipelines.release import release_job
from pipelines.release_inputs import Inputs
from pipelines.runner import Runner
from pipelines.steps import index, merge, partition
from pipelines.store.memo import Memos, Result
from pipelines.store.store import Dataset, Store
from pipelines.store.tables import MANIFESTS, Table
from pipelines.submission import parse
from transforms.domain import errors
from transforms.domain.errors import ByleaveError, ConfigError, IntegrityError, RetryError, UnreachableError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _nothing_ran() -> Iterator[None]:
    toystages.ran.clear()
    yield
    toystages.ran.clear()


# --- Options with which a run cannot be trusted --------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--direct_running_mode=multi_threading",),
        ("--direct_running_mode", "multi_threading"),
        ("--direct_num_workers=2", "--direct_running_mode='multi_threading'"),
        ("--direct_running_mod=multi_threading",),  # options may be cut short
    ],
)
def test_multi_threading_is_refused_with_the_reason(options: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="loses rows without an error") as caught:
        Runner(2, options)
    assert "use in_memory or multi_processing" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        ("--runner=DirectRunner",),
        ("--runner", "DirectRunner"),
        ("--runner=direct",),
        ("--runner=directrunner",),
        ("--runner=SwitchingDirectRunner",),
        ("--runner=apache_beam.runners.direct.direct_runner.DirectRunner",),
    ],
)
def test_the_runner_that_is_not_what_it_says_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="downloads another runner"):
        Runner(2, options)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Runner(2, ("--runner=DirectRunner", "--direct_running_mode=multi_threading"))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--runner=FnApiRunner",),
        ("--runner=PrismRunner",),
        ("--runner=FlinkRunner", "--parallelism=8"),
        ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
        ("--direct_running_mode=in_memory",),
    ],
)
def test_other_options_are_beams_own_affair(options: tuple[str, ...]) -> None:
    assert Runner(2, options).beam_options == options


def test_workers_are_a_number() -> None:
    with pytest.raises(ConfigError, match="--workers -1"):
        Runner(-1)


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        (Runner(3), {"runner": "FnApiRunner", "direct_num_workers": 3, "direct_running_mode": "in_memory"}),
        (
            Runner(3, ("--direct_running_mode=multi_processing", "--direct_num_workers=2")),
            {"runner": "FnApiRunner", "direct_num_workers": 2, "direct_running_mode": "multi_processing"},
        ),
        (Runner(), {"runner": "FnApiRunner", "direct_num_workers": 5}),
        (Runner(3, ("--runner=FlinkRunner", "--parallelism=8")), {"runner": "FlinkRunner", "parallelism": 8}),
    ],
)
def test_what_the_user_says_wins_over_what_is_usual(runner: Runner, expected: dict[str, object]) -> None:
    options = parse(runner.options(5)).get_all_options()
    assert {name: options[name] for name in expected} == expected


# --- Running -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", [Runner(1), Runner(2), ByHand()], ids=["1 worker", "2 workers", "by hand"])
def test_a_job_comes_to_its_results_and_the_next_time_nothing_runs(store: Store, runner: Runner) -> None:
    numbers = [3, 1, 9, 2, 7]
    squares, (total,) = runner.run(store, sum_of_squares(numbers))
    assert [done.result.counts["square"] for done in squares] == [n * n for n in numbers]
    assert total.result.counts["sum"] == sum(n * n for n in numbers)
    assert sorted(toystages.ran) == sorted([*(f"square {n}" for n in numbers), "add"])
    toystages.ran.clear()
    before = listing(Path(store.url))
    again = Runner(2).run(store, sum_of_squares(numbers))
    assert again == [squares, [total]]
    assert toystages.ran == []
    assert listing(Path(store.url)) == before


def test_only_what_has_no_memo_runs(store: Store) -> None:
    Runner(1).run(store, sum_of_squares([1, 2, 3]))
    toystages.ran.clear()
    Runner(2).run(store, sum_of_squares([1, 2, 3, 4]))
    assert sorted(toystages.ran) == ["add", "square 4"]


def test_a_run_reads_each_memo_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in the driver's process plan from what the driver has read."""
    Runner(1).run(store, sum_of_squares([1, 2, 3]))
    read: Counter[str] = Counter()
    get = Memos.get

    def count(memos: Memos, stage: str, key: str) -> Result | None:
        found = get(memos, stage, key)
        read[key] += found is not None
        return found

    monkeypatch.setattr(Memos, "get", count)
    Runner(2).run(store, sum_of_squares([1, 2, 3, 4]))
    assert len(read) == 5
    assert set(read.values()) == {1}


def test_with_nothing_to_do_beam_is_not_loaded(store: Store) -> None:
    ByHand().run(store, sum_of_squares([1, 2]))
    program = (
        "import sys; from pipelines.runner import Runner; from pipelines.store.store import open_store\n"
        "from toystages import sum_of_squares\n"
        "print(Runner(2).run(open_store(sys.argv[1]), sum_of_squares([1, 2]))[1][0].result.counts['sum'])\n"
        "assert 'apache_beam' not in sys.modules\n"
    )
    command = [sys.executable, "-c", program, store.url]
    environment = {"PYTHONPATH": f"{HERE}:{HERE.parent}"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "5\n"


def test_a_runner_that_ends_well_with_results_missing_is_not_believed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "_submit", lambda *_: None)
    with pytest.raises(RetryError, match="actions of the stage Square have no result"):
        Runner(1).run(store, sum_of_squares([1]))


@pytest.mark.parametrize(("kind", "times"), [(RetryError, 3), (UnreachableError, 1), (IntegrityError, 1)])
def test_a_run_that_another_disturbed_is_made_again_and_an_outage_is_not_waited_for_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: type[ByleaveError], times: int
) -> None:
    submitted = []

    def submit(*_: object) -> None:
        submitted.append(1)
        raise kind("once more")

    monkeypatch.setattr(Runner, "_submit", submit)
    with pytest.raises(kind, match="once more"):
        Runner(1).run(store, sum_of_squares([1]))
    assert len(submitted) == times


KINDS = [kind for kind in errors._BY_NAME if kind != "ByleaveError"]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_cross_the_runner_whole(store: Store, kind: str) -> None:
    with pytest.raises(ByleaveError) as caught:
        Runner(2).run(store, sum_of_squares([5], fails=kind))
    assert type(caught.value) is getattr(errors, kind)
    assert str(caught.value) == "number 5: 'ü' \"quoted\" \\ BYLEAVE-ERROR [\nand a second line"
    assert list(store.backend.list("memo/Square")) == []


def test_an_error_that_nobody_foresaw_is_a_defect_and_brings_its_trace(store: Store) -> None:
    with pytest.raises(ByleaveError) as caught:
        Runner(1).run(store, sum_of_squares([5], fails="ValueError"))
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith("a defect of byleave:\nTraceback")
    assert "toystages.py" in str(caught.value)
    assert "'ü' \"quoted\"\nand a second line" in str(caught.value)


def test_errors_cross_from_other_processes(store: Store) -> None:
    program = (
        "import sys; from pipelines.runner import Runner; from pipelines.store.store import open_store\n"
        "from toystages import sum_of_squares; from transforms.domain.errors import InputError\n"
        "options = ('--direct_running_mode=multi_processing', '--direct_num_workers=2')\n"
        "try: Runner(0, options).run(open_store(sys.argv[1]), sum_of_squares([5], fails='InputError'))\n"
        "except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, store.url]
    environment = {
        "PYTHONPATH": f"{HERE}:{HERE.parent}",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "number 5: 'ü' \"quoted\" \\ BYLEAVE-ERROR [\nand a second line\n", found.stderr


def test_a_worker_with_another_byleave_is_stopped_before_it_works_for_nothing(
    store: Store, tmp_path: Path
) -> None:
    """The driver has these sources; its workers, processes of their own, find edited ones."""
    (tmp_path / "toystages.py").write_text((HERE / "toystages.py").read_text() + "# another byleave\n")
    program = (
        "import os, sys; from pipelines.runner import Runner; from pipelines.store.store import open_store\n"
        "from toystages import sum_of_squares; from transforms.domain.errors import ConfigError\n"
        "os.environ['PYTHONPATH'] = sys.argv[2] + ':' + os.environ['PYTHONPATH']\n"
        "options = ('--direct_running_mode=multi_processing', '--direct_num_workers=1')\n"
        "try: Runner(0, options).run(open_store(sys.argv[1]), sum_of_squares([5]))\n"
        "except ConfigError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, store.url, str(tmp_path)]
    environment = {
        "PYTHONPATH": f"{HERE}:{HERE.parent}",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    (line,) = found.stdout.splitlines()
    assert line.startswith("Square: a worker has another byleave than the driver (code "), found.stderr
    theirs, ours = line.split("(")[1].split(")")[0].split("; the driver's: ")
    assert theirs != ours
    assert "pyarrow" in ours
    assert list(store.backend.list("memo/Square")) == []


def test_a_failed_run_keeps_what_was_done_before(store: Store) -> None:
    runner = Runner(1)
    job = sum_of_squares([1, 2])
    runner.run(store, job)
    with pytest.raises(IntegrityError):
        runner.run(store, sum_of_squares([3], fails="IntegrityError"))
    toystages.ran.clear()
    runner.run(store, job)
    assert toystages.ran == []


def test_logging_is_as_it_was_after_a_run(store: Store) -> None:
    with pytest.raises(IntegrityError):
        Runner(1).run(store, sum_of_squares([3], fails="IntegrityError"))
    assert logging.root.manager.disable == logging.NOTSET


# --- The pipeline --------------------------------------------------------------------------------------


def test_stage_labels_are_the_golden_ones(golden: Callable[[str, str], None]) -> None:
    """Labels are what an operator of Flink or Dataflow sees, and by which a running job is updated."""
    import apache_beam
    from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

    from pipelines import beam

    def ours(job: Job) -> list[str]:
        labels = []

        class Labels(PipelineVisitor):  # type: ignore[misc]
            def note(self, node: AppliedPTransform) -> None:
                depth = node.full_label.count("/")
                # What Beam calls the steps inside of its own transforms is its own affair.
                if node.full_label and depth <= 1 and not node.full_label.startswith("Start/"):
                    labels.append(node.full_label)

            def enter_composite_transform(self, node: AppliedPTransform) -> None:
                self.note(node)

            def visit_transform(self, node: AppliedPTransform) -> None:
                self.note(node)

        pipeline = apache_beam.Pipeline(runner="FnApiRunner")
        beam.build(pipeline, "nowhere", job, 0, "no run")
        pipeline.visit(Labels())
        return labels

    nothing = Inputs(Table(MANIFESTS, ""), (), (), "")
    a_store: Any = SimpleNamespace(dataset=Dataset("d", "flickr", 16))
    a_policy: Any = SimpleNamespace(observers=())
    jobs: dict[str, list[tuple[Stage, Plan]]] = {
        "ingest manifest": [
            (partition.STAGE, PlanPartition(())),
            (index.STAGE, PlanIndex(16)),
            (merge.STAGE, PlanManifestMerge(16, 100)),
        ],
        "ingest licenses": [(partition.STAGE, PlanPartition(())), (merge.STAGE, PlanLookMerge())],
        "release cut": list(release_job(a_store, nothing, a_policy).stages),
    }
    lines = []
    for name, stages in jobs.items():
        lines += [name, *(f"  {label}" for label in ours(Job(name, stages))), ""]
    golden("stages.txt", "\n".join(lines))
    heard_of = {label.split("/")[0] for label in ours(release_job(a_store, nothing, a_policy))}
    assert heard_of == {"Start", "Standing", "Resolve", "Ledger", "Scan", "Join", "Cut"}
