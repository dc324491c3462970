"""Merge: a bucket's rows from every split, and from the snapshot before, become one sorted blob."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS
from transforms import merge
from transforms.domain.schemas import INDEX, LICENSES, MANIFEST


def action(
    kind: str,
    part: str,
    bucket: int,
    before: Blob | None,
    slices: Sequence[Slice],
    losers: Sequence[Slice] = (),
) -> Action:
    """Merge ``slices`` into the bucket ``before``, without the rows that ``losers`` names.

    Args:
        kind: `manifests` or `licenses`.
        part: `buckets` (by home) or `shards` (by item): which list of the table the blob belongs to.
    """
    return Action(
        inputs={
            "kind": kind,
            "before": before.digest if before else None,
            "slices": sorted(each.digest for each in slices),
            "losers": sorted(each.digest for each in losers),
        },
        refs={
            "part": part,
            "bucket": bucket,
            "before": before.to_json() if before else None,
            "slices": [each.to_json() for each in slices],
            "losers": [each.to_json() for each in losers],
        },
        weight=sum(each.rows for each in slices) + (before.rows if before else 0),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `bucket` (absent if no row is left) and how many rows were `duplicates`."""
    schema = MANIFEST if action.inputs["kind"] == MANIFESTS else LICENSES
    slices = [Slice.from_json(value) for value in action.refs["slices"]]
    parts = [gather(store.blobs, slices, schema)]
    if action.refs["before"]:
        parts.append(store.blobs.get_table(Blob.from_json(action.refs["before"]), schema=schema))
    rows = pa.concat_tables(parts)
    if action.inputs["kind"] == MANIFESTS:
        losers = gather(store.blobs, [Slice.from_json(value) for value in action.refs["losers"]], INDEX)
        merged = merge.merge_manifest(rows, losers)
    else:
        merged = merge.merge_licenses(rows)
    blobs = {"bucket": store.blobs.put_table(merged, schema)} if len(merged) else {}
    return Result(blobs, counts={"duplicates": len(rows) - len(merged)})


STAGE = Stage("Merge", run)
