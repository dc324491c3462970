"""The flex template: its launcher runs as Dataflow runs it, and what it says of itself is what it takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import test_sdist

from pipelines.store.store import close_stores, open_store
from pipelines.template import COMMANDS, parameters, read
from transforms.domain.errors import ConfigError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "dataflow"
METADATA = json.loads((FOLDER / "metadata.json").read_text())
BY_NAME: dict[str, dict[str, Any]] = {each["name"]: each for each in METADATA["parameters"]}
WORKER_IMAGE = "sdk_container_image"  # Beam's option, and none of a command


def launch(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `launch.py` does with a template's parameters; Beam's default runner instead of Dataflow's."""
    command = [sys.executable, str(FOLDER / "launch.py"), *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def byleave(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "pipelines.cli", *words]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    ).stdout


def test_what_is_launched_commits_what_the_commands_commit(tmp_path: Path) -> None:
    byleave(tmp_path, "synth", "world", "--rows", "2000", "--seed", "3", "--files", "2")
    for store in ("launched", "run"):
        byleave(tmp_path, "init", store, "--dataset", "yfcc100m", "--buckets", "8")
    photos = sorted(f"world/manifest/{path.name}" for path in (tmp_path / "world" / "manifest").iterdir())
    licenses, lists = "world/licenses/2025-06-01.parquet", "world/opt-outs/2025-06-10.txt"
    launched = [
        {"command": "ingest manifest", "files": " ".join(photos), "format": "yfcc100m", "snapshot": "a"},
        {"command": "ingest licenses", "files": licenses, "observed_on": "2025-06-01"},
        {"command": "ingest opt-outs", "files": lists, "received_on": "2025-06-10", "allow_empty": "false"},
        {"command": "release cut", "policy": "research", "version": "1"},
    ]
    for given in launched:
        done = launch(tmp_path, "--store=launched", *(f"--{name}={value}" for name, value in given.items()))
        assert done.returncode == 0, done.stderr
        assert "exit code 0" in done.stderr  # of the command's end, in the log of the worker
    byleave(tmp_path, "ingest", "manifest", "run", *photos, "--format", "yfcc100m", "--snapshot", "a")
    byleave(tmp_path, "ingest", "licenses", "run", licenses, "--observed-on", "2025-06-01")
    byleave(tmp_path, "ingest", "opt-outs", "run", lists, "--received-on", "2025-06-10")
    byleave(tmp_path, "release", "cut", "run", "--policy", "research", "--version", "1")
    first, second = (open_store(str(tmp_path / store)).releases.get("1") for store in ("launched", "run"))
    assert first.digest == second.digest
    assert first.content["counts"]["kept"] > 0
    close_stores()
    # A launch that is repeated has nothing to do, and a graph nevertheless: Dataflow asks for one.
    again = launch(tmp_path, "--store=launched", "--command=release cut", "--policy=research", "--version=1")
    assert again.returncode == 0
    assert "published already, the same to the byte" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--command=release show"], "--command=release show: use one of ingest manifest, "),
        (["--store=s"], "--command=: use one of"),
        (["--command=release cut", "--files=x"], "--files=x: `byleave release cut` takes no such parameter"),
        (["--command=release cut", "store"], "store: write parameters as --name=value"),
        (
            ["--command=release cut", "--store=nowhere", "--policy=research", "--version=1"],
            "there is no store",
        ),
    ],
)
def test_a_launch_that_cannot_work_says_so_in_one_line(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = launch(tmp_path, *arguments)
    assert done.returncode in (ConfigError.exit_code, 5)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("byleave: ")]
    assert said in line
    assert "Traceback" not in done.stderr


