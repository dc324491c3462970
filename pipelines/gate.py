"""The gate: re-reads the rows about to be published and holds them against the lists as received.

It shares no join with the pipeline, no facts and no decisions, and imports neither Beam nor DuckDB: it reads
parts and lists and compares values. What stands it finds out by itself (:mod:`pipelines.objections`). Taking
a filter out of the pipeline must make it refuse; tests do that for each.

A part that passed against a set of objections is remembered, so that a night reads only what could have
changed: an owner's opt-out concerns the one bucket that the owner lives in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.objections import SCHEMA, objections
from pipelines.release_inputs import Inputs
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.threads import in_threads
from transforms.domain import keys, subbuckets, targets
from transforms.domain.schemas import ITEMS

_Rows = npt.NDArray[np.bool_]

_OWNERS = ("owner", "refused-owner")  # concern the one bucket that the owner lives in
_ITEMS = ("item", "refused-item")
_SHOWN = ("alias", "name", "url", "host", "content", "tag")
_FLICKRS = "flickrs-"  # before the kind of what rows of other platforms may show
_COLUMNS = {
    "item": ("source", "item_id"),
    "owner": ("source", "owner_id"),
    "refused-item": ("source", "item_id"),
    "refused-owner": ("source", "owner_id"),
    "alias": ("source", "owner_id", "page_url"),
    "name": ("source", "owner_name"),
    "url": ("owner_id", "page_url", "image_url"),
    "host": ("page_url", "image_url"),
    "content": ("content_md5", "content_sha256"),
    "tag": ("tags", "machine_tags"),
    "flickrs-item": ("source", "page_url", "image_url"),
    "flickrs-owner": ("source", "owner_id", "page_url"),
}
_DICTIONARIES = ("source", "owner_id", "owner_name", "tags.list.element", "machine_tags.list.element")


def plan(store: Store, items: Mapping[int, Blob], inputs: Inputs, purpose: str) -> list[Action]:
    """Two actions for each part: one holds its ids against those asked for, one what else it shows.

    An item that is opted out tonight has the ids of all parts read again, and not their tags and addresses.

    Args:
        items: the parts to be published, by bucket.
        inputs: what they were made of: their lists are read anew, whole, as they were received.
        purpose: of the release.
    """
    against = objections(store, inputs, purpose)
    owners, ids, shown = _of_kinds(against, _OWNERS), _of_kinds(against, _ITEMS), _of_kinds(against, _SHOWN)
    if inputs.manifest.foreign:
        shown = pa.concat_tables([shown, _flickrs(against)]).combine_chunks()
    of_all, wide = _put(store, ids), _put(store, shown)
    source, key = (owners[name].combine_chunks() for name in ("source", "key"))
    homes = keys.bucket_of(keys.home_hash(source, key, key), store.dataset.buckets)

    def check(bucket_and_part: tuple[int, Blob]) -> list[Action]:
        bucket, part = bucket_and_part
        here = np.flatnonzero(homes == subbuckets.home(bucket, store.dataset.buckets))
        named = [of_all, _put(store, owners.take(pa.array(here)))]
        asked = [[blob for blob in named if blob], *([[wide]] if wide else [])]
        return [_action(bucket, part, blobs) for blobs in asked]

    checks = in_threads(check, sorted(items.items()), store.backend.reads_at_once)
    return [action for actions in checks for action in actions]


def _action(bucket: int, part: Blob, against: Sequence[Blob]) -> Action:
    return Action(
        inputs={"part": part.digest, "against": sorted(blob.digest for blob in against)},
        refs={"bucket": bucket, "part": part.to_json(), "against": [blob.to_json() for blob in against]},
        weight=part.rows,
    )


def _of_kinds(against: pa.Table, kinds: Sequence[str]) -> pa.Table:
    return against.filter(pc.is_in(against["kind"], pa.array(kinds)))


def _flickrs(against: pa.Table) -> pa.Table:
    """What was asked of Flickr's items and owners, to be held against the rows of other platforms."""
    asked = _of_kinds(against, ("item", "owner"))
    asked = asked.filter(pc.equal(asked["source"], targets.FLICKR))
    return asked.set_column(0, SCHEMA.field(0), pc.binary_join_element_wise(_FLICKRS, asked["kind"], ""))


def _put(store: Store, against: pa.Table) -> Blob | None:
    """Objections as a blob: what is asked of an item does not depend on when and in which words."""
    return store.blobs.put_table(against, SCHEMA) if len(against) else None


def run(store: Store, action: Action) -> Result:
    """Counts `rows`, and by kind `met/<kind>` the rows of the part that meet an objection: none may."""
    tables = [store.blobs.get_table(Blob.from_json(value), schema=SCHEMA) for value in action.refs["against"]]
    against = pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks()
    kinds = against["kind"].unique().to_pylist()
    part = Blob.from_json(action.refs["part"])
    columns = [name for name in ITEMS.names if name in {"source"}.union(*(_COLUMNS[kind] for kind in kinds))]
    nested = [name for name in _DICTIONARIES if name.partition(".")[0] in columns]
    rows = store.blobs.get_table(part, columns, schema=ITEMS, dictionary=nested).combine_chunks()
    counts = {"rows": len(rows)}
    for kind in sorted(kinds):
        met = _CHECKS[kind](rows, against.filter(pc.equal(against["kind"], kind)))
        if met.any():
            counts[f"met/{kind}"] = int(np.count_nonzero(met))
    return Result(counts=counts)


