"""Bytes that are asked for more than once: who takes back an item leaves what else they asked for.

The ledger cannot tell apart one asker's entries of one hash: all of them are withdrawn together. So where
another item with the same bytes is still opted out, or the bytes themselves, the bytes are not taken back.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.optouts.requests import entries_of, same_targets, unwithdrawn
from pipelines.store.store import Store
from transforms.domain.schemas import OPT_OUTS

_ASKER = ("origin", "requester")
_DECIDED = ("state", "held_for", "evidence")
_SAID = tuple(name for name in OPT_OUTS.names if name not in (*_DECIDED, "raw"))


def without_asked_otherwise(store: Store, contents: pa.Table, entries: pa.Table) -> pa.Table:
    """``contents`` without those that would take back bytes that their asker asked for otherwise too.

    Args:
        store: whose ledger there is.
        contents: what the items of a list come to, in ``schemas.OPT_OUTS``.
        entries: of the list.
    """
    takes_back = pc.equal(contents["state"], "withdrawn")
    withdrawn = contents.filter(takes_back)
    if not len(withdrawn):
        return contents
    day = withdrawn["received_on"][0]
    asked = same_targets(store, withdrawn)
    asked = asked.filter(pc.and_(pc.equal(asked["state"], "active"), pc.less(asked["received_on"], day)))
    asked = unwithdrawn(store, asked, str(day))
    items = entries_of(store, asked["request"].to_pylist())
    items = items.filter(pc.and_(pc.equal(items["kind"], "item"), pc.equal(items["state"], "active")))
    about = ("source", "key", *_ASKER)
    these = pc.is_in(_texts(items, about), _texts(entries.filter(_are_withdrawn_items(entries)), about))
    others = unwithdrawn(store, items.filter(pc.invert(these)), str(day))
    # An item's bytes are of its request and in its words; bytes in no item's words were asked for themselves.
    written = ("request", "raw")
    of_items, of_others = (
        pc.is_in(_texts(asked, written), _texts(each, written)) for each in (items, others)
    )
    left = asked.filter(pc.or_(pc.invert(of_items), of_others))
    otherwise = pc.is_in(_texts(contents, ("key", *_ASKER)), _texts(left, ("key", *_ASKER)))
    return contents.filter(pc.invert(pc.and_(takes_back, otherwise)))


def without_known(store: Store, contents: pa.Table) -> pa.Table:
    """``contents`` without those that the ledger has, of whatever manifest, and whether held or not."""
    return contents.filter(pc.invert(pc.is_in(_entry(contents), _entry(same_targets(store, contents)))))


def _entry(contents: pa.Table) -> pa.Array:
    """One text for each entry: what was asked or taken back, by whom and when, in which words."""
    takes_back = pc.equal(contents["state"], "withdrawn").cast(pa.string())
    # Of all of it only `raw` may hold the character in between: it comes last.
    return pc.binary_join_element_wise(takes_back, _texts(contents, _SAID), contents["raw"], "\x1f")


def _are_withdrawn_items(entries: pa.Table) -> pa.ChunkedArray:
    return pc.and_(pc.equal(entries["kind"], "item"), pc.equal(entries["state"], "withdrawn"))


def _texts(entries: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    """One text for each combination of values."""
    parts = [entries[name].cast(pa.string()).fill_null("") for name in columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
