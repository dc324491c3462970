"""Cells that name what is opted out: what each names, and why a person must look at it if one must."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.suspicions import suspicions
from transforms.domain.targets import parse_targets, why_not
from transforms.domain.texts import shown
from transforms.formats.lists import Faults, Lines

FOUND = pa.schema([(name, pa.string()) for name in ("kind", "key", "raw", "held_for")])
"""What is known of an entry from its cell alone."""

_MEANING = MappingProxyType(
    {
        None: "an item id, owner id, URL, host, content hash or #tag",
        "item": "an item id",
        "owner": "an owner id",
        "alias": "an alias, as in https://www.flickr.com/photos/ALIAS/",
        "name": "a name",
        "url": "the URL of an item, owner or host",
        "host": "a host",
        "content": "an MD5 or SHA-256 of a content",
        "tag": "a tag",
    }
)
_ALSO = MappingProxyType({"owner": "alias", "alias": "owner"})  # people write one for the other
_MARK = MappingProxyType(
    {
        "tag": ("#", "^(?:#|(?i:tag:))"),
        "alias": ("alias:", "/|(?i:^alias:)|@|%40"),
        "host": ("host:", "/|(?i:^host:)"),
    }
)
"""What a word needs before it to be understood as of its kind, and what shows that it has it."""
_HELD_AS = "url"  # the kind of what nobody can tell
_MOST_CHARACTERS = 2048  # nobody looks at more
_NO_TEXT = r"[\x00-\x1f\x7f]"  # a file of another kind, or of lines that end otherwise


def read_cells(lines: Lines, cells: pa.Array, kind: str | None, where: str, faults: Faults) -> pa.Table:
    """What cells name.

    Args:
        lines: the line of each cell.
        cells: text that is not blank, trimmed.
        kind: which each must be of; None: of any.
        where: the column, as a message names it.
        faults: gets the cells that are not understood.

    Returns:
        A table of :data:`FOUND` and ``at``, the place of the cell: one row for each cell that is understood
        or suspicious.
    """
    marked = _marked(cells, kind)
    targets = parse_targets(marked)
    kinds, names = targets["kind"].combine_chunks(), targets["key"].combine_chunks()
    understood = _of_kind(cells, kinds, kind)
    held_for = _suspicions(marked, kinds)
    suspicious = held_for.is_valid()
    odd = pc.and_not(suspicious, understood)
    if pc.any(odd).as_py():
        kinds = pc.if_else(odd, pa.scalar(kind or _HELD_AS), kinds)
        names = pc.if_else(odd, cells, names)
    named = pc.or_(understood, suspicious)
    found = pa.table([kinds, names, cells, held_for], schema=FOUND)
    found = found.append_column("at", pa.array(np.arange(len(cells))))
    bad = pc.invert(named)
    faults.add(
        lines[bad.to_numpy(zero_copy_only=False)],
        (
            f"{where}: {shown(cell)} {why_not(cell, _MEANING[kind])}"
            for cell in (value.as_py() for value in cells.filter(bad))
        ),
    )
    return found.filter(named)


def _marked(cells: pa.Array, kind: str | None) -> pa.Array:
    """The cells with the mark of their kind, without which a word of such a column would name nothing."""
    if kind == "name":  # whatever it looks like
        return pc.binary_join_element_wise("name:", cells, "")
    if kind is None or kind not in _MARK:
        return cells
    mark, has_it = _MARK[kind]
    return pc.if_else(
        pc.match_substring_regex(cells, has_it), cells, pc.binary_join_element_wise(mark, cells, "")
    )


def _of_kind(cells: pa.Array, kinds: pa.Array, kind: str | None) -> pa.Array:
    """Whether each cell is understood, and as what its column means."""
    if kind is None:
        return kinds.is_valid()
    if kind == "url":  # the URL of an item's page or image, of its owner or host, and not the id by itself
        a_url = pc.and_not(pc.match_substring(cells, "/"), pc.equal(kinds, "tag"))
        return a_url.fill_null(False)
    return pc.is_in(kinds, pa.array([kind, _ALSO.get(kind, kind)]))


def _suspicions(cells: pa.Array, kinds: pa.Array) -> pa.Array:
    """Why a person must look at each cell, which was read as of its kind; null where nobody must."""
    none = pa.nulls(len(cells), pa.string())
    by_id = pc.is_in(kinds, pa.array(["item", "owner"]))  # an id says what it means, and most cells are ids
    looked_at = pc.and_not(
        pc.less_equal(pc.utf8_length(cells), _MOST_CHARACTERS),
        pc.match_substring_regex(cells, _NO_TEXT),
    )
    odd = pc.and_not(looked_at, by_id)
    if not pc.any(odd).as_py():
        return none
    return pc.replace_with_mask(none, odd, suspicions(cells.filter(odd)))
