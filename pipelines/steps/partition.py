"""Partition: read one split of a raw file and send each row toward its bucket."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.raw import inputs
from pipelines.store.memo import Result
from pipelines.store.routed import Routed, route
from pipelines.store.store import Store
from pipelines.store.tables import DETECTIONS, LICENSES, MANIFESTS
from transforms.domain import keys, observations, schemas, targets
from transforms.domain.errors import InputError
from transforms.domain.schemas import MANIFEST
from transforms.formats.registry import FORMATS

# What a split may hold in memory before it writes a routed file; a bucket's rows come back in one piece.
_FLUSH_BYTES = 96 << 20


def action(
    split: inputs.Split, *, kind: str, fmt: str, buckets: int, shards: int, settings: dict[str, str]
) -> Action:
    """Read ``split`` as ``fmt``. Where the file lies does not change the result.

    Args:
        kind: `manifests`, `licenses` or `detections`.
        settings: for rows that do not say it: `source`, and but for manifests `observed_on`; and the day of
            the snapshot, `received_on`.
    """
    return Action(
        inputs={
            "split": split.identity(),
            "kind": kind,
            "format": fmt,
            "buckets": buckets,
            "shards": shards,
            "settings": settings,
        },
        refs={"split": split.to_json()},
        weight=split.length_bytes,
    )


def run(store: Store, action: Action) -> Result:
    """Routed rows, their routed index entries (manifests) and the quarantine of one split.

    Counts: `rows_read = rows + quarantined`, of these how many by `quarantined/<reason>`, cells that could
    not be read by `unparsable/<column>`, and but for manifests `dated`: rows of another day than the
    snapshot's.
    """
    split = inputs.Split.from_json(action.refs["split"])
    fmt = FORMATS[action.inputs["format"]]
    settings = action.inputs["settings"]
    # Rows go by their home to a bucket; what is looked up by item goes to a shard.
    buckets, shards = action.inputs["buckets"], action.inputs["shards"]
    sizes = {"rows": buckets, "index": shards, "by_item": shards}
    spread = _SPREADS[action.inputs["kind"]]
    routed: dict[str, list[Routed]] = {}
    counts = {"rows_read": 0, "rows": 0, "quarantined": 0}
    quarantined = [schemas.QUARANTINE.empty_table()]
    waiting: list[pa.Table] = []
    waiting_bytes = 0

    def flush() -> None:
        rows = pa.concat_tables(waiting)
        waiting.clear()
        # An owner has one spelling here, or an opt-out in another one would pass them by.
        place = rows.schema.get_field_index("owner_id")
        owners = targets.normalize_owners(rows["owner_id"].combine_chunks())
        rows = rows.set_column(place, rows.schema.field(place), owners)
        for name, part, hashes in spread(rows):
            if len(part):
                places = keys.bucket_of(hashes, sizes[name])
                routed.setdefault(name, []).append(route(store.blobs, part, places))

    for parsed in inputs.read(split, fmt, settings):
        rows = parsed.rows
        if action.inputs["kind"] == LICENSES and rows.schema.equals(MANIFEST):
            day = pa.scalar(datetime.date.fromisoformat(settings["observed_on"]))
            rows = observations.of_manifest(rows, day)
        if action.inputs["kind"] == MANIFESTS:
            others = pc.sum(pc.not_equal(rows["source"], targets.FLICKR)).as_py() or 0
            counts["foreign"] = counts.get("foreign", 0) + others
        else:
            rows = _leave_day_out(rows, settings, split.path)
            counts["dated"] = counts.get("dated", 0) + len(rows) - rows["observed_on"].null_count
        waiting.append(rows)
        waiting_bytes += rows.nbytes
        quarantined.append(parsed.quarantined)
        counts["rows"] += len(rows)
        counts["quarantined"] += len(parsed.quarantined)
        for column, cells in parsed.unparsable.items():
            counts[f"unparsable/{column}"] = counts.get(f"unparsable/{column}", 0) + cells
        for reason in parsed.quarantined["reason"].to_pylist():
            counts[f"quarantined/{reason}"] = counts.get(f"quarantined/{reason}", 0) + 1
        if waiting_bytes > _FLUSH_BYTES:
            flush()
            waiting_bytes = 0
    if waiting:
        flush()
    counts["rows_read"] = counts["rows"] + counts["quarantined"]
    blobs = {}
    if counts["quarantined"]:
        blobs["quarantine"] = store.blobs.put_table(pa.concat_tables(quarantined), schemas.QUARANTINE)
    return Result(blobs, {name: tuple(files) for name, files in routed.items()}, counts)


def _leave_day_out(rows: pa.Table, settings: Mapping[str, str], path: str) -> pa.Table:
    """Looks with null for the snapshot's own day: see :data:`schemas.LICENSES`.

    Raises:
        InputError: a row is newer than its snapshot: a release as of that day would know what was seen later.
    """
    days, day = rows["observed_on"], settings["received_on"]
    newest = pc.max(days).as_py()
    if newest is not None and newest.isoformat() > day:
        option = "--observed-on" if settings["observed_on"] == day else "--received-on"
        raise InputError(
            f"{path}: holds rows observed on {newest}, after the snapshot's day {day}."
            f" Name the newest day: {option} {newest}"
        )
    own = pc.not_equal(days, pa.scalar(datetime.date.fromisoformat(day)))
    days = pc.if_else(own, days, pa.scalar(None, days.type))
    place = rows.schema.get_field_index("observed_on")
    return rows.set_column(place, rows.schema.field(place), days)


Spread = Iterator[tuple[str, pa.Table, keys.U64]]


def _spread_manifest(rows: pa.Table) -> Spread:
    source, owner, item = (rows[name].combine_chunks() for name in ("source", "owner_id", "item_id"))
    home = keys.home_hash(source, owner, item)
    yield "rows", rows, home
    entries = pa.table({"source": source, "item_id": item, "home": pa.array(home)}, schema=schemas.INDEX)
    yield "index", entries, keys.item_hash(source, item)


def _spread_licenses(rows: pa.Table) -> Spread:
    """Rows that name no owner wait, by item, until a manifest's index says where they live."""
    unowned = pc.is_null(rows["owner_id"])
    owned = rows.filter(pc.invert(unowned))
    home = keys.home_hash(*(owned[name].combine_chunks() for name in ("source", "owner_id", "item_id")))
    yield "rows", owned, home
    yield from _spread_by_item(rows.filter(unowned))


def _spread_by_item(rows: pa.Table) -> Spread:
    """All wait, by item; of detections those with an owner too, whom the manifest may call otherwise."""
    yield "by_item", rows, keys.item_hash(*(rows[name].combine_chunks() for name in ("source", "item_id")))


_SPREADS: Mapping[str, Callable[[pa.Table], Spread]] = {
    MANIFESTS: _spread_manifest,
    LICENSES: _spread_licenses,
    DETECTIONS: _spread_by_item,
}

STAGE = Stage("Partition", run)
