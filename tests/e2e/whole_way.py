"""The whole way in a process of its own: `python whole_way.py STORE WORLD STEPS [BEAM OPTIONS]`.

STEPS are `ingest`, `manifest`, `cut`, with commas. Prints the release's digest, or the manifest's.
With `DIE_AT` in the environment the process kills itself before its so many-th step: a durable one on the
disk, or a request to a store in a bucket.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from worlds import World, cut, take_in

from pipelines.ingest import ingest_manifest
from pipelines.runner import Runner
from pipelines.store.store import close_stores, open_store


def count_steps(die_at: int) -> itertools.count[int]:
    """Counts requests and what changes the disk: syncing, naming, dropping. Dies before number ``die_at``."""
    steps = itertools.count(1)

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if next(steps) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return act(*args, **kwargs)

        return step

    for name in ("fsync", "link", "unlink", "mkdir", "replace"):
        setattr(os, name, counted(getattr(os, name)))
    HTTPAdapter.send = counted(HTTPAdapter.send)  # type: ignore[method-assign]
    return steps


def main(url: str, folder: str, steps: str, *options: str) -> None:
    taken = count_steps(int(os.environ.get("DIE_AT", "0")))
    store, world, runner = open_store(url), World(Path(folder)), Runner(0 if options else 2, options)
    if "ingest" in steps.split(","):
        take_in(store, world, runner)
    if "manifest" in steps.split(","):
        table = ingest_manifest(store, world.manifest, fmt="yfcc100m", snapshot="2014-05", runner=runner)
        print(table.digest)
    if "cut" in steps.split(","):
        print(cut(store, runner=runner).digest)
    close_stores()
    print(next(taken), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
