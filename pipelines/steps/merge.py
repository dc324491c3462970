"""Merge: a bucket's rows from every split, and from the snapshot before, become one sorted blob.

A bucket of very many items is merged by several actions, one for each of its sub-buckets: see
:mod:`transforms.domain.subbuckets`. No action holds more than what it keeps and what it reads at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from pipelines.store.tables import DETECTIONS, LICENSES, MANIFESTS
from transforms.domain import schemas
from transforms.domain.subbuckets import LIMIT_ROWS, SubBucket
from transforms.merge import merge_detections, merge_licenses, merge_manifest

_SCHEMAS = {MANIFESTS: schemas.MANIFEST, LICENSES: schemas.LICENSES, DETECTIONS: schemas.DETECTIONS}
_READ_ROWS = 1 << 16
# Most buckets are merged once, with all their rows. Where duplicates abound, they go before more is read.
_WAITING_ROWS = 2 * LIMIT_ROWS


def action(
    kind: str,
    part: str,
    key: int,
    before: Mapping[int, Blob],
    slices: Sequence[Slice],
    losers: Sequence[Slice] = (),
    *,
    place: SubBucket | None = None,
) -> Action:
    """Merge ``slices`` into what there is of a bucket, without the rows that ``losers`` names.

    Args:
        kind: `manifests`, `licenses` or `detections`.
        part: `buckets` (by home) or `shards` (by item): which list of the table the blob belongs to.
        key: of the blob in that list.
        before: by their keys, the blobs of the earlier snapshot that hold what is to be merged, or more.
        slices: rows of the whole bucket.
        losers: index entries of the whole bucket.
        place: the sub-bucket whose rows are meant; None: all of them.
    """
    divided = {"parts": place.parts, "part": place.part} if place and place.parts > 1 else {}
    rows = sum(each.rows for each in slices) + sum(blob.rows for blob in before.values())
    return Action(
        inputs={
            "kind": kind,
            "before": sorted(blob.digest for blob in before.values()),
            "slices": sorted(each.digest for each in slices),
            "losers": sorted(each.digest for each in losers),
            **divided,
        },
        refs={
            "part": part,
            "bucket": key,
            "before": [[earlier, *blob.to_json()] for earlier, blob in sorted(before.items())],
            "slices": [each.to_json() for each in slices],
            "losers": [each.to_json() for each in losers],
        },
        weight=rows // divided.get("parts", 1),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `bucket` (absent if no row is left) and how many rows were `duplicates`."""
    inputs, refs = action.inputs, action.refs
    schema = _SCHEMAS[inputs["kind"]]
    losers = gather(store.blobs, [Slice.from_json(value) for value in refs["losers"]], schemas.INDEX)
    place = SubBucket(0, inputs.get("parts", 1), inputs.get("part", 0))
    rows = _Rows(schema, place, losers)
    for slices in _few(Slice.from_json(value) for value in refs["slices"]):
        rows.add(gather(store.blobs, slices, schema))
    before = {key: Blob.from_json(blob) for key, *blob in refs["before"]}
    if not rows.came and not len(losers) and before.keys() == {refs["bucket"]}:
        return Result({"bucket": before[refs["bucket"]]}, counts={"duplicates": 0})
    for blob in before.values():
        rows.add(store.blobs.get_table(blob, schema=schema))
    merged = rows.merge()
    blobs = {"bucket": store.blobs.put_table(merged, schema)} if len(merged) else {}
    return Result(blobs, counts={"duplicates": rows.came - len(merged)})


def _few(slices: Iterator[Slice]) -> Iterator[list[Slice]]:
    """The slices, as many at a time as may be read at once, and at least one."""
    few: list[Slice] = []
    for each in slices:
        if few and each.rows + sum(one.rows for one in few) > _READ_ROWS:
            yield few
            few = []
        few.append(each)
    if few:
        yield few


@dataclass
class _Rows:
    """The rows of one place: those merged so far, and those that wait for it."""

    schema: pa.Schema
    place: SubBucket
    losers: pa.Table
    came: int = 0
    _tables: list[pa.Table] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        rows = self.place.select(rows)
        self.came += len(rows)
        self._tables.append(rows)
        if sum(map(len, self._tables)) > _WAITING_ROWS:
            self._tables = [self.merge()]

    def merge(self) -> pa.Table:
        rows = pa.concat_tables([self.schema.empty_table(), *self._tables])
        if self.schema is schemas.MANIFEST:
            return merge_manifest(rows, self.losers)
        return merge_licenses(rows) if self.schema is schemas.LICENSES else merge_detections(rows)


STAGE = Stage("Merge", run)
