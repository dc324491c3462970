"""Looking at releases that exist: verifying one, and comparing two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.progress import Watch
from pipelines.publish import pass_gate
from pipelines.release_inputs import inputs_of
from pipelines.store.blobs import Blob
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.compare import Changes, compare
from transforms.domain import subbuckets
from transforms.domain.schemas import EXCLUDED, ITEMS
from transforms.domain.subbuckets import SubBucket


def verify(store: Store, release: Release, watch: Watch) -> Mapping[str, int]:
    """Hash every blob of the release again, count its rows, and pass the gate once more.

    Returns:
        How many blobs, bytes and rows were checked.

    Raises:
        StateError: an input that the release names is no longer there.
        IntegrityError: a blob is missing or damaged, or an input is not what it was.
        RefusedError: a row meets an opt-out list that the release was cut with.
    """
    blobs = [blob for name in PARTS for _, blob in sorted(release.parts[name].items())]
    size = sum(blob.bytes for blob in blobs)
    with watch.counting("verify", size) as report:
        done = 0
        verified = in_threads(store.blobs.verify, blobs, store.blobs_at_once)
        for blob, _ in zip(blobs, verified, strict=True):
            done += blob.bytes
            report(done)
    pass_gate(store, release, inputs_of(store, release), watch, again=True)
    return {"blobs": len(blobs), "bytes": size, "rows": release.content["counts"]["kept"]}


@dataclass
class Difference:
    """How two releases differ.

    Attributes:
        buckets: how many hold anything, each part of a divided one counted; `buckets_changed` of them differ
            and were read.
        added, removed: items only in the newer, only in the older.
        changed: items in both whose row differs.
        removed_for: first reason that the newer release gives for those removed; `not_in_manifest` if none.
    """

    buckets: int = 0
    buckets_changed: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    removed_for: Counter[str] = field(default_factory=Counter)


def diff(store: Store, older: Release, newer: Release, watch: Watch) -> Difference:
    """Compare digests first, then the rows of the buckets that differ, and only those."""
    buckets = newer.content["buckets"]
    parts = (older.parts["items"], newer.parts["items"], newer.parts["excluded"])
    before, after, excluded = (_Places(store, part, buckets) for part in parts)
    # One release may divide a bucket that the other has whole: they are compared in the smaller pieces.
    places = list(subbuckets.finest(parts[:2], buckets))
    changed = [place for place in places if before.blobs(place) != after.blobs(place)]
    found = Difference(len(places), len(changed))

    def look(place: SubBucket) -> Changes:
        return compare(before.rows(place, ITEMS), after.rows(place, ITEMS), excluded.rows(place, EXCLUDED))

    with watch.counting("diff", len(changed)) as report:
        for number, changes in enumerate(in_threads(look, changed, store.rows_at_once)):
            found.added += changes.added
            found.removed += changes.removed
            found.changed += changes.changed
            found.removed_for.update(changes.removed_for)
            report(number + 1)
    return found


class _Places:
    """A release's part by place, however it divides its buckets."""

    def __init__(self, store: Store, part: Mapping[int, Blob], buckets: int) -> None:
        self._store = store
        self._homes: dict[int, list[tuple[SubBucket, Blob]]] = {}
        for key, blob in sorted(part.items()):
            place = SubBucket.of(key, buckets)
            self._homes.setdefault(place.bucket, []).append((place, blob))

    def blobs(self, place: SubBucket) -> list[tuple[SubBucket, Blob]]:
        """The blobs that hold the rows of ``place``, and what else they hold."""
        return [held for held in self._homes.get(place.bucket, ()) if held[0].meets(place)]

    def rows(self, place: SubBucket, schema: pa.Schema) -> pa.Table:
        tables = [schema.empty_table()]
        for held, blob in self.blobs(place):
            rows = self._store.blobs.get_table(blob, schema=schema)
            tables.append(place.select(rows) if held.parts < place.parts else rows)
        return pa.concat_tables(tables).combine_chunks()
