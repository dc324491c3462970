"""Tallies: counts of items and distinct owners that add up across buckets, since an owner lives in one.

They are small, free of ids, and merge in any order to the same table.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.decide import first_reason
from transforms.domain.reasons import REASONS
from transforms.domain.schemas import EXCLUSIONS, TALLIES
from transforms.domain.texts import encode

_GRAIN = TALLIES.names[:-2]


def tally(manifest: pa.Table, facts: pa.Table, reasons: npt.NDArray[np.uint32]) -> pa.Table:
    """Items and owners by license then and now, direction, upload year, media type, verdict and first reason.

    Args:
        manifest: with source and owner_id.
        facts: in :data:`schemas.FACTS`, row for row.
        reasons: bit sets, row for row.

    Returns:
        In :data:`schemas.TALLIES`, sorted by its grain.
    """
    first = first_reason(reasons).cast(pa.string())
    kept = pa.DictionaryArray.from_arrays(pa.array((reasons != 0).astype(np.int8)), ["kept", "excluded"])
    columns = {
        name: facts[name].combine_chunks()
        for name in ("license_then", "license_now", "direction", "upload_year", "media_type")
    }
    rows = pa.table(
        {
            **columns,
            "verdict": kept.cast(pa.string()),
            "first_reason": first,
            "one": pa.repeat(pa.scalar(1, pa.int64()), len(reasons)),
            "owner": _owners(manifest),
        }
    )
    groups = rows.group_by(_GRAIN, use_threads=False).aggregate([("one", "sum"), ("owner", "count_distinct")])
    return _sorted(groups.rename_columns([*_GRAIN, "items", "owners"]), TALLIES)


def tally_exclusions(manifest: pa.Table, reasons: npt.NDArray[np.uint32]) -> pa.Table:
    """Items and owners by each reason they have, in :data:`schemas.EXCLUSIONS`, in order of precedence."""
    owners = _owners(manifest)
    first = first_reason(reasons).indices.fill_null(-1).to_numpy(zero_copy_only=False)
    counts = []
    for place, reason in enumerate(REASONS):
        rows = np.flatnonzero(reasons & np.uint32(1 << place))
        if len(rows):
            distinct = pc.count_distinct(owners.take(pa.array(rows))).as_py()
            counts.append((reason, len(rows), distinct, int(np.count_nonzero(first == place))))
    named = [dict(zip(EXCLUSIONS.names, count, strict=True)) for count in counts]
    return pa.Table.from_pylist(named, schema=EXCLUSIONS)


def merge(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """Tallies of several buckets as one: any order, any tree, the same table."""
    rows = pa.concat_tables([schema.empty_table(), *tables])
    measures = [f.name for f in schema if f.type == pa.int64()]
    grain = [name for name in schema.names if name not in measures]
    groups = rows.group_by(grain, use_threads=False).aggregate([(name, "sum") for name in measures])
    return _sorted(groups.rename_columns([*grain, *measures]), schema)


def _owners(manifest: pa.Table) -> pa.Array:
    """A number for each distinct owner; null for a row without one."""
    source, owner = encode(manifest["source"]), encode(manifest["owner_id"])
    if owner.dictionary.null_count:
        owner = owner.cast(pa.string()).dictionary_encode()
    return pc.add(
        pc.multiply(source.indices.cast(pa.int64()), len(owner.dictionary)), owner.indices.cast(pa.int64())
    )


def _sorted(groups: pa.Table, schema: pa.Schema) -> pa.Table:
    keys = [(f.name, "ascending") for f in schema if f.type != pa.int64()]
    groups = groups.select(schema.names).cast(schema)
    return groups.take(pc.sort_indices(groups, sort_keys=keys))
