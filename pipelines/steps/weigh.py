"""Weigh: what the targets of a list meet in one home bucket of a manifest."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import MANIFEST, MET
from transforms.match import columns_for, match
from transforms.weigh import ITEM_COLUMNS, OWN_COLUMNS, TARGETS, WEIGHTS, weigh

_DICTIONARIES = ("source", "owner_id", "owner_name", "tags.list.element", "machine_tags.list.element")


def action(bucket: int, manifest: Sequence[Blob], here: Blob | None, wide: Blob | None) -> Action:
    """Weigh targets against a home bucket.

    Args:
        bucket: its number.
        manifest: its blob, or those of its sub-buckets.
        here: owners that live in it, and items that the index says do; None without any.
        wide: targets that may be met anywhere, of items and owners Flickr's; None without any.
    """
    return Action(
        inputs={
            "manifest": [blob.digest for blob in manifest],
            "here": here.digest if here else None,
            "wide": wide.digest if wide else None,
        },
        refs={
            "bucket": bucket,
            "manifest": [blob.to_json() for blob in manifest],
            "here": here.to_json() if here else None,
            "wide": wide.to_json() if wide else None,
        },
        weight=sum(blob.rows for blob in manifest),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `weights`, if a target meets anything; counts `rows`."""
    here, wide = (
        store.blobs.get_table(Blob.from_json(value), schema=TARGETS).combine_chunks()
        if value
        else TARGETS.empty_table()
        for value in (action.refs["here"], action.refs["wide"])
    )
    targets = pa.concat_tables([here, wide]).combine_chunks()
    items = pc.any(pc.equal(targets["kind"], "item")).as_py()
    own = [*OWN_COLUMNS, *(ITEM_COLUMNS if items else ())]
    asked = columns_for(wide["kind"].unique().to_pylist()) if len(wide) else ()
    columns = [name for name in MANIFEST.names if name in {*own, *asked}]
    parts: list[pa.Table] = []
    met = [MET.empty_table()]
    for value in action.refs["manifest"]:
        blob = Blob.from_json(value)
        rows = store.blobs.get_table(blob, columns, schema=MANIFEST, dictionary=_DICTIONARIES)
        if len(wide):
            found = match(rows, wide.select(["kind", "key"]))
            row = pc.add(found["row"], pa.scalar(sum(len(part) for part in parts), pa.int32()))
            met.append(found.set_column(MET.get_field_index("row"), MET.field("row"), row).cast(MET))
        parts.append(rows.select(own))
    manifest = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    weights = weigh(manifest, targets, pa.concat_tables(met))
    blobs = {"weights": store.blobs.put_table(weights, WEIGHTS)} if len(weights) else {}
    return Result(blobs, counts={"rows": len(manifest)})


STAGE = Stage("Weigh", run)
