"""What if: two policies compared over the facts of N items; and the same by hand in DuckDB.

python -m benchmarks.whatif --rows 10M [--rounds 3] [--build-only]

Facts are drawn, not joined: what a join costs is part of the benchmark of releases. They lie in a store's
buckets, sorted by owner as Join leaves them. DuckDB reads the same Parquet files. The answers must be equal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.driftworld import _in_processes
from benchmarks.measure import measure
from benchmarks.report import summary, write_tables
from benchmarks.results import BYLEAVE, Results, rows, short
from benchmarks.worlds import buckets_for
from pipelines.policies import find_policy
from pipelines.progress import Watch
from pipelines.store.blobs import Blob
from pipelines.store.store import Dataset, close_stores, create_store, open_store
from pipelines.whatif import compare_facts
from transforms.domain import purposes
from transforms.domain.schemas import FACTS

DATA = Path(__file__).parent / "data"
ITEM = "what if"
POLICIES = ("research", "generative-training")
_PHOTOS_OF_AN_OWNER = 171  # YFCC100M's mean
_LICENSES = ("CC-BY-NC-SA-2.0", "CC-BY-NC-ND-2.0", "CC-BY-NC-2.0", "CC-BY-2.0", "CC-BY-SA-2.0", "unknown")
_SHARES = (0.29, 0.25, 0.13, 0.18, 0.12, 0.03)


def build(count: int, folder: Path) -> None:
    """Write the facts of ``count`` items if they are not there, and which blob is which bucket's."""
    listing = folder / "facts.json"
    if listing.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    buckets = buckets_for(count)
    create_store(str(folder / "store"), Dataset("facts", "flickr", buckets))
    close_stores()
    tasks = [(folder / "store", count // buckets, bucket) for bucket in range(buckets)]
    made = list(_in_processes(_write_bucket, tasks, "buckets"))
    listing.write_text(json.dumps([[bucket, *blob.to_json()] for bucket, blob in made]), encoding="utf-8")


def _write_bucket(store: Path, count: int, bucket: int) -> tuple[int, Blob]:
    draw = np.random.default_rng(bucket)
    owners = np.sort(draw.integers(0, max(count // _PHOTOS_OF_AN_OWNER, 1), count))
    hashes = draw.integers(1, 2**64 - 1, owners.max(initial=0) + 1, dtype=np.uint64)
    opted_out = draw.random(len(hashes)) < 0.003
    then, now = (draw.choice(len(_LICENSES), count, p=_SHARES).astype(np.int32) for _ in range(2))
    changed = draw.random(count) < 0.02
    now = np.where(changed, now, then)
    names, ways = pa.array(_LICENSES), pa.array(["changed", "same"])
    visibilities, people = (
        pa.array(["public", "deleted", "private"]),
        pa.array(["unknown", "absent", "present"]),
    )
    nothing = np.zeros(count, np.uint16)
    columns = {field.name: nothing for field in FACTS if field.type == pa.uint16()}
    columns |= {field.name: np.zeros(count, np.bool_) for field in FACTS if field.type == pa.bool_()}
    columns |= {
        "license_then": pa.DictionaryArray.from_arrays(then, names),
        "license_now": pa.DictionaryArray.from_arrays(now, names),
        "direction": pa.DictionaryArray.from_arrays((then == now).astype(np.int32), ways),
        "visibility": _drawn(draw, count, visibilities, (0.97, 0.02, 0.01)),
        "people": _drawn(draw, count, people, (0.5, 0.3, 0.2)),
        "observed": np.ones(count, np.bool_),
        "no_owner": np.where(opted_out[owners], purposes.ALL, 0).astype(np.uint16),
        "signal_no": np.where(draw.random(count) < 0.01, purposes.BIT["generative-training"], 0).astype(
            np.uint16
        ),
        "owner": hashes[owners],
        "upload_year": draw.integers(2004, 2015, count).astype(np.int16),
        "media_type": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array(["photo"])),
    }
    table = pa.table({field.name: columns[field.name] for field in FACTS})
    return bucket, open_store(str(store)).blobs.put_table(table, FACTS)


def _drawn(draw: np.random.Generator, count: int, values: pa.Array, shares: Sequence[float]) -> pa.Array:
    places = draw.choice(len(values), count, p=shares).astype(np.int32)
    return pa.DictionaryArray.from_arrays(places, values)


def ask(folder: Path) -> dict[str, int]:
    """Byleave's answer."""
    store = open_store(str(folder / "store"))
    facts = {
        bucket: Blob.from_json(blob) for bucket, *blob in json.loads((folder / "facts.json").read_text())
    }
    before, after = map(find_policy, POLICIES)
    return dict(compare_facts(store, facts, facts, before, after, Watch()).counts)


def compare(results: Results, folder: Path, rounds: int, peers: Sequence[str]) -> None:
    """Ask byleave, byleave again, which remembers, and DuckDB if it is among ``peers``, in turn.

    Raises:
        SystemExit: the answers differ.
    """
    build(results.rows, folder)
    for place in range(1, rounds + 1):
        shutil.rmtree(folder / "store" / "memo" / "WhatIf", ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.whatif", "--ask", str(folder)]
        ours = {}
        for what in ("two policies", "two policies, asked again"):
            figures = measure(command)
            results.add(ITEM, what, BYLEAVE, figures, round=place)
            ours = json.loads(figures.printed)
        if "duckdb" in peers:
            peer = [sys.executable, "-m", "benchmarks.peers.duckdb_whatif", str(folder), *POLICIES]
            figures = measure(peer)
            results.add(ITEM, "two policies", "duckdb", figures, round=place)
            if json.loads(figures.printed) != ours:
                raise SystemExit(f"byleave says\n  {ours}\nduckdb says\n  {figures.printed}")
        results.write({ITEM})


def main() -> None:
    """Read the options, draw the facts, measure, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1M", type=rows, help="such as 300k, 1M, 10M, 100M")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build-only", action="store_true", help="draw the facts, and measure nothing")
    parser.add_argument("--ask", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        print(json.dumps(ask(options.ask), sort_keys=True))
        return
    folder = DATA / f"whatif-{short(options.rows)}"
    build(options.rows, folder)
    if options.build_only:
        return
    results = Results(options.rows)
    compare(results, folder, options.rounds, ["duckdb"])
    print(summary(results.runs))
    write_tables()


if __name__ == "__main__":
    main()
