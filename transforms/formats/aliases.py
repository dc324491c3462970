"""Alias histories: which names and former ids an owner has or had, as CSV or JSON lines.

The columns are ``key`` and ``owner_id``, and if need be ``kind`` (of the key: ``alias``, which it is where
nothing is said, ``name`` or ``owner``), ``source``, ``seen_on`` and ``note``, which is not read. So whoever
opted out under a name that somebody has left behind stays out.

A history is read whole or not at all: a line that is not understood may be the one that keeps somebody out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.readings import only
from transforms.domain.schemas import ALIASES
from transforms.domain.targets import parse_targets
from transforms.domain.texts import did_you_mean, shown
from transforms.formats import values
from transforms.formats.lists import Faults, Lines
from transforms.formats.sheets import Cells, Columns, read_sheet

KINDS = ("alias", "name", "owner")
"""What the key of a line may be: the kinds of opt-out that an owner has."""

COLUMNS = Columns(("key", "owner_id", "kind", "source", "seen_on", "note"), ("key", "owner_id"))
_MEANING = {
    "alias": "an alias, or the address of a page on Flickr that has one",
    "name": "a name",
    "owner": "an owner id",
}
_ID = r"^[\x21-\x7e]{1,256}$"  # of a platform whose ids have no rule of their own here
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def read_aliases(data: bytes, *, place: str, source: str, observed_on: datetime.date) -> pa.Table:
    """The lines of one history.

    Args:
        data: the file, in UTF-8.
        place: its name, with which every message begins.
        source: the platform of lines that name none.
        observed_on: when the history was made: nothing in it was seen later.

    Returns:
        A table of ``schemas.ALIASES``, distinct and sorted as by :func:`merge_aliases`; without rows where
        the history has none: whether that is acceptable is for the caller to say.

    Raises:
        InputError: the file is no such list, or a line of it is not understood; the message has one line for
            each of the first 20 faults, then their count.
    """
    faults = Faults(place)
    found = [
        _entries(lines, cells, source, observed_on, faults)
        for lines, cells in read_sheet(data, place, COLUMNS, faults)
    ]
    faults.check()
    return merge_aliases(found)


def merge_aliases(lists: Sequence[pa.Table]) -> pa.Table:
    """The lines of several histories as those of one: distinct, and in the order of all their columns."""
    table = pa.concat_tables([ALIASES.empty_table(), *lists])
    distinct = table.group_by(ALIASES.names, use_threads=False).aggregate([])
    order = pc.sort_indices(distinct, sort_keys=[(name, "ascending") for name in ALIASES.names])
    return distinct.take(order).cast(ALIASES).combine_chunks()


def _entries(lines: Lines, cells: Cells, source: str, observed_on: datetime.date, faults: Faults) -> pa.Table:
    """The rows as ``schemas.ALIASES``; if ``faults`` gets any, the table means nothing."""
    kinds, sources = _or(cells["kind"], "alias"), _or(cells["source"], source)
    keys, owners = _keys(cells["key"], kinds, sources), _owners(cells["owner_id"], sources)
    stated = pc.if_else(pc.match_substring_regex(cells["seen_on"], _DATE), cells["seen_on"], None)
    days = values.dates(stated)
    known = pc.is_in(kinds, pa.array(KINDS))
    late = pc.greater(days, pa.scalar(observed_on, pa.date32()))
    undated = pc.and_(days.is_null(), pc.not_equal(cells["seen_on"], ""))

    def blame(name: str, wrong: pa.Array, say: Callable[[str], str]) -> None:
        rows = np.flatnonzero(wrong.fill_null(False).to_numpy(zero_copy_only=False))
        odd = (cells[name][row].as_py() for row in rows.tolist())
        faults.add(lines[rows], (f", {name}: {shown(cell)} {say(cell)}" for cell in odd))

    kinds_are = f"is not one of {', '.join(KINDS)}."
    blame("kind", pc.invert(known), lambda kind: kinds_are + did_you_mean(kind, KINDS))
    for kind, what in _MEANING.items():
        blame("key", pc.and_(keys.is_null(), pc.equal(kinds, kind)), _is_not(what))
    blame("owner_id", owners.is_null(), _is_not(_MEANING["owner"]))
    blame("seen_on", undated, _is_not("a date such as 2026-11-10"))
    blame("seen_on", late, lambda _: f"is after {observed_on}, when the history was made")
    return pa.table([sources, kinds, keys.fill_null(""), owners.fill_null(""), days], schema=ALIASES)


def _is_not(what: str) -> Callable[[str], str]:
    return lambda _: f"is not {what}"


def _or(cells: pa.Array, default: str) -> pa.Array:
    return pc.if_else(pc.equal(cells, ""), default, cells)


def _keys(cells: pa.Array, kinds: pa.Array, sources: pa.Array) -> pa.Array:
    """Each key as an opt-out of its kind has it; null where it is none."""
    aliases = pc.coalesce(_of_kind("alias", cells, "alias:"), _of_kind("alias", cells))
    names = _of_kind("name", cells, "name:")
    of_kind = {"alias": aliases, "name": names, "owner": _owners(cells, sources)}
    return pc.coalesce(*(only(pc.equal(kinds, kind), keys) for kind, keys in of_kind.items()))


def _owners(cells: pa.Array, sources: pa.Array) -> pa.Array:
    """Each owner id in its one spelling: on Flickr an NSID or its address, elsewhere what has no spaces."""
    others = only(pc.match_substring_regex(cells, _ID), cells)
    return pc.if_else(pc.equal(sources, "flickr"), _of_kind("owner", cells), others)


def _of_kind(kind: str, cells: pa.Array, before: str = "") -> pa.Array:
    """The key of each cell that names a target of the kind, with ``before`` before it; else null."""
    targets = parse_targets(pc.binary_join_element_wise(before, cells, ""))
    return only(pc.equal(targets["kind"], kind), targets["key"]).combine_chunks()
