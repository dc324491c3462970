"""Join: one bucket's manifest, licenses and opt-outs become facts."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from transforms.domain.schemas import FACTS, LICENSES, MANIFEST, OPT_OUTS
from transforms.facts import MANIFEST_COLUMNS, URL_COLUMNS, join_facts

_DICTIONARIES = (
    "source",
    "owner_id",
    "license",
    "media_type",
    "tags.list.element",
    "machine_tags.list.element",
)
_LOOK_COLUMNS = ("source", "item_id", "license", "visibility", "observed_on")


def action(
    bucket: int,
    manifest: Blob,
    licenses: Sequence[Blob],
    resolved: Sequence[Sequence[Slice]],
    opt_outs: Sequence[Slice],
    wide: Sequence[Blob],
) -> Action:
    """Join a manifest bucket with what concerns it.

    Args:
        licenses: this bucket of each license snapshot.
        resolved: rows of license snapshots that were resolved to this bucket: a sequence for each snapshot.
        opt_outs: owners of this bucket and items resolved to it.
        wide: URLs and tags, which concern every bucket.
    """
    looks = sorted(blob.digest for blob in licenses)
    return Action(
        inputs={
            "manifest": manifest.digest,
            "licenses": looks,
            "resolved": sorted(sorted(each.digest for each in group) for group in resolved),
            "opt_outs": sorted({each.digest for each in opt_outs}),
            "wide": sorted({blob.digest for blob in wide}),
        },
        refs={
            "bucket": bucket,
            "manifest": manifest.to_json(),
            "licenses": [blob.to_json() for blob in licenses],
            "resolved": [[each.to_json() for each in group] for group in resolved],
            "opt_outs": [each.to_json() for each in opt_outs],
            "wide": [blob.to_json() for blob in wide],
        },
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blob `facts`, row for row with the manifest bucket."""
    opt_outs = gather(store.blobs, [Slice.from_json(v) for v in action.refs["opt_outs"]], OPT_OUTS)
    wide = [store.blobs.get_table(Blob.from_json(v), schema=OPT_OUTS) for v in action.refs["wide"]]
    concerns = pa.concat_tables([opt_outs, *wide])
    columns = list(MANIFEST_COLUMNS)
    if "url" in concerns["kind"].unique().to_pylist():
        columns += URL_COLUMNS
    manifest = store.blobs.get_table(
        Blob.from_json(action.refs["manifest"]), columns, schema=MANIFEST, dictionary=_DICTIONARIES
    )
    looks = [
        store.blobs.get_table(
            Blob.from_json(value), _LOOK_COLUMNS, schema=LICENSES, dictionary=("license", "visibility")
        )
        for value in action.refs["licenses"]
    ]
    looks += [
        gather(store.blobs, [Slice.from_json(v) for v in group], LICENSES)
        for group in action.refs["resolved"]
    ]
    facts = join_facts(manifest.combine_chunks(), looks, concerns.combine_chunks())
    return Result({"facts": store.blobs.put_table(facts, FACTS)}, counts={"rows": len(facts)})


STAGE = Stage("Join", run)
