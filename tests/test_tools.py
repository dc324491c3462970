"""Tools are installed once, whole or not at all, whoever asks and whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import tools

INSTALLER = """
import sys, time
from pathlib import Path
from support import tools

def install(staging):
    with open(sys.argv[1], "a") as log:
        log.write("installing\\n")
    (staging / "program").write_text("half")
    time.sleep(float(sys.argv[2]))
    (staging / "program").write_text("whole")

print((tools.installed("program-1", install) / "program").read_text())
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BYLEAVE_TOOLS", str(tmp_path / "tools"))
    return tmp_path / "tools"


def installer(log: Path, seconds: float) -> subprocess.Popen[str]:
    ours = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", INSTALLER, str(log), str(seconds)]
    return subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, text=True)


def test_who_comes_while_another_installs_waits_for_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    installers = [installer(log, 0.3) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in installers] == ["whole\n"] * 3
    assert log.read_text() == "installing\n"


def test_an_installer_that_is_killed_leaves_nothing_that_looks_whole(tmp_path: Path, folder: Path) -> None:
    log = tmp_path / "log"
    first = installer(log, 60)
    deadline = time.monotonic() + 30
    while not (folder / "program-1.part" / "program").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not (folder / "program-1").exists()
    assert installer(log, 0).communicate(timeout=60)[0] == "whole\n"
    assert not (folder / "program-1.part").exists()


def test_a_build_that_fails_shows_what_it_said(folder: Path) -> None:
    def install(staging: Path) -> None:
        tools.build([sys.executable, "-c", "print('no such module'); raise SystemExit(3)"])

    with pytest.raises(RuntimeError, match=r"(?s)exit code 3.*no such module"):
        tools.installed("program-2", install)
    assert not (folder / "program-2").exists()


def test_without_go_a_test_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(pytest.skip.Exception, match="not installed: go"):
        tools.go_binary("example.org/some/tool@v1.2.3")


def test_what_is_installed_needs_no_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tool-v1.2.3").mkdir(parents=True)
    monkeypatch.setenv("PATH", "/nowhere")
    assert tools.go_binary("example.org/some/tool@v1.2.3") == folder / "tool-v1.2.3" / "tool"
