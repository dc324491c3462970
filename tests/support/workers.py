"""Where a runner's workers live: in the driver, in a pool of processes, or in processes the runner starts.

Each gives the options that stand behind `--` besides those of a runner. ``paths`` go before `PYTHONPATH`: a
worker imports byleave, and what else its actions are made of.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from support import tools
from support.processes import free_port, listens, running

BOOT = "github.com/apache/beam/sdks/v2/python/container@v2.77.0"
LOOPBACK = ("--environment_type=LOOPBACK",)


def surroundings(paths: Sequence[Path]) -> dict[str, str]:
    """The environment in which `python` is this one and finds what lies in ``paths``."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(filter(None, [*map(str, paths), os.environ.get("PYTHONPATH", "")])),
    }


@contextlib.contextmanager
def worker_pool(paths: Sequence[Path], log_file: Path | None = None) -> Iterator[tuple[str, ...]]:
    """EXTERNAL: Beam's worker pool, as it runs beside each task manager on Kubernetes."""
    port = free_port()
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    started = running(command, lambda: listens(port), settings=surroundings(paths), log_file=log_file)
    with started:
        yield ("--environment_type=EXTERNAL", f"--environment_config=localhost:{port}")


def processes(paths: Sequence[Path], folder: Path) -> tuple[str, ...]:
    """PROCESS: each task manager starts Beam's boot program, by a script that is written into ``folder``."""
    tools.require("go")
    boot = tools.go_binary(BOOT)
    settings = {**surroundings(paths), "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1"}
    script = folder / "boot.sh"
    # The boot program leaves a file of options where it runs.
    lines = [f"cd {folder}\n", *(f"export {name}='{value}'\n" for name, value in settings.items())]
    script.write_text("".join(["#!/bin/sh\n", *lines, f'exec {boot} "$@"\n']), encoding="utf-8")
    script.chmod(0o755)
    return ("--environment_type=PROCESS", f"--environment_config={json.dumps({'command': str(script)})}")