def test_parameters_become_words_and_the_rest_is_beams() -> None:
    words, beams = read(
        [
            *("--runner=DataflowRunner", "--command=ingest manifest", "--store=gs://b/s", "--onto="),
            *(
                "--files=gs://b/1.bz2 gs://b/2.bz2",
                "--format=yfcc100m",
                "--snapshot=a",
                "--labels={'a': 'b'}",
            ),
        ]
    )
    assert words == [
        *(
            "ingest",
            "manifest",
            "--format=yfcc100m",
            "--snapshot=a",
            "gs://b/s",
            "gs://b/1.bz2",
            "gs://b/2.bz2",
        )
    ]
    assert beams == ["--runner=DataflowRunner", "--labels={'a': 'b'}"]


# --- What the template says of itself ------------------------------------------------------------------


def test_metadata_names_the_parameters_of_the_commands_and_no_other() -> None:
    ours = {name for command in COMMANDS for name in parameters(command)}
    assert set(BY_NAME) == {"command", WORKER_IMAGE, *ours}
    assert len(BY_NAME) == len(METADATA["parameters"])
    required = {name for name, each in BY_NAME.items() if not each["isOptional"]}
    of_each = [
        {name for name, found in parameters(command).items() if found.required} for command in COMMANDS
    ]
    assert required == {"command", WORKER_IMAGE, *set.intersection(*of_each)}


def test_metadata_lets_through_what_the_commands_take() -> None:
    (command,) = BY_NAME["command"]["regexes"]
    assert all(re.fullmatch(command, name) for name in COMMANDS)
    (policy,) = BY_NAME["policy"]["regexes"]
    for shipped in (ROOT / "configs" / "policies").glob("*.toml"):
        assert re.fullmatch(policy, shipped.stem)
    flags = {n for c in COMMANDS for n, found in parameters(c).items() if getattr(found, "is_flag", False)}
    assert flags == {name for name, each in BY_NAME.items() if each["paramType"] == "BOOLEAN"}


def test_no_parameter_is_named_like_an_option_of_beam() -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    beams = set(PipelineOptions([]).get_all_options())
    assert {name for command in COMMANDS for name in parameters(command)}.isdisjoint(beams)
    assert WORKER_IMAGE in beams


@pytest.mark.slow
@pytest.mark.xdist_group("dataflow")
def test_metadata_has_the_fields_that_dataflow_knows(worker: Path, tmp_path: Path) -> None:
    """As the message of Dataflow's own client, which refuses a field that it does not know."""
    program = (
        "import sys; from google.cloud import dataflow; "
        "print(len(dataflow.TemplateMetadata.from_json(open(sys.argv[1]).read()).parameters))"
    )
    shown = test_sdist.elsewhere(worker, "-c", program, str(FOLDER / "metadata.json"), folder=tmp_path)
    assert int(shown) == len(BY_NAME)


# --- The image -----------------------------------------------------------------------------------------


def lines(instruction: str) -> list[str]:
    text = (FOLDER / "Dockerfile").read_text()
    return [
        line.removeprefix(instruction).strip() for line in text.splitlines() if line.startswith(instruction)
    ]


def test_the_image_is_made_of_what_there_is() -> None:
    copied = [words.split()[:-1] for words in lines("COPY") if not words.startswith("--from")]
    names = [name for each in copied for name in each]
    assert all((ROOT / name).exists() for name in names)
    # The context holds what is copied, and nothing besides.
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(names)
    (entry,) = [line.partition("=")[2] for line in lines("ENV FLEX_TEMPLATE_PYTHON_PY_FILE")]
    assert (ROOT / entry.removeprefix("/opt/byleave/")).is_file()


def test_the_image_has_the_versions_of_the_project() -> None:
    import apache_beam

    launcher, sdk = lines("FROM")
    assert sdk == f"apache/beam_python3.11_sdk:{apache_beam.__version__}"
    assert "python311-template-launcher-base" in launcher
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    cli = (ROOT / "pipelines" / "cli.py").read_text()
    (purge,) = lines("ENV MIMALLOC_PURGE_DELAY=")
    assert f'os.environ.setdefault("MIMALLOC_PURGE_DELAY", "{purge}")' in cli
