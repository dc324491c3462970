"""Resolve: rows that know an item only by its id find the bucket in which its owner lives."""

from __future__ import annotations

from typing import Any

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather, route
from pipelines.store.store import Store
from transforms.domain import keys
from transforms.domain.schemas import DETECTIONS, INDEX, LEAVE, LICENSES
from transforms.index import find_homes

_SCHEMAS = {"licenses": LICENSES, "detections": DETECTIONS}


def licenses(index: Blob | None, rows: Blob, buckets: int, table: str) -> Action:
    """Resolve the license rows of a shard that name no owner.

    Args:
        index: of the same shard; None if the manifest has no item there.
        table: the digest of the license snapshot whose rows they are.
    """
    return _action(index, rows, buckets, {"kind": "licenses", "table": table})


def detections(index: Blob | None, rows: Blob, buckets: int, table: str) -> Action:
    """Resolve the detections of a shard; ``table``: the digest of their snapshot."""
    return _action(index, rows, buckets, {"kind": "detections", "table": table})


def leave(index: Blob | None, rows: Slice, buckets: int) -> Action:
    """Resolve what stands of the items of a shard."""
    return _action(index, rows, buckets, {"kind": "leave"})


def _action(index: Blob | None, rows: Blob | Slice, buckets: int, refs: dict[str, Any]) -> Action:
    return Action(
        inputs={"index": index.digest if index else None, "rows": rows.digest, "buckets": buckets},
        refs={**refs, "index": index.to_json() if index else None, "rows": rows.to_json()},
        weight=rows.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The rows as `rows`, routed by home; `known` counts those whose item the manifest has."""
    if action.refs["kind"] == "leave":
        rows = gather(store.blobs, [Slice.from_json(action.refs["rows"])], LEAVE)
        pairs = rows.rename_columns({"key": "item_id"})
    else:
        schema = _SCHEMAS[action.refs["kind"]]
        rows = store.blobs.get_table(Blob.from_json(action.refs["rows"]), schema=schema)
        pairs = rows
    index = INDEX.empty_table()
    if action.refs["index"]:
        index = store.blobs.get_table(Blob.from_json(action.refs["index"]), schema=INDEX)
    homes, known = find_homes(index.combine_chunks(), pairs.combine_chunks())
    routed = route(store.blobs, rows, keys.bucket_of(homes, action.inputs["buckets"]), name_rows=True)
    return Result(routed={"rows": (routed,)}, counts={"rows": len(rows), "known": int(known.sum())})


STAGE = Stage("Resolve", run)
