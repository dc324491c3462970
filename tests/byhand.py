"""Doing without Beam what a runner does: a job's stages, one action after the other, in this process.

For tests in which the runner is not the point, and as the plainest answer that any runner must come to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.jobs import Job, Replay
from pipelines.runner import Runner
from pipelines.store.store import Store

Listing = dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class ByHand(Runner):
    """A runner that is a loop."""

    def _submit(self, store: Store, job: Job, replay: Replay) -> None:
        for place in range(replay.stage_reached, len(job.stages)):
            for action in replay.missing(place):
                job.stages[place][0].perform(store, action)
            replay.advance()


def listing(root: Path, *folders: str) -> Listing:
    """Every file below the folders of ``root`` by its path: size, time of its last change, and inode."""
    found: Listing = {}
    for folder in folders or (".",):
        for path, _, names in os.walk(root / folder):
            for name in names:
                file = Path(path) / name
                stat = file.stat()
                found[str(file.relative_to(root))] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found
