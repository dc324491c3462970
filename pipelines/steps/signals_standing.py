"""StandingSignals: of all signals that were ever observed those that stand, which are what a release asks.

What stands is free of days and of evidence: a night that observed once more what was known comes to the same
blob, and no bucket is looked at again.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.store.tables import Table
from transforms.domain.schemas import SIGNALS, STANDING_SIGNALS
from transforms.signals.adjudicate import standing_signals


def action(tables: Sequence[Table]) -> Action:
    """What stands of the signals in ``tables``: every table of kind `signals` that is known.

    Nothing turns between two tables: a signal stands until a later one of the same source replaces it.
    """
    blobs = {table.blobs["entries"].digest: table.blobs["entries"] for table in tables}
    return Action(
        inputs={"signals": sorted(blobs)},
        refs={"signals": [blob.to_json() for _, blob in sorted(blobs.items())]},
        weight=sum(blob.rows for blob in blobs.values()),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `rules`, sorted by all columns, of all that may matter to an item; absent if nothing does."""
    blobs = [Blob.from_json(value) for value in action.refs["signals"]]
    signals = [store.blobs.get_table(blob, schema=SIGNALS).cast(SIGNALS) for blob in blobs]
    standing = standing_signals(pa.concat_tables([SIGNALS.empty_table(), *signals]), datetime.date.max)
    rules = standing.filter(_matters(standing)).select(STANDING_SIGNALS.names)
    rules = rules.group_by(STANDING_SIGNALS.names).aggregate([])
    rules = rules.sort_by([(name, "ascending") for name in STANDING_SIGNALS.names]).combine_chunks()
    counts = {"rows": len(rules), "stale": pc.sum(rules["stale"]).as_py() or 0}
    if not len(rules):
        return Result(counts=counts)
    return Result({"rules": store.blobs.put_table(rules, STANDING_SIGNALS)}, counts=counts)


def _matters(rules: pa.Table) -> pa.ChunkedArray:
    """Which rules may change what is said of an item: most answers of most sources say nothing.

    Of a host's paths also silence is heard, where it takes paths out of what is said of all.
    """
    said = pc.not_equal(pc.bit_wise_or(rules["no"], rules["yes"]), 0)
    noted = pc.or_(rules["stale"], pc.equal(rules["fact"], "unreadable"))
    takes_out = pc.and_(pc.equal(rules["kind"], "host"), pc.not_equal(rules["path"], "/").fill_null(False))
    return pc.or_(pc.or_(said, noted), takes_out)


STAGE = Stage("StandingSignals", run)
