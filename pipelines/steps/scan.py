"""Scan: which rows of a bucket are met by targets that do not say where they live."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import MANIFEST, MET, OPT_OUTS
from transforms.domain.targets import TAGS_THAT_SAY_NO
from transforms.match import OWNER_KINDS, columns_for, match

_TARGETS = pa.schema([OPT_OUTS.field(name) for name in ("kind", "key")])
_BUILT_IN = pa.table({"kind": ["tag"] * len(TAGS_THAT_SAY_NO), "key": TAGS_THAT_SAY_NO}, schema=_TARGETS)
_DICTIONARIES = ("source", "owner_id", "owner_name", "tags.list.element", "machine_tags.list.element")


def action(bucket: int, manifest: Blob, targets: Blob | None, *, names_only: bool = False) -> Action:
    """Hold a manifest bucket against a chunk of targets.

    Args:
        bucket: its key.
        manifest: its rows.
        targets: as the stage WideTargets made them; None: the tags that say no by themselves.
        names_only: that of an earlier manifest only the owners count who were called by a target.
    """
    inputs = {"manifest": manifest.digest, "targets": targets.digest if targets else None}
    return Action(
        inputs=inputs | ({"names_only": True} if names_only else {}),
        refs={
            "bucket": bucket,
            "manifest": manifest.to_json(),
            "targets": targets.to_json() if targets else None,
        },
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blobs `rows` and `owners`, each absent if it has no row: the rows that are met, owners by name."""
    targets = _BUILT_IN
    if action.refs["targets"]:
        targets = store.blobs.get_table(Blob.from_json(action.refs["targets"]), schema=_TARGETS)
    if "names_only" in action.inputs:
        targets = targets.filter(pc.is_in(targets["kind"], pa.array(OWNER_KINDS)))
    columns = columns_for(targets["kind"].unique().to_pylist())
    nested = [name for name in _DICTIONARIES if name.partition(".")[0] in columns]
    manifest = Blob.from_json(action.refs["manifest"])
    rows = store.blobs.get_table(manifest, columns, schema=MANIFEST, dictionary=nested).combine_chunks()
    met = match(rows, targets)
    named = met["row"].is_null()
    found = {"rows": met.filter(pc.invert(named)), "owners": met.filter(named)}
    blobs = {name: store.blobs.put_table(table, MET) for name, table in found.items() if len(table)}
    return Result(blobs, counts={"rows": manifest.rows, "met": len(met)})


STAGE = Stage("Scan", run)
