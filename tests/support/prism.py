"""Prism, Beam's runner for one machine, which is a program in Go."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from support import tools
from support.processes import free_port, listens, running

PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0"


def prism_binary() -> Path:
    """The program. Whoever comes first builds it, which takes minutes; without Go the test is skipped."""
    tools.require("go")
    return tools.go_binary(PACKAGE)


def prism_options() -> tuple[str, ...]:
    """What stands behind `--` for a Prism that lives as long as the run."""
    return ("--runner=PrismRunner", f"--prism_location={prism_binary()}")


@contextlib.contextmanager
def prism_server() -> Iterator[tuple[str, ...]]:
    """A Prism that serves many runs; comes back with what stands behind `--`, less the environment."""
    program = prism_binary()
    port = free_port()
    command = [str(program), f"-job_port={port}", "-serve_http=false", "-log_kind=text"]
    with running(command, lambda: listens(port)):
        yield ("--runner=PortableRunner", f"--job_endpoint=localhost:{port}")
