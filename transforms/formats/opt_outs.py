"""Opt-out lists: text with one target a line, or CSV with a header.

The columns of a CSV list are ``item_id``, ``owner_id``, ``url`` and ``tag``, in which only that kind may
stand; ``target``, in which any kind may; ``kind`` with ``value``; and ``note``, which is not read. A row may
fill several. What each value may look like is said in :mod:`transforms.domain.targets`.

A list is read whole or not at all: one line that is not understood would be one person who is not heard.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import InputError
from transforms.domain.keys import text_order
from transforms.domain.schemas import OPT_OUTS
from transforms.domain.targets import KINDS, parse_targets, why_not
from transforms.domain.texts import did_you_mean, encode, shown
from transforms.formats.lists import Faults, Lines, blocks, check_text, fields, split

_KIND_OF = {"item_id": "item", "owner_id": "owner", "url": "url", "tag": "tag", "target": None}
_COLUMNS = (*_KIND_OF, "kind", "value", "note")
_NAMES_LOOKED_AT = 20  # a line of a million commas is no header
_MEANING = {
    None: "an item id, owner id, Flickr URL or tag",
    "item": "an item id",
    "owner": "an owner id",
    "url": "the URL of an item or owner",
    "tag": "a tag",
}


def read_list(data: bytes, *, place: str, source: str, received_on: datetime.date) -> pa.Table:
    """The opt-outs of one list. A byte-order mark, CRLF and blank lines are tolerated.

    Args:
        data: the file, in UTF-8.
        place: its name, with which every message begins.
        source: the platform whose item and owner ids the list means.
        received_on: when it was received.

    Returns:
        A table of ``schemas.OPT_OUTS``, distinct and sorted as by :func:`merge_lists`. ``source`` is null for
        URLs and tags. ``raw`` is the value as written, without the white space around it. There are no rows
        where the list has no entries: whether that is acceptable is for the caller to say.

    Raises:
        InputError: the file is not UTF-8 text, or a column or line of it is not understood; the message has
            one line for each of the first 20 faults, then their count.
    """
    check_text(data, place)
    faults = Faults(place)
    entries: list[pa.Table] = []
    header: list[str] | None = None
    for lines, texts in blocks(data):
        if header is None and len(texts):
            header = _header(texts[0].as_py(), int(lines[0]), place)
            if header:
                lines, texts = lines[1:], texts[1:]
        if header:
            lines, cells = split(lines, texts, len(header), faults)
            _read_rows(lines, dict(zip(header, cells, strict=True)), entries, faults)
        else:
            _read_cells(lines, texts, None, "", entries, faults)
        faults.trim()
    faults.check()
    if not entries:
        return OPT_OUTS.empty_table()
    found = pa.concat_tables(entries)
    has_source = pc.is_in(found["kind"], pa.array(["item", "owner"]))
    # A bare number is an id of the dataset's own platform; an NSID or a Flickr URL says whose it is.
    flickrs = pc.match_substring_regex(found["raw"], r"(?i)flic|(?:@|%40)n[0-9]{2}")
    whose = pc.if_else(flickrs, pa.scalar("flickr"), pa.scalar(source))
    columns = [
        found["kind"],
        pc.if_else(has_source, whose, pa.scalar(None, pa.string())),
        found["key"],
        found["raw"],
        pa.repeat(pa.scalar(received_on, pa.date32()), len(found)),
    ]
    return merge_lists([pa.table(columns, schema=OPT_OUTS)])


def merge_lists(lists: Sequence[pa.Table]) -> pa.Table:
    """The entries of several lists as those of one, whatever the order of the lists and of their rows.

    Args:
        lists: tables of ``schemas.OPT_OUTS``.

    Returns:
        A table of ``schemas.OPT_OUTS``, distinct by (kind, source, key) and sorted by (kind, key, source). Of
        entries that are the same the one received first stays, and of those the spelling that sorts first.
    """
    table = pa.concat_tables([OPT_OUTS.empty_table(), *lists])
    place = [_ranks(table["source"]), *text_order(table["key"]), _ranks(table["kind"])]
    order = np.lexsort(place)
    starts = np.ones(len(order), np.bool_)
    starts[1:] = np.logical_or.reduce([part[order][1:] != part[order][:-1] for part in place])
    chosen = order[starts]
    # Spellings are looked at only where an entry has several.
    group = np.cumsum(starts) - 1
    several = np.bincount(group, minlength=len(chosen))[group] > 1
    group, rows = group[several], order[several]
    days = table["received_on"].cast(pa.int32()).to_numpy()[rows]
    by_spelling = np.lexsort([*text_order(table["raw"].take(pa.array(rows))), days, group])
    group, rows = group[by_spelling], rows[by_spelling]
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    chosen[group[firsts]] = rows[firsts]
    return table.take(pa.array(chosen)).combine_chunks()


def _ranks(names: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The place of each of a few names in their order; nulls come first."""
    encoded = encode(names)
    ranks = np.append(pc.rank(encoded.dictionary).to_numpy().astype(np.int64), 0)
    return ranks[encoded.indices.fill_null(len(ranks) - 1).to_numpy(zero_copy_only=False)]


