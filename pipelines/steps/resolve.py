"""Resolve: rows that know an item only by its id find the bucket in which its owner lives."""

from __future__ import annotations

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather, route
from pipelines.store.store import Store
from transforms.domain import keys
from transforms.domain.schemas import INDEX, LICENSES, OPT_OUTS
from transforms.index import find_homes


def action(table: str, date: str, index: Blob | None, rows: Blob | Slice, buckets: int) -> Action:
    """Resolve ``rows`` of one shard by the index of the same shard.

    Args:
        table: the digest of the license snapshot or opt-out list: whose rows they are.
        date: of that table.
        index: None if the manifest has no item in the shard.
        rows: licenses without owner (a blob) or opted-out items (a slice).
    """
    return Action(
        inputs={"index": index.digest if index else None, "rows": rows.digest, "buckets": buckets},
        refs={
            "table": table,
            "date": date,
            "index": index.to_json() if index else None,
            "rows": rows.to_json(),
            "kind": "licenses" if isinstance(rows, Blob) else "opt-outs",
        },
        weight=rows.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The rows as `rows`, routed by home; `known` counts those whose item the manifest has."""
    licenses = action.refs["kind"] == "licenses"
    if licenses:
        rows = store.blobs.get_table(Blob.from_json(action.refs["rows"]), schema=LICENSES)
        pairs = rows
    else:
        rows = gather(store.blobs, [Slice.from_json(action.refs["rows"])], OPT_OUTS)
        pairs = rows.rename_columns({"key": "item_id"})
    index = INDEX.empty_table()
    if action.refs["index"]:
        index = store.blobs.get_table(Blob.from_json(action.refs["index"]), schema=INDEX)
    homes, known = find_homes(index.combine_chunks(), pairs.combine_chunks())
    routed = route(store.blobs, rows, keys.bucket_of(homes, action.inputs["buckets"]), name_rows=True)
    return Result(routed={"rows": (routed,)}, counts={"rows": len(rows), "known": int(known.sum())})


STAGE = Stage("Resolve", run)
