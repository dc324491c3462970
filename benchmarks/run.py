"""``make bench ROWS=1M``: byleave and its peers on the same input, in turn, process by process.

python -m benchmarks.run --rows 10M [--items ingest,drift] [--peers duckdb,polars] [--rounds 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import drift, ingest, intake, nightly, release
from benchmarks.report import write_tables
from benchmarks.results import BYLEAVE, Results, rows, short
from benchmarks.worlds import World, create, ingest_manifest, ingest_the_rest

DATA = Path(__file__).parent / "data"
ITEMS = ("ingest", "release", "nightly", "intake", "drift")
PEERS = ("duckdb", "polars", "spark", "beam")


def main() -> None:
    """Read the options, run, print each run, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1M", type=rows, help="such as 300k, 1M, 10M, 100M")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=",".join(PEERS), type=several(PEERS))
    parser.add_argument("--items", default=",".join(ITEMS), type=several(ITEMS))
    parser.add_argument("--slices", type=int, default=1, help="make and delete the manifest in so many")
    parser.add_argument(
        "--only-whole", action="store_true", help="of the release: not one worker, not `kept`"
    )
    options = parser.parse_args()
    world = World(options.rows, DATA / f"world-{short(options.rows)}", options.slices)
    store = DATA / f"store-{short(options.rows)}"
    results = Results(options.rows)
    if "ingest" in options.items:
        ingest.compare(results, world, options.rounds, options.peers)
    if {"release", "nightly", "intake"} & {*options.items}:
        prepare(results, world, store)
    if "release" in options.items:
        release.compare(results, store, options.rounds, options.peers, only_whole=options.only_whole)
    if "nightly" in options.items:
        nightly.measure_nights(results, world, store, options.rounds)
    if "intake" in options.items:
        intake.compare(results, store, options.rounds, options.peers)
    if "drift" in options.items:
        drift.compare(results, drift.world_of(options.rows), options.rounds, options.peers)
    print(f"kept in {results.write({run.item for run in results.runs})}")
    write_tables()


def prepare(results: Results, world: World, store: Path, *, again: bool = False) -> None:
    """A store that took in the world, made if there is none; what that cost is kept as `prepare`."""
    whole = store.with_name(store.name + ".whole")
    if whole.exists() and store.exists() and not again:
        return
    whole.unlink(missing_ok=True)
    create(world, store)
    for number in range(1, world.slices + 1):
        files = world.make(number)
        name = "manifest" if world.slices == 1 else f"manifest, slice {number} of {world.slices}"
        results.add("prepare", name, BYLEAVE, ingest_manifest(store, files, number))
        world.delete_manifest(number)
    for name, figures in ingest_the_rest(world, store):
        results.add("prepare", name, BYLEAVE, figures)
    whole.touch()


def several(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Reads some of ``names``, with commas."""

    def parse(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        if unknown := sorted(set(chosen) - set(names)):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: take some of {', '.join(names)}")
        return chosen

    return parse


if __name__ == "__main__":
    main()
