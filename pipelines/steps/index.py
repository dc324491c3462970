"""Index: merge one shard of item ids, and find the items that rows give to several owners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather, route
from pipelines.store.store import Store
from transforms.domain import keys
from transforms.domain.schemas import INDEX
from transforms.index import extend_index


def action(shard: int, before: Blob | None, slices: Sequence[Slice], buckets: int) -> Action:
    """Merge the entries of ``slices`` into the shard of an earlier snapshot, if there is one."""
    return Action(
        inputs={
            "before": before.digest if before else None,
            "slices": sorted(each.digest for each in slices),
            "buckets": buckets,
        },
        refs={
            "shard": shard,
            "before": before.to_json() if before else None,
            "slices": [each.to_json() for each in slices],
        },
        weight=sum(each.rows for each in slices),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `index`; and `losers`, routed by bucket, where items had rivals for their home.

    Counts: `losers`, and by bucket `items/<bucket>`: how many items more it has than before.
    """
    slices = [Slice.from_json(value) for value in action.refs["slices"]]
    before = INDEX.empty_table()
    if action.refs["before"]:
        before = store.blobs.get_table(Blob.from_json(action.refs["before"]), schema=INDEX)
    index, losers = extend_index(before.combine_chunks(), gather(store.blobs, slices, INDEX))
    buckets = action.inputs["buckets"]
    gained = _items(index, buckets) - _items(before, buckets)
    counts = {f"items/{bucket}": int(gained[bucket]) for bucket in np.flatnonzero(gained)}
    routed = {}
    if len(losers):
        places = keys.bucket_of(losers["home"].to_numpy(), buckets)
        routed["losers"] = (route(store.blobs, losers, places, name_rows=True),)
    counts["losers"] = len(losers)
    return Result({"index": store.blobs.put_table(index, INDEX)}, routed, counts)


def _items(index: pa.Table, buckets: int) -> npt.NDArray[np.int64]:
    """How many items live in each bucket."""
    return np.bincount(keys.bucket_of(index["home"].to_numpy(), buckets), minlength=buckets)


STAGE = Stage("Index", run)
