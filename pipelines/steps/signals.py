"""Signals: what the signals that stand say of the items of one bucket."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from transforms.domain.schemas import MANIFEST, SIGNALED, STANDING_SIGNALS
from transforms.signals.adjudicate import adjudicate

_ITEM_COLUMNS = ("source", "item_id")
_URL_COLUMNS = ("page_url", "image_url")


def action(bucket: int, manifest: Blob, rules: Blob) -> Action:
    """Hold a manifest bucket against the blob `rules` of StandingSignals.

    A release plans none where there is no such blob.
    """
    return Action(
        inputs={"manifest": manifest.digest, "rules": rules.digest},
        refs={"bucket": bucket, "manifest": manifest.to_json(), "rules": rules.to_json()},
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blob `signaled`, absent if no signal concerns the bucket; counts `rows` and `stale` among them."""
    rules = store.blobs.get_table(Blob.from_json(action.refs["rules"]), schema=STANDING_SIGNALS)
    kinds = set(rules["kind"].unique().to_pylist())
    # Addresses are most of a bucket's bytes.
    read = (*_ITEM_COLUMNS, *(_URL_COLUMNS if kinds & {"host", "url"} else ()))
    manifest = Blob.from_json(action.refs["manifest"])
    rows = store.blobs.get_table(manifest, read, schema=MANIFEST, dictionary=["source"]).combine_chunks()
    for name in {*_URL_COLUMNS} - {*read}:
        rows = rows.append_column(name, pa.nulls(len(rows), pa.string()))
    signaled = adjudicate(rows, rules.cast(STANDING_SIGNALS))
    counts = {"rows": len(signaled), "stale": pc.sum(signaled["stale"]).as_py() or 0}
    if not len(signaled):
        return Result(counts=counts)
    return Result({"signaled": store.blobs.put_table(signaled, SIGNALED)}, counts=counts)


STAGE = Stage("Signals", run)
