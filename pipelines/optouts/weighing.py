"""What a list would remove: its targets are weighed against a manifest, wherever not remembered.

It runs in threads of this process, as the gate does: it reads two narrow columns of the buckets that are
concerned, which is less than starting a runner would cost. Neither Beam nor DuckDB is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action
from pipelines.progress import UNWATCHED, Watch
from pipelines.steps import weigh
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.releases import Release
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS, Table
from pipelines.threads import in_threads
from transforms.domain import keys, subbuckets
from transforms.domain.schemas import INDEX
from transforms.domain.targets import FLICKR
from transforms.index import find_homes
from transforms.match import FLICKRS
from transforms.weigh import TARGETS, WEIGHTS


@dataclass(frozen=True)
class Weighing:
    """What targets meet in a manifest.

    Attributes:
        manifest: its name; empty if there is none yet.
        items: how many it has.
        weights: in ``weigh.WEIGHTS``: of the targets that meet any.
    """

    manifest: str
    items: int
    weights: pa.Table


def weigh_targets(
    store: Store, targets: pa.Table, watch: Watch = UNWATCHED, manifest: Table | None = None
) -> Weighing:
    """What ``targets`` (``weigh.TARGETS``, distinct) meet in ``manifest``; if it is not given in the newest.

    What a target met under an earlier name of its owner is not weighed: only what the manifest itself says.
    """
    manifest = manifest or store.tables.newest(MANIFESTS)
    if manifest is None:
        return Weighing("", 0, WEIGHTS.empty_table())
    return Weighing(manifest.name, manifest.counts["rows"], _weigh(store, manifest, targets, watch))


def items_released(store: Store, release: Release, targets: pa.Table, watch: Watch = UNWATCHED) -> int:
    """How many items ``targets`` meet among those that a release holds; each target counted by itself."""
    manifest = store.tables.get(MANIFESTS, release.content["inputs"]["manifest"]["name"])
    # A part has the columns of the manifest's bucket, and fewer rows.
    weights = _weigh(store, replace(manifest, buckets=release.parts["items"]), targets, watch)
    return pc.sum(weights["items"]).as_py() or 0


def _weigh(store: Store, manifest: Table, targets: pa.Table, watch: Watch) -> pa.Table:
    """What ``targets`` meet in the buckets of ``manifest``, in ``weigh.WEIGHTS``."""
    actions = _plan(store, manifest, targets)
    blobs: list[Blob] = []
    with watch.counting("weighing", sum(action.weight for action in actions)) as report:
        done = 0
        for rows, result in _results(store, actions):
            report(done := done + rows)
            blobs += result.blobs.values()
    tables = in_threads(lambda blob: store.blobs.get_table(blob, schema=WEIGHTS), blobs, store.blobs_at_once)
    return _added_up(pa.concat_tables([WEIGHTS.empty_table(), *tables]))


def _results(store: Store, actions: Sequence[Action]) -> Iterator[tuple[int, Result]]:
    """Of each action how many rows it looks at, and its result: remembered, or made now."""
    stage = weigh.STAGE
    keyed = [(stage.key(action), action) for action in actions]
    found = store.memos.get_all(stage.name, [key for key, _ in keyed])
    yield from ((action.weight, found[key]) for key, action in keyed if key in found)
    left = [action for key, action in keyed if key not in found]
    made = in_threads(lambda action: stage.run_and_remember(store, action), left, store.rows_at_once)
    yield from zip((action.weight for action in left), made, strict=True)


def _plan(store: Store, manifest: Table, targets: pa.Table) -> list[Action]:
    """One action for each home bucket in which a target can live; none for the others."""
    homeless = pc.invert(pc.is_in(targets["kind"], pa.array(FLICKRS)))
    if manifest.foreign:  # rows of any bucket may show what is Flickr's
        homeless = pc.or_(homeless, pc.equal(targets["source"], FLICKR).fill_null(False))
    anywhere, targets = targets.filter(homeless), targets.filter(pc.invert(homeless))
    owners = targets.filter(pc.equal(targets["kind"], "owner")).combine_chunks()
    source, key = (owners[name].combine_chunks() for name in ("source", "key"))
    homes = [(owners, keys.home_hash(source, key, key))]
    homes += _at_home(store, manifest, targets.filter(pc.equal(targets["kind"], "item")))
    living = pa.concat_tables([each for each, _ in homes]).combine_chunks()
    here = _by_place(living, np.concatenate([hashes for _, hashes in homes]), store.dataset.buckets)
    wide = store.blobs.put_table(anywhere.combine_chunks(), TARGETS) if len(anywhere) else None
    buckets = subbuckets.by_home(manifest.buckets, store.dataset.buckets)

    def weigh_in(bucket: int) -> Action:
        rows = [manifest.buckets[place] for place in buckets[bucket]]
        return weigh.action(bucket, rows, _put(store, here.get(bucket)), wide)

    concerned = [bucket for bucket in buckets if bucket in here or wide]
    return list(in_threads(weigh_in, concerned, store.backend.reads_at_once))


def _put(store: Store, targets: pa.Table | None) -> Blob | None:
    return None if targets is None else store.blobs.put_table(targets, TARGETS)


def _at_home(store: Store, manifest: Table, items: pa.Table) -> Iterator[tuple[pa.Table, keys.U64]]:
    """The items that the manifest has, by its index, with their homes; one shard after another."""
    source, key = (items[name].combine_chunks() for name in ("source", "key"))
    asked = _by_place(items.combine_chunks(), keys.item_hash(source, key), store.dataset.shards)

    def find(shard: int) -> tuple[pa.Table, keys.U64]:
        index = store.blobs.get_table(manifest.shards[shard], schema=INDEX).combine_chunks()
        pairs = asked[shard].rename_columns({"key": "item_id"})
        homes, known = find_homes(index, pairs)
        return asked[shard].filter(pa.array(known)).combine_chunks(), homes[known]

    there = [shard for shard in sorted(asked) if shard in manifest.shards]
    yield from in_threads(find, there, store.rows_at_once)


def _by_place(rows: pa.Table, hashes: keys.U64, places: int) -> Mapping[int, pa.Table]:
    """The rows of each bucket or shard that has any, in their order."""
    place = keys.bucket_of(hashes, places)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    ordered = rows.take(pa.array(order))
    lengths = np.diff(starts, append=len(order)).tolist()
    return {
        int(place[order[start]]): ordered.slice(start, length).combine_chunks()
        for start, length in zip(starts.tolist(), lengths, strict=True)
    }


def _added_up(weights: pa.Table) -> pa.Table:
    """One row for each target, sorted, whatever the buckets it was met in."""
    found = weights.group_by(TARGETS.names, use_threads=False).aggregate(
        [("items", "sum"), ("owners", "sum"), ("content_md5", "max"), ("content_sha256", "max")]
    )
    found = found.select([0, 1, 2, 3, 4, 5, 6]).rename_columns(WEIGHTS.names)
    places = pc.sort_indices(found, sort_keys=[(name, "ascending") for name in TARGETS.names])
    return found.take(places).cast(WEIGHTS).combine_chunks()
