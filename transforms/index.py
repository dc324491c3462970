"""The item index: in which bucket an item lives, for whoever knows an item only by its id."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import keys, order
from transforms.domain.lookup import Ids
from transforms.domain.schemas import INDEX

_ITEM = ("source", "item_id")
_FEW = 0.1  # of the index: with more, sorting all of it costs less than looking for the places of some


def build_index(entries: pa.Table) -> tuple[pa.Table, pa.Table]:
    """One entry for each item of a shard, and the homes that lost where an item has several.

    An item has several homes when rows disagree about its owner. The home of a row with an owner goes before
    that of one without; among owners the smallest hash wins: arbitrary, but the same in any order.

    Args:
        entries: in :data:`schemas.INDEX`, in any order, repeated or not; an earlier index may be among them.

    Returns:
        The index, in :data:`schemas.INDEX`, sorted by (source, item_id); and the distinct (item, home) pairs
        that are not in it, in the same schema and order.
    """
    source, item = entries["source"].combine_chunks(), entries["item_id"].combine_chunks()
    texts = [*keys.text_order(item), *keys.text_order(source)]
    places = np.lexsort(texts) if len(entries) else np.empty(0, np.int64)
    same_item = order.repeats(entries.select(_ITEM).take(pa.array(places)), _ITEM)
    rivals = order.contested(same_item)
    if len(rivals):
        # Only items that are there twice need their homes compared.
        rows = places[rivals]
        home = entries["home"].to_numpy()[rows]
        orphan = home == keys.item_hash(source.take(pa.array(rows)), item.take(pa.array(rows)))
        places[rivals] = rows[np.lexsort([home, orphan, np.cumsum(~same_item)[rivals]])]
    entries = entries.take(pa.array(places))
    same_home = order.repeated(entries["home"].to_numpy().view(np.int64))
    index = entries.filter(pa.array(~same_item)) if len(rivals) else entries
    losers = entries.filter(pa.array(same_item & ~same_home))
    return index.select(INDEX.names), losers.select(INDEX.names)


def extend_index(index: pa.Table, entries: pa.Table) -> tuple[pa.Table, pa.Table]:
    """What :func:`build_index` makes of both, at the cost of ``entries`` if they are few.

    Args:
        index: made by :func:`build_index`.
        entries: in :data:`schemas.INDEX`, in any order, repeated or not.

    Returns:
        As :func:`build_index`.
    """
    if not len(index) or len(entries) > len(index) * _FEW:
        return build_index(pa.concat_tables([index, entries]).combine_chunks())
    # Items that the index has already are looked at anew, with all their homes.
    known = pc.is_in(index["item_id"], entries["item_id"].combine_chunks())
    fresh, losers = build_index(pa.concat_tables([entries, index.filter(known)]).combine_chunks())
    rest = index.filter(pc.invert(known)).combine_chunks()
    places = np.arange(len(rest), dtype=np.int64)
    before = _count_before(rest, fresh)
    places = np.insert(places, before, len(rest) + np.arange(len(fresh)))
    return pa.concat_tables([rest, fresh]).combine_chunks().take(pa.array(places)), losers


def _count_before(index: pa.Table, entries: pa.Table) -> order.Places:
    """How many items of the sorted ``index`` stand before each of ``entries``, by binary searches."""
    low = np.zeros(len(entries), np.int64)
    high = np.full(len(entries), len(index))
    for _ in range(len(index).bit_length()):
        middle = (low + high) // 2
        found = index.select(_ITEM).take(pa.array(np.minimum(middle, len(index) - 1)))
        same_source = pc.equal(found["source"], entries["source"])
        less_source = pc.less(found["source"], entries["source"])
        less = pc.if_else(same_source, pc.less(found["item_id"], entries["item_id"]), less_source)
        stands_before = less.to_numpy() & (middle < high)
        low = np.where(stands_before, middle + 1, low)
        high = np.where(stands_before, high, middle)
    return low


def find_homes(index: pa.Table, rows: pa.Table) -> tuple[keys.U64, npt.NDArray[np.bool_]]:
    """The home of each of ``rows`` (source, item_id), and whether the index knows it.

    What it does not know is at home where an item without an owner would be.
    """
    # A few rows ask of many entries: leave out at once those whose id nobody asks for.
    index = index.filter(pc.is_in(index["item_id"], rows["item_id"].combine_chunks()))
    places = Ids(index["source"], index["item_id"]).find(Ids(rows["source"], rows["item_id"]))
    known = places >= 0
    homes = keys.item_hash(rows["source"].combine_chunks(), rows["item_id"].combine_chunks())
    homes[known] = index["home"].to_numpy()[places[known]]
    return homes, known
