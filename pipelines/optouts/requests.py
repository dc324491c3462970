"""Requests: the entries of the opt-out ledger that belong to one, and those that wait for a person."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.store.store import Store
from pipelines.store.tables import OPT_OUTS, Table
from pipelines.threads import in_threads
from transforms.domain import schemas
from transforms.lifecycle import ACTIVE, EXPIRED, HELD, RECEIVED, fates_of

APPROVED, REFUSED, WITHDRAWN = "approved", "refused", "withdrawn"
DECISIONS = (APPROVED, REFUSED, WITHDRAWN)
"""What a person decided: the format of the lists that say so."""

SHAPE = pa.schema([*schemas.OPT_OUTS, pa.field("list", pa.string(), nullable=False)])
"""An entry, and the list that holds it."""


def entries_of(store: Store, requests: Collection[str]) -> pa.Table:
    """Every entry of some requests, in :data:`SHAPE`, list by list in the order in which they came."""
    asked = pa.array(sorted(requests), pa.string())
    return _select(store, store.tables.all(OPT_OUTS), "request", asked)


def same_targets(store: Store, entries: pa.Table) -> pa.Table:
    """Every entry of the ledger about what ``entries`` are about, whoever asked, in :data:`SHAPE`."""
    tables = store.tables.all(OPT_OUTS)
    found = _select(store, tables, "key", entries["key"].combine_chunks().unique())
    return found.filter(pc.is_in(_about(found), _about(entries)))


def unwithdrawn(store: Store, entries: pa.Table, day: str) -> pa.Table:
    """Those of ``entries`` that nobody has withdrawn by then, whether they count yet, or still."""
    fates = fates_of(entries, same_targets(store, entries), datetime.date.fromisoformat(day))
    return entries.filter(pa.array([fate in (RECEIVED, ACTIVE, EXPIRED) for fate in fates], pa.bool_()))


def waiting(store: Store, day: str = "9999-12-31") -> pa.Table:
    """The entries that are held by a day, and of which nobody said anything since, in :data:`SHAPE`.

    Who takes back what they asked has nothing waiting. Who asks again after a person's word waits again.
    """
    tables = [table for table in store.tables.all(OPT_OUTS) if table.date <= day]
    held = _select(store, [t for t in tables if t.counts.get("held")], "state", pa.array(["held"]))
    if not len(held):
        return held
    taken_back = same_targets(store, held)
    taken_back = taken_back.filter(pc.equal(taken_back["state"], WITHDRAWN))
    if len(taken_back):
        fates = fates_of(held, taken_back, datetime.date.fromisoformat(day))
        held = held.filter(pa.array([fate == HELD for fate in fates], pa.bool_()))
    said = _select(
        store, [table for table in tables if is_decision(table)], "request", held["request"].unique()
    )
    # A word of a person is on what was written, whatever it was taken for.
    words = pa.table({"written": _written(said), "day": said["received_on"]})
    words = words.group_by("written").aggregate([("day", "max")])
    last = words["day_max"].take(pc.index_in(_written(held), words["written"].combine_chunks()))
    return held.filter(pc.less(last, held["received_on"]).fill_null(True))


def is_decision(table: Table) -> bool:
    """Whether a list was made of a person's word on entries of other lists."""
    return any(file["format"] in DECISIONS for file in table.files)


def _written(entries: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise(entries["request"], entries["raw"], "\x1f").combine_chunks()


def _about(entries: pa.Table) -> pa.Array:
    parts = [entries[name].fill_null("") for name in ("kind", "source", "key")]
    return pc.binary_join_element_wise(*parts, "\x1f").combine_chunks()


def _select(store: Store, tables: Sequence[Table], column: str, values: pa.Array) -> pa.Table:
    """The entries of lists whose ``column`` is among ``values``; of most lists no more is read."""

    def of(table: Table) -> pa.Table:
        blob = table.blobs["entries"]
        found = store.blobs.get_table(blob, [column], schema=schemas.OPT_OUTS)
        wanted = pc.is_in(found[column], values)
        if not pc.any(wanted).as_py():
            return SHAPE.empty_table()
        rows = store.blobs.get_table(blob, schema=schemas.OPT_OUTS).filter(wanted)
        return rows.append_column(SHAPE.field("list"), pa.array([table.name] * len(rows), pa.string()))

    found = in_threads(of, list(tables), store.blobs_at_once)
    return pa.concat_tables([SHAPE.empty_table(), *found]).combine_chunks()
