"""Tools that tests need and that are no Python package, installed once into `.tools/` of this checkout.

`$BYLEAVE_TOOLS` names another folder, which several checkouts may share. A tool's folder has its version in
its name and appears whole or not at all: it is filled under another name and renamed, by one installer at a
time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


def folder() -> Path:
    """Where tools are installed."""
    return Path(os.environ.get("BYLEAVE_TOOLS") or Path(__file__).parents[2] / ".tools").absolute()


def require(*programs: str) -> None:
    """Skip the test, naming what is missing, unless all of ``programs`` can be run."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}. This test builds a tool that needs it")


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the tools; ``install`` fills it if there is none.

    Whoever comes while another process installs waits for it. What an installer that was killed left behind
    is dropped by the next one.
    """
    target = folder() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        staging = folder() / f"{name}.part"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        install(staging)
        staging.rename(target)
    return target


def go_binary(package: str) -> Path:
    """The program that `go install` makes of ``package``, such as `example.org/some/tool@v1.2.3`.

    Where it is not installed and there is no Go to build it with, the test is skipped.
    """
    path, _, version = package.partition("@")
    program = path.rpartition("/")[2]

    def install(staging: Path) -> None:
        require("go")
        # Without cgo a build needs no C compiler, and runs on any Linux.
        build(["go", "install", package], {"GOBIN": str(staging), "CGO_ENABLED": "0"})

    return installed(f"{program}-{version}", install) / program


def build(command: list[str], settings: Mapping[str, str] = {}, within: Path | None = None) -> None:
    """Run an installer; an error shows all that it had to say."""
    done = subprocess.run(
        command,
        env={**os.environ, **settings},
        cwd=within,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
