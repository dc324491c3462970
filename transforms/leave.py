"""Leave: what was asked and granted for each row of a bucket, by the item, its owner, and what it meets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import words
from transforms.domain import purposes, targets
from transforms.domain.lookup import Ids
from transforms.domain.order import Places
from transforms.domain.purposes import Purposes
from transforms.domain.reasons import OPT_OUTS
from transforms.domain.texts import encode
from transforms.words import Words

OWN_COLUMNS = ("source", "item_id", "owner_id")
"""Of a manifest: by which an item's own leave, and its owner's, are found."""

COLUMNS = (*(f"no_{kind}" for kind in OPT_OUTS), "granted_by_owner", "granted_by_depicted", "refused")
"""Of facts."""

NO_OF_TAGS = int(purposes.spread_no(np.array([purposes.BIT["computer-vision"]], np.uint16))[0])
"""What a tag says no to by itself."""

_NAMED = {"alias": "no_owner", "name": "no_owner", "owner": "no_owner", "item": "no_item"}
"""Kinds that are met on a platform, and what they are opt-outs of: who is called so means the owner."""

_SAID = ("no", "granted_by_depicted", "refused")


def leave_of(manifest: pa.Table, leave: pa.Table, wide: pa.Table, met: pa.Table) -> dict[str, pa.Array]:
    """Sets of purposes by the names of :data:`COLUMNS`, row for row with ``manifest``.

    Args:
        manifest: the columns :data:`OWN_COLUMNS`.
        leave: in :data:`schemas.LEAVE`: items and owners, each once; others than this bucket's do no harm.
        wide: in :data:`schemas.LEAVE`: the other kinds, all that stand; also Flickr's items and owners, where
            rows of other platforms may show them.
        met: in :data:`schemas.MET`: what this bucket meets. What is met and does not stand is nothing.
    """
    columns = {name: np.zeros(len(manifest), np.uint16) for name in COLUMNS}
    items, owners = (leave.filter(pc.equal(leave["kind"], kind)) for kind in ("item", "owner"))
    spoken = []
    if len(items):
        places = Ids(items["source"], items["key"]).find(Ids(manifest["source"], manifest["item_id"]))
        spoken += _say(columns, items, places, "no_item")
    if len(owners):
        places = _of_owners(manifest, owners["source"], owners["key"])
        spoken += _say(columns, owners, places, "no_owner")
    if spoken:
        columns["granted_by_owner"] = words.granted(np.maximum.reduce(spoken))
    for kind in OPT_OUTS[2:]:
        rows = met.filter(pc.equal(met["kind"], kind))
        np.bitwise_or.at(columns[f"no_{kind}"], rows["row"].to_numpy(), _no(rows, wide, kind))
    for kind, column in _NAMED.items():
        _name(columns[column], manifest, met.filter(pc.equal(met["kind"], kind)), wide, kind)
    return {name: pa.array(column) for name, column in columns.items()}


def _say(columns: dict[str, Purposes], leave: pa.Table, places: Places, no: str) -> list[Words]:
    """What ``leave`` says, at its ``places``, of each row; -1 where it says nothing.

    Returns:
        What owners said last, row for row, if they said anything at all.
    """
    rows = np.flatnonzero(places >= 0)
    for name in _SAID:
        columns[no if name == "no" else name][rows] |= leave[name].to_numpy()[places[rows]]
    said = leave["owner_said"]
    return [words.at(said, places)] if said.null_count < len(said) else []


def _of_owners(manifest: pa.Table, source: pa.ChunkedArray, key: pa.ChunkedArray) -> Places:
    """For each row the place of its owner among others, -1 where there is none; a distinct one once."""
    platform, owner = encode(manifest["source"]), encode(manifest["owner_id"])
    at = owner.indices.fill_null(len(owner.dictionary)).to_numpy(zero_copy_only=False)
    of_source = platform.indices.to_numpy(zero_copy_only=False)
    found = np.full(len(manifest), -1)
    for number, name in enumerate(platform.dictionary.to_pylist()):
        theirs = np.flatnonzero(pc.equal(source, name).to_numpy())
        if len(theirs):
            asked = key.take(pa.array(theirs)).combine_chunks()
            places = pc.index_in(owner.dictionary, asked).fill_null(-1).to_numpy(zero_copy_only=False)
            known = np.append(np.where(places >= 0, theirs[places], -1), -1)
            here = of_source == number
            found[here] = known[at[here]]
    return found


def _no(met: pa.Table, wide: pa.Table, kind: str) -> Purposes:
    """What stands against each key that is met: the lists', and what a tag says by itself."""
    asked = wide.filter(pc.equal(wide["kind"], kind))
    places = pc.index_in(met["key"], asked["key"].combine_chunks()).fill_null(-1).to_numpy()
    no = np.append(asked["no"].to_numpy(), np.uint16(0))[places]
    if kind == "tag":
        itself = pc.is_in(met["key"], pa.array(targets.TAGS_THAT_SAY_NO)).to_numpy()
        no = no | np.where(itself, np.uint16(NO_OF_TAGS), np.uint16(0))
    return no


def _name(no_named: Purposes, manifest: pa.Table, met: pa.Table, wide: pa.Table, kind: str) -> None:
    """What stands against a name on its platform, said of the row, or of all that its owner has."""
    for source in met["source"].unique().to_pylist():
        asked = wide.filter(pc.equal(wide["source"], source))
        here = met.filter(pc.equal(met["source"], source))
        no = _no(here, asked, kind)
        owned = here["owner_id"].is_valid().to_numpy()
        rows = here["row"].fill_null(-1).to_numpy()
        np.bitwise_or.at(no_named, rows[~owned], no[~owned])
        owner, of_owner = _each_once(here["owner_id"].filter(pa.array(owned)), no[owned])
        of_row = _of_owners(manifest, pa.chunked_array([pa.repeat(source, len(owner))]), owner)
        no_named |= np.append(of_owner, np.uint16(0))[of_row]


def _each_once(owners: pa.ChunkedArray, no: Purposes) -> tuple[pa.ChunkedArray, Purposes]:
    """Each owner once, with all that was said."""
    encoded = encode(owners)
    together = np.zeros(len(encoded.dictionary), np.uint16)
    np.bitwise_or.at(together, encoded.indices.to_numpy(zero_copy_only=False), no)
    return pa.chunked_array([encoded.dictionary]), together
