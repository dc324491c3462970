"""Weighing: how many items, of how many owners, each target of a list meets in a bucket of the manifest.

Nothing is decided here. Who takes in a list decides on these numbers what waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.lookup import Ids
from transforms.domain.texts import encode

TARGETS = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string()),  # of an item or owner; else null
        pa.field("key", pa.string(), nullable=False),
    ]
)

WEIGHTS = pa.schema(
    [
        *TARGETS,
        pa.field("items", pa.int64(), nullable=False),
        pa.field("owners", pa.int64(), nullable=False),  # distinct; items without an owner count none
        pa.field("content_md5", pa.string()),  # of an item
        pa.field("content_sha256", pa.string()),
    ]
)

OWN_COLUMNS = ("source", "owner_id")
ITEM_COLUMNS = ("item_id", "content_md5", "content_sha256")
"""Read only where an item is to be weighed: they are wide."""

_Places = npt.NDArray[np.int64]


def weigh(manifest: pa.Table, targets: pa.Table, met: pa.Table) -> pa.Table:
    """What each target meets.

    Args:
        manifest: all rows of one home bucket: :data:`OWN_COLUMNS`, and :data:`ITEM_COLUMNS` if an item is
            among ``targets``.
        targets: in :data:`TARGETS`, distinct.
        met: in ``schemas.MET``: which rows, and by alias and name which owners, the targets meet here that do
            not say where they live; also Flickr's items and owners, in rows of other platforms.

    Returns:
        A table of :data:`WEIGHTS`, in the order of ``targets``: those that meet an item. Sums over home
        buckets are those of the manifest, since an owner lives in one.
    """
    owners = _Owners.of(manifest)
    asked, rows = zip(
        *(_items(manifest, targets), _theirs(owners, targets), _wide(owners, targets, met)), strict=True
    )
    target, row = np.concatenate(asked), np.concatenate(rows)
    items = np.bincount(target, minlength=len(targets))
    owner = owners.of_row[row]
    pairs = np.unique(np.stack([target[owner >= 0], owner[owner >= 0]]), axis=1)
    distinct = np.bincount(pairs[0], minlength=len(targets))
    hit = np.flatnonzero(items)
    found = targets.take(pa.array(hit))
    columns = [*found.columns, pa.array(items[hit]), pa.array(distinct[hit])]
    return pa.table([*columns, *_contents(manifest, asked[0], rows[0], hit)], schema=WEIGHTS)


@dataclass(frozen=True)
class _Owners:
    """The owners of a bucket by number.

    Attributes:
        source: of each owner.
        owner_id: likewise.
        of_row: each row's owner; -1 where it has none.
        rows: those that have an owner, one owner's after another's.
        starts: where in ``rows`` each owner's begin; the last is where the last one's end.
    """

    source: pa.Array
    owner_id: pa.Array
    of_row: _Places
    rows: _Places
    starts: _Places

    @staticmethod
    def of(manifest: pa.Table) -> _Owners:
        source, owner = encode(manifest["source"]), encode(manifest["owner_id"])
        platforms, names = len(source.dictionary), len(owner.dictionary)
        number = owner.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        place = source.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        of_row = np.where(number >= 0, number * platforms + place, -1)
        order = np.argsort(of_row, kind="stable")
        every = np.arange(names * platforms)
        return _Owners(
            source.dictionary.take(pa.array(every % max(platforms, 1))),
            owner.dictionary.take(pa.array(every // max(platforms, 1))),
            of_row,
            order,
            np.searchsorted(of_row[order], np.arange(len(every) + 1)),
        )

    def find(self, source: pa.Array, owner_id: pa.Array) -> _Places:
        """The numbers of some owners; -1 where the bucket has not got one."""
        whole = Ids(pa.chunked_array([self.source]), pa.chunked_array([self.owner_id]))
        return whole.find(Ids(pa.chunked_array([source]), pa.chunked_array([owner_id])))

    def rows_of(self, asked: _Places, owner: _Places) -> tuple[_Places, _Places]:
        """Each of ``asked`` repeated for each row of its ``owner``, and those rows."""
        asked, owner = asked[owner >= 0], owner[owner >= 0]
        counts = self.starts[owner + 1] - self.starts[owner]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(asked, counts), self.rows[np.repeat(self.starts[owner], counts) + within]


def _items(manifest: pa.Table, targets: pa.Table) -> tuple[_Places, _Places]:
    """The items among ``targets`` that the bucket has, by their places, and the rows of these."""
    places = _of_kinds(targets, "item")
    if not len(places):
        return places, places
    asked = targets.take(pa.array(places))
    items = Ids(manifest["source"], manifest["item_id"])
    found = items.find(Ids(asked["source"], asked["key"]))
    return places[found >= 0], found[found >= 0]


def _theirs(owners: _Owners, targets: pa.Table) -> tuple[_Places, _Places]:
    """The owners among ``targets``, each repeated for each of their rows, and these."""
    places = _of_kinds(targets, "owner")
    asked = targets.take(pa.array(places)).combine_chunks()
    found = owners.find(asked["source"].combine_chunks(), asked["key"].combine_chunks())
    return owners.rows_of(places, found)


def _wide(owners: _Owners, targets: pa.Table, met: pa.Table) -> tuple[_Places, _Places]:
    """What is met: each target repeated for each row that it meets by itself or by its owner, and these."""
    if not len(met):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = pc.index_in(_named(met), _named(targets))
    target = place.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    row = met["row"].combine_chunks()
    alone = row.is_valid().to_numpy(zero_copy_only=False)
    by_owner = met.filter(pa.array(~alone)).combine_chunks()
    whose = owners.find(by_owner["source"].combine_chunks(), by_owner["owner_id"].combine_chunks())
    # Where a bucket is divided, an owner is met in each part that has rows of theirs.
    once = np.unique(np.stack([target[~alone], whose]), axis=1)
    asked, theirs = owners.rows_of(once[0], once[1])
    rows = np.concatenate([row.drop_null().to_numpy(zero_copy_only=False).astype(np.int64), theirs])
    asked = np.concatenate([target[alone], asked])
    # A row may be met by itself, and with its owner.
    pairs = np.unique(np.stack([asked, rows])[:, asked >= 0], axis=1)
    return pairs[0], pairs[1]


def _contents(manifest: pa.Table, asked: _Places, rows: _Places, hit: _Places) -> list[pa.Array]:
    """The content hashes of the items among the targets that met something."""
    of_target = np.full(len(hit), -1)
    of_target[np.searchsorted(hit, asked)] = rows
    places = pa.array(of_target, mask=of_target < 0)
    return [
        manifest[name].combine_chunks().cast(pa.string()).take(places)
        if len(asked)
        else pa.nulls(len(hit), pa.string())
        for name in ("content_md5", "content_sha256")
    ]


def _of_kinds(targets: pa.Table, *kinds: str) -> _Places:
    return np.flatnonzero(pc.is_in(targets["kind"], pa.array(kinds)).to_numpy(zero_copy_only=False))


def _named(table: pa.Table) -> pa.Array:
    """One text for each target: kind, key, and of an item or owner the source."""
    kind, source = (table[name].combine_chunks().cast(pa.string()) for name in ("kind", "source"))
    source = pc.if_else(pc.is_in(kind, pa.array(["item", "owner"])), source, "")
    return pc.binary_join_element_wise(kind, table["key"].combine_chunks(), source, "\x1f")
