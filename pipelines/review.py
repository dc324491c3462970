"""Looking at releases that exist: verifying one, and comparing two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.progress import Watch
from pipelines.publish import in_threads, pass_gate
from pipelines.store.blobs import Blob
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store
from pipelines.store.tables import OPT_OUTS, Table
from transforms.compare import Changes, compare
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import EXCLUDED, ITEMS


def verify(store: Store, release: Release, watch: Watch) -> Mapping[str, int]:
    """Hash every blob of the release again, count its rows, and pass the gate once more.

    Returns:
        How many blobs, bytes and rows were checked.

    Raises:
        IntegrityError: a blob is missing or damaged, or the inputs are not those that the release names.
        RefusedError: a row meets an opt-out list that the release was cut with.
    """
    blobs = [blob for name in PARTS for _, blob in sorted(release.parts[name].items())]
    size = sum(blob.bytes for blob in blobs)
    with watch.counting("verify", size) as report:
        done = 0
        for blob, _ in zip(blobs, in_threads(store.blobs.verify, blobs), strict=True):
            done += blob.bytes
            report(done)
    pass_gate(store, release, _lists(store, release), watch, again=True)
    return {"blobs": len(blobs), "bytes": size, "rows": release.content["counts"]["kept"]}


def _lists(store: Store, release: Release) -> list[Table]:
    lists = []
    for named in release.content["inputs"]["opt_outs"]:
        table = store.tables.get(OPT_OUTS, named["name"])
        if table.digest != named["digest"]:
            raise IntegrityError(
                f"opt-out list {table.name}: has digest {table.digest}, not {named['digest']}"
            )
        lists.append(table)
    return lists


@dataclass
class Difference:
    """How two releases differ.

    Attributes:
        buckets: how many hold anything; `buckets_changed` of them differ and were read.
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
    items = [each.parts["items"] for each in (older, newer)]
    buckets = sorted(items[0].keys() | items[1].keys())
    changed = [b for b in buckets if items[0].get(b) != items[1].get(b)]
    found = Difference(len(buckets), len(changed))

    def look(bucket: int) -> Changes:
        before, after = (_rows(store, each.get(bucket), ITEMS) for each in items)
        return compare(before, after, _rows(store, newer.parts["excluded"].get(bucket), EXCLUDED))

    with watch.counting("diff", len(changed)) as report:
        for place, changes in enumerate(in_threads(look, changed)):
            found.added += changes.added
            found.removed += changes.removed
            found.changed += changes.changed
            found.removed_for.update(changes.removed_for)
            report(place + 1)
    return found


def _rows(store: Store, blob: Blob | None, schema: pa.Schema) -> pa.Table:
    return store.blobs.get_table(blob, schema=schema).combine_chunks() if blob else schema.empty_table()
