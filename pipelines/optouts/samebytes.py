"""Bytes that are asked for more than once: who takes back an item leaves what else they asked for.

The ledger cannot tell apart one asker's entries of one hash: all of them are withdrawn together. So where
another item with the same bytes is still opted out for one of the purposes, or the bytes themselves, they are
not taken back.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.optouts.requests import entries_of, same_targets
from pipelines.store.store import Store
from transforms.domain.purposes import spread_no
from transforms.domain.schemas import OPT_OUTS
from transforms.lifecycle import still_asked

_BYTES = ("key", "origin", "requester")
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
    asked = _asked_behind(store, withdrawn, entries)
    bits = spread_no(contents["purposes"].to_numpy()).tolist()
    who = _texts(contents, _BYTES).to_pylist()
    otherwise = [asked.get(each, 0) & its != 0 for each, its in zip(who, bits, strict=True)]
    return contents.filter(pc.invert(pc.and_(takes_back, pa.array(otherwise, pa.bool_()))))


def _asked_behind(store: Store, withdrawn: pa.Table, entries: pa.Table) -> dict[str, int]:
    """By bytes and asker the purposes for which they are still asked for behind a list of ``entries``."""
    day = withdrawn["received_on"][0]
    about = same_targets(store, withdrawn)
    asked = _active_before(about, day)
    items = entries_of(store, asked["request"].to_pylist())
    items = _active_before(items.filter(pc.equal(items["kind"], "item")), day)
    of_items: dict[str, int] = {}
    for words, bits in zip(_words(items), _left(items, same_targets(store, items), entries), strict=True):
        of_items[words] = of_items.get(words, 0) | bits
    asked_for: dict[str, int] = {}
    left = _left(asked, about, entries)
    for who, words, bits in zip(_texts(asked, _BYTES).to_pylist(), _words(asked), left, strict=True):
        # In an item's words they are the item's bytes; in no item's words they were asked for themselves.
        asked_for[who] = asked_for.get(who, 0) | bits & of_items.get(words, bits)
    return asked_for


def _active_before(ledger: pa.Table, day: pa.Scalar) -> pa.Table:
    return ledger.filter(pc.and_(pc.equal(ledger["state"], "active"), pc.less(ledger["received_on"], day)))


def _words(entries: pa.Table) -> list[str]:
    """The request of each entry, and its words."""
    return _texts(entries, ("request", "raw")).to_pylist()


def _left(asked: pa.Table, ledger: pa.Table, entries: pa.Table) -> list[int]:
    """The purposes of each of ``asked`` that neither the ledger takes back by then, nor the list at all."""
    place = OPT_OUTS.get_field_index("effective_on")
    entries = entries.set_column(place, OPT_OUTS.field(place), entries["received_on"])
    whole = pa.concat_tables([each.select(OPT_OUTS.names) for each in (ledger, entries)])
    return still_asked(asked, whole, entries["received_on"][0].as_py())


def without_known(store: Store, contents: pa.Table) -> pa.Table:
    """``contents`` without those that the ledger has, of whatever manifest, and whether held or not."""
    return contents.filter(pc.invert(pc.is_in(_entry(contents), _entry(same_targets(store, contents)))))


def _entry(contents: pa.Table) -> pa.Array:
    """One text for each entry: what was asked or taken back, by whom and when, in which words."""
    takes_back = pc.equal(contents["state"], "withdrawn").cast(pa.string())
    # Of all of it only `raw` may hold the character in between: it comes last.
    return pc.binary_join_element_wise(takes_back, _texts(contents, _SAID), contents["raw"], "\x1f")


def _texts(entries: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    """One text for each combination of values."""
    parts = [entries[name].cast(pa.string()).fill_null("") for name in columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
