"""Tallies by owner: how a divided bucket is counted, since an owner may be in several of its sub-buckets.

They merge in any order; once all are together, each owner is counted once. They name owners, and are
therefore no part of a release.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.decide import first_reason
from transforms.domain.reasons import BIT, PRECEDENCE, REASONS
from transforms.domain.schemas import EXCLUSIONS, TALLIES, TALLIES_BY_OWNER

_OWNER = ["source", "owner_id"]
_CELL = [name for name in TALLIES_BY_OWNER.names if name in TALLIES.names and name != "items"]


def tally_by_owner(manifest: pa.Table, facts: pa.Table, reasons: npt.NDArray[np.uint32]) -> pa.Table:
    """Items by what is known of them, all the reasons they have, and their owner.

    Args:
        manifest: with source and owner_id; null stands for all that have no owner.
        facts: in :data:`schemas.FACTS`, row for row.
        reasons: bit sets, row for row.

    Returns:
        In :data:`schemas.TALLIES_BY_OWNER`, sorted by all columns but the count.
    """
    rows = pa.table(
        {
            **{name: facts[name] for name in _CELL},
            "reasons": reasons,
            **{name: manifest[name] for name in _OWNER},
            "items": np.ones(len(reasons), np.int64),
        }
    )
    return _sorted(_added_up(rows, [*_CELL, "reasons", *_OWNER]), TALLIES_BY_OWNER)


def merge_by_owner(tables: Iterable[pa.Table]) -> tuple[pa.Table, pa.Table]:
    """The tallies of a whole bucket, in :data:`schemas.TALLIES` and :data:`schemas.EXCLUSIONS`.

    Args:
        tables: of its sub-buckets, in :data:`schemas.TALLIES_BY_OWNER`.
    """
    rows = pa.concat_tables([TALLIES_BY_OWNER.empty_table(), *tables])
    rows = _added_up(rows, [*_CELL, "reasons", *_OWNER]).combine_chunks()
    reasons = rows["reasons"].to_numpy()
    first = first_reason(reasons)
    return _tallies(rows, reasons, first.cast(pa.string())), _exclusions(rows, reasons, first)


def _tallies(rows: pa.Table, reasons: npt.NDArray[np.uint32], first: pa.Array) -> pa.Table:
    verdict = pa.array(["kept", "excluded"]).take(pa.array((reasons != 0).astype(np.int8)))
    rows = rows.append_column("verdict", verdict).append_column("first_reason", first)
    grain = [*_CELL, "verdict", "first_reason"]
    owners = _added_up(rows, [*grain, *_OWNER])
    cells = owners.group_by(grain, use_threads=False).aggregate([("items", "sum"), ("owner_id", "count")])
    return _sorted(cells.rename_columns([*grain, "items", "owners"]), TALLIES)


def _exclusions(rows: pa.Table, reasons: npt.NDArray[np.uint32], first: pa.DictionaryArray) -> pa.Table:
    firsts = first.indices.fill_null(-1).to_numpy()
    items = rows["items"].to_numpy()
    counts = []
    for reason in PRECEDENCE:
        having = np.flatnonzero(reasons & np.uint32(BIT[reason]))
        if len(having):
            owners = rows.select(_OWNER).take(pa.array(having)).group_by(_OWNER, use_threads=False)
            distinct = len(owners.aggregate([])["owner_id"].drop_null())
            first_items = items[firsts == REASONS.index(reason)].sum()
            counts.append((reason, items[having].sum(), distinct, first_items))
    named = [dict(zip(EXCLUSIONS.names, count, strict=True)) for count in counts]
    return pa.Table.from_pylist(named, schema=EXCLUSIONS)


def _added_up(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The items of each distinct combination of ``keys``."""
    groups = rows.group_by(keys, use_threads=False).aggregate([("items", "sum")])
    return groups.rename_columns([*keys, "items"])


def _sorted(groups: pa.Table, schema: pa.Schema) -> pa.Table:
    groups = groups.select(schema.names).cast(schema)
    keys = [(name, "ascending") for name in schema.names if name not in ("items", "owners")]
    return groups.take(pc.sort_indices(groups, sort_keys=keys))
