"""Tallies: counts of items and distinct owners that add up across buckets, since an owner lives in one.

They are small, free of ids, and merge in any order to the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.decide import first_places
from transforms.domain.reasons import BIT, PRECEDENCE, REASONS
from transforms.domain.schemas import EXCLUSIONS, TALLIES
from transforms.domain.texts import encode

_FACTS = ("license_then", "license_now", "direction", "upload_year", "media_type")

_Numbers = npt.NDArray[np.int64]

# A table over all numbers that could occur beats sorting those that do, unless it is many times as long.
_DENSE = 64


def tally(manifest: pa.Table, facts: pa.Table, reasons: npt.NDArray[np.uint32]) -> pa.Table:
    """Items and owners by license then and now, direction, upload year, media type, verdict and first reason.

    Args:
        manifest: with source and owner_id.
        facts: in :data:`schemas.FACTS`, row for row.
        reasons: bit sets, row for row.

    Returns:
        In :data:`schemas.TALLIES`, sorted by its grain.
    """
    first = first_places(reasons)
    cell, rows = _numbered([*(_codes(facts[name]) for name in _FACTS), first.astype(np.int64) + 1])
    of_cell = first[rows]
    columns = {name: facts[name].take(pa.array(rows)).combine_chunks() for name in _FACTS}
    columns["verdict"] = pa.array(["kept", "excluded"]).take(pa.array((of_cell >= 0).astype(np.int8)))
    columns["first_reason"] = pa.array(REASONS).take(pa.array(of_cell, mask=of_cell < 0))
    columns["items"] = pa.array(np.bincount(cell, minlength=len(rows)))
    columns["owners"] = pa.array(_distinct(_owners(manifest), cell, len(rows)))
    return _sorted(pa.table(columns), TALLIES)


def tally_exclusions(manifest: pa.Table, reasons: npt.NDArray[np.uint32]) -> pa.Table:
    """Items and owners by each reason they have, in :data:`schemas.EXCLUSIONS`, in order of precedence."""
    out = np.flatnonzero(reasons)
    owners, reasons = _owners(manifest)[out], reasons[out]
    items_first = np.bincount(first_places(reasons), minlength=len(REASONS))
    counts = []
    for reason in PRECEDENCE:
        rows = np.flatnonzero(reasons & np.uint32(BIT[reason]))
        if len(rows):
            (distinct,) = _distinct(owners[rows], np.zeros(len(rows), np.int64), 1)
            counts.append((reason, len(rows), int(distinct), int(items_first[REASONS.index(reason)])))
    named = [dict(zip(EXCLUSIONS.names, count, strict=True)) for count in counts]
    return pa.Table.from_pylist(named, schema=EXCLUSIONS)


def merge(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """Tallies of several buckets as one: any order, any tree, the same table."""
    rows = pa.concat_tables([schema.empty_table(), *tables])
    measures = [f.name for f in schema if f.type == pa.int64()]
    grain = [name for name in schema.names if name not in measures]
    groups = rows.group_by(grain, use_threads=False).aggregate([(name, "sum") for name in measures])
    return _sorted(groups.rename_columns([*grain, *measures]), schema)


def _codes(column: pa.ChunkedArray) -> _Numbers:
    """A number for each distinct value of a column; 0 is null."""
    encoded = encode(column)
    if encoded.dictionary.null_count:
        encoded = encoded.cast(encoded.type.value_type).dictionary_encode()
    indices = encoded.indices.fill_null(-1) if encoded.indices.null_count else encoded.indices
    return np.add(indices.to_numpy(), 1, dtype=np.int64)


def _numbered(columns: Sequence[_Numbers]) -> tuple[_Numbers, _Numbers]:
    """A number for each row, from 0 without a gap, equal where all columns are; and a row of each number."""
    number, possible = columns[0], int(columns[0].max(initial=0)) + 1
    for column in columns[1:]:
        values = int(column.max(initial=0)) + 1
        if possible * values > _DENSE * len(number):
            number, possible = _without_gaps(number, possible)
        number, possible = number * values + column, possible * values
    number, count = _without_gaps(number, possible)
    rows = np.empty(count, np.int64)
    rows[number] = np.arange(len(number))
    return number, rows


def _without_gaps(number: _Numbers, possible: int) -> tuple[_Numbers, int]:
    """Numbers below ``possible`` as places among those that occur, and how many do."""
    if possible > _DENSE * len(number):
        found, places = np.unique(number, return_inverse=True)
        return places, len(found)
    occurs = np.zeros(possible, np.bool_)
    occurs[number] = True
    found = np.flatnonzero(occurs)
    places = np.empty(possible, np.int64)
    places[found] = np.arange(len(found))
    return places[number], len(found)


def _distinct(owners: _Numbers, cells: _Numbers, count: int) -> _Numbers:
    """How many distinct owners each of ``count`` cells has; owner 0 is none."""
    last = int(owners.max(initial=0))
    if (last + 1) * count > _DENSE * len(owners):
        pairs = np.unique(owners * count + cells)
        return np.bincount(pairs[pairs >= count] % count, minlength=count)
    theirs = np.zeros((last + 1, count), np.bool_)
    theirs[owners, cells] = True
    return np.count_nonzero(theirs[1:], axis=0).astype(np.int64)


def _owners(manifest: pa.Table) -> _Numbers:
    """A number for each distinct owner; 0 for a row without one."""
    source, owner = _codes(manifest["source"]), _codes(manifest["owner_id"])
    return np.where(owner == 0, 0, source * (owner.max(initial=0) + 1) + owner)


def _sorted(groups: pa.Table, schema: pa.Schema) -> pa.Table:
    keys = [(f.name, "ascending") for f in schema if f.type != pa.int64()]
    groups = groups.select(schema.names).cast(schema)
    return groups.take(pc.sort_indices(groups, sort_keys=keys))
