"""``make bench ROWS=1M``: what each command costs, and the release against one hand-tuned DuckDB statement.

The claim: memory is bounded by a bucket for each worker, a release with nothing changed writes nothing, and
one opt-out costs one bucket. Figures are of whole processes on this machine; compare the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.measure import Figures, measure

_BYLEAVE = [sys.executable, "-m", "pipelines.cli"]
_DATA = Path("benchmarks/data")


def main() -> None:
    """Read the options, run, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1M", help="such as 300k, 1M, 10M")
    parser.add_argument("--rounds", type=int, default=3, help="of the release against DuckDB")
    options = parser.parse_args()
    digits, unit = re.fullmatch(r"(\d+)([kM]?)", options.rows).groups()  # type: ignore[union-attr]
    rows = int(digits) * {"": 1, "k": 1_000, "M": 1_000_000}[unit]
    world, store = _DATA / f"world-{options.rows}", _DATA / f"store-{options.rows}"
    if not (world / "expected.json").exists():
        shutil.rmtree(world, ignore_errors=True)
        measure([*_BYLEAVE, "synth", str(world), "--rows", str(rows), "--seed", "1"])
    shutil.rmtree(store, ignore_errors=True)
    buckets = max(16, 1 << (rows // 100_000).bit_length())
    measure([*_BYLEAVE, "init", str(store), "--dataset", "yfcc100m", "--buckets", str(buckets)])
    print(f"{rows:,} rows, {buckets} buckets, {os.cpu_count()} cores")
    print(f"{'':<44}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'rows/s':>12}")

    def step(name: str, *words: str) -> Figures:
        figures = measure([*_BYLEAVE, *words])
        show(name, figures, rows)
        return figures

    manifest = sorted(str(path) for path in (world / "manifest").iterdir())
    as_yfcc = ("--format", "yfcc100m", "--snapshot", "a")
    step("ingest manifest", "ingest", "manifest", str(store), *manifest, *as_yfcc)

    def opt_outs(name: str, file: Path, day: str) -> None:
        step(f"ingest opt-outs, {name}", "ingest", "opt-outs", str(store), str(file), "--received-on", day)

    for day in ("2025-06-01", "2026-11-01"):
        file = world / "licenses" / f"{day}.parquet"
        step(f"ingest licenses {day}", "ingest", "licenses", str(store), str(file), "--observed-on", day)
    for file in sorted((world / "opt-outs").iterdir()):
        opt_outs(file.name, file, file.name[:10])
    compare_release(store, rows, options.rounds)
    cut = ("release", "cut", str(store), "--policy", "research", "--version")
    step("release, nothing changed", *cut, "again")
    owner = _kept_owner(store)
    opt_out = _DATA / "one-owner.txt"
    opt_out.write_text(f"{owner}\n")
    opt_outs("one owner", opt_out, "2026-11-21")
    step("release after one owner opted out", *cut, "one-owner")


def compare_release(store: Path, rows: int, rounds: int) -> None:
    """The release and DuckDB's statement in turn, each from the beginning; the ratio of each round."""
    ratios = []
    for place in range(rounds):
        fresh = store.with_name(store.name + "-round")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(store, fresh, copy_function=os.link)
        ours = measure([*_BYLEAVE, "release", "cut", str(fresh), "--policy", "research", "--version", "1"])
        out = fresh / "duckdb.parquet"
        peer = measure([sys.executable, "-m", "benchmarks.peer_duckdb", str(fresh), str(out)])
        show(f"release, round {place + 1}", ours, rows)
        show("  the same rows kept by DuckDB", peer, rows)
        ratios.append(peer.wall_seconds / ours.wall_seconds)
        if place == rounds - 1:
            shutil.rmtree(store)
            fresh.rename(store)
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"DuckDB's wall time over ours: {each}; median {statistics.median(ratios):.2f}")


def _kept_owner(store: Path) -> str:
    """An owner of whom the newest release has items."""
    import subprocess

    query = "select owner_id from items where owner_id is not null order by 1 limit 1"
    found = subprocess.run([*_BYLEAVE, "sql", str(store), query, "--json"], check=True, capture_output=True)
    return str(json.loads(found.stdout)[0]["owner_id"])


def show(name: str, figures: Figures, rows: int) -> None:
    """One line of the table."""
    peak = figures.peak_bytes / 2**20
    print(
        f"{name:<44}{figures.wall_seconds:>9.1f}{figures.cpu_seconds:>9.1f}{peak:>10.0f}"
        f"{rows / figures.wall_seconds:>12,.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
