"""Cutting: a bucket's kept rows, and an account of those that were left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.decide import deciding_license, first_reason
from transforms.domain.policy import Policy
from transforms.domain.schemas import EXCLUDED, ITEMS
from transforms.domain.texts import in_use


def cut(
    manifest: pa.Table, facts: pa.Table, reasons: npt.NDArray[np.uint32], policy: Policy
) -> tuple[pa.Table, pa.Table]:
    """The kept rows in :data:`schemas.ITEMS`, and the others in :data:`schemas.EXCLUDED`; order holds.

    `license` of a kept row is the license that it was kept by.

    Args:
        manifest: in :data:`schemas.MANIFEST`; columns may be dictionaries.
        facts: in :data:`schemas.FACTS`, row for row.
        reasons: as :func:`transforms.decide.decide` gave them, row for row.
    """
    kept = pa.array(reasons == 0)
    columns = {name: manifest[name] for name in manifest.column_names}
    columns["license"] = deciding_license(facts, policy)
    columns["license_then"] = facts["license_then"]
    columns["license_now"] = facts["license_now"]
    items = pa.table([columns[name] for name in ITEMS.names], names=ITEMS.names)
    if int(np.count_nonzero(reasons)):
        items = _forget(items.filter(kept))
    out = pa.array(np.flatnonzero(reasons))
    excluded = manifest.select(["source", "item_id", "owner_id"]).take(out)
    excluded = excluded.append_column("first_reason", first_reason(reasons).take(out).cast(pa.string()))
    excluded = excluded.append_column("reasons", pa.array(reasons).take(out))
    return items, excluded.select(EXCLUDED.names)


def _forget(items: pa.Table) -> pa.Table:
    """``items`` with dictionaries that hold only values in use.

    A filtered column keeps its whole dictionary, and a dictionary is written out whole: the names of those
    who opted out would travel with the release that leaves them out.
    """
    for place, name in enumerate(items.column_names):
        column = items.column(place).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else column
        if pa.types.is_dictionary(column.type):
            column = in_use(column)
        elif pa.types.is_list(column.type) and pa.types.is_dictionary(column.type.value_type):
            # list_flatten leaves out what only filtered rows pointed at; `values` would not.
            lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
            offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
            nulls = column.is_null()
            values = in_use(pc.list_flatten(column))
            element = column.type.value_field.with_type(values.type)
            column = pa.ListArray.from_arrays(
                pa.array(offsets), values, pa.list_(element), mask=nulls if column.null_count else None
            )
        else:
            continue
        items = items.set_column(place, name, column)
    return items
