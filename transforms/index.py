"""The item index: in which bucket an item lives, for whoever knows an item only by its id."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import keys, order
from transforms.domain.lookup import Ids
from transforms.domain.schemas import INDEX


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
    home = entries["home"].to_numpy()
    source, item = entries["source"].combine_chunks(), entries["item_id"].combine_chunks()
    orphan = home == keys.item_hash(source, item)
    texts = [*keys.text_order(item), *keys.text_order(source)]
    places = np.lexsort([home, orphan, *texts]) if len(entries) else np.empty(0, np.int64)
    entries = entries.take(pa.array(places))
    same_item = order.repeats(entries, ("source", "item_id"))
    same_home = order.repeated(home[places].astype(np.int64))
    index = entries.filter(pa.array(~same_item))
    losers = entries.filter(pa.array(same_item & ~same_home))
    return index.select(INDEX.names), losers.select(INDEX.names)


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
