"""Merging: many rows about the same things become a bucket: sorted, one row for each item.

The rule that picks the row is a total order over the rows' contents, so neither the order of the files nor
the way in which rows arrived (all at once, or some of them on top of an earlier bucket) changes the result.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import keys, order, targets
from transforms.domain.observations import newest_first
from transforms.domain.schemas import MANIFEST


def merge_manifest(rows: pa.Table, losers: pa.Table) -> pa.Table:
    """A manifest bucket: ``rows`` sorted by (source, owner_id, item_id), one row for each (source, item_id).

    Of rows with the same item one that carries a tag that says no stays; of several, or of none, the one
    whose columns, compared in the schema's order, come first, nulls last. Where an item appears under several
    owners, ``losers`` names the homes that it does not live in: all of them.

    Args:
        rows: in :data:`schemas.MANIFEST`, in any order; a bucket merged before may be among them.
        losers: in :data:`schemas.INDEX`: (item, home) pairs whose rows go.

    Returns:
        In :data:`schemas.MANIFEST`. Fewer rows than came in are duplicates: the caller counts them.
    """
    if len(losers):
        rows = _without(rows, losers)
    rows = rows.take(pa.array(order.by_text(rows, ("source", "owner_id", "item_id"), distinct=("item_id",))))
    same = order.repeats(rows, ("source", "item_id"))
    if not same.any():
        return rows
    rivals = rows.take(pa.array(order.contested(same)))
    return rows.take(pa.array(order.preferred(rows, same, _sortable(rivals))))


def _without(rows: pa.Table, losers: pa.Table) -> pa.Table:
    source, owner, item = (rows[n].combine_chunks() for n in ("source", "owner_id", "item_id"))
    home = keys.home_hash(source, owner, item)
    lost = pc.index_in(order.identity(rows["source"], rows["item_id"]), _pairs(losers))
    suspects = np.flatnonzero(lost.is_valid().to_numpy(zero_copy_only=False))
    lost_pairs = {(p, h) for p, h in zip(_pairs(losers).to_pylist(), losers["home"].to_pylist(), strict=True)}
    names = order.identity(rows["source"], rows["item_id"]).take(pa.array(suspects)).to_pylist()
    gone = [s for s, name in zip(suspects, names, strict=True) if (name, int(home[s])) in lost_pairs]
    keep = np.ones(len(rows), np.bool_)
    keep[gone] = False
    return rows.filter(pa.array(keep))


def _pairs(losers: pa.Table) -> pa.Array:
    return order.identity(losers["source"], losers["item_id"])


def _sortable(rows: pa.Table) -> pa.Table:
    """The manifest's columns as Arrow can sort them: a list as its elements joined."""
    columns: dict[str, pa.Array] = {"no first": pa.array(~_says_no(rows))}
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
    """Observed licenses of a bucket: sorted by (source, item_id), the newest observation of each item.

    On the same day the worse news stays: see :func:`transforms.domain.observations.newest_first`.

    Args:
        rows: in :data:`schemas.LICENSES`, in any order.

    Returns:
        In :data:`schemas.LICENSES`; not more rows than came in.
    """
    rows = rows.take(pa.array(order.by_text(rows, ("source", "item_id"), distinct=("item_id",))))
    same = order.repeats(rows, ("source", "item_id"))
    if not same.any():
        return rows
    rivals = rows.take(pa.array(order.contested(same)))
    return rows.take(pa.array(order.preferred(rows, same, newest_first(rivals))))
