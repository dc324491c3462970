"""Requests: the entries of the opt-out ledger that belong to one, and those that wait for a person."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

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

SAME_BYTES = "same-bytes"
"""The format of lists of the bytes that items of another list have by a manifest that came later."""

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


def about_items(store: Store, tables: Sequence[Table]) -> pa.Table:
    """The entries of lists that opt out items, and those that take one of these back, in :data:`SHAPE`."""
    found = _select(store, tables, "kind", pa.array(["item"]))
    asked = found.filter(pc.equal(found["state"], "active"))
    takes_back = found.filter(pc.equal(found["state"], "withdrawn"))
    return pa.concat_tables([asked, takes_back.filter(pc.is_in(_about(takes_back), _about(asked)))])


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
    # A word of a person is on what was written, whatever it was taken for; but one on an item is none on
    # bytes that a later manifest says it has.
    is_of_bytes = pc.equal(held["kind"], "content")
    last = pc.if_else(is_of_bytes, _last_word(held, said, "kind", "key"), _last_word(held, said))
    return held.filter(pc.less(last, held["received_on"]).fill_null(True))


def _last_word(held: pa.Table, said: pa.Table, *about: str) -> pa.ChunkedArray:
    """The day of a person's last word on each entry; null where there is none."""
    words = pa.table({"written": _written(said, *about), "day": said["received_on"]})
    words = words.group_by("written").aggregate([("day", "max")])
    return words["day_max"].take(pc.index_in(_written(held, *about), words["written"].combine_chunks()))


def is_decision(table: Table) -> bool:
    """Whether a list was made of a person's word on entries of other lists."""
    return any(file["format"] in DECISIONS for file in table.files)


def was_read(table: Table) -> bool:
    """Whether a list was read from files, and not made of entries of other lists."""
    return not any(file["format"] in (*DECISIONS, SAME_BYTES) for file in table.files)


def stated(table: Table, how: str) -> dict[str, Any]:
    """A list in the place of a file of which another one is made."""
    blob = table.blobs["entries"]
    return {"name": table.name, "bytes": blob.bytes, "sha256": blob.digest, "format": how}


def _written(entries: pa.Table, *more: str) -> pa.Array:
    parts = [entries[name] for name in ("request", *more, "raw")]
    return pc.binary_join_element_wise(*parts, "\x1f").combine_chunks()


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
