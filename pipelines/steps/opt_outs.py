"""OptOuts: read one opt-out list, and send each entry to where it can be honored."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.store.memo import Result
from pipelines.store.routed import Routed, route
from pipelines.store.store import Store
from transforms.domain import keys, schemas
from transforms.formats.opt_outs import merge_lists, read_list


def action(
    files: Sequence[inputs.Split], *, source: str, received_on: str, buckets: int, shards: int
) -> Action:
    """Read ``files`` as one list, received on a day."""
    return Action(
        inputs={
            "files": sorted(split.sha256 for split in files),
            "source": source,
            "received_on": received_on,
            "buckets": buckets,
            "shards": shards,
        },
        refs={"files": [split.to_json() for split in files]},
        weight=sum(split.length_bytes for split in files),
    )


def run(store: Store, action: Action) -> Result:
    """The blobs `entries` (all) and `wide` (URLs and tags); `owners` routed by home, `items` by item."""
    day = datetime.date.fromisoformat(action.inputs["received_on"])
    lists = []
    for value in action.refs["files"]:
        split = inputs.Split.from_json(value)
        data = inputs.read_whole(split)
        lists.append(read_list(data, place=split.path, source=action.inputs["source"], received_on=day))
    entries = merge_lists(lists)
    wide = entries.filter(pc.is_in(entries["kind"], pa.array(["url", "tag"])))
    blobs = {"entries": store.blobs.put_table(entries, schemas.OPT_OUTS)}
    if len(wide):
        blobs["wide"] = store.blobs.put_table(wide, schemas.OPT_OUTS)
    routed: dict[str, tuple[Routed, ...]] = {}
    for kind, name in (("owner", "owners"), ("item", "items")):
        part = entries.filter(pc.equal(entries["kind"], kind)).combine_chunks()
        if len(part):
            source, key = part["source"].combine_chunks(), part["key"].combine_chunks()
            if kind == "owner":
                places = keys.bucket_of(keys.home_hash(source, key, key), action.inputs["buckets"])
            else:
                places = keys.bucket_of(keys.item_hash(source, key), action.inputs["shards"])
            routed[name] = (route(store.blobs, part, places, name_rows=True),)
    counts = {
        f"{kind}s": pc.sum(pc.equal(entries["kind"], kind)).as_py() or 0
        for kind in ("item", "owner", "url", "tag")
    }
    return Result(blobs, routed, {"rows": len(entries), **counts})


STAGE = Stage("OptOuts", run)
