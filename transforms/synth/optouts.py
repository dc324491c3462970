"""Opt-out lists: whom and what they name, and how people write it.

Owners and items are numbers of the :class:`~transforms.synth.population.Population`; numbers beyond its last
are people and photos that the manifest does not have. Every list names one owner and one item twice, in
other words, and a later list repeats some of the first.
"""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.synth.draws import I64, draw, key, pick, shuffle
from transforms.synth.population import Population
from transforms.synth.yfcc100m import secrets, server_ids

_FILES = ("2025-06-10.txt", "2026-11-10.txt", "2026-11-10.csv")
_OWNER_SHARE = 0.0002
_ITEM_SHARE = 0.0001
_STRANGERS = 2

_NOTES = ("", "by mail", '"please, all of it"', '"he said ""no"""', "retir%C3%A9", "wedding; not mine")


@dataclasses.dataclass(frozen=True)
class OptOutList:
    """One list: its file name, and the owners and items that its entries name, in their order."""

    name: str
    owners: I64
    items: I64

    @property
    def received_on(self) -> datetime.date:
        """The day the list came in."""
        return datetime.date.fromisoformat(self.name.split(".")[0])


def opt_out_lists(people: Population) -> list[OptOutList]:
    """The lists of ``people``: about 0.02 % of owners and 0.01 % of items each."""
    crowd = people.owners - people.modest
    owners = min(max(2, round(people.owners * _OWNER_SHARE)), crowd)
    items = min(max(5, round(people.items * _ITEM_SHARE)), people.items)
    lists = []
    for place, name in enumerate(_FILES):
        # A stretch of one shuffled order, begun so that each list overlaps the one before by one entry.
        owner_at = (np.arange(owners) + place * (owners - 1)) % crowd
        item_at = (np.arange(items) + place * (items - 1)) % people.items
        named_owners = people.modest + shuffle(owner_at, crowd, key(people.seed, "owners opting out"))
        named_items = shuffle(item_at, people.items, key(people.seed, "items opted out"))
        strangers = np.arange(_STRANGERS) + place
        lists.append(
            OptOutList(
                name,
                np.concatenate([named_owners, people.owners + strangers, named_owners[:1]]),
                np.concatenate([named_items, people.items + strangers, named_items[:1]]),
            )
        )
    return lists


def _owner_entries(people: Population, owners: I64) -> tuple[I64, list[pa.Array]]:
    nsid = people.nsid(owners)
    escaped = pc.replace_substring(nsid, "@", "%40")
    # The last entry repeats the first: its form must differ.
    form = np.append(np.arange(len(owners) - 1) % 4, 2)
    return form, [
        nsid,
        pc.binary_join_element_wise("https://www.flickr.com/photos/", nsid, "/", ""),
        pc.binary_join_element_wise("https://www.flickr.com/people/", nsid, "/", ""),
        pc.binary_join_element_wise("http://www.flickr.com/photos/", escaped, ""),
    ]


def _item_entries(people: Population, items: I64) -> tuple[I64, list[pa.Array]]:
    number = pc.cast(pa.array(people.item_number(items)), pa.string())
    # A stranger's photo belongs to a stranger.
    inside = items < people.items
    owner = np.where(inside, people.owner_of(np.minimum(items, people.items - 1)), people.owners + items % 7)
    form = np.append(np.arange(len(items) - 1) % 3, 2)
    page = pc.binary_join_element_wise(
        "https://www.flickr.com/photos/", people.nsid(owner), "/", number, "/", ""
    )
    server = pc.cast(pa.array(server_ids(people, items)), pa.string())
    image = pc.binary_join_element_wise(
        "https://live.staticflickr.com/", server, "/", number, "_", secrets(people, items), "_b.jpg", ""
    )
    return form, [number, page, image]


def opt_out_bytes(people: Population, entries: OptOutList) -> bytes:
    """The file of a list: text with one entry a line, or CSV under a header, by the ending of its name."""
    owner_form, owner_cells = _owner_entries(people, entries.owners)
    item_form, item_cells = _item_entries(people, entries.items)
    owner_cell = pc.choose(pa.array(owner_form), *owner_cells)
    item_cell = pc.choose(pa.array(item_form), *item_cells)
    header = ""
    if entries.name.endswith(".csv"):
        header = "owner_id,item_id,url,note\n"
        note = draw(people.seed, "opt-out note", np.arange(len(owner_cell) + len(item_cell)))
        notes = pa.array(_NOTES).take(pa.array(pick(note, len(_NOTES))))
        owner_cell = _csv(owner_cell, owner_form, 0, notes[: len(owner_cell)])
        item_cell = _csv(item_cell, item_form, 1, notes[len(owner_cell) :])
    lines = pa.concat_arrays([owner_cell, item_cell])
    order = shuffle(np.arange(len(lines)), len(lines), key(people.seed, entries.name))
    return (header + "\n".join(lines.take(pa.array(order)).to_pylist()) + "\n").encode()


def _csv(cell: pa.Array, form: I64, id_column: int, notes: pa.Array) -> pa.Array:
    """Each cell under its column: an id (form 0) under its own, anything else under ``url``."""
    commas_before = np.where(form == 0, id_column, 2)
    before = pa.array(["", ",", ",,"]).take(pa.array(commas_before))
    after = pa.array([",,,", ",,", ","]).take(pa.array(commas_before))
    return pc.binary_join_element_wise(before, cell, after, notes, "")
