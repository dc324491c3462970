"""Options for Dataflow: what cannot work is refused before any input is read, and the rest is left alone."""

from __future__ import annotations

import os
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import dataflow
from pipelines.beamlog import diverted
from pipelines.cli import main
from pipelines.runner import Runner
from pipelines.store.store import Store
from transforms.domain.errors import ConfigError

SOUND = (
    "--runner=DataflowRunner",
    "--project=some-project",
    "--region=europe-west4",
    "--temp_location=gs://bucket/tmp",
    "--sdk_container_image=some/byleave:1",
)


@pytest.fixture(autouse=True)
def _extra_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataflow.importlib.util, "find_spec", lambda name: name)


def without(name: str) -> tuple[str, ...]:
    return tuple(option for option in SOUND if not option.startswith(f"--{name}="))


def test_what_is_sound_is_accepted_in_every_form() -> None:
    assert dataflow.faults(SOUND) == []
    assert dataflow.faults([word for option in SOUND for word in option.split("=", 1)]) == []
    assert Runner(0, SOUND).beam_options == SOUND


@pytest.mark.parametrize("name", ["DataflowRunner", "dataflow", "DATAFLOWRUNNER", "a.module.DataflowRunner"])
def test_the_runner_has_many_names(name: str) -> None:
    assert dataflow.is_chosen([f"--runner={name}"])
    assert dataflow.is_chosen(["--runner", name])


@pytest.mark.parametrize("name", ["FlinkRunner", "PrismRunner", "FnApiRunner", "TestDataflowRunner"])
def test_other_runners_are_none_of_it(name: str, store: Store) -> None:
    options = [f"--runner={name}", "--temp_location=here"]
    assert dataflow.faults(options) == []
    assert dataflow.filled(options, "release") == options
    assert dataflow.store_fault(options, store.url) is None
    assert dataflow.filled([], "release") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (without("project"), "give --project"),
        (SOUND[:1] + SOUND[4:], "give --project, --region, --temp_location"),
        ((*without("temp_location"), "--temp_location=/tmp"), "--temp_location=/tmp: use a folder on gs://"),
        (without("sdk_container_image"), "its workers need this byleave: give --sdk_container_image"),
        ((*SOUND, "--template_location=gs://bucket/job"), "leave out --template_location"),
        ((*SOUND, "--dry_run=true"), "leave out --dry_run"),
    ],
)
def test_what_cannot_work_is_refused(options: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Runner(0, options)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("runner=DataflowRunner: ")
    assert said in line


@pytest.mark.parametrize(
    "how", ["--setup_file=./setup.py", "--extra_package=byleave.tar.gz", "--requirements_file=r"]
)
def test_byleave_comes_to_workers_in_any_way_that_beam_knows(how: str) -> None:
    assert dataflow.faults((*without("sdk_container_image"), how)) == []


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataflow.importlib.util, "find_spec", lambda name: None)
    assert dataflow.faults(SOUND) == [
        "runner=DataflowRunner: install what talks to it: pip install 'byleave[dataflow]'"
    ]


def test_a_store_on_a_disk_is_refused_before_its_inputs_are_looked_at(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["ingest", "manifest", store.url, "no such file", "--format", "yfcc100m", "--snapshot", "a"]
    with pytest.raises(SystemExit) as left:
        main([*words, "--", *SOUND])
    assert left.value.code == ConfigError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"byleave: runner=DataflowRunner: its workers cannot reach {store.url}")
    assert "use a store on gs://" in line
    assert dataflow.store_fault(SOUND, "gs://bucket/store") is None


@given(st.text(min_size=1, max_size=100))
def test_names_and_labels_are_what_dataflow_accepts(job: str) -> None:
    added = dataflow.filled(SOUND, f"manifest {job}")[len(SOUND) :]
    (name,) = [option.partition("=")[2] for option in added if option.startswith("--job_name=")]
    assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 63
    labels = [option.split("=")[1:] for option in added if option.startswith("--labels=")]
    for key, value in labels:
        assert re.fullmatch("[a-z][-_a-z0-9]{0,62}", key)
        assert len(value) <= 63
        assert set(value) <= set(string.ascii_lowercase + string.digits + "-_")


def test_two_runs_of_one_job_have_names_of_their_own() -> None:
    assert (
        len(
            {option for _ in range(9) for option in dataflow.filled(SOUND, "release") if "job_name" in option}
        )
        == 9
    )


def test_the_operator_is_told_of_a_job_though_beam_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    class Begun:
        def job_id(self) -> str:
            return "2026-1"

    with diverted() as log:
        os.write(2, b"noise")
        dataflow.teller(SOUND, log.say)(Begun())
        dataflow.teller(["--runner=FlinkRunner"], log.say)(None)
    (line,) = capfd.readouterr().err.splitlines()
    assert line == dataflow.whereabouts(SOUND, "2026-1")


def test_where_a_job_is_and_how_it_is_stopped_stands_in_one_line() -> None:
    said = dataflow.whereabouts(SOUND, "2026-11-20_03_00_00-1")
    assert (
        "console.cloud.google.com/dataflow/jobs/europe-west4/2026-11-20_03_00_00-1?project=some-project"
        in said
    )
    assert said.endswith(
        "gcloud dataflow jobs cancel 2026-11-20_03_00_00-1 --region=europe-west4 --project=some-project"
    )
