"""What if: what a bucket's releases under two policies differ in, from its facts alone.

Counts are plain numbers by name, such as ``items/lost/license/CC-BY-2.0``: they add up across buckets, those
of owners too, since an owner lives in one. A bucket that is divided is counted as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.decide import decide, deciding_column, first_places
from transforms.domain.policy import Policy
from transforms.domain.reasons import OPT_OUTS, REASONS
from transforms.domain.texts import encode

GRAINS = ("reason", "license", "year")
SIDES = ("before", "after")
CHANGES = ("gained", "lost")
NO_YEAR = "unknown"

_Ints = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]
_Rows = npt.NDArray[np.bool_]


def columns_for(policy: Policy) -> list[str]:
    """The columns of facts that deciding by ``policy``, and telling of what came of it, reads."""
    newest = policy.license_change == "newest"
    asks = "require-grant" in (policy.people_present, policy.people_unknown)
    return [
        *(f"no_{kind}" for kind in OPT_OUTS),
        *(["granted_by_owner", "granted_by_depicted"] if asks else []),
        *("refused", "signal_no", "signal_yes", "signal_unreadable", "people", "visibility"),
        *(["direction"] if newest else []),
        deciding_column(policy),
        *("owner", "upload_year"),
    ]


@dataclass(frozen=True)
class _Cells:
    """Rows by what they are counted under: names, and for each row the place of its name."""

    names: Sequence[str]
    places: _Ints

    def take(self, rows: _Rows) -> _Cells:
        return _Cells(self.names, self.places[rows])


def compare(parts: Iterable[tuple[pa.Table, pa.Table]], before: Policy, after: Policy) -> dict[str, int]:
    """Counts of a bucket: ``rows``, and items and owners by what the policies make of them.

    Args:
        parts: of the bucket, or of each of its sub-buckets: facts by which ``before`` decides and those by
            which ``after`` does, row for row. They differ where the policies trust different observers.
        before: the policy that there is.
        after: the one that may come.

    Returns:
        ``items/before`` and ``items/after`` are kept; ``items/gained`` and ``items/lost`` change sides; and
        by each of :data:`GRAINS` as ``items/lost/reason/private``: the first reason by which the one policy
        leaves out what the other keeps, the license that decides for ``after``, the year of upload. So too
        ``owners/...``: distinct owners of such items. Where there is none there is no entry.
    """
    counts: dict[str, int] = {}
    theirs: dict[str, list[_Hashes]] = {}
    for facts_before, facts_after in parts:
        counts["rows"] = counts.get("rows", 0) + len(facts_after)
        for name, items, owners in _counted(facts_before, facts_after, before, after):
            counts[f"items/{name}"] = counts.get(f"items/{name}", 0) + items
            theirs.setdefault(f"owners/{name}", []).append(owners)
    for name, hashes in theirs.items():
        # One array is of distinct owners already; an owner may be in several sub-buckets.
        distinct = hashes[0] if len(hashes) == 1 else np.unique(np.concatenate(hashes))
        if len(distinct):
            counts[name] = len(distinct)
    return counts


def merge(counted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The counts of many buckets: in any order, the same."""
    merged: dict[str, int] = {}
    for counts in counted:
        for name, count in counts.items():
            merged[name] = merged.get(name, 0) + count
    return dict(sorted(merged.items()))


def _counted(
    facts_before: pa.Table, facts_after: pa.Table, before: Policy, after: Policy
) -> Iterator[tuple[str, int, _Hashes]]:
    """For each name how many items, and the hashes of their distinct owners."""
    why_before, why_after = decide(facts_before, before), decide(facts_after, after)
    kept_before, kept_after = why_before == 0, why_after == 0
    owners = _Owners(facts_after["owner"])
    yield from _whole("before", kept_before, owners)
    yield from _whole("after", kept_after, owners)
    for change, rows, why in (
        ("gained", kept_after & ~kept_before, why_before),
        ("lost", kept_before & ~kept_after, why_after),
    ):
        if not rows.any():
            continue
        yield from _whole(change, rows, owners)
        reasons = _Cells(REASONS, first_places(why[rows]).astype(np.int64))
        licenses = _coded(facts_after[deciding_column(after)]).take(rows)
        for grain, cells in zip(GRAINS, (reasons, licenses, _years(facts_after).take(rows)), strict=True):
            items = np.bincount(cells.places, minlength=len(cells.names))
            by_cell = owners.by_cell(rows, cells)
            for place in np.flatnonzero(items).tolist():
                yield f"{change}/{grain}/{cells.names[place]}", int(items[place]), by_cell[place]


def _whole(name: str, rows: _Rows, owners: _Owners) -> Iterator[tuple[str, int, _Hashes]]:
    if count := int(np.count_nonzero(rows)):
        yield name, count, owners.by_cell(rows, _Cells([""], np.zeros(count, np.int64)))[0]


class _Owners:
    """The owner of each row, as the place of its hash among those that occur."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        filled = column.fill_null(0).to_numpy() if column.null_count else column.to_numpy()
        # Rows are sorted by owner: a run of them is looked at once. Were they not, it would be as right.
        starts = np.flatnonzero(np.concatenate(([True], filled[1:] != filled[:-1]))[: len(filled)])
        self._hashes, of_run = np.unique(filled[starts], return_inverse=True)
        self._owner = np.repeat(of_run, np.diff(np.append(starts, len(filled))))
        self._known = column.is_valid().to_numpy() if column.null_count else None

    def by_cell(self, rows: _Rows, cells: _Cells) -> list[_Hashes]:
        """The distinct owners of the ``rows`` in each cell; ``cells`` are of these rows."""
        owner, places = self._owner[rows], cells.places
        if self._known is not None:
            known = self._known[rows]
            owner, places = owner[known], places[known]
        met = np.zeros((len(cells.names), len(self._hashes)), np.bool_)
        met[places, owner] = True
        return [self._hashes[row] for row in met]


def _coded(column: pa.ChunkedArray) -> _Cells:
    encoded = encode(column)
    places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return _Cells(encoded.dictionary.to_pylist(), places)


def _years(facts: pa.Table) -> _Cells:
    years = facts["upload_year"]
    first = int(np.nanmin(years.fill_null(9999).to_numpy(), initial=9999))
    places = years.cast(pa.int64()).fill_null(first - 1).to_numpy() - (first - 1)
    names = [NO_YEAR, *(str(first + past) for past in range(int(places.max(initial=0))))]
    return _Cells(names, places)
