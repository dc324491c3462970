"""The examples under configs/nightly are what cron, systemd and Airflow take them for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import tools

from pipelines.cli import cli

EXAMPLES = Path(__file__).parents[2] / "configs" / "nightly"
SUPPORT = Path(tools.__file__).parent
AIRFLOW = "airflow-3.3.2"
AGAIN = (6, 9)


def test_the_line_for_cron_is_one_and_types_a_command() -> None:
    lines = [line for line in (EXAMPLES / "crontab").read_text().splitlines() if not line.startswith("#")]
    (entry,) = (line for line in lines if "=" not in line.split(" ", 1)[0])
    *when, command = entry.split(" ", 5)
    assert when == ["30", "2", "*", "*", "*"]
    assert "%" not in command  # which cron takes for a line feed
    program, *words = command.split(" > ")[0].split()
    assert Path(program).name == "byleave"
    cli.make_context("byleave", words)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="not installed: systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    def verified() -> str:
        done = subprocess.run(
            ["systemd-analyze", "verify", "./byleave-nightly.service", "./byleave-nightly.timer"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")

    for unit in EXAMPLES.glob("byleave-nightly.*"):
        text = unit.read_text().replace("/opt/byleave/bin/byleave", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    assert verified() == ""
    service = tmp_path / "byleave-nightly.service"
    assert f"RestartForceExitStatus={' '.join(map(str, AGAIN))}\n" in service.read_text()
    service.write_text(service.read_text().replace("RestartSec", "RestartSecs"))
    assert "RestartSecs" in verified()


@pytest.fixture(scope="session")
def airflow() -> Path:
    """The Python of an environment with Airflow, made once."""

    def install(staging: Path) -> None:
        python = str(staging / "bin" / "python")
        tools.build([sys.executable, "-m", "venv", str(staging)])
        # pip would take minutes for so many packages.
        tools.build([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv==0.13.9"])
        packages = str(SUPPORT / "airflow.txt")
        tools.build([python, "-m", "uv", "pip", "install", "-q", "--python", python, "-r", packages])

    return tools.installed(AIRFLOW, install) / "bin" / "python"


@pytest.mark.slow
def test_airflow_takes_the_dag_and_tries_again_what_is_worth_it(airflow: Path, tmp_path: Path) -> None:
    byleave = tmp_path / "bin" / "byleave"
    byleave.parent.mkdir()
    byleave.write_text('#!/bin/sh\necho "{\\"words\\": \\"$*\\"}"; echo wrong >&2; exit $EXIT_CODE\n')
    byleave.chmod(0o755)
    environment = {
        "PATH": f"{byleave.parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "BYLEAVE_NIGHTLY": "/etc/n.toml",
    }
    done = subprocess.run(
        [airflow, SUPPORT / "look_at_dag.py", EXAMPLES],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    outcomes = found.pop("outcomes")
    assert found == {
        "import_errors": {},
        "dag": "byleave_nightly",
        "schedule": "30 2 * * *",
        "catchup": False,
        "max_active_runs": 1,
        "task": "nightly",
        "retries": 6,
    }
    assert outcomes.pop("0") == {"words": "nightly /etc/n.toml --json"}
    for code, outcome in outcomes.items():
        expected = "again" if int(code) in AGAIN else "failed"
        assert outcome == [expected, f"exit code {code}: wrong\n"]