def _header(text: str, line: int, place: str) -> list[str]:
    """The columns, if the first line names some or nearly; else none: the list is text."""
    names = [name.strip() for name in fields(text)]
    some = names[:_NAMES_LOOKED_AT]
    looks_so = place.lower().endswith(".csv") or any(did_you_mean(name, _COLUMNS) for name in some)
    understood = parse_targets(pa.array([text]))["key"].null_count == 0
    if understood or not looks_so:
        return []
    where = f"{place}, line {line}"
    faults = [
        f"{where}: unknown column {shown(name)}.{did_you_mean(name, _COLUMNS) or _columns_are()}"
        for name in some
        if name not in _COLUMNS
    ]
    faults += [f"{where}: column {shown(name)} comes twice" for name in _COLUMNS if names.count(name) > 1]
    if ("kind" in names) != ("value" in names):
        faults.append(f"{where}: columns 'kind' and 'value' go together, and one of them is missing")
    if not faults and not {*_KIND_OF, "value"} & {*names}:
        faults.append(f"{where}: no column names what is opted out.{_columns_are()}")
    if faults:
        raise InputError("\n".join(faults))
    return names


def _columns_are() -> str:
    return f" Columns, separated by commas, are {', '.join(_COLUMNS)}."


def _read_rows(lines: Lines, columns: dict[str, pa.Array], entries: list[pa.Table], faults: Faults) -> None:
    """The entries of each column, and the rows that have none though something is written in them."""
    named = np.zeros(len(lines), np.bool_)
    written = np.zeros(len(lines), np.bool_)
    for name, cells in columns.items():
        filled = _filled(cells)
        written |= filled
        if name in _KIND_OF:
            named |= filled
            _read_cells(
                lines[filled], cells.filter(pa.array(filled)), _KIND_OF[name], f", {name}", entries, faults
            )
    if "kind" in columns:
        kinds, values = columns["kind"], columns["value"]
        named |= _filled(kinds) | _filled(values)
        _read_pairs(lines, kinds, values, entries, faults)
    bare = lines[written & ~named]
    faults.add(bare, (": names nothing that is opted out" for _ in bare))


def _read_pairs(
    lines: Lines, kinds: pa.Array, values: pa.Array, entries: list[pa.Table], faults: Faults
) -> None:
    """The entries of ``kind`` and ``value``."""
    known = pc.is_in(kinds, pa.array(KINDS)).to_numpy(zero_copy_only=False)
    filled = _filled(values)
    odd = filled & ~known
    faults.add(
        lines[odd],
        (
            f", kind: {shown(kind)} is not one of {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}"
            for kind in kinds.filter(pa.array(odd)).to_pylist()
        ),
    )
    alone = _filled(kinds) & ~filled
    faults.add(lines[alone], (", value: is empty, and kind is not" for _ in lines[alone]))
    for kind in KINDS:
        of_kind = pc.equal(kinds, kind).to_numpy(zero_copy_only=False) & filled
        _read_cells(lines[of_kind], values.filter(pa.array(of_kind)), kind, ", value", entries, faults)


def _filled(cells: pa.Array) -> npt.NDArray[np.bool_]:
    return pc.not_equal(cells, "").to_numpy(zero_copy_only=False)


def _read_cells(
    lines: Lines, cells: pa.Array, kind: str | None, where: str, entries: list[pa.Table], faults: Faults
) -> None:
    """The entries of cells that are not blank, and must be of ``kind`` unless that is None."""
    values = cells
    if kind == "tag":
        marked = pc.match_substring_regex(cells, "^(?:#|(?i:tag:))")
        values = pc.if_else(marked, cells, pc.binary_join_element_wise("#", cells, ""))
    targets = parse_targets(values)
    kinds = targets["kind"].combine_chunks()
    understood = kinds.is_valid()
    if kind == "url":  # the URL of an item's page or image, or of its owner, and not the id by itself
        a_url = pc.and_not(pc.match_substring(cells, "/"), pc.equal(kinds, "tag"))
        understood = pc.and_(understood, a_url.fill_null(False))
    elif kind:
        understood = pc.equal(kinds, kind).fill_null(False)
    entries.append(targets.append_column("raw", cells).filter(understood))
    bad = pc.invert(understood)
    faults.add(
        lines[bad.to_numpy(zero_copy_only=False)],
        (
            f"{where}: {shown(cell)} {why_not(cell, _MEANING[kind])}"
            for cell in (value.as_py() for value in cells.filter(bad))
        ),
    )
