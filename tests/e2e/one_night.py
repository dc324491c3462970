"""A night in a process of its own, without Beam: `python one_night.py FOLDER`.

Prints how many durable steps it took on the disk. With `DIE_AT` in the environment the process kills itself
before its so many-th.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nights import Place
from whole_way import count_steps

from pipelines.store.store import close_stores


def main(folder: str) -> None:
    taken = count_steps(int(os.environ.get("DIE_AT", "0")))
    summary = Place(Path(folder)).night()
    assert summary.exit_code == 0, list(summary.faults())
    close_stores()
    print(next(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
