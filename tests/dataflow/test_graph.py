"""What Dataflow would be asked, as its own SDK words it: the request, the graph, and what is uploaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dataflow")]

HERE = Path(__file__).parent
STAGES = {
    "manifest 2014-05": ["Partition", "Index", "Merge"],
    "licenses 2026-11-01": ["Partition", "Merge"],
    "release": [
        *(
            "Standing",
            "Resolve",
            "Ledger",
            "WideTargets",
            "Scan",
            "StandingSignals",
            "Signals",
            "Join",
            "Cut",
        ),
        "Tally",
    ],
}
OURS = (
    *("--runner=DataflowRunner", "--project=some-project", "--region=europe-west4"),
    *("--temp_location=gs://bucket/tmp", "--sdk_container_image=europe-docker.pkg.dev/some/byleave:1"),
)
OF_THE_USER = (
    *("--job_name=tonight", "--labels=team=photos", "--number_of_worker_harness_threads=3"),
    *("--resource_hint=min_ram=16GB", "--max_num_workers=7"),
)
Drawn = dict[str, tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what is uploaded lies."""
    return tmp_path_factory.mktemp("graph") / "out"


@pytest.fixture(scope="module")
def drawn(worker: Path, archive: Path, sent: Path) -> Drawn:
    """Each request, and what there is to say of its graph."""
    setup_file = archive.parents[1] / "checkout" / "setup.py"
    asked = {
        **{job: (job, OURS) for job in STAGES},
        "tonight": ("release", (*OURS, *OF_THE_USER)),
        "from setup.py": ("release", (*OURS[:-1], f"--setup_file={setup_file}")),
    }
    command = [str(worker), str(HERE / "draw_graph.py"), str(sent), "gs://bucket/store", json.dumps(asked)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=sent.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    graphs = json.loads(done.stdout.splitlines()[-1])
    return {name: (json.loads((sent / name / "job.json").read_text()), graphs[name]) for name in asked}


@pytest.fixture(scope="module")
def release(drawn: Drawn) -> tuple[dict[str, Any], dict[str, Any]]:
    return drawn["release"]


@pytest.mark.parametrize("job", STAGES)
def test_a_graph_has_the_stages_of_its_job(drawn: Drawn, job: str) -> None:
    request, graph = drawn[job]
    _has_stages(graph, STAGES[job])
    assert request["name"].startswith(f"byleave-{job.replace(' ', '-')}-")


def _has_stages(graph: dict[str, Any], stages: list[str]) -> None:
    steps = ("Plan", "Spread", "Perform", "Finish")
    assert {f"{stage}/{step}" for stage in stages for step in steps} <= set(graph["labels"])
    assert {label.split("/")[0] for label in graph["labels"] if "/" in label} == {"Start", *stages}
    # What is planned is spread before it is done, else one worker would do all of it.
    assert len(graph["shuffles"]) == 2 * len(stages)
    assert {f"{stage}/Spread/ReshufflePerKey/GroupByKey" for stage in stages} <= set(graph["shuffles"])


def test_a_release_is_one_batch_job_of_four_stages(release: tuple[dict[str, Any], dict[str, Any]]) -> None:
    request, graph = release
    assert request["type"] == "JOB_TYPE_BATCH"
    assert graph["bounded"] == [2]  # beam_runner_api_pb2.IsBounded.BOUNDED
    assert graph["bytes"] < 1_000_000  # of the 20 MB that a request may have


def test_what_travels_is_an_action_as_bytes_and_never_a_row(
    release: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    coders = release[1]["coders"]
    for stage in STAGES["release"]:
        assert coders[f"{stage}/Plan"] == ["bytes"]
        assert coders[f"{stage}/Spread"] == ["bytes"]
        assert coders[f"{stage}/Perform"] == ["varint"]
        assert coders[f"{stage}/Finish"] == ["varint"]
    assert not [coder for each in coders.values() for coder in each if "row" in coder]


def test_jobs_are_named_and_labeled_by_what_they_do(release: tuple[dict[str, Any], dict[str, Any]]) -> None:
    request, _ = release
    assert re.fullmatch("byleave-release-[0-9a-f]{8}", request["name"])
    assert request["labels"] == {
        "byleave-job": "release",
        "byleave-version": version("byleave").replace(".", "_"),
    }


def test_a_worker_has_memory_for_one_action_at_a_time_on_each_core(
    release: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    request, graph = release
    # One environment: a hint for some steps would give them another, and they would not be fused.
    assert graph["environments"] == [{"beam:resources:min_ram_bytes:v1": 4_000_000_000}]
    (pool,) = request["environment"]["workerPools"]
    assert pool["numThreadsPerWorker"] == 1
    (image,) = pool["sdkHarnessContainerImages"]
    assert image["useSingleCorePerContainer"]
    assert image["containerImage"] == "europe-docker.pkg.dev/some/byleave:1"


def test_what_the_user_says_wins(drawn: Drawn) -> None:
    request, graph = drawn["tonight"]
    (pool,) = request["environment"]["workerPools"]
    assert request["name"] == "tonight"
    assert request["labels"]["team"] == "photos"
    assert request["labels"]["byleave-job"] == "release"
    assert pool["numThreadsPerWorker"] == 3
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    assert graph["environments"] == [{"beam:resources:min_ram_bytes:v1": 16_000_000_000}]


def test_a_setup_file_sends_workers_the_whole_package(drawn: Drawn, archive: Path, sent: Path) -> None:
    request, _ = drawn["from setup.py"]
    (pool,) = request["environment"]["workerPools"]
    assert "workflow.tar.gz" in [package["name"] for package in pool["packages"]]
    with tarfile.open(sent / "from setup.py" / "workflow.tar.gz") as uploaded, tarfile.open(archive) as built:
        assert sorted(uploaded.getnames()) == sorted(built.getnames())
