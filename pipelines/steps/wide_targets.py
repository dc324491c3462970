"""WideTargets: what opt-out lists name that does not say where it lives: a URL, a host, a tag, a name.

A chunk of lists makes one set of targets, by which each bucket is scanned once.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.store.tables import Table
from transforms.domain.schemas import OPT_OUTS
from transforms.match import KINDS

COLUMNS = ("kind", "key")
SCHEMA = pa.schema([OPT_OUTS.field(name) for name in COLUMNS])


def action(lists: Sequence[Table]) -> Action:
    """The wide targets of a chunk of opt-out lists."""
    entries = {table.blobs["entries"].digest: table.blobs["entries"] for table in lists}
    return Action(
        inputs={"entries": sorted(entries)},
        refs={"entries": [blob.to_json() for _, blob in sorted(entries.items())]},
        weight=sum(blob.rows for blob in entries.values()),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `targets`: kind and key, distinct and sorted, absent if there are none; counts them by kind.

    Whatever was ever asked of a target is scanned for. What stands of it, and when, is not looked at here: so
    nothing is scanned again because a day came. What waits for a person was not asked yet.
    """
    named = [_named(store, Blob.from_json(value)) for value in action.refs["entries"]]
    targets = pa.concat_tables(named).group_by(COLUMNS, use_threads=False).aggregate([])
    targets = targets.sort_by([(name, "ascending") for name in COLUMNS]).combine_chunks()
    counted = targets["kind"].combine_chunks().value_counts().to_pylist()
    counts = {each["values"]: each["counts"] for each in counted}
    blobs = {"targets": store.blobs.put_table(targets, SCHEMA)} if len(targets) else {}
    return Result(blobs, counts=counts)


def _named(store: Store, entries: Blob) -> pa.Table:
    rows = store.blobs.get_table(entries, (*COLUMNS, "state"), schema=OPT_OUTS)
    wide = pc.and_(pc.is_in(rows["kind"], pa.array(KINDS)), pc.equal(rows["state"], "active"))
    return rows.filter(wide).select(COLUMNS)


STAGE = Stage("WideTargets", run)
