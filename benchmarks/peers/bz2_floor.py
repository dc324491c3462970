"""Decompressing bz2 alone, on all cores: no ingest from bz2 can be faster than the best of these.

    python -m benchmarks.peers.bz2_floor indexed|files FILES...

`indexed` takes file after file, its blocks on all cores, by `indexed_bzip2`; `files` takes as many files at
once as there are cores, by the standard library.
"""

from __future__ import annotations

import bz2
import multiprocessing
import os
import sys

_STEP_BYTES = 1 << 22


def _indexed(file: str) -> int:
    import indexed_bzip2

    size = 0
    with indexed_bzip2.open(file, parallelization=os.cpu_count() or 1) as text:
        while block := text.read(_STEP_BYTES):
            size += len(block)
    return size


def _alone(file: str) -> int:
    size = 0
    with bz2.open(file) as text:
        while block := text.read(_STEP_BYTES):
            size += len(block)
    return size


def main() -> None:
    """Read the words of the command line, and print the bytes of text."""
    way, *files = sys.argv[1:]
    if way == "indexed":
        print(sum(map(_indexed, files)))
    else:
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            print(sum(pool.imap_unordered(_alone, files, chunksize=1)))


if __name__ == "__main__":
    main()
