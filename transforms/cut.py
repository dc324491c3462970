"""Cutting: a bucket's kept rows, and an account of those that were left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.decide import deciding_column, first_reason
from transforms.domain.dictionaries import differ, forget_unused, ordered
from transforms.domain.policy import Policy
from transforms.domain.schemas import EXCLUDED, ITEMS, MANIFEST

_LICENSES = ("license_then", "license_now")


def cut(
    manifest: pa.Table, facts: pa.Table, reasons: npt.NDArray[np.uint32], policy: Policy
) -> tuple[pa.Table, pa.Table]:
    """The kept rows in :data:`schemas.ITEMS`, and the others in :data:`schemas.EXCLUDED`; order holds.

    `license` of a kept row is the license that it was kept by. Where two calls agree about manifest, reasons
    and licenses, their items are equal, dictionaries too, whatever those of the facts held besides.

    Args:
        manifest: in :data:`schemas.MANIFEST`; columns may be dictionaries.
        facts: in :data:`schemas.FACTS`, row for row.
        reasons: as :func:`transforms.decide.decide` gave them, row for row.
    """
    columns = {name: manifest[name] for name in MANIFEST.names if name != "license"}
    columns |= {name: facts[name] for name in _LICENSES}
    items = pa.table(columns)
    out = np.flatnonzero(reasons)
    if len(out):
        items = forget_unused(items.filter(pa.array(reasons == 0)))
    columns = dict(zip(items.column_names, items.columns, strict=True))
    columns |= {name: ordered(items[name]) for name in _LICENSES}
    columns["license"] = columns[deciding_column(policy)]
    items = pa.table({name: columns[name] for name in ITEMS.names})
    excluded = manifest.select(["source", "item_id", "owner_id"]).take(pa.array(out))
    excluded = excluded.append_column("first_reason", first_reason(reasons[out]))
    excluded = excluded.append_column("reasons", pa.array(reasons[out]))
    return items, excluded.select(EXCLUDED.names).cast(EXCLUDED)


def changes(
    facts: pa.Table,
    reasons: npt.NDArray[np.uint32],
    facts_before: pa.Table,
    reasons_before: npt.NDArray[np.uint32],
) -> npt.NDArray[np.bool_]:
    """Which rows :func:`cut` treats differently than before, their manifest being the same.

    Args:
        facts: in :data:`schemas.FACTS`.
        reasons: as decided of them, row for row.
        facts_before: of an earlier cut of the same manifest, row for row.
        reasons_before: as decided of those by the same policy.
    """
    changed = reasons != reasons_before
    kept = reasons == 0
    for name in _LICENSES:
        changed |= kept & differ(facts[name], facts_before[name])
    return changed
