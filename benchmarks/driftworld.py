"""A store of N items with three license snapshots, written bucket by bucket; and the same rows as raw dumps.

Nothing is parsed: what ingest costs has a benchmark of its own. Beside the store lie the dumps that a
maintainer without byleave would query: of each snapshot 16 Parquet files in the order of the item ids.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.history import (
    DAYS,
    SEED,
    SOURCE,
    People,
    home_of_owners,
    items_of,
    later_look,
    license_rows,
    looks,
    manifest_rows,
    raw_rows,
)
from benchmarks.worlds import buckets_for
from pipelines.store.blobs import Blob
from pipelines.store.store import Dataset, Store, close_stores, create_store, open_store
from pipelines.store.tables import LICENSES, MANIFESTS, Table
from transforms.domain.schemas import LICENSES as LICENSES_SCHEMA
from transforms.domain.schemas import MANIFEST as MANIFEST_SCHEMA
from transforms.domain.subbuckets import LIMIT_ROWS
from transforms.synth.draws import I64

LATER_DAY = "2026-11-01"
SAME, CHANGED = "same", "changed"
WORKERS = 2
_RAW_FILES = 16  # of a snapshot
_RAW_PARTS = 4  # in which they are made: for each, the ids of all items are looked at
_RAW_GROUP_ROWS = 122_880  # what DuckDB itself writes, and reads by threads
_SCAN_ITEMS = 1 << 22


@dataclasses.dataclass(frozen=True)
class DriftWorld:
    """Where the inputs of one number of rows lie."""

    rows: int
    folder: Path

    @property
    def store(self) -> Path:
        """One manifest and the snapshots of :data:`benchmarks.history.DAYS`."""
        return self.folder / "store"

    def raw(self, day: str) -> Path:
        """The files of a snapshot as a maintainer would have them."""
        return self.folder / "raw" / day

    def build(self) -> None:
        """Make all of it if it is not there, and say how it goes."""
        whole = self.folder / "whole"
        if whole.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._build_store()
        for day in DAYS:
            self.raw(day).mkdir(parents=True)
        for _ in _in_processes(_write_raw, [(self, part) for part in range(_RAW_PARTS)], "raw files, parts"):
            pass
        whole.touch()

    def _build_store(self) -> None:
        buckets = buckets_for(self.rows)
        store = create_store(str(self.store), Dataset("yfcc100m", SOURCE, buckets))
        tasks = [(self, bucket) for bucket in range(buckets)]
        made = list(_in_processes(_write_bucket, tasks, "buckets"))
        names = [MANIFESTS, *DAYS, CHANGED]
        tables = {name: {bucket: blobs[name] for bucket, blobs in made if name in blobs} for name in names}
        store.tables.commit(_table(MANIFESTS, "a", "", tables[MANIFESTS]))
        for day in DAYS:
            store.tables.commit(_table(LICENSES, day, day, tables[day]))
        for name, blobs in ((SAME, tables[DAYS[-1]]), (CHANGED, tables[CHANGED])):
            later = _table(LICENSES, LATER_DAY, LATER_DAY, blobs)
            (self.folder / f"{name}.json").write_text(json.dumps(later.to_json()), encoding="utf-8")
        close_stores()

    def take_in_later(self, name: str, store: Path) -> None:
        """Commit the fourth snapshot, :data:`SAME` or :data:`CHANGED`, to a copy of the store."""
        document = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        open_store(str(store)).tables.commit(Table.from_json(document, name))


def _table(kind: str, name: str, date: str, buckets: dict[int, Blob]) -> Table:
    rows = sum(blob.rows for blob in buckets.values())
    counts = {"rows_read": rows, "rows": rows, "duplicates": 0, "quarantined": 0}
    return Table(kind, name, date, buckets, counts=counts, full=kind == LICENSES)


@functools.lru_cache(maxsize=1)
def _people(rows: int, buckets: int) -> tuple[People, I64, I64]:
    """Who there is; all owners, bucket by bucket; and where in these each bucket begins and ends."""
    people = People(SEED, rows)
    home = home_of_owners(people, buckets)
    by_bucket = np.argsort(home, kind="stable")
    return people, by_bucket, np.searchsorted(home[by_bucket], np.arange(buckets + 1))


def _write_bucket(world: DriftWorld, bucket: int) -> tuple[int, dict[str, Blob]]:
    """Write the blobs of one bucket: of the manifest, each snapshot, and the fourth one that has changes."""
    store: Store = open_store(str(world.store))
    people, by_bucket, bounds = _people(world.rows, store.dataset.buckets)
    item, owner = items_of(people, by_bucket[bounds[bucket] : bounds[bucket + 1]])
    if not len(item):
        return bucket, {}
    assert len(item) <= LIMIT_ROWS, f"bucket {bucket} has {len(item):,} rows and would be divided"
    seen = looks(people, item, owner)
    rows = license_rows(people, item, owner, [*seen, later_look(people, seen[-1], owner)])
    blobs = {MANIFESTS: store.blobs.put_table(manifest_rows(people, item, owner), MANIFEST_SCHEMA)}
    for name, table in zip((*DAYS, CHANGED), rows, strict=True):
        blobs[name] = store.blobs.put_table(table, LICENSES_SCHEMA)
    return bucket, blobs


def _write_raw(world: DriftWorld, part: int) -> None:
    """Write those files of each snapshot whose items have ids in one part of all ids, in their order."""
    people = _people(world.rows, buckets_for(world.rows))[0]
    items = np.array_split(_by_id(people, part), _RAW_FILES // _RAW_PARTS)
    for number, item in enumerate(items, start=part * len(items)):
        with contextlib.ExitStack() as doors:
            files = [world.raw(day) / f"{number:02d}.parquet" for day in DAYS]
            writers = [doors.enter_context(pq.ParquetWriter(f, _RAW, compression="zstd")) for f in files]
            for start in range(0, len(item), _RAW_GROUP_ROWS):
                group = item[start : start + _RAW_GROUP_ROWS]
                owner = people.owner_of(group)
                for writer, look in zip(writers, looks(people, group, owner), strict=True):
                    writer.write_table(raw_rows(people, group, owner, look).cast(_RAW))


_RAW = pa.schema(
    {"item_id": pa.int64(), "owner_id": pa.string(), "license": pa.string(), "visibility": pa.string()}
)
"""Ids as numbers, which Flickr's are: smaller than as text, and faster to join."""


def _by_id(people: People, part: int) -> I64:
    """The items of one part of all ids, in the order of their ids."""
    found, numbers = [], []
    for start in range(0, people.items, _SCAN_ITEMS):
        item = np.arange(start, min(start + _SCAN_ITEMS, people.items))
        its = people.item_number(item)
        here = its * _RAW_PARTS // (people.most_item_number + 1) == part
        found.append(item[here])
        numbers.append(its[here])
    return np.concatenate(found)[np.argsort(np.concatenate(numbers))]


def _in_processes(work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], what: str) -> Iterator[Any]:
    """The outcome of each task, in any order; says after each tenth how far it is."""
    began = time.perf_counter()
    # Not forked: Arrow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        futures = [pool.submit(work, *task) for task in tasks]
        for done, future in enumerate(concurrent.futures.as_completed(futures), start=1):
            yield future.result()
            if done * 10 // len(tasks) > (done - 1) * 10 // len(tasks):
                print(f"{what}: {done} of {len(tasks)}, {time.perf_counter() - began:.0f} s", flush=True)
