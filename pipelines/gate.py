"""The gate: re-reads the rows about to be published and holds them against the opt-out lists as received.

It shares no join with the pipeline, no facts and no decisions, and imports neither Beam nor DuckDB: it reads
parts and lists and compares values. Taking the filter out of `cut` must make it refuse; a test does that.

A part that passed against a set of opt-outs is remembered, so that a night reads only what could have
changed: an owner's opt-out concerns the one bucket that the owner lives in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.store.tables import Table
from pipelines.threads import in_threads
from transforms.domain import keys, subbuckets, targets
from transforms.domain.schemas import ITEMS, OPT_OUTS

_TAGS = ("tags", "machine_tags")
_DICTIONARIES = ("source", "owner_id", *(f"{name}.list.element" for name in _TAGS))


def plan(store: Store, items: Mapping[int, Blob], lists: Sequence[Table]) -> list[Action]:
    """One action for each part: check it against every opt-out that could concern it.

    Args:
        items: the parts to be published, by bucket.
        lists: opt-out lists, whole, as they were received.
    """
    whole = [each.blobs["entries"] for each in lists]
    read = in_threads(
        lambda blob: store.blobs.get_table(blob, schema=OPT_OUTS), whole, store.backend.reads_at_once
    )
    entries = pa.concat_tables([OPT_OUTS.empty_table(), *read]).combine_chunks()
    everywhere = _put(store, entries.filter(pc.not_equal(entries["kind"], "owner")))
    owners = entries.filter(pc.equal(entries["kind"], "owner"))
    source, key = (owners[name].combine_chunks() for name in ("source", "key"))
    homes = keys.bucket_of(keys.home_hash(source, key, key), store.dataset.buckets)

    def check(bucket_and_part: tuple[int, Blob]) -> Action:
        bucket, part = bucket_and_part
        here = np.flatnonzero(homes == subbuckets.home(bucket, store.dataset.buckets))
        against = [everywhere, _put(store, owners.take(pa.array(here))) if len(here) else None]
        blobs = [blob for blob in against if blob]
        return Action(
            inputs={"part": part.digest, "against": sorted(blob.digest for blob in blobs)},
            refs={"bucket": bucket, "part": part.to_json(), "against": [blob.to_json() for blob in blobs]},
            weight=part.rows,
        )

    return list(in_threads(check, sorted(items.items()), store.backend.reads_at_once))


def _put(store: Store, entries: pa.Table) -> Blob | None:
    """Opt-outs as a blob: what is asked of an item does not depend on when and in which words."""
    distinct = entries.group_by(["kind", "source", "key"], use_threads=False).aggregate([])
    order = pc.sort_indices(distinct, sort_keys=[(name, "ascending") for name in ("kind", "source", "key")])
    return store.blobs.put_table(distinct.take(order), _ASKED) if len(distinct) else None


_ASKED = pa.schema([OPT_OUTS.field(name) for name in ("kind", "source", "key")])


def run(store: Store, action: Action) -> Result:
    """Counts `rows`, and by kind `met/<kind>` the rows of the part that meet an opt-out: none may."""
    tables = [store.blobs.get_table(Blob.from_json(value), schema=_ASKED) for value in action.refs["against"]]
    asked = pa.concat_tables([_ASKED.empty_table(), *tables]).combine_chunks()
    by_kind = {kind: asked.filter(pc.equal(asked["kind"], kind)) for kind in ("item", "owner", "url", "tag")}
    columns = ["source", "item_id", "owner_id", *_TAGS]
    if len(by_kind["url"]):
        columns += ["page_url", "image_url"]
    part = Blob.from_json(action.refs["part"])
    rows = store.blobs.get_table(part, columns, schema=ITEMS, dictionary=_DICTIONARIES).combine_chunks()
    met = {
        "item": _named(rows, "item_id", by_kind["item"]),
        "owner": _named(rows, "owner_id", by_kind["owner"]),
        "url": _linked(rows, by_kind["url"]["key"].combine_chunks()) if len(by_kind["url"]) else 0,
        "tag": _tagged(rows, by_kind["tag"]["key"].combine_chunks()),
    }
    return Result(
        counts={"rows": len(rows), **{f"met/{kind}": count for kind, count in met.items() if count}}
    )


def _named(rows: pa.Table, column: str, asked: pa.Table) -> int:
    """How many rows have, in ``column``, an id that was asked for on the same platform."""
    met = 0
    for source in asked["source"].unique().to_pylist():
        ids = asked.filter(pc.equal(asked["source"], source))["key"].combine_chunks()
        same_id = pc.is_in(rows[column], ids)
        if pc.any(same_id).as_py():
            met += pc.sum(pc.and_(same_id, pc.equal(rows["source"], source))).as_py()
    return met


def _linked(rows: pa.Table, urls: pa.Array) -> int:
    met = np.zeros(len(rows), np.bool_)
    for name in ("page_url", "image_url", "owner_id"):
        written = targets.normalize_urls(rows[name].combine_chunks().cast(pa.string()))
        met |= pc.is_in(written, urls).fill_null(False).to_numpy(zero_copy_only=False)
    return int(np.count_nonzero(met))


def _tagged(rows: pa.Table, tags: pa.Array) -> int:
    """How many rows carry a tag that says no: one of the lists', or one that says it by itself."""
    met = np.zeros(len(rows), np.bool_)
    for name in _TAGS:
        column = rows[name].combine_chunks()
        said = pc.list_flatten(column)
        spelled = targets.normalize_tags(said.dictionary)
        no = pc.is_in(spelled, pa.concat_arrays([pa.array(targets.TAGS_THAT_SAY_NO), tags])).take(
            said.indices
        )
        met[pc.list_parent_indices(column).filter(no).to_numpy()] = True
    return int(np.count_nonzero(met))


STAGE = Stage("Gate", run)
