"""The manifests for Flink on Kubernetes: they parse, fit each other, and name the tested versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "configs" / "flink"


def manifests(name: str) -> dict[str, Any]:
    """By their kind."""
    found = [each for each in yaml.safe_load_all((FOLDER / name).read_text()) if each]
    assert all({"apiVersion", "kind", "metadata", "spec"} <= each.keys() for each in found)
    return {each["kind"]: each for each in found}


CLUSTER, DRIVER = manifests("cluster.yaml"), manifests("driver.yaml")
FLINK = CLUSTER["FlinkDeployment"]["spec"]
(JOB_SERVER,) = CLUSTER["Deployment"]["spec"]["template"]["spec"]["containers"]
(COMMAND,) = DRIVER["Job"]["spec"]["template"]["spec"]["containers"]
_, WORKERS = FLINK["taskManager"]["podTemplate"]["spec"]["containers"]
OPTIONS = dict(
    word.removeprefix("--").split("=") for word in COMMAND["args"] if word.startswith("--") and "=" in word
)


def test_versions_are_those_of_the_engine_tests() -> None:
    pom = (ROOT / "tests" / "support" / "flink.pom.xml").read_text()
    runner = re.search(r"<artifactId>beam-runners-flink-([\d.]+)</artifactId>\s*<version>([\d.]+)<", pom)
    assert runner
    flink, beam = runner.groups()
    assert FLINK["image"].startswith(f"flink:{flink}-")
    assert FLINK["flinkVersion"] == f"v{flink.replace('.', '_')}"
    assert JOB_SERVER["image"] == f"apache/beam_flink{flink}_job_server:{beam}"


def test_driver_and_workers_are_the_same_byleave() -> None:
    assert COMMAND["image"] == WORKERS["image"]
    assert WORKERS["args"] == ["--worker_pool"]  # of the entry point that the image has from Beam's


def test_ports_and_names_fit() -> None:
    name = CLUSTER["Service"]["metadata"]["name"]
    served = {port["port"] for port in CLUSTER["Service"]["spec"]["ports"]}
    said = dict(word.removeprefix("--").split("=") for word in JOB_SERVER["args"])
    assert OPTIONS["job_endpoint"] == f"{name}:{said['job-port']}"
    assert OPTIONS["artifact_endpoint"] == f"{name}:{said['artifact-port']}"
    assert served == {int(said["job-port"]), int(said["artifact-port"])}
    assert said["flink-master"] == f"{CLUSTER['FlinkDeployment']['metadata']['name']}-rest:8081"
    assert OPTIONS["environment_config"] == f"localhost:{WORKERS['ports'][0]['containerPort']}"
    assert CLUSTER["Service"]["spec"]["selector"].items() <= (
        CLUSTER["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    )


def test_every_slot_has_its_share_of_the_work_and_of_the_memory() -> None:
    slots = int(FLINK["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    assert int(OPTIONS["parallelism"]) == slots * FLINK["taskManager"]["replicas"]
    assert int(WORKERS["resources"]["requests"]["cpu"]) == slots
    assert WORKERS["resources"]["limits"]["memory"] == f"{2 * slots}Gi"


def test_the_command_is_one_of_byleaves() -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipelines.cli import cli
    from pipelines.runner import check_options

    words = COMMAND["args"][: COMMAND["args"].index("--")]
    release = cli.commands["release"]
    cut = release.commands["cut"].make_context("cut", words[2:])  # type: ignore[attr-defined]
    assert cut.params["version"] == "2026.11.0"
    options = COMMAND["args"][COMMAND["args"].index("--") + 1 :]
    check_options(options)
    beams = PipelineOptions(options).get_all_options()
    given = [option.removeprefix("--").split("=") for option in options]
    assert [beams.get(name) for name, _ in given if name != "parallelism"] == [
        value for name, value in given if name != "parallelism"
    ]
