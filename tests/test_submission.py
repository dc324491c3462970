"""What a runner needs, and what its end is turned into; the engines themselves are in `tests/engines`."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PortableOptions
from support.lives import hold_a_dead_worker_to_cost_nothing_else
from support.workers import surroundings
from toystages import sum_of_squares

from pipelines import beam, beamlog
from pipelines.runner import Runner
from pipelines.store.store import Store
from pipelines.submission import parse
from transforms.domain.errors import ByleaveError, ConfigError, RetryError, StateError, decode

HERE = Path(__file__).parent


def refused(store: Store, *options: str) -> ByleaveError:
    began = time.monotonic()
    with pytest.raises(ByleaveError) as caught:
        Runner(0, options).run(store, sum_of_squares([1]))
    assert time.monotonic() - began < 60
    assert len(str(caught.value).splitlines()) == 1
    assert list(store.backend.list("memo/Square")) == []
    return caught.value


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--runner=PortableRunner"], "needs the address of a job server"),
        (["--runner=NoSuchRunner"], "NoSuchRunner"),
        (["--runner=FnApiRunner", "--parallelism=many"], "argument --parallelism: invalid int value: 'many'"),
        (["--runner=PrismRunner", "--prism_location=/no/prism"], "go install .*/cmd/prism@v2"),
        (
            ["--runner=FlinkRunner", "--flink_job_server_jar=/no/server.jar"],
            "/no/server.jar: there is no such",
        ),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=EXTERNAL"],
            "--environment_config=localhost:50000",
        ),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=PROCESS"],
            "needs the worker's boot program",
        ),
        (["--runner=PrismRunner", "--environment_type=PROCESS"], "waits for ever; use LOOPBACK or EXTERNAL"),
    ],
)
def test_options_that_lead_nowhere_are_told(store: Store, options: list[str], says: str) -> None:
    error = refused(store, *options)
    assert isinstance(error, ConfigError)
    assert error.exit_code == 3
    assert re.search(says, str(error))


def test_flink_without_java(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install Java 17" in str(refused(store, "--runner=FlinkRunner", "--flink_master=[local]"))


@pytest.mark.skipif(not Path("/usr/bin/java").exists(), reason="no Java")
def test_a_job_manager_that_is_not_there(store: Store) -> None:
    error = refused(store, "--runner=FlinkRunner", f"--flink_master=127.0.0.1:{closed_port()}")
    assert isinstance(error, RetryError)
    assert "no Flink job manager answered (Connection refused)" in str(error)


def test_a_job_server_that_is_not_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.preflight._ANSWERS_WITHIN_SECONDS", 1)
    error = refused(store, "--runner=PortableRunner", f"--job_endpoint=localhost:{closed_port()}")
    assert isinstance(error, RetryError)
    assert "no job server answered within 1 s" in str(error)


def test_one_that_listens_and_says_nothing_is_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.preflight._ANSWERS_WITHIN_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        endpoint = f"127.0.0.1:{dumb.getsockname()[1]}"
        assert isinstance(refused(store, "--runner=PortableRunner", f"--job_endpoint={endpoint}"), RetryError)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_no_run_is_held_to_five_minutes() -> None:
    """Beam's default would end a run on Prism then, however well it goes."""
    assert parse(["--runner=PrismRunner"]).view_as(PortableOptions).job_server_timeout > 86_400
    told = parse(["--runner=PrismRunner", "--job_server_timeout=7"])
    assert told.view_as(PortableOptions).job_server_timeout == 7


@pytest.fixture(autouse=True)
def _a_folder_for_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


# The thread of Beam that sees a worker end badly ends badly itself.
beams_own_thread = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.mark.slow
@beams_own_thread
def test_a_runner_that_gives_up_is_asked_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beam's own processes on this machine: a killed one ends the run, and the next goes on from there."""
    workers_see_the_tests(monkeypatch)
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    hold_a_dead_worker_to_cost_nothing_else(store, options, tmp_path)
    assert logs() == set()


@pytest.mark.slow
@beams_own_thread
def test_one_that_gives_up_again_and_again_is_believed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers_see_the_tests(monkeypatch)
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=1")
    # Each of these takes a worker with it, one a run: after three runs there is a fourth left.
    job = sum_of_squares([1, 2, 3, 4], notes=str(tmp_path), kills_its_worker=[1, 2, 3, 4])
    with pytest.raises(RetryError, match="the run ended before its work was done: Channel closed") as caught:
        Runner(0, options).run(store, job)
    (log,) = logs()
    assert str(caught.value).endswith(f"the same command goes on from there. Beam's own log: {log}")
    log.unlink()
    assert Runner(0, options).run(store, job)[1][0].result.counts["sum"] == 30


def workers_see_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in surroundings([HERE.parent, HERE]).items():
        monkeypatch.setenv(name, value)


def logs() -> set[Path]:
    """What the runs of this test left."""
    return set(Path(tempfile.gettempdir()).glob("byleave-beam-*.log"))


# --- Workers --------------------------------------------------------------------------------------------


def test_an_error_on_another_machine_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError) as caught, beam._carried("driver"):
        monkeypatch.setattr("socket.gethostname", lambda: "worker-7")
        raise StateError("no such thing")
    with pytest.raises(RuntimeError) as elsewhere, beam._carried("driver"):
        raise StateError("no such thing")
    with pytest.raises(RuntimeError) as on_disk, beam._carried("driver"):
        raise PermissionError(13, "Permission denied", "/mnt/x")
    assert str(decode(str(elsewhere.value))) == "no such thing (on the worker worker-7)"
    assert str(decode(str(on_disk.value))).endswith("(on the worker worker-7)")
    assert decode(str(caught.value))


def test_a_worker_that_does_not_see_the_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="a worker cannot open the store .* such as gs://bucket/path"):
        beam._store(str(tmp_path / "not here"))


# --- What Beam writes -----------------------------------------------------------------------------------


def test_what_beam_writes_is_in_a_file_if_it_is_needed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with beamlog.diverted() as log:
        os.write(2, b"a trace\n")
        assert list(tmp_path.iterdir()) == []
        kept = log.keep()
        log.say("and a word")
    assert kept is not None
    assert "a trace" in kept.read_text()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "and a word\nheard\n"


def test_nobody_takes_the_terminal_from_a_run(capfd: pytest.CaptureFixture[str]) -> None:
    with beamlog.diverted() as outer:
        with beamlog.diverted() as inner:
            assert inner.keep() is None
        os.write(2, b"still in the file\n")
        kept = outer.keep()
    assert kept is not None
    assert "still in the file" in kept.read_text()
    assert capfd.readouterr().err == ""
