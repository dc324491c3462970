"""Ingest: a manifest as TSV, plain and bz2, becomes a table; and the same TSV read by each peer."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Sequence

import duckdb

from benchmarks.measure import Figures, measure
from benchmarks.peers.release_inputs import manifest_files
from benchmarks.results import BYLEAVE, Results
from benchmarks.worlds import World, buckets_for, create, ingest_manifest

PEERS = ("duckdb", "polars")
POLARS_MOST_ROWS = 5_000_000  # it sorts in memory: 5.3 GB for 2M rows
BZ2_MOST_ROWS = 1_000_000
_FLOORS = ("indexed", "files")

_CHECKSUMS = """
    select count(*), count(distinct item_id), sum(hash(item_id, owner_id, license, media_type)::hugeint),
        sum(hash(owner_name, title, description, tags, machine_tags, capture_device)::hugeint),
        sum(hash(taken_at, uploaded_at, longitude, latitude, accuracy, page_url, image_url)::hugeint)
    from read_parquet($files)
"""


def compare(results: Results, world: World, rounds: int, peers: Sequence[str]) -> None:
    """Byleave and each peer in turn over the first slice of a plain TSV, then bz2 over a smaller world.

    Raises:
        SystemExit: a peer read other rows.
    """
    scratch = world.folder.with_name(f"{world.folder.name}-ingest")
    files = world.make(1)
    sample = world.rows // world.slices if world.slices > 1 else None
    for place in range(1, rounds + 1):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        create(world, scratch / "store")
        figures = ingest_manifest(scratch / "store", files)
        results.add("ingest", "plain TSV", BYLEAVE, figures, round=place, sample=sample)
        ours = _checksums(manifest_files(str(scratch / "store")))
        for peer in (peer for peer in PEERS if peer in peers):
            if peer == "polars" and world.rows > POLARS_MOST_ROWS:
                continue
            out = scratch / peer
            words = [str(out), str(buckets_for(world.rows)), *files]
            figures = measure([sys.executable, "-m", f"benchmarks.peers.{peer}_ingest", *words], out)
            results.add("ingest", "plain TSV", peer, figures, round=place, sample=sample)
            theirs = _checksums([str(file) for file in out.rglob("*.parquet")])
            if ours != theirs:
                raise SystemExit(f"{peer} read other rows: {ours} are byleave's, {theirs} its own")
            shutil.rmtree(out)
    shutil.rmtree(scratch, ignore_errors=True)
    _compare_bz2(results, world, rounds)


def _checksums(files: list[str]) -> tuple[object, ...]:
    return duckdb.execute(_CHECKSUMS, {"files": files}).fetchone() or ()


def _compare_bz2(results: Results, world: World, rounds: int) -> None:
    """Byleave over a manifest in bz2, and the best that decompressing alone on all cores can do."""
    rows = min(world.rows, BZ2_MOST_ROWS)
    small = dataclasses.replace(
        world, rows=rows, folder=world.folder.with_name(f"world-{rows}-bz2"), slices=1
    )
    files, scratch = small.make(1, "bz2"), small.folder.with_name("bz2-ingest")
    sample = rows if rows < world.rows else None
    for place in range(1, rounds + 1):
        shutil.rmtree(scratch, ignore_errors=True)
        create(small, scratch)
        results.add("ingest", "bz2", BYLEAVE, ingest_manifest(scratch, files), round=place, sample=sample)
        floors: dict[str, Figures] = {}
        for way in _FLOORS:
            try:
                floors[way] = measure([sys.executable, "-m", "benchmarks.peers.bz2_floor", way, *files])
            except SystemExit as error:
                print(f"bz2, {way}: left out: {str(error).splitlines()[-1]}")
        best = min(floors, key=lambda way: floors[way].wall_seconds)
        results.add("ingest", "bz2", "decompressing", floors[best], round=place, sample=sample, note=best)
    shutil.rmtree(scratch, ignore_errors=True)
