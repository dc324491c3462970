"""``make bench-smoke``: 1M rows taken in once, and the release against DuckDB's in the same run.

It needs no more than the tests do. What it prints is there to be read; it never fails because of a time.
"""

from __future__ import annotations

import argparse

from benchmarks import release
from benchmarks.report import summary
from benchmarks.results import Results
from benchmarks.run import DATA, prepare
from benchmarks.worlds import World


def main() -> None:
    """Make the world if it is not there, take it in, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    results = Results(options.rows)
    world = World(options.rows, DATA / f"smoke-world-{options.rows}")
    store = DATA / f"smoke-store-{options.rows}"
    prepare(results, world, store, again=True)
    release.compare(results, store, options.rounds, ["duckdb"], only_whole=True)
    print(summary(results.runs))


if __name__ == "__main__":
    main()
