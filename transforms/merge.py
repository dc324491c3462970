"""Merging: many rows about the same things become a bucket: sorted, one row for each item (and day).

The rule that picks the row is a total order over the rows' contents, so neither the order of the files nor
the way in which rows arrived (all at once, or some of them on top of an earlier bucket) changes the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import order, targets
from transforms.domain.keys import home_hash
from transforms.domain.observations import worst_first
from transforms.domain.schemas import MANIFEST

_SNAPSHOT_S_DAY = np.iinfo(np.int32).max


def merge_manifest(rows: pa.Table, losers: pa.Table) -> pa.Table:
    """A manifest bucket: ``rows`` sorted by (source, owner_id, item_id), one row for each (source, item_id).

    Of rows with the same item one that carries a tag that says no stays; of several, or of none, one that
    says that people are present; of several, or of none, the one whose columns, compared in the schema's
    order, come first, nulls last. Where an item appears under several owners, ``losers`` names the homes that
    it does not live in: all of them.

    Args:
        rows: in :data:`schemas.MANIFEST`, in any order; a bucket merged before may be among them.
        losers: in :data:`schemas.INDEX`: (item, home) pairs whose rows go.

    Returns:
        In :data:`schemas.MANIFEST`. Fewer rows than came in are duplicates: the caller counts them.
    """
    keys = rows.select(["source", "owner_id", "item_id"])
    places = order.by_text(keys, keys.column_names, distinct=("item_id",))
    if len(losers):
        places = places[_stays(keys.combine_chunks(), losers)[places]]
    return rows.take(pa.array(_one_each(rows, rows.select(["source", "item_id"]), places, _sortable)))


def _stays(rows: pa.Table, losers: pa.Table) -> npt.NDArray[np.bool_]:
    """Which of ``rows`` do not live where their item was found not to."""
    lost = pc.index_in(order.identity(rows["source"], rows["item_id"]), _pairs(losers))
    suspects = np.flatnonzero(lost.is_valid().to_numpy(zero_copy_only=False))
    suspected = rows.take(pa.array(suspects))
    home = home_hash(*(suspected[n].combine_chunks() for n in ("source", "owner_id", "item_id")))
    lost_pairs = {(p, h) for p, h in zip(_pairs(losers).to_pylist(), losers["home"].to_pylist(), strict=True)}
    names = order.identity(suspected["source"], suspected["item_id"]).to_pylist()
    gone = [
        s
        for s, pair in zip(suspects, zip(names, home.tolist(), strict=True), strict=True)
        if pair in lost_pairs
    ]
    stays = np.ones(len(rows), np.bool_)
    stays[gone] = False
    return stays


def _pairs(losers: pa.Table) -> pa.Array:
    return order.identity(losers["source"], losers["item_id"])


def _sortable(rows: pa.Table) -> pa.Table:
    """The manifest's columns as Arrow can sort them: a list as its elements joined."""
    absent = pc.invert(rows["person_present"]).fill_null(True).combine_chunks()
    columns: dict[str, pa.Array] = {"no first": pa.array(~_says_no(rows)), "people first": absent}
    for field in MANIFEST:
        column = rows[field.name].combine_chunks()
        if pa.types.is_list(field.type):
            column = order.joined(column)
        columns[field.name] = column
        if pa.types.is_floating(field.type):  # -0.0 equals 0.0, and is other bytes
            columns[f"{field.name} bits"] = column.view(pa.int64())
    return pa.table(columns)


def _says_no(rows: pa.Table) -> npt.NDArray[np.bool_]:
    said = np.zeros(len(rows), np.bool_)
    for name in ("tags", "machine_tags"):
        tags = rows[name].combine_chunks()
        no = pc.is_in(targets.normalize_tags(pc.list_flatten(tags)), pa.array(targets.TAGS_THAT_SAY_NO))
        said[pc.list_parent_indices(tags).filter(no).to_numpy()] = True
    return said


def merge_licenses(rows: pa.Table) -> pa.Table:
    """Observed licenses of a bucket: sorted by (source, item_id, observed_on), nulls last, one row for each.

    Of rows of one item and day the worst news stays: see :func:`transforms.domain.observations.worst_first`.
    Rows of several days all stay, since a source may tell an item's history.

    Args:
        rows: in :data:`schemas.LICENSES`, in any order.

    Returns:
        In :data:`schemas.LICENSES`; not more rows than came in.
    """
    return _merge_looks(rows, worst_first)


def merge_detections(rows: pa.Table) -> pa.Table:
    """Whether people were seen in a bucket's items: sorted as :func:`merge_licenses` does, one row for each.

    Of rows of one item and day one that saw people stays.

    Args:
        rows: in :data:`schemas.DETECTIONS`, in any order.

    Returns:
        In :data:`schemas.DETECTIONS`; not more rows than came in.
    """
    return _merge_looks(rows, _present_first)


def _present_first(rows: pa.Table) -> pa.Table:
    texts = {name: rows[name].cast(pa.string()) for name in ("detector", "owner_id")}
    return pa.table({"absent": pc.invert(rows["person_present"]), **texts})


def _merge_looks(rows: pa.Table, preference: Callable[[pa.Table], pa.Table]) -> pa.Table:
    """One row for each item and day: the first by ``preference``."""
    # A row without a day is of the snapshot's, and none is newer than that.
    day = rows["observed_on"].cast(pa.int32()).fill_null(_SNAPSHOT_S_DAY)
    keys = rows.select(["source", "item_id"]).append_column("day", day)
    places = order.by_text(keys, ("source", "item_id"), distinct=("item_id",))
    if rows["observed_on"].null_count < len(rows):
        by_day = np.argsort(day.to_numpy(), kind="stable")
        places = by_day[order.by_text(keys.take(pa.array(by_day)), ("source", "item_id"))]
    return rows.take(pa.array(_one_each(rows, keys, places, preference)))


def _one_each(
    rows: pa.Table, keys: pa.Table, places: order.Places, preference: Callable[[pa.Table], pa.Table]
) -> order.Places:
    """Of ``places``, by which equal ``keys`` stand together, one for each key: the first by ``preference``.

    Rows are wide and rivals are few: whole rows are taken of rivals only, and of all rows just once, by what
    this comes to.
    """
    same = order.repeats(keys.take(pa.array(places)), keys.column_names)
    if not same.any():
        return places
    rivals = rows.take(pa.array(places[order.contested(same)]))
    return places[order.preferred(same, preference(rivals))]