def _ids(column: str) -> Callable[[pa.Table, pa.Table], _Rows]:
    return lambda rows, asked: _on_platform(rows, asked, rows[column])


def _on_platform(rows: pa.Table, asked: pa.Table, values: pa.Array | pa.ChunkedArray) -> _Rows:
    """The rows whose value was asked for on the same platform."""
    met = np.zeros(len(rows), np.bool_)
    for source in asked["source"].unique().to_pylist():
        wanted = asked.filter(pc.equal(asked["source"], source))["key"].combine_chunks()
        same = pc.is_in(values, wanted)
        if pc.any(same).as_py():
            met |= _flags(pc.and_(same, pc.equal(rows["source"], source)))
    return met


def _flags(column: pa.Array | pa.ChunkedArray) -> _Rows:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    flags: _Rows = whole.fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def _texts(rows: pa.Table, column: str) -> pa.Array:
    return rows[column].combine_chunks().cast(pa.string())


def _called(rows: pa.Table, asked: pa.Table) -> _Rows:
    """The rows whose page, or whose owner's id where that is no NSID, has an alias that was asked for."""
    owners = _texts(rows, "owner_id")
    alone = pc.if_else(targets.are_nsids(owners), pa.scalar(None, pa.string()), pc.ascii_lower(owners))
    pages = targets.aliases_of(_texts(rows, "page_url"))
    met = _on_platform(rows, asked, pages) | _on_platform(rows, asked, alone)
    flickrs = asked.filter(pc.equal(asked["source"], targets.FLICKR))
    return met | _shows(targets.aliases_of, "page_url", "owner_id")(rows, flickrs)


def _shows(normal: Callable[[pa.Array], pa.Array], *columns: str) -> Callable[[pa.Table, pa.Table], _Rows]:
    """The rows of other platforms in which an address is of what was asked of Flickr's."""

    def check(rows: pa.Table, asked: pa.Table) -> _Rows:
        met, others = np.zeros(len(rows), np.bool_), _flags(pc.not_equal(rows["source"], targets.FLICKR))
        shown = rows.filter(pa.array(others))
        for name in columns:
            met[others] |= _flags(pc.is_in(normal(_texts(shown, name)), asked["key"].combine_chunks()))
        return met

    return check


def _shown_as(rows: pa.Table, asked: pa.Table) -> _Rows:
    return _on_platform(rows, asked, targets.normalize_names(_texts(rows, "owner_name")))


def _linked(rows: pa.Table, asked: pa.Table) -> _Rows:
    met = np.zeros(len(rows), np.bool_)
    for name in _COLUMNS["url"]:
        met |= _flags(pc.is_in(targets.normalize_urls(_texts(rows, name)), asked["key"].combine_chunks()))
    return met


def _hosted(rows: pa.Table, asked: pa.Table) -> _Rows:
    wanted, met = set(asked["key"].to_pylist()), np.zeros(len(rows), np.bool_)
    for name in _COLUMNS["host"]:
        hosts = targets.hosts_of(_texts(rows, name))
        below = [host for host in hosts.unique().drop_null().to_pylist() if _is_below(host, wanted)]
        met |= _flags(pc.is_in(hosts, pa.array(below, pa.string())))
    return met


def _is_below(host: str, wanted: set[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in wanted for start in range(len(labels)))


def _same_bytes(rows: pa.Table, asked: pa.Table) -> _Rows:
    met = np.zeros(len(rows), np.bool_)
    for name in _COLUMNS["content"]:
        written = targets.normalize_contents(_texts(rows, name))
        met |= _flags(pc.is_in(written, asked["key"].combine_chunks()))
    return met


def _tagged(rows: pa.Table, asked: pa.Table) -> _Rows:
    """The rows that carry a tag that says no: one of the lists', or one that says it by itself."""
    met = np.zeros(len(rows), np.bool_)
    for name in _COLUMNS["tag"]:
        column = rows[name].combine_chunks()
        said = pc.list_flatten(column)
        no = pc.is_in(targets.normalize_tags(said.dictionary), asked["key"].combine_chunks())
        met[pc.list_parent_indices(column).filter(no.take(said.indices)).to_numpy()] = True
    return met


_CHECKS: dict[str, Callable[[pa.Table, pa.Table], _Rows]] = {
    "item": _ids("item_id"),
    "owner": _ids("owner_id"),
    "refused-item": _ids("item_id"),
    "refused-owner": _ids("owner_id"),
    "alias": _called,
    "name": _shown_as,
    "url": _linked,
    "host": _hosted,
    "content": _same_bytes,
    "tag": _tagged,
    "flickrs-item": _shows(targets.items_of, "page_url", "image_url"),
    "flickrs-owner": _shows(targets.nsids_of, "page_url", "owner_id"),
}
STAGE = Stage("Gate", run)
