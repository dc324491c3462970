"""Comparing the same bucket of two releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import order
from transforms.domain.lookup import Ids

NOT_IN_MANIFEST = "not_in_manifest"


@dataclass(frozen=True)
class Changes:
    """Items of one bucket by what became of them."""

    added: int
    removed: int
    changed: int
    removed_for: Mapping[str, int]


def compare(before: pa.Table, after: pa.Table, excluded: pa.Table) -> Changes:
    """What became of the items of ``before``.

    Args:
        before: kept rows of the older release, in :data:`schemas.ITEMS`, one for each item.
        after: kept rows of the newer release.
        excluded: rows that the newer release left out, in :data:`schemas.EXCLUDED`.
    """
    place = Ids(after["source"], after["item_id"]).find(Ids(before["source"], before["item_id"]))
    stayed = np.flatnonzero(place >= 0)
    gone = before.select(["source", "item_id"]).filter(pa.array(place < 0))
    why = Ids(excluded["source"], excluded["item_id"]).find(Ids(gone["source"], gone["item_id"]))
    reasons = excluded["first_reason"].take(pa.array(why, mask=why < 0)).fill_null(NOT_IN_MANIFEST)
    counts = pc.value_counts(reasons.combine_chunks()).to_pylist()
    return Changes(
        added=len(after) - len(stayed),
        removed=len(gone),
        changed=_differing(before.take(pa.array(stayed)), after.take(pa.array(place[stayed]))),
        removed_for={count["values"]: count["counts"] for count in counts},
    )


def _differing(before: pa.Table, after: pa.Table) -> int:
    """How many rows differ from the one at the same place."""
    differ = np.zeros(len(before), np.bool_)
    for name in before.column_names:
        a, b = before[name].combine_chunks(), after[name].combine_chunks()
        if a.equals(b):
            continue
        if pa.types.is_list(a.type):
            a, b = order.joined(a), order.joined(b)
        same = pc.or_kleene(pc.equal(a, b), pc.and_(pc.is_null(a), pc.is_null(b)))
        differ |= ~same.fill_null(False).to_numpy(zero_copy_only=False)
    return int(differ.sum())
