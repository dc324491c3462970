"""A Flink cluster with two task managers, and workers of each kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from faraway import PATHS, NewStore, whole_way
from support import workers
from support.flink import Flink, job_server_jar
from support.lives import (
    hold_a_dead_worker_to_cost_nothing_else,
    hold_errors_to_arrive,
    hold_workers_to_be_others,
)
from support.processes import wait_for
from toystages import noted, sum_of_squares
from worlds import World

from pipelines.runner import Runner

pytestmark = pytest.mark.slow


@pytest.fixture
def in_pool(flink: Flink, pool: tuple[str, ...]) -> tuple[str, ...]:
    return flink.options(*pool)


def test_the_release_is_the_same(
    new_store: NewStore, world: World, digest: str, in_pool: tuple[str, ...]
) -> None:
    assert whole_way(new_store(), world, Runner(0, in_pool)) == digest


def test_two_workers_share_the_work(new_store: NewStore, in_pool: tuple[str, ...], tmp_path: Path) -> None:
    hold_workers_to_be_others(new_store(), in_pool, tmp_path, at_least=2)


def test_workers_that_task_managers_start_do_the_work(
    new_store: NewStore, flink: Flink, tmp_path: Path
) -> None:
    options = flink.options(*workers.processes(PATHS, tmp_path))
    hold_workers_to_be_others(new_store(), options, tmp_path, at_least=2)


def test_a_job_server_that_beam_starts_does(new_store: NewStore, flink: Flink) -> None:
    jar = f"--flink_job_server_jar={job_server_jar()}"
    options = ("--runner=FlinkRunner", f"--flink_master={flink.master}", jar, *workers.LOOPBACK)
    _, (total,) = Runner(0, options).run(new_store(), sum_of_squares([3, 4]))
    assert total.result.counts["sum"] == 25


def test_a_worker_that_dies_costs_its_action(
    new_store: NewStore, in_pool: tuple[str, ...], tmp_path: Path
) -> None:
    hold_a_dead_worker_to_cost_nothing_else(new_store(), in_pool, tmp_path)


def test_errors_arrive(new_store: NewStore, in_pool: tuple[str, ...]) -> None:
    hold_errors_to_arrive(new_store(), in_pool)


def test_an_error_is_the_same_one_line_with_an_engine_and_without(
    new_store: NewStore, world: World, in_pool: tuple[str, ...], tmp_path: Path
) -> None:
    """Rows that cannot be read are counted by one worker, and refused by another, which plans the rest."""
    lines = min((world.folder / "manifest").iterdir()).read_text().splitlines(keepends=True)[:100]
    mixed = tmp_path / "mixed.tsv"
    mixed.write_text("".join([*lines, *["no row\n"] * 10]))
    command = ["ingest", "manifest", new_store().url, str(mixed), "--format", "yfcc100m", "--snapshot", "a"]
    on_flink, plain = (_byleave(*command, *options) for options in (("--", *in_pool), ()))
    assert plain.returncode == on_flink.returncode == 4
    assert plain.stderr == on_flink.stderr
    assert len(plain.stderr.splitlines()) == 1


def test_after_ctrl_c_the_cluster_may_go_on_and_its_work_counts(
    new_store: NewStore, flink: Flink, in_pool: tuple[str, ...], tmp_path: Path
) -> None:
    """Beam's job server takes a wish to cancel and leaves the job on the cluster alone."""
    store = new_store()
    program = (
        "import signal, sys; from toystages import sum_of_squares; from pipelines.runner import Runner\n"
        "from pipelines.store.store import open_store\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "url, notes, *options = sys.argv[1:]\n"
        "try: Runner(0, tuple(options)).run(open_store(url), sum_of_squares([1], notes=notes, waits=True))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    command = [sys.executable, "-c", program, store.url, str(tmp_path), *in_pool]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=found) as process:
        wait_for((tmp_path / "runs").exists, within_seconds=90)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out == "interrupted\n"
    (tmp_path / "go").touch()
    wait_for(lambda: not _running(flink), within_seconds=60)
    Runner(0, in_pool).run(store, sum_of_squares([1], notes=str(tmp_path), waits=True))
    assert len(noted(tmp_path)) == 1


def _byleave(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _running(flink: Flink) -> bool:
    with urllib.request.urlopen(f"http://{flink.master}/jobs", timeout=10) as answer:
        return any(job["status"] in ("RUNNING", "CANCELLING") for job in json.load(answer)["jobs"])
